// Runs the commands of README.md and README.ko.md. For `cargo run`, it starts the program that was built before the tests.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";

import { LIMIT, freshFolder, within } from "../doorward.mjs";
import { blocksOf } from "../documents.mjs";

const folder = await freshFolder();
after(() => rm(folder, { recursive: true, force: true }));

/** Runs a command, and waits until it prints a matching line. */
function started(t, command, line, environment = {}) {
  assert.match(command, /^cargo run( -- [^\n]*)?\n$/);
  const words = command.trim().split(" ").slice(3);
  const child = spawn(process.env.E2E_DOORWARD, words, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, DOORWARD_DATA_DIR: join(folder, "doorward-data"), ...environment },
  });
  t.after(() => child.kill("SIGKILL"));
  let errors = "";
  child.stderr.on("data", (bytes) => (errors += bytes));
  const found = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (said) => line.test(said) && resolve(line.exec(said)));
    child.once("exit", (code) => reject(new Error(`${command} ended with ${code}: ${errors}`)));
  });
  return within(found, String(line));
}

test("the commands of the README run one after the other", LIMIT, async (t) => {
  const [serve, bots, ...more] = await blocksOf("README.md", "sh");
  assert.deepEqual(more, []);
  for (const language of ["sh", "rust"]) {
    assert.deepEqual(await blocksOf("README.ko.md", language), await blocksOf("README.md", language), language);
  }

  const [, port] = await started(t, serve, /http:\/\/localhost:(\d+)/, { DOORWARD_LISTEN: "localhost:0" });

  await started(t, bots, /^20 bots play in the room /, { DOORWARD_LISTEN: `localhost:${port}` });
});
