// Runs what operators copy from the documents: commands unchanged, settings with a real server.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { access, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";

import { LIMIT, admitted, ask, freshFolder, run, startDoorward, watch, within } from "../doorward.mjs";
import { blocksOf } from "../documents.mjs";

const folder = await freshFolder();
after(() => rm(folder, { recursive: true, force: true }));

/** Sets up a machine on which `doorward` is installed, in the folder with its data. */
const SHELL = {
  cwd: folder,
  env: {
    ...process.env,
    PATH: `${dirname(process.env.E2E_DOORWARD)}:${process.env.PATH}`,
    DOORWARD_LISTEN: "localhost:0",
  },
};

const shell = (commands) => run(["-e", "-c", commands], "sh", SHELL);

test("docs/operating.md: a backup is made and restored", LIMIT, async (t) => {
  const [backup, restore] = await blocksOf("docs/operating.md", "sh");
  const server = await startDoorward({ dataDir: join(folder, "doorward-data") });
  const token = await server.token();

  const made = await shell(backup);
  server.terminate();
  await server.exited();
  const restored = spawn("sh", ["-e", "-c", restore], { ...SHELL, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => process.kill(-restored.pid, "SIGKILL"));
  restored.stderr.resume();
  const listening = new Promise((resolve) => {
    createInterface({ input: restored.stdout }).on("line", (line) => {
      const url = /listening on (http:\S+)/.exec(line)?.[1];
      if (url) resolve(url);
    });
  });

  assert.equal(made.code, 0, made.stderr);
  const url = await within(listening, "the restored server");
  assert.deepEqual((await readdir(folder)).sort(), ["backup-2026-11-29", "doorward-data", "doorward-data.old"]);
  // The restored key is the one that signed the token.
  const { socket } = await admitted(t, { url, token: () => token });
  assert.equal(await ask(socket, "echo", "hello"), "hello");
});

test("docs/operating.md: the audit file is rotated", LIMIT, async (t) => {
  const [, , rotate] = await blocksOf("docs/operating.md", "sh");
  await rm(join(folder, "doorward-data"), { recursive: true, force: true });
  const file = join(folder, "doorward-data/audit.jsonl");
  const isThere = (path) => access(path).then(() => true, () => false);
  const appears = async (path) => {
    while (!(await isThere(path))) await watch(20);
  };
  const server = await startDoorward({ dataDir: join(folder, "doorward-data"), settings: { AUDIT__SINK: "file" } });
  t.after(() => server.stop());
  await admitted(t, server);
  await within(appears(file), file);

  const rotated = await shell(rotate);

  assert.equal(rotated.code, 0, rotated.stderr);
  await within(appears(file), "a new file");
  assert.ok(await isThere(`${file}.1`));
});

for (const document of ["docs/identity.md", "docs/limits.md", "docs/proxies.md", "docs/scaling.md"]) {
  test(`${document}: the settings start a server`, LIMIT, async (t) => {
    const blocks = await blocksOf(document, "toml");
    assert.notEqual(blocks.length, 0);
    for (const block of blocks) {
      const config = join(folder, "doorward.toml");
      await writeFile(config, block);

      // The certificate is the operator's. e2e/proxies/proxies.test.mjs serves with one.
      if (block.includes("[tls]")) {
        await assert.rejects(startDoorward({ config }), /cannot serve TLS with .*: cannot read "\/etc\/ssl/);
        continue;
      }
      const server = await startDoorward({ config });
      t.after(() => server.stop());
    }
  });
}
