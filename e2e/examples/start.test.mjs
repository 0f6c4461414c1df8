// Checks what a small program prints when it starts, and when it fails to.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";

import { LIMIT, run, within } from "../doorward.mjs";
import { SECRET } from "../example.mjs";

const PROGRAM = join(dirname(process.env.E2E_DOORWARD), "examples", "start");

/** Starts the program with a mistake, and returns its output. */
async function failed(mistake, environment = {}) {
  return run([mistake], PROGRAM, { env: { ...process.env, JWT_SECRET: SECRET, ...environment } });
}

test("a start that fails prints the problem and the remedy", LIMIT, async (t) => {
  const taken = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  t.after(() => taken.close());
  const { port } = taken.address();
  const cases = [
    ["", { JWT_SECRET: "short" }, /^the secret has 5 bytes and HS256 needs 32: make one with `openssl rand -base64 32`$/],
    ["", { JWT_SECRET: "" }, /^the secret has 0 bytes and HS256 needs 32: /],
    ["", { LISTEN: `127.0.0.1:${port}` }, new RegExp(`^cannot listen on 127.0.0.1:${port}, where another program listens: end it, or take another port: `)],
    ["", { LISTEN: "3000" }, /^"3000" is not an address to listen on: write HOST:PORT .*localhost:3000, or unix:PATH: /],
    ["", { LISTEN: "192.0.2.1:0" }, /^cannot listen on 192.0.2.1:0, which is no address of this machine: /],
    ["contradiction", {}, /^the limit max_connect is 200000, and must not be more than max_unauthenticated, which is 65536$/],
    ["gateway", {}, /^no gateway is mounted: add one with .gateway\(..\) or .public\(..\)$/],
    ["handlers", {}, /^namespace \/ has two handlers for the event "echo": remove one$/],
    ["init", {}, /^the on_init hook of a gateway failed: the schedule is missing$/],
    ["limit", {}, /^the limit max_rooms is 0, and must be from 1 to 1000000$/],
    ["namespace", {}, /^"chat" is not a name for a namespace: it must begin with "\/", /],
    ["path", {}, /^the path "x" must begin and end with "\/"$/],
    ["proxies", {}, /^trusted_proxies are addresses or networks, such as "127.0.0.1" or "10.0.0.0\/8"; /],
    ["reserved", {}, /^namespace \/ has a handler for "connect", which no client may send: /],
  ];
  for (const [mistake, environment, expected] of cases) {
    const { code, stdout, stderr } = await failed(mistake, environment);

    assert.deepEqual([code, stdout], [1, ""], stderr);
    assert.match(stderr, /^Error: [^\n]*\n$/);
    assert.match(stderr.slice("Error: ".length, -1), expected);
  }
});

test("on a terminal, a program without a log prints its address", LIMIT, async (t) => {
  // `script` runs it on a terminal.
  const child = spawn("script", ["--quiet", "--return", "--command", PROGRAM, "/dev/null"], {
    env: { ...process.env, JWT_SECRET: SECRET },
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGTERM"));
  const line = new Promise((resolve) => createInterface({ input: child.stdout }).once("line", resolve));

  const said = await within(line, "the address");

  const [, url] = /^Listening on (http:\/\/localhost:\d+)$/.exec(said.trim()) ?? assert.fail(said);
  const answer = await fetch(`${url}/socket.io/?EIO=3&transport=polling`);
  assert.equal(answer.status, 400);
});
