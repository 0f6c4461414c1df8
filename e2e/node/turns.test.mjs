// How the client library lets one request at a time reach the authenticator.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DoorwardError } from "../../clients/js/src/error.js";
import { inDialog, offerList } from "../../clients/js/src/turns.js";

/** What is ready runs; time stands still. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Rounds that end when the test, or their signal, says so. */
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

test("a list whose options cannot be had is offered later, until it can be", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { begun, round } = rounds();
  const enough = new AbortController();
  const offered = offerList(enough.signal, round);
  await settled();

  // The laptop wakes, and the network is not there yet.
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

test("tries are further and further apart, and not before the server says", async (t) => {
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

test("what does not pass by itself ends the list", async () => {
  const { begun, round } = rounds();
  const offered = offerList(new AbortController().signal, round);
  await settled();

  begun[0].reject(new DoorwardError("forbidden", ""));

  await assert.rejects(offered, { code: "forbidden" });
});

test("options are asked for anew before the server forgets them", async (t) => {
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

test("a passkey that was chosen is verified to the end", async (t) => {
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

test("what goes wrong after a passkey was chosen is told, and not tried again", async () => {
  const { begun, round } = rounds();
  const offered = offerList(new AbortController().signal, round);
  await settled();

  begun[0].chosen();
  begun[0].reject(new DoorwardError("offline", ""));

  await assert.rejects(offered, { code: "offline" });
});

test("dialogs that are asked for at once come one after the other, and the list after them", async () => {
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
