// Two servers on one Redis, and stock clients with their default options.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { LIMIT, ask, makeClient, next, run, startDoorward } from "../doorward.mjs";
import { startRedis } from "../stores.mjs";

const redis = await startRedis();
const nodes = await Promise.all(["eu-1", "eu-2"].map(start));
after(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  redis.kill();
});

function start(name) {
  const settings = { REDIS__URL: redis.url, CLUSTER__NODE: name, CONNECTIONS__PER_USER: "1", CONNECTIONS__ON_EXCESS: "replace_oldest" };
  return startDoorward({ settings });
}

/** Connects a client that asks for a new token at each attempt. Its server may refuse the first ones. */
async function connected(t, node, user) {
  const auth = async (send) => send({ token: await nodes[0].token(user) });
  const client = makeClient(t, node.url, { auth });
  // A token of the second in which Redis was empty is refused, and a refused client does not come back by itself.
  client.socket.on("connect_error", () => client.socket.connect());
  const connect = next(client.socket, "connect");
  client.socket.connect();
  await connect;
  client.socket.off("connect_error");
  return client.socket;
}

test("a user who connects to another node is replaced on the first one", LIMIT, async (t) => {
  const first = await connected(t, nodes[0], "alice");
  const ended = next(first, "session_ended");
  const left = next(first, "disconnect");

  const second = await connected(t, nodes[1], "alice");

  assert.equal((await ended)[0].code, "replaced");
  assert.equal((await left)[0], "io server disconnect");
  assert.equal(await ask(second, "echo", "still here"), "still here");
});

test("a user who is revoked on one node is disconnected from the other one, and refused by both", LIMIT, async (t) => {
  const socket = await connected(t, nodes[1], "bob");
  const ended = next(socket, "session_ended");

  const done = await run(["revoke", "--user", "bob", "--data-dir", nodes[0].dataDir]);

  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /^Revoked; 1 socket closed\./);
  assert.match(done.stdout, /Confirmed by eu-1, eu-2\./);
  assert.equal((await ended)[0].code, "revoked");
});

test("a client of a node that stops goes on at the other one", LIMIT, async (t) => {
  const third = await start("eu-3");
  const socket = await connected(t, third, "carol");
  const left = next(socket, "disconnect");
  await third.stop();
  await left;
  socket.disconnect();

  const again = await connected(t, nodes[0], "carol");

  assert.equal(await ask(again, "echo", 7), 7);
});
