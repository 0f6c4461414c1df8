// Runs `doorward bots`: they play, chat, and print what they received.

import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, test } from "node:test";

import { LIMIT, freshFolder, run, startDoorward } from "../doorward.mjs";

const server = await startDoorward({ settings: { MOLE__ROUND: "4s" } });
after(() => server.stop());

const bots = (...options) =>
  run(["bots", "--listen", `localhost:${server.port}`, "--data-dir", server.dataDir, ...options]);

test("bots play a round, hit moles, and all receive every hit", LIMIT, async () => {
  const played = await bots("--players", "5", "--room", "bots", "--rounds", "1");

  assert.deepEqual([played.code, played.stderr], [0, ""]);
  const [begun, round] = played.stdout.split("\n");
  assert.equal(begun, "5 bots play in the room bots.");
  const [, hits, arrivals] = /^round 1: #bot-00\d \d+, .*; (\d+) hits; .*: (\d+) arrivals/.exec(round) ?? [round];
  assert.ok(Number(hits) > 0, round);
  assert.equal(Number(arrivals), 5 * Number(hits));
});

test("a room of bots receives every message in order", LIMIT, async () => {
  const chatted = await bots("--chatters", "30", "--messages", "40", "--rate", "50");

  assert.deepEqual([chatted.code, chatted.stderr], [0, ""]);
  assert.match(chatted.stdout, /40 messages to 30 members, .*: 0 lost, 0 out of order; .*: 1200 arrivals/);
});

test("bots fail without the server's key or without the server", LIMIT, async (t) => {
  const elsewhere = await freshFolder();
  t.after(() => rm(elsewhere, { recursive: true, force: true }));

  const keyless = await run(["bots", "--data-dir", elsewhere]);
  const lonely = await run(["bots", "--listen", "localhost:1", "--data-dir", server.dataDir]);

  assert.deepEqual([keyless.code, keyless.stdout, lonely.code, lonely.stdout], [2, "", 2, ""]);
  assert.match(keyless.stderr, /there is no key in .*: start the server there first/);
  assert.match(lonely.stderr, /bot-001 cannot connect to localhost:1: the server cannot be reached/);
});
