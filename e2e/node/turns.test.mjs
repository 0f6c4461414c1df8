// Tests that the client library sends one request at a time to the authenticator.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DoorwardError } from "../../clients/js/src/error.js";
import { inDialog, offerList } from "../../clients/js/src/turns.js";

/** Runs everything that is ready, without moving time. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Creates rounds that end when the test or their signal ends them. */
function rounds() {
  const begun = [];
  const round = (signal, chosen) =>
    new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("aborted")));
      begun.push({ signal, chosen, resolve, reject });
    });
  return { begun, round };
}

const minutes = (count) => count * 60_000;

test("a list whose options are unavailable is retried until they are available", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { begun, round } = rounds();
  const enough = new AbortController();
  const offered = offerList(enough.signal, round);
  await settled();

  // The laptop wakes before its network does.
  for (const code of ["offline", "unavailable", "storage_full"]) {
    begun.at(-1).reject(new DoorwardError(code, ""));
    await settled();
    t.mock.timers.tick(minutes(2));
    await settled();
  }
  assert.equal(begun.length, 4);

  begun.at(-1).chosen();
  begun.at(-1).resolve();
  assert.equal(await offered, true);
});

test("delays between retries grow, and respect the time that the server sends", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  t.mock.method(Math, "random", () => 0);
  const { begun, round } = rounds();
  const enough = new AbortController();
  const offered = offerList(enough.signal, round);
  await settled();

  for (const [retryAfter, wait] of [[undefined, 1_000], [undefined, 2_000], [30, 30_000], [undefined, 8_000]]) {
    const before = begun.length;
    begun.at(-1).reject(new DoorwardError("too_many_attempts", "", { retryAfter }));
    await settled();
    t.mock.timers.tick(wait - 1);
    await settled();
    assert.equal(begun.length, before);
    t.mock.timers.tick(1);
    await settled();
    assert.equal(begun.length, before + 1);
  }

  begun.at(-1).reject(new DoorwardError("offline", ""));
  await settled();
  enough.abort();
  assert.equal(await offered, false);
});

test("an error that does not pass ends the list", async () => {
  const { begun, round } = rounds();
  const offered = offerList(new AbortController().signal, round);
  await settled();

  begun[0].reject(new DoorwardError("forbidden", ""));

  await assert.rejects(offered, { code: "forbidden" });
});

test("options are requested again before the server forgets them", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { begun, round } = rounds();
  const enough = new AbortController();
  const offered = offerList(enough.signal, round);
  await settled();

  t.mock.timers.tick(minutes(4.5));
  await settled();

  assert.deepEqual(begun.map(({ signal }) => signal.aborted), [true, false]);
  enough.abort();
  assert.equal(await offered, false);
});

test("the verification of a chosen passkey is not interrupted", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { begun, round } = rounds();
  const enough = new AbortController();
  const offered = offerList(enough.signal, round);
  await settled();
  begun[0].chosen();
  const opened = [];

  t.mock.timers.tick(minutes(4.5));
  const dialog = inDialog(async () => opened.push("dialog"));
  enough.abort();
  await settled();

  assert.deepEqual([begun.length, begun[0].signal.aborted, opened], [1, false, []]);
  begun[0].resolve();
  assert.equal(await offered, true);
  await dialog;
});

test("an error after a passkey was chosen is thrown and not retried", async () => {
  const { begun, round } = rounds();
  const offered = offerList(new AbortController().signal, round);
  await settled();

  begun[0].chosen();
  begun[0].reject(new DoorwardError("offline", ""));

  await assert.rejects(offered, { code: "offline" });
});

test("dialogs that are requested at once run one after the other, and the list follows", async () => {
  const { begun, round } = rounds();
  const enough = new AbortController();
  const offered = offerList(enough.signal, round);
  await settled();
  const open = [];
  const most = [];
  const ends = [];
  const dialog = (name) =>
    inDialog(async () => {
      open.push(name);
      most.push(open.length);
      await new Promise((resolve) => ends.push(resolve));
      open.pop();
      if (name === "cancelled") throw new Error(name);
      return name;
    });

  const both = Promise.allSettled([dialog("cancelled"), dialog("second")]);
  for (let end = 0; end < 2; end += 1) {
    await settled();
    assert.equal(begun.length, 1);
    ends[end]();
  }

  assert.deepEqual((await both).map(({ status }) => status), ["rejected", "fulfilled"]);
  assert.deepEqual(most, [1, 1]);
  await settled();
  assert.equal(begun.length, 2);
  enough.abort();
  assert.equal(await offered, false);
});
