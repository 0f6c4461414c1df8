// Runs the reconnecting clients in Node and Python against every `retry` hint of a server.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, rm, symlink } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { LIMIT, admitted, freshFolder, makeClient, next, run, startDoorward, within } from "../doorward.mjs";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const folder = await freshFolder();
after(() => rm(folder, { recursive: true, force: true }));
for (const name of ["staying.mjs", "refreshing.mjs"]) {
  await cp(path(`../../examples/clients/node/${name}`), join(folder, name));
}
await symlink(path("../node_modules"), join(folder, "node_modules"));

const CLIENTS = [
  ["node/staying.mjs", process.execPath, join(folder, "staying.mjs")],
  ["doorward-client", process.execPath, path("../staying_library.mjs")],
  ["python/staying.py", process.env.PYTHON ?? "python3", path("../../examples/clients/python/staying.py")],
];

/** Starts a server and stops it with the test. */
async function started(t, settings = {}) {
  const server = await startDoorward({ settings });
  t.after(() => server.stop());
  return server;
}

/**
 * Starts the application's route for tokens. It calls `tokens` one after the other, and then the last one again. If
 * the call fails, the route answers with an error.
 */
async function tokenRoute(t, ...tokens) {
  const asked = [];
  let changed = () => {};
  const route = createServer(async (_, response) => {
    asked.push(performance.now());
    changed();
    const token = tokens.length > 1 ? tokens.shift() : tokens[0];
    try {
      response.end(`${await token()}\n`);
    } catch {
      response.writeHead(503).end();
    }
  }).listen(0, "127.0.0.1");
  t.after(() => {
    route.close();
    route.closeAllConnections();
  });
  await once(route, "listening");
  return {
    url: `http://127.0.0.1:${route.address().port}/token`,
    asked,
    /** Waits until this many requests have arrived. */
    asks(count) {
      const all = new Promise((resolve) => {
        changed = () => asked.length >= count && resolve();
        changed();
      });
      return within(all, `request ${count} for a token`);
    },
  };
}

/** Starts a client of the examples. `lines` is its output without `unseen`, with repeated lines once. */
function staying(t, [, program, file], server, route, unseen = []) {
  const child = spawn(program, [file, server.url], {
    env: { ...process.env, TOKENS: route.url },
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  const lines = [];
  let errors = "";
  let changed = () => {};
  child.stderr.on("data", (bytes) => (errors += bytes));
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line !== lines.at(-1) && !unseen.includes(line)) lines.push(line);
    changed();
  });
  const closed = once(child, "close");
  return {
    lines,
    /** Waits until it has printed exactly these lines. */
    async says(...wanted) {
      const all = new Promise((resolve) => {
        changed = () => lines.length >= wanted.length && resolve();
        changed();
      });
      await Promise.race([within(all, `${wanted.at(-1)} of ${JSON.stringify(lines)}`), closed]);
      assert.deepEqual(lines, wanted, errors);
    },
    /** Waits until it has exited by itself. */
    async ended() {
      assert.deepEqual([await within(closed, "its end"), errors], [[0, null], ""]);
    },
    /** Stops it as Ctrl-C does. */
    async interrupt() {
      child.kill("SIGINT");
      await this.ended();
    },
  };
}

const revoke = (server, user) => run(["revoke", "--user", user, "--data-dir", server.dataDir]);

/** Returns an expired token. Waits, because only the wall clock makes it expire. */
async function expired(server) {
  const token = await server.token("alice", "1s");
  const { exp } = JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
  while (Date.now() <= exp * 1_000) await new Promise((resolve) => setTimeout(resolve, 50));
  return token;
}

test("node/refreshing.mjs stays connected with a new token", LIMIT, async (t) => {
  const server = await started(t);
  const route = await tokenRoute(t, () => server.token("alice", "4s"), () => server.token());

  const own = staying(t, ["refreshing", process.execPath, join(folder, "refreshing.mjs")], server, route);

  await own.says("connected", "refreshed");
});

