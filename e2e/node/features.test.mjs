// Uses the features of the framework with the stock JavaScript client; `e2e/features.rs` is the server.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { LIMIT, ask, makeClient, next } from "../doorward.mjs";
import { startExample } from "../example.mjs";

const server = await startExample("features");
after(() => server.stop());

async function connected(t, namespace = "/features", auth = {}) {
  const { socket, refusals } = makeClient(t, server.url, { namespace, auth });
  const connect = next(socket, "connect");
  socket.connect();
  await connect;
  assert.deepEqual(refusals, []);
  return socket;
}

test("arguments of any type return unchanged", LIMIT, async (t) => {
  for (const namespace of ["/", "/custom"]) {
    const { socket } = makeClient(t, server.url, { namespace, auth: { token: "123" } });
    const shown = next(socket, "auth");
    socket.connect();
    assert.deepEqual(await shown, [{ token: "123" }]);

    for (const sent of [[], [1], [1, "2", { 3: [true] }], [Buffer.from([1, 2, 3]), "x"]]) {
      const back = next(socket, "message-back");
      socket.emit("message", ...sent);
      assert.deepEqual(await back, sent);
    }
    const answered = new Promise((resolve) => {
      socket.emit("message-with-ack", 1, "2", { 3: [false] }, (...args) => resolve(args));
    });
    assert.deepEqual(await answered, [1, "2", { 3: [false] }]);
  }
});

test("binary works in both directions, in events and in acks", LIMIT, async (t) => {
  const socket = await connected(t);

  assert.deepEqual(await ask(socket, "reverse", Buffer.from([1, 2, 255])), Buffer.from([255, 2, 1]));
  const view = new Uint8Array([7, 8]);
  assert.deepEqual(await ask(socket, "reverse", view.buffer), Buffer.from([8, 7]));
  assert.equal((await ask(socket, "reverse", "text")).code, "bad_payload");
});

test("rooms reach only their members, and a closed room admits no client", LIMIT, async (t) => {
  const [alice, bob, carol] = [await connected(t), await connected(t), await connected(t)];
  const heard = [];
  carol.on("said", (text) => heard.push(text));

  assert.equal(await ask(alice, "join", "room:1"), null);
  assert.equal(await ask(bob, "join", "room:1"), null);
  assert.equal((await ask(carol, "join", "room:closed")).code, "forbidden");
  assert.equal((await ask(carol, "join", alice.id)).code, "forbidden");
  const said = next(bob, "said");
  assert.equal(await ask(alice, "say", "room:1", { text: "hello" }), 1);

  assert.deepEqual(await said, [{ text: "hello" }]);
  await ask(carol, "count", 0);
  assert.deepEqual(heard, []);
});

test("the server asks, and the client answers with its ack", LIMIT, async (t) => {
  const socket = await connected(t);
  socket.on("question", (question, answer) => answer({ you: "asked", question }));

  assert.deepEqual(await ask(socket, "ask-me", 7), { you: "asked", question: 7 });
});

test("many clients are asked, and one that leaves without an answer is counted", LIMIT, async (t) => {
  const server = await startExample("features");
  t.after(() => server.stop());
  const open = async () => {
    const { socket } = makeClient(t, server.url, { namespace: "/features" });
    const connect = next(socket, "connect");
    socket.connect();
    await connect;
    return socket;
  };
  const [alice, bob, carol] = [await open(), await open(), await open()];
  for (const socket of [alice, bob]) socket.on("vote", (answer) => answer("yes"));
  carol.on("vote", () => carol.disconnect());

  assert.deepEqual(await ask(alice, "ask-all"), [2, 1]);
});

test("a stream sends events and then the ack, a named event is one event", LIMIT, async (t) => {
  const socket = await connected(t);
  const seen = [];
  socket.onAny((event, value) => seen.push([event, value]));

  assert.equal(await ask(socket, "count", 3), null);
  assert.equal(await ask(socket, "news"), null);

  const expected = [["count", 1], ["count", 2], ["count", 3], ["headline", "nothing happened"]];
  assert.deepEqual(seen, expected);
});

test("events over the limit are `rate_limited`, with the time to wait", LIMIT, async (t) => {
  const socket = await connected(t);

  assert.equal(await ask(socket, "limited"), "ok");
  const { code, retryAfter } = await ask(socket, "limited");

  assert.deepEqual([code, retryAfter > 50 && retryAfter <= 60], ["rate_limited", true]);
});

test("deny and close sends the answer and `session_ended`, and the client does not reconnect", LIMIT, async (t) => {
  const socket = await connected(t);
  const [ended, gone] = [next(socket, "session_ended"), next(socket, "disconnect")];

  assert.equal((await ask(socket, "attack")).code, "forbidden");

  const [{ code, retry }] = await ended;
  assert.deepEqual([code, retry], ["forbidden", "never"]);
  assert.equal((await gone)[0], "io server disconnect");
  assert.equal(socket.active, false);
});

test("a namespace by pattern is opened for its clients", LIMIT, async (t) => {
  const seven = [await connected(t, "/org/7"), await connected(t, "/org/7")];
  const eight = await connected(t, "/org/8");
  const seen = [];
  eight.on("seen", (org) => seen.push(org));
  const both = Promise.all(seven.map((socket) => next(socket, "seen")));

  seven[0].emit("org");
  assert.deepEqual(await both, [["7"], ["7"]]);
  eight.emit("org");
  await next(eight, "seen");

  assert.deepEqual(seen, ["8"]);
});
