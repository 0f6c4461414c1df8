// Checks the command line: one clear line and exit code 2, or exactly the requested output.

import assert from "node:assert/strict";
import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";

import { LIMIT, freshFolder, request, run, startDoorward } from "../doorward.mjs";

const server = await startDoorward();
after(() => server.stop());

const MISTAKES = {
  "an unknown option": (data) => ["serve", "--no-such-option", "--data-dir", data],
  "an unknown command": (data) => ["no-such-command", "--data-dir", data],
  "an invalid address": (data) => ["serve", "--listen", "garbage", "--data-dir", data],
  "an invalid port": (data) => ["serve", "--listen", "localhost:99999", "--data-dir", data],
  "a missing configuration": (data) => ["serve", "--config", join(data, "none.toml"), "--data-dir", data],
  "a token without a subject": (data) => ["token", "--data-dir", data],
  "an invalid duration": (data) => ["token", "--sub", "alice", "--ttl", "soon", "--data-dir", data],
};

for (const [name, args] of Object.entries(MISTAKES)) {
  test(`${name} prints one line and exits with 2`, LIMIT, async (t) => {
    const folder = await emptyFolder(t);

    assertRefused(await run(args(folder)));

    assert.deepEqual(await readdir(folder), [], "files were left behind");
  });
}

test("a port in use prints one line and exits with 2", LIMIT, async (t) => {
  const folder = await emptyFolder(t);

  const second = await run(["serve", "--listen", `localhost:${server.port}`, "--data-dir", folder]);

  assertRefused(second);
  assert.match(second.stderr, new RegExp(String(server.port)), "the line names the port");
  assert.equal((await request(`${server.url}/healthz`)).status, 200);
});

test("a key that cannot be read prints one line and exits with 2", LIMIT, async (t) => {
  const folder = await emptyFolder(t);
  const first = await startDoorward({ dataDir: folder });
  first.terminate();
  await first.exited();
  for (const file of await keyFiles(folder)) {
    await writeFile(file, "this is no key\n");
  }

  assertRefused(await run(["serve", "--listen", "localhost:0", "--data-dir", folder]));
  assertRefused(await run(["token", "--sub", "alice", "--data-dir", folder]));

  for (const file of await keyFiles(folder)) {
    assert.equal((await stat(file)).size, "this is no key\n".length, `${file} was overwritten`);
  }
});

test("token prints one token and nothing else", LIMIT, async () => {
  const { code, stdout, stderr } = await run(["token", "--sub", "alice", "--data-dir", server.dataDir]);

  assert.equal(code, 0);
  assert.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  assert.equal(stderr, "");
});

test("a token lives as long as requested", LIMIT, async () => {
  const before = Math.floor(Date.now() / 1000);

  const token = await server.token("alice", "90s");

  const { exp, sub } = JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
  assert.equal(sub, "alice");
  assert.ok(exp >= before + 90 && exp <= Math.ceil(Date.now() / 1000) + 90, `exp ${exp}`);
});

test("only the owner can read the key", LIMIT, async () => {
  const files = await keyFiles(server.dataDir);

  assert.notEqual(files.length, 0);
  for (const file of files) {
    assert.equal((await stat(file)).mode & 0o777, 0o600, file);
  }
});

/** Lists the data directory without the file that names its server. */
async function keyFiles(folder) {
  const entries = await readdir(folder, { withFileTypes: true });
  const kept = entries.filter((entry) => entry.isFile() && entry.name !== "server.lock");
  return kept.map((entry) => join(folder, entry.name));
}

async function emptyFolder(t) {
  const folder = await freshFolder();
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function assertRefused({ code, stdout, stderr }) {
  assert.equal(code, 2, `exit code ${code}: ${stderr}`);
  assert.equal(stdout, "");
  assert.match(stderr, /^[^\n]+\n$/, `not one line: ${JSON.stringify(stderr)}`);
}