// Four run at the same time, because they mostly wait.
describe("clients that reconnect", { concurrency: 4 }, () => {
  for (const client of CLIENTS) {
    const [name] = client;

    test(`${name}, after_refresh: an expired token is replaced by a new one`, LIMIT, async (t) => {
      const server = await started(t);
      const old = await expired(server);
      const route = await tokenRoute(t, () => old, () => server.token());

      const own = staying(t, client, server, route);

      await own.says("not now: token_expired", "connected as alice");
      await own.interrupt();
    });

    test(`${name}, after_refresh: a token that never helps is shown at growing intervals`, LIMIT, async (t) => {
      const server = await started(t);
      const old = await Promise.all([1, 2, 3, 4].map(() => expired(server)));
      const route = await tokenRoute(t, ...old.map((token) => () => token));

      const own = staying(t, client, server, route);
      await route.asks(4);

      const pauses = route.asked.slice(1, 4).map((time, index) => time - route.asked[index]);
      assert.ok(pauses[0] >= 950 && pauses[1] >= 1_950 && pauses[2] >= 3_950, String(pauses));
      assert.deepEqual(own.lines, ["not now: token_expired"]);
      await own.interrupt();
    });

    test(`${name}, after_login: an unknown user is refused once`, LIMIT, async (t) => {
      const server = await started(t);

      const own = staying(t, client, server, await tokenRoute(t, () => "not.a.token"));

      await own.says("stopped: unauthenticated");
      await own.ended();
    });

    test(`${name}, after_login: a revoked user is notified and does not reconnect`, LIMIT, async (t) => {
      const server = await started(t);
      const route = await tokenRoute(t, () => server.token());
      const own = staying(t, client, server, route);
      await own.says("connected as alice");

      assert.equal((await revoke(server, "alice")).code, 0);

      await own.says("connected as alice", "stopped: revoked");
      await own.ended();
      assert.equal(route.asked.length, 1);
    });

    test(`${name}, later: a second connection waits until the first has left`, LIMIT, async (t) => {
      const server = await started(t, { CONNECTIONS__PER_USER: "1" });
      const first = await admitted(t, server);

      const own = staying(t, client, server, await tokenRoute(t, () => server.token()));
      await own.says("not now: already_connected");
      first.socket.disconnect();

      await own.says("not now: already_connected", "connected as alice");
      await own.interrupt();
    });

    test(`${name}, later: the client waits for a budget that is used up`, LIMIT, async (t) => {
      const server = await started(t, { LIMITS__MAX_USER_ATTEMPTS: "20" });
      const { socket } = makeClient(t, server.url, { auth: { token: await server.token() } });
      for (let spent = 0; spent < 20; spent += 1) {
        const connected = next(socket, "connect");
        socket.connect();
        await connected;
        socket.disconnect();
      }

      const own = staying(t, client, server, await tokenRoute(t, () => server.token()));

      await own.says("not now: no_answer", "connected as alice");
      await own.interrupt();
    });

    test(`${name}, later: the client waits for a server that restarts`, LIMIT, async (t) => {
      const server = await startDoorward();
      // The number of failed attempts depends on how fast the server starts.
      const away = ["no connection: xhr poll error", "not now: no_answer"];
      const own = staying(t, client, server, await tokenRoute(t, () => server.token()), away);
      await own.says("connected as alice");
      server.terminate();
      await server.exited();
      await own.says("connected as alice", "not now: shutdown");

      const again = await startDoorward({ listen: `localhost:${server.port}`, dataDir: server.dataDir });
      t.after(() => again.stop());
      await own.says("connected as alice", "not now: shutdown", "connected as alice");
      await own.interrupt();
    });

    test(`${name}, later: without a token, the client requests one again`, LIMIT, async (t) => {
      const server = await started(t);
      const fails = () => Promise.reject(new Error("the database is away"));
      const route = await tokenRoute(t, fails, fails, () => server.token());

      const own = staying(t, client, server, route);

      await own.says("not now: no_answer", "connected as alice");
      await own.interrupt();
    });

    test(`${name}, never: a replaced connection does not replace the other one`, LIMIT, async (t) => {
      const server = await started(t, { CONNECTIONS__PER_USER: "1", CONNECTIONS__ON_EXCESS: "replace_oldest" });
      const own = staying(t, client, server, await tokenRoute(t, () => server.token()));
      await own.says("connected as alice");

      const second = await admitted(t, server);

      await own.says("connected as alice", "stopped: replaced");
      await own.ended();
      assert.equal(second.socket.connected, true);
    });

    test(`${name}, never: a handshake that the server cannot read is not repeated`, LIMIT, async (t) => {
      const server = await started(t);

      const own = staying(t, client, server, await tokenRoute(t, () => "x".repeat(20_000)));

      await own.says("stopped: bad_handshake");
      await own.ended();
    });

    test(`${name}: a new token is shown before the first one expires`, LIMIT, async (t) => {
      const server = await started(t);
      const route = await tokenRoute(t, () => server.token("alice", "4s"));

      const own = staying(t, client, server, route);
      await route.asks(4);

      await own.says("connected as alice");
      await own.interrupt();
    });
  }
});
