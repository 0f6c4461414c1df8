// Follows docs/first-program.md for a new program: compiles its manifest and its source in an empty folder.

import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { freshFolder, run } from "../doorward.mjs";
import { blocksOf } from "../documents.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Beside the other programs, so that shared dependencies are built once. */
const TARGET = dirname(dirname(process.env.E2E_DOORWARD));

/** Limit for a cold build of everything on a small machine. */
const LIMIT = { timeout: 30 * 60_000 };

test("the first program compiles in its own folder", LIMIT, async () => {
  const [settings] = await blocksOf("docs/first-program.md", "toml");
  const [program] = await blocksOf("docs/first-program.md", "rust");
  const folder = await freshFolder();
  after(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, "src"));
  const here = JSON.stringify(join(ROOT, "crates/gateway"));
  await writeFile(join(folder, "Cargo.toml"), settings.replace('"../doorward/crates/gateway"', here));
  await writeFile(join(folder, "src/main.rs"), program);
  // Versions that this repository is tested with.
  await writeFile(join(folder, "Cargo.lock"), await readFile(join(ROOT, "Cargo.lock")));

  const built = await run(["build", "--color", "never"], "cargo", {
    cwd: folder,
    env: { ...process.env, CARGO_TARGET_DIR: TARGET },
    timeout: LIMIT.timeout,
    maxBuffer: 64 * 1024 * 1024,
  });
  const started = await run([], join(TARGET, "debug/teams"), { env: { ...process.env, JWT_SECRET: "short" } });

  assert.equal(built.code, 0, built.stderr);
  assert.doesNotMatch(built.stderr, /^warning: (?!unused manifest key)/m);
  assert.match(started.stderr, /^Error: the secret /);
});
