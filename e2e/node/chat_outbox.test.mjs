// What the page of the chat keeps of messages that have not arrived.

import assert from "node:assert/strict";
import { test } from "node:test";

import { draft, load, save } from "../../crates/server/pages/chat/outbox.js";

const kept = new Map();
globalThis.sessionStorage = {
  getItem: (place) => kept.get(place) ?? null,
  setItem: (place, text) => kept.set(place, text),
};

test("a draft outlives a reload, and is its writer's alone", () => {
  const message = draft("tea", "hello");
  save("ann", [message]);

  assert.deepEqual(load("ann"), [message]);
  assert.deepEqual(load("bob"), []);
});

test("each draft has a key of its own", () => {
  assert.notEqual(draft("tea", "hello").key, draft("tea", "hello").key);
});

test("what was spoiled is nothing", () => {
  kept.set("chat-outbox eve", "{not json");

  assert.deepEqual(load("eve"), []);
});
