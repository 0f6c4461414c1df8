// Refuses stock clients without a good token once, with a code for programs, and closes the connection.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { WebSocket } from "ws";

import { LIMIT, admitted, ask, makeClient, next, startDoorward, watch, within } from "../doorward.mjs";

const server = await startDoorward();
after(() => server.stop());

/**
 * Milliseconds to wait for a next attempt of the client, which would follow 50 ms after the transport has
 * closed. Nothing happens in this time, so there is no event to wait for.
 */
const WATCH = 1_500;

const CASES = [
  ["a wrong token", async () => ({ token: "not.a.token" }), "unauthenticated", "after_login"],
  ["a forged token", forgedToken, "unauthenticated", "after_login"],
  ["no token", async () => ({}), "unauthenticated", "after_login"],
  ["an expired token", expiredToken, "token_expired", "after_refresh"],
];

for (const [name, makeAuth, code, retry] of CASES) {
  test(`${name} is refused once, and the client does not reconnect`, LIMIT, async (t) => {
    const auth = await makeAuth();
    const client = makeClient(t, server.url, { auth });
    client.socket.on("connect", () => assert.fail("a refused client was connected"));
    const closed = next(client.manager, "close");

    client.socket.connect();
    await closed;
    await watch(WATCH);

    assert.equal(client.refusals.length, 1);
    const [error] = client.refusals;
    assert.equal(error.message, "Unauthorized");
    assert.equal(error.data.code, code);
    assert.equal(error.data.retry, retry);
    assert.equal(typeof error.data.id, "string");
    assert.notEqual(error.data.id, "");
    assert.equal(client.socket.active, false);
    assert.equal(client.opened, 1);
    assert.equal(client.retries, 0);
  });

  test(`${name}: the server itself closes the transport`, LIMIT, async (t) => {
    const { packets, milliseconds } = await refusedLink(t, await makeAuth());

    const refusals = packets.filter((packet) => packet.startsWith("44"));
    assert.equal(refusals.length, 1);
    assert.equal(JSON.parse(refusals[0].slice(2)).data.code, code);
    assert.equal(packets.at(-1), "1", "the last packet closes the link");
    assert.ok(milliseconds < 1_000, `the transport was open for ${milliseconds} ms`);
  });
}

test("every refusal has its own id", LIMIT, async (t) => {
  const ids = new Set();
  for (let round = 0; round < 3; round += 1) {
    const { packets } = await refusedLink(t, {});
    ids.add(JSON.parse(packets.find((packet) => packet.startsWith("44")).slice(2)).data.id);
  }

  assert.equal(ids.size, 3);
});

test("a refused client is admitted when it connects again with a good token", LIMIT, async (t) => {
  const { socket } = makeClient(t, server.url, { auth: {} });
  const refused = next(socket, "connect_error");
  socket.connect();
  await refused;
  socket.auth = { token: await server.token() };
  const connected = next(socket, "connect");

  socket.connect();
  await connected;

  assert.equal(await ask(socket, "echo", "hello"), "hello");
});

test("an event that was sent before the refusal is never answered", LIMIT, async (t) => {
  const client = makeClient(t, server.url, { auth: {} });
  let answered = false;
  client.socket.emit("echo", "early", () => (answered = true));
  const refused = next(client.socket, "connect_error");

  client.socket.connect();
  await refused;
  await watch(WATCH);

  assert.equal(answered, false);
});

test("an unknown namespace is refused with the protocol's own answer", LIMIT, async (t) => {
  const auth = { token: await server.token() };
  const { socket } = makeClient(t, server.url, { namespace: "/no-such-namespace", auth });
  const refused = next(socket, "connect_error");

  socket.connect();
  const [error] = await refused;

  assert.equal(error.message, "Invalid namespace");
  assert.equal(error.data, undefined);
  assert.equal(socket.active, false);
});

test("an unknown namespace does not end an admitted one beside it", LIMIT, async (t) => {
  const { manager, socket } = await admitted(t, server);
  const stranger = manager.socket("/no-such-namespace", { auth: { token: await server.token() } });
  const refused = next(stranger, "connect_error");

  stranger.connect();
  await refused;

  assert.equal(await ask(socket, "echo", "still here"), "still here");
  assert.equal(socket.connected, true);
});

