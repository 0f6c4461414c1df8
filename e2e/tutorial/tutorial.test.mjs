// Follows docs/tutorial.md step by step in an empty folder: writes the files of the text, compiles and runs the
// programs, and checks that clients print what the text promises.

import assert from "node:assert/strict";
import { readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { freshFolder, run } from "../doorward.mjs";
import { startProgram } from "../example.mjs";
import { launch } from "../browser/support.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Beside the other programs, so that shared dependencies are built once. */
const TARGET = dirname(dirname(process.env.E2E_DOORWARD));

/** Limit for a cold build of everything on a small machine. */
const LIMIT = { timeout: 30 * 60_000 };

const SECRET = "a secret of 32 bytes, or more of them";

const folder = await freshFolder();
after(() => rm(folder, { recursive: true, force: true }));
// First command of the text, without a repository: this folder is temporary.
await cargo("init", "--name", "whack", "--vcs", "none");
// Packages that `npm install` would fetch.
await symlink(join(ROOT, "e2e/node_modules"), join(folder, "node_modules"));
await writeFile(join(folder, "package.json"), "{}");
// Versions that this repository is tested with.
await writeFile(join(folder, "Cargo.lock"), await readFile(join(ROOT, "Cargo.lock")));

const text = await readFile(join(ROOT, "docs/tutorial.md"), "utf8");
const steps = text.split(/^## /m).slice(1);

test("each step of the tutorial compiles and does what it says", LIMIT, async (t) => {
  for (const step of steps) {
    const title = step.slice(0, step.indexOf("\n"));
    const promised = /It prints:\n\n```text\n([\s\S]*?)```/.exec(step)?.[1];

    await take(step);
    await cargo(title.startsWith("6") ? "test" : "build");

    if (promised !== undefined) {
      const program = await start();
      const client = await run(["client.mjs"], process.execPath, { cwd: folder, env: env({ URL: program.url }) });
      await program.stop();
      assert.deepEqual([client.stdout, client.stderr], [promised, ""], title);
    }
    if (title.startsWith("5")) await play(t);
  }
  assert.equal(steps.length, 6);
});

/** Writes the files of a step, and applies its changes. */
async function take(step) {
  const blocks = [...step.matchAll(/^`([\w./]+)`(?:, in place of `(.+?)`( and what follows)?)?:\n\n```\w+\n([\s\S]*?)```$/gm)];
  // Each block has two fence lines.
  assert.equal(blocks.length, (step.match(/^```/gm).length - 2 * (step.match(/^```text/gm)?.length ?? 0)) / 2);
  for (const [, file, replaced, isRest, code] of blocks) {
    const path = join(folder, file);
    if (replaced === undefined) {
      await writeFile(path, code.replaceAll('"../doorward/crates/gateway"', JSON.stringify(join(ROOT, "crates/gateway"))));
      continue;
    }
    const before = await readFile(path, "utf8");
    const place = before.indexOf(replaced);
    assert.ok(place >= 0, `${file} has no ${replaced}`);
    assert.equal(before.indexOf(replaced, place + 1), -1, `${file} has ${replaced} twice`);
    const end = isRest ? before.length : place + replaced.length;
    await writeFile(path, before.slice(0, place) + code.trimEnd() + before.slice(end));
  }
}

async function cargo(command, ...options) {
  const built = await run([command, "--color", "never", ...options], "cargo", {
    cwd: folder,
    env: env({ CARGO_TARGET_DIR: TARGET }),
    timeout: LIMIT.timeout,
    maxBuffer: 64 * 1024 * 1024,
  });
  assert.equal(built.code, 0, built.stderr + built.stdout);
  assert.doesNotMatch(built.stderr, /^warning: (?!unused manifest key)/m);
  if (command === "test") assert.match(built.stdout, /1 passed/);
}

/** Starts the program of the tutorial on a free port. */
const start = () => startProgram(join(TARGET, "debug/whack"), { JWT_SECRET: SECRET });

/** Opens the page as a player, strikes, and opens it again. */
async function play(t) {
  const program = await start();
  const browser = await launch();
  t.after(() => browser.close());
  const printed = await run(["client.mjs"], process.execPath, { cwd: folder, env: env({ URL: program.url }) });
  const page = await browser.newPage();
  await page.goto(printed.stdout.trim());
  await page.waitForFunction(() => {
    document.querySelectorAll("button").forEach((hole) => hole.textContent === "🐹" && hole.click());
    return document.querySelector("#score").value > 0;
  }, null, { polling: 200 });
  const second = await browser.newPage();
  await second.goto(printed.stdout.trim());
  await page.getByText("This tab was replaced.").waitFor();
  await program.stop();
}

function env(more) {
  return { ...process.env, JWT_SECRET: SECRET, ...more };
}
