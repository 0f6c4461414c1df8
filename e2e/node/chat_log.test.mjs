// Orders changes of the chat that arrive late, early, twice or not at all.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Log } from "../../crates/server/pages/chat/log.js";

const message = (seq, version = seq, text = `${seq}`) => ({ seq, version, text });

const texts = (log) => log.list().map(({ text }) => text);

test("changes in order are complete", () => {
  const log = new Log();

  assert.deepEqual([1, 2, 3].map((seq) => log.hear(message(seq))), [false, false, false]);

  assert.deepEqual([log.lastSeen, texts(log)], [3, ["1", "2", "3"]]);
});

test("a number that arrives early marks a gap until the gap is filled", () => {
  const log = new Log();
  log.hear(message(1));

  assert.equal(log.hear(message(3)), true);
  assert.deepEqual([log.lastSeen, texts(log)], [1, ["1", "3"]]);

  log.catchUp({ first: 1, version: 3, messages: [message(2), message(3)], more: false });
  assert.deepEqual([log.lastSeen, texts(log)], [3, ["1", "2", "3"]]);
  assert.equal(log.hear(message(4)), false);
});

test("changes of two nodes that arrive in another order are in the order of the room", () => {
  const log = new Log();

  assert.deepEqual([2, 1, 4, 5, 3].map((seq) => log.hear(message(seq))), [true, false, true, true, false]);

  assert.deepEqual([log.lastSeen, texts(log)], [5, ["1", "2", "3", "4", "5"]]);
});

test("changes that arrive during a request are not requested again", () => {
  const log = new Log();
  log.hear(message(5));
  log.hear(message(6));

  log.catchUp({ first: 1, version: 4, messages: [1, 2, 3, 4].map((seq) => message(seq)), more: false });

  assert.equal(log.lastSeen, 6);
  assert.equal(log.hear(message(7)), false);
});

test("a message that arrives twice is one, and its older state is ignored", () => {
  const log = new Log();
  log.hear(message(1));
  log.hear(message(1, 2, "edited"));

  log.hear(message(1));
  log.catchUp({ first: 1, version: 2, messages: [message(1, 2, "edited")], more: false });

  assert.deepEqual([log.lastSeen, texts(log)], [2, ["edited"]]);
});

test("messages that the server no longer keeps are removed, and the log is bounded", () => {
  const log = new Log();
  for (let seq = 1; seq <= 250; seq += 1) log.hear(message(seq));
  assert.deepEqual([log.list().length, log.list()[0].seq], [200, 51]);

  log.catchUp({ first: 100, version: 250, messages: [], more: false });

  assert.equal(log.list()[0].seq, 100);
});

test("a log that is ahead of the server is detected: a backup was restored", () => {
  const log = new Log();
  for (let seq = 1; seq <= 5; seq += 1) log.hear(message(seq));

  assert.deepEqual([log.isAhead(2), log.isAhead(5), log.isAhead(9)], [true, false, false]);
});
