// What a client is told when an event cannot be handled.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { LIMIT, admitted, ask, next, startDoorward } from "../doorward.mjs";

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
  assert.ok(!JSON.stringify(answer).includes("payload"), "the payload came back");
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
  assert.ok(!JSON.stringify(answer).includes("payload"), "the payload came back");
});

test("a socket goes on after an event that failed", LIMIT, async (t) => {
  const { socket } = await admitted(t, server);

  await ask(socket, "no-such-event");

  assert.equal(await ask(socket, "echo", "still here"), "still here");
});