test("an auth payload that is too long is refused once, and the client does not reconnect", LIMIT, async (t) => {
  const profile = "x".repeat(20_000);
  const tokens = [9_000, 70_000].map((length) => ({ token: "x".repeat(length) }));
  for (const auth of [{ token: await server.token(), profile }, ...tokens]) {
    const client = makeClient(t, server.url, { auth });
    const closed = next(client.manager, "close");

    client.socket.connect();
    await closed;
    await watch(WATCH);

    assert.deepEqual(client.refusals.map((error) => error.data.code), ["bad_handshake"]);
    assert.deepEqual([client.socket.active, client.opened, client.retries], [false, 1, 0]);
  }
});

test("the close frame explains an auth function that never calls back", LIMIT, async (t) => {
  const auth = async () => ({ token: await server.token() });
  const { manager, socket } = makeClient(t, server.url, { auth, reconnection: false });
  await new Promise((resolve) => manager.open(resolve));
  const closed = next(manager.engine, "close");

  socket.connect();
  const [, details] = await closed;

  assert.equal(details.context.code, 1008);
  assert.match(details.context.reason, /auth function call back/);
});

for (const [name, options] of [["with default options", {}], ["by WebSocket alone", { transports: ["websocket"] }]]) {
  test(`a client whose budget is used up reconnects by itself, ${name}`, LIMIT, async (t) => {
    const strict = await startDoorward({ settings: { LIMITS__MAX_ADDRESS_REFUSALS: "60" } });
    t.after(() => strict.stop());
    const auth = { token: "not.a.token" };
    const client = makeClient(t, strict.url, { auth, ...options });
    const ends = [];
    client.manager.on("open", () => client.manager.engine.on("close", (reason, details) => ends.push([reason, details?.context, details?.context?.responseText])));
    // The budget is refilled by one in a second; sixty at once use it up however slow the machine is.
    const spend = async () => {
      const { manager, socket, refusals } = makeClient(t, strict.url, { auth, reconnection: false, ...options });
      const closed = next(manager, "close");
      socket.connect();
      await closed;
      // The end of a transport that polls is a `connect_error` without data.
      return refusals.filter((error) => error.data).length;
    };
    await Promise.all(Array.from({ length: 60 }, spend));
    while ((await spend()) > 0);

    client.socket.connect();
    do await next(client.socket, "connect_error");
    while (client.refusals.at(-1).data === undefined);

    assert.equal(client.refusals.at(-1).data.code, "unauthenticated");
    assert.ok(client.opened > 1, "the client was not rejected");
    const [reason, context, body] = ends[0];
    assert.equal(reason, options.transports ? "transport close" : "transport error");
    const why = options.transports ? context.reason : JSON.parse(body).message;
    assert.match(why, /^too many attempts: try again in \d+ s$/);
    assert.equal(options.transports ? context.code : context.status, options.transports ? 1013 : 400);
  });
}

/** Returns a token with the signature of other claims. */
async function forgedToken() {
  const [header, , signature] = (await server.token("alice")).split(".");
  const [, claims] = (await server.token("mallory")).split(".");
  return { token: [header, claims, signature].join(".") };
}

/** Returns an expired token. Polls, because only the wall clock makes it expire. */
async function expiredToken() {
  const token = await server.token("alice", "1s");
  const { exp } = JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
  while (Date.now() <= exp * 1000) {
    await watch(50);
  }
  return { token };
}

/**
 * Connects over a bare WebSocket and measures how long the transport stays open after the refusal. Unlike a
 * stock client, a bare WebSocket does not close by itself.
 */
async function refusedLink(t, auth) {
  const url = `ws://localhost:${server.port}/socket.io/?EIO=4&transport=websocket`;
  const link = new WebSocket(url);
  t.after(() => link.terminate());
  const packets = [];
  let refusedAt;
  link.on("message", (bytes) => {
    const packet = String(bytes);
    packets.push(packet);
    if (packet.startsWith("0")) link.send(`40${JSON.stringify(auth)}`);
    if (packet.startsWith("44")) refusedAt = performance.now();
  });
  const ended = new Promise((resolve, reject) => {
    link.once("close", resolve);
    link.once("error", reject);
  });
  await within(ended, "the end of the transport");
  assert.ok(refusedAt, `no refusal among ${JSON.stringify(packets)}`);
  return { packets, milliseconds: performance.now() - refusedAt };
}
