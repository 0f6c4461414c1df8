// Runs the programs of `examples/` and uses them as their headers say.

import assert from "node:assert/strict";
import { cp, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { LIMIT, ask, freshFolder, makeClient, next, request, run, within } from "../doorward.mjs";
import { blocksOf } from "../documents.mjs";
import { SECRET, sign, startExample, startQuietExample } from "../example.mjs";

/** Starts a program and stops it with its test file. */
async function started(name) {
  const program = await startExample(name);
  after(() => program.stop());
  return program;
}

/** Connects a client that is admitted. */
async function connected(t, program, options) {
  const client = makeClient(t, program.url, options);
  const connect = next(client.socket, "connect");
  client.socket.connect();
  await connect;
  return client.socket;
}

/** Connects a client that is refused, and returns its error. */
async function refused(t, program, options) {
  const client = makeClient(t, program.url, options);
  const error = next(client.socket, "connect_error");
  client.socket.connect();
  const [{ message, data }] = await error;
  assert.equal(client.socket.active, false);
  return { message, code: data?.code };
}

test("echo", LIMIT, async (t) => {
  const program = await started("echo");

  const socket = await connected(t, program, { auth: { token: sign({ sub: "alice" }) } });

  assert.equal(await ask(socket, "echo", "hello"), "hello");
  assert.deepEqual(await refused(t, program, {}), {
    message: "Unauthorized",
    code: "unauthenticated",
  });
});

test("front", LIMIT, async (t) => {
  const program = await startQuietExample("front");
  after(() => program.stop());
  const member = (sub, team) => connected(t, program, { auth: { token: sign({ sub, team }) } });
  const [alice, bob, carol] = [await member("alice", "red"), await member("bob", "red"), await member("carol", "blue")];
  const joined = next(alice, "joined");

  assert.equal(await ask(alice, "join", "team:red"), 0);
  assert.equal(await ask(bob, "join", "team:red"), 1);
  assert.deepEqual(await joined, ["bob"]);
  for (const room of ["team:red", "lobby"]) {
    assert.equal((await ask(carol, "join", room)).code, "forbidden", room);
  }
  assert.deepEqual(await refused(t, program, {}), { message: "Unauthorized", code: "unauthenticated" });
});

test("auth_service", LIMIT, async (t) => {
  const program = await started("auth_service");

  const client = makeClient(t, program.url, { auth: { token: "sample-token" } });
  const welcome = next(client.socket, "welcome");
  client.socket.connect();

  assert.deepEqual(await welcome, ["sample"]);
  assert.equal(await ask(client.socket, "whoami"), "sample, one of 1");
  assert.deepEqual(await refused(t, program, { auth: { token: "sample-token" } }), {
    message: "Already connected",
    code: "already_connected",
  });
  assert.deepEqual(await refused(t, program, { auth: { token: "another" } }), {
    message: "Invalid token",
    code: "invalid_token",
  });
});

test("one_connection_per_user", LIMIT, async (t) => {
  const program = await started("one_connection_per_user");
  const alice = () => ({ auth: { token: sign({ sub: "alice" }) } });
  const first = await connected(t, program, alice());
  const ended = next(first, "session_ended");
  const disconnected = next(first, "disconnect");

  const second = await connected(t, program, alice());

  assert.equal((await ended)[0].code, "replaced");
  assert.equal((await disconnected)[0], "io server disconnect");
  // The first client does not reconnect, so the second one keeps its connection.
  assert.equal(first.active, false);
  assert.match(await ask(second, "where"), /^alice is here/);
});

/** Runs an example client until it exits. Its packages are beside it, as after `npm install`. */
async function runClient(name, url) {
  const folder = await freshFolder();
  after(() => rm(folder, { recursive: true, force: true }));
  const here = (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
  await cp(here(`examples/clients/node/${name}`), join(folder, name));
  await symlink(here("e2e/node_modules"), join(folder, "node_modules"));
  return run([join(folder, name), url], process.execPath, { env: { ...process.env, JWT_SECRET: SECRET } });
}

test("teams prints its address, and its client prints what docs/first-program.md shows", LIMIT, async () => {
  const program = await startQuietExample("teams");
  after(() => program.stop());
  const [promised] = await blocksOf("docs/first-program.md", "text");

  assert.deepEqual(await runClient("teams.mjs", program.url), { code: 0, stdout: promised, stderr: "" });
});

test("cookie_session", LIMIT, async () => {
  const program = await started("cookie_session");

  const client = await runClient("cookie.mjs", program.url);

  assert.deepEqual(client, {
    code: 0,
    stdout: [
      "signed in: 204",
      "connected as alice",
      "ended: revoked",
      "reconnects by itself: false",
      "signed out: 204",
      "",
    ].join("\n"),
    stderr: "",
  });
});

test("chat_jwt", LIMIT, async (t) => {
  const program = await started("chat_jwt");
  const member = (sub) => ({ namespace: "/chat", auth: { token: sign({ sub, scope: "chat" }) } });

  const alice = await connected(t, program, member("alice"));
  const bob = await connected(t, program, member("bob"));

  assert.equal(await ask(alice, "join", "lobby"), 1);
  const joined = next(alice, "joined");
  assert.equal(await ask(bob, "join", "lobby"), 2);
  assert.deepEqual(await joined, [{ who: "bob" }]);
  const said = next(bob, "said");
  assert.equal(await ask(alice, "say", { room: "lobby", text: "hello" }), null);
  assert.deepEqual(await said, [{ who: "alice", text: "hello" }]);
  const empty = await ask(alice, "say", { room: "lobby", text: "" });
  assert.deepEqual([empty.code, empty.details[0].path], ["bad_payload", "text"]);
  assert.equal((await ask(alice, "say", { room: "other", text: "x" })).code, "forbidden");
  const left = next(alice, "left");
  bob.disconnect();
  assert.deepEqual(await left, [{ who: "bob" }]);
  const stranger = { namespace: "/chat", auth: { token: sign({ sub: "eve" }) } };
  assert.deepEqual(await refused(t, program, stranger), { message: "Forbidden", code: "forbidden" });
});

test("room_authorisation", LIMIT, async (t) => {
  const program = await started("room_authorisation");

  const ann = await connected(t, program, { auth: { token: "ann:red,blue" } });
  const ben = await connected(t, program, { auth: { token: "ben:red" } });

  assert.equal(await ask(ann, "join", "team:red"), null);
  assert.equal(await ask(ben, "join", "team:red"), null);
  assert.equal(await ask(ann, "join", "private:ann"), null);
  for (const room of ["team:blue", "private:ann", "team:red:x", "user:ann", ann.id]) {
    assert.equal((await ask(ben, "join", room)).code, "forbidden", room);
  }
  const shouted = next(ben, "shouted");
  assert.equal(await ask(ann, "shout", "team:red", "hello"), 1);
  assert.deepEqual(await shouted, ["ann", "hello"]);
  assert.equal((await ask(ben, "shout", "team:blue", "hello")).code, "forbidden");
  const suspended = { auth: { token: "eve:suspended,red" } };
  assert.equal((await refused(t, program, suspended)).code, "forbidden");
});

test("streams", LIMIT, async (t) => {
  const program = await started("streams");
  const socket = await connected(t, program, {});
  const counted = [];
  socket.on("countdown", (number) => counted.push(number));

  assert.equal(await ask(socket, "countdown", 5), null);
  assert.deepEqual(counted, [5, 4, 3, 2, 1, 0]);
  const ticks = [];
  const third = new Promise((resolve) => {
    socket.on("tick", (tick) => ticks.push(tick) === 3 && resolve(ticks));
  });
  socket.emit("ticks");
  assert.deepEqual(await within(third, "three ticks"), [0, 1, 2]);
  assert.equal((await ask(socket, "countdown", 2_000_000)).code, "too_far");
});

test("axum_mount", LIMIT, async (t) => {
  const program = await started("axum_mount");
  const socket = await connected(t, program, { auth: { token: sign({ sub: "alice" }) } });
  const news = next(socket, "news");

  const answer = await fetch(`${program.url}/announce`, { method: "POST", body: "open" });

  assert.equal(await answer.text(), "1 sockets\n");
  assert.deepEqual(await news, ["open"]);
  assert.equal(await ask(socket, "whoami"), "alice");
  assert.equal((await request(`${program.url}/`)).status, 200);
});

test("push", LIMIT, async (t) => {
  const program = await started("push");
  const of = (sub, sid) => connected(t, program, { auth: { token: sign({ sub, sid }) } });
  const [phone, laptop, bob] = [await of("alice", "phone"), await of("alice", "laptop"), await of("bob", "phone")];
  const told = (socket) => next(socket, "news").then(([text]) => text);
  const post = async (path, body = "") => {
    const answer = await fetch(`${program.url}${path}`, { method: "POST", body });
    return [answer.status, await answer.text()];
  };
  const strangers = [];
  bob.onAny((event) => strangers.push(event));
  laptop.on("theme", () => strangers.push("theme"));

  const news = [told(phone), told(laptop)];
  assert.deepEqual(await post("/users/alice/news", "on its way"), [200, "2"]);
  assert.deepEqual(await Promise.all(news), ["on its way", "on its way"]);
  assert.deepEqual(await post("/users/carol/news", "on its way"), [404, ""]);
  const theme = next(phone, "theme");
  assert.equal(await ask(phone, "theme", "dark"), 1);
  assert.deepEqual(await theme, ["dark"]);
  const report = next(laptop, "report");
  assert.deepEqual(await post("/users/alice/report"), [202, ""]);
  assert.deepEqual(await report, [500_000_500_000]);
  assert.equal(await ask(phone, "watch"), null);
  const [first] = await next(phone, "rate");
  assert.deepEqual(await next(phone, "rate"), [first + 1]);
  // Earlier events to this socket have arrived before this answer.
  assert.equal((await ask(bob, "no-such-event")).code, "unknown_event");
  assert.equal((await ask(laptop, "no-such-event")).code, "unknown_event");
  assert.deepEqual(strangers, []);
});
