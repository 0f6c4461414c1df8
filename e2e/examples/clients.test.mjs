// Runs the example clients as their headers say, and compares everything that they print.

import assert from "node:assert/strict";
import { cp, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { LIMIT, freshFolder, run, startDoorward } from "../doorward.mjs";

const server = await startDoorward();
after(() => server.stop());

// The examples find their packages beside them, as after `npm install`. Here these are the packages of the tests.
const folder = await freshFolder();
after(() => rm(folder, { recursive: true, force: true }));
await cp(path("../../examples/clients/"), folder, {
  recursive: true,
  filter: (source) => !source.includes("node_modules"),
});
await symlink(path("../node_modules"), join(folder, "node/node_modules"));

const GOOD = "connected as alice\necho: hello\n";

test("node/echo.mjs connects and receives its echo", LIMIT, async () => {
  assert.deepEqual(await node("echo.mjs", await server.token("alice")), {
    code: 0,
    stdout: GOOD,
    stderr: "",
  });
});

test("node/echo.mjs reports that it is not connected", LIMIT, async () => {
  assert.deepEqual(await node("echo.mjs", "not.a.token"), {
    code: 1,
    stdout: "",
    stderr: "not connected: Unauthorized\n",
  });
});

test("node/echo.mjs reports that there is no server, and exits", LIMIT, async () => {
  assert.deepEqual(await example(process.execPath, join(folder, "node/echo.mjs"), "none", "http://localhost:1"), {
    code: 1,
    stdout: "",
    stderr: "not connected: xhr poll error\n",
  });
});

test("node/auth.mjs connects with a good token", LIMIT, async () => {
  assert.deepEqual(await node("auth.mjs", await server.token("alice")), {
    code: 0,
    stdout: "connected\n",
    stderr: "",
  });
});

test("node/auth.mjs prints the reason of a refusal", LIMIT, async () => {
  for (const token of ["not.a.token", undefined]) {
    assert.deepEqual(await node("auth.mjs", token), {
      code: 0,
      stdout: "refused: unauthenticated (after_login)\n",
      stderr: "",
    });
  }
});

test("python/echo.py connects and receives its echo", LIMIT, async () => {
  assert.deepEqual(await python("echo.py", await server.token("alice")), {
    code: 0,
    stdout: GOOD,
    stderr: "",
  });
});

test("python/echo.py reports that it is not connected", LIMIT, async () => {
  const { code, stdout, stderr } = await python("echo.py", "not.a.token");

  assert.equal(code, 1);
  assert.equal(stdout, "");
  // python-engineio may print a line of its own if two of its threads end at once.
  assert.match(stderr, /^not connected: /m);
});

test("python/stopping.py stops when a reconnect is refused", LIMIT, async () => {
  const { code, stdout, stderr } = await python("stopping.py", await server.token("alice", "3s"));

  assert.equal(stdout, "connected as alice\nrefused: Unauthorized\n", stderr);
  assert.equal(code, 0);
});

test("python/stopping.py reports that it is not connected", LIMIT, async () => {
  const { code, stdout, stderr } = await python("stopping.py", "not.a.token");

  assert.equal(code, 1);
  assert.equal(stdout, "refused: Unauthorized\n");
  assert.match(stderr, /^not connected: /m);
});

function node(file, token) {
  return example(process.execPath, join(folder, "node", file), token);
}

function python(file, token) {
  return example(process.env.PYTHON ?? "python3", join(folder, "python", file), token);
}

function example(program, file, token, url = server.url) {
  const { TOKEN: _, ...env } = process.env;
  if (token !== undefined) env.TOKEN = token;
  return run([file, url], program, { env });
}

function path(relative) {
  return fileURLToPath(new URL(relative, import.meta.url));
}
