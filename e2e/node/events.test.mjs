// Sends events and reads their answers: several arguments, bytes, and events that cannot be handled.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { LIMIT, admitted, ask, makeClient, next, startDoorward } from "../doorward.mjs";
import { startExample } from "../example.mjs";

const server = await startDoorward();
after(() => server.stop());

test("an unknown event with an ack is answered with an error", LIMIT, async (t) => {
  const { socket } = await admitted(t, server);

  const answer = await ask(socket, "no-such-event", { secret: "payload" });

  assert.equal(answer.status, "error");
  assert.equal(answer.code, "unknown_event");
  assert.equal(typeof answer.message, "string");
  assert.equal(typeof answer.id, "string");
  assert.equal(answer.event, undefined);
  assert.ok(!JSON.stringify(answer).includes("payload"), "the answer repeats the payload");
});

test("an unknown event without an ack is answered with an exception", LIMIT, async (t) => {
  const { socket } = await admitted(t, server);
  const exception = next(socket, "exception");

  socket.emit("no-such-event", { secret: "payload" });
  const [answer] = await exception;

  assert.equal(answer.status, "error");
  assert.equal(answer.code, "unknown_event");
  assert.equal(answer.event, "no-such-event");
  assert.equal(typeof answer.id, "string");
  assert.ok(!JSON.stringify(answer).includes("payload"), "the answer repeats the payload");
});

test("a socket works after an event that failed", LIMIT, async (t) => {
  const { socket } = await admitted(t, server);

  await ask(socket, "no-such-event");

  assert.equal(await ask(socket, "echo", "still here"), "still here");
});

test("echo returns bytes as bytes, at any place in the payload", LIMIT, async (t) => {
  const { socket } = await admitted(t, server);
  const sent = [Buffer.from("x"), new Uint8Array([0, 255]), { file: Buffer.from("deep"), name: "a" }];

  const alone = await ask(socket, "echo", sent[0]);
  const nested = await ask(socket, "echo", sent[2]);

  assert.deepEqual(alone, sent[0]);
  assert.deepEqual(nested, sent[2]);
  assert.deepEqual(await ask(socket, "echo", sent[1]), Buffer.from(sent[1]));
});

test("bytes for a handler without bytes are a bad payload", LIMIT, async (t) => {
  const { socket } = await admitted(t, server, { namespace: "/chat" });

  const answer = await ask(socket, "send", { room: "lobby", text: Buffer.from("hello") });

  assert.equal(answer.code, "bad_payload");
  assert.deepEqual(answer.details, [{ path: "text", message: "expected a string, not bytes" }]);
});

test("a name that no handler has is an unknown event, however it is spelled", LIMIT, async (t) => {
  const { socket, opened } = await admitted(t, server);

  for (const name of ["", "__proto__", "constructor", "error", 7, 1.5, "n".repeat(129), "\ud800"]) {
    const answer = await ask(socket, name, "payload");
    assert.equal(answer.code, "unknown_event", String(name));
  }

  assert.equal(await ask(socket, "echo", "still here"), "still here");
  assert.equal(opened, 1);
});

test("a tuple arrives as several arguments, in events and in acks, and a list as one", LIMIT, async (t) => {
  const features = await startExample("features");
  t.after(() => features.stop());
  const { socket } = makeClient(t, features.url, { namespace: "/features" });
  const connect = next(socket, "connect");
  socket.connect();
  await connect;
  const [swapped, list] = [next(socket, "swapped"), next(socket, "list")];

  const answer = await new Promise((resolve) => {
    socket.emit("swap", 1, ["b"], (...values) => resolve(values));
  });

  assert.deepEqual(answer, [["b"], 1]);
  assert.deepEqual(await swapped, [["b"], 1]);
  assert.deepEqual(await list, [[["b"], 1]]);
});
