// Stores messages of the chat that the server has not acknowledged.

import assert from "node:assert/strict";
import { test } from "node:test";

import { draft, load, save } from "../../crates/server/pages/chat/outbox.js";

const kept = new Map();
globalThis.sessionStorage = {
  getItem: (place) => kept.get(place) ?? null,
  setItem: (place, text) => kept.set(place, text),
};

test("a draft survives a reload and belongs to its writer only", () => {
  const message = draft("tea", "hello");
  save("ann", [message]);

  assert.deepEqual(load("ann"), [message]);
  assert.deepEqual(load("bob"), []);
});

test("each draft has its own key", () => {
  assert.notEqual(draft("tea", "hello").key, draft("tea", "hello").key);
});

test("damaged storage reads as empty", () => {
  kept.set("chat-outbox eve", "{not json");

  assert.deepEqual(load("eve"), []);
});
