// Lets tokens of stock clients expire in real time: clients reconnect, or refresh and stay connected.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { LIMIT, ask, makeClient, next, startDoorward } from "../doorward.mjs";

const server = await startDoorward();
after(() => server.stop());

/** Returns an `auth` function that creates a token for each attempt and counts them. */
function freshTokens(ttl) {
  const tokens = { count: 0 };
  tokens.auth = async (send) => {
    tokens.count += 1;
    send({ token: await server.token("alice", ttl) });
  };
  return tokens;
}

/** Connects and waits until the server has admitted it. */
async function connected(t, auth) {
  const client = makeClient(t, server.url, { auth });
  const connect = next(client.socket, "connect");
  client.socket.connect();
  await connect;
  return client;
}

test("a client whose token expires reconnects with a new one", LIMIT, async (t) => {
  const tokens = freshTokens("2s");
  const { socket } = await connected(t, tokens.auth);
  const first = socket.id;
  const ended = next(socket, "session_ended");
  const disconnected = next(socket, "disconnect");
  const again = next(socket, "connect");

  const [{ code, retry }] = await ended;
  assert.deepEqual([code, retry], ["expired", "after_refresh"]);
  const [reason] = await disconnected;
  assert.ok(["transport close", "transport error"].includes(reason), reason);
  await again;

  assert.notEqual(socket.id, first);
  assert.ok(tokens.count >= 2, `${tokens.count} tokens were requested`);
});

test("a client that refreshes in time stays connected", LIMIT, async (t) => {
  const { socket } = await connected(t, freshTokens("4s").auth);
  const first = socket.id;
  let ends = 0;
  socket.on("disconnect", () => (ends += 1));

  const [{ expiresAt }] = await next(socket, "auth:expiring");
  assert.ok(Date.parse(expiresAt) <= Date.now() + 5_000, expiresAt);
  const token = await server.token("alice", "5m");
  const answer = await socket.emitWithAck("auth:refresh", { token });

  assert.equal(answer.status, "ok");
  assert.ok(Date.parse(answer.expiresAt) > Date.now() + 60_000, answer.expiresAt);
  // Another client ends with a later token, after the first token has expired.
  await next((await connected(t, freshTokens("4s").auth)).socket, "session_ended");
  assert.deepEqual([socket.id, ends], [first, 0]);
  assert.equal(await ask(socket, "echo", "here"), "here");
});

test("a refresh with another user's token is refused and changes nothing", LIMIT, async (t) => {
  const { socket } = await connected(t, freshTokens("5m").auth);

  const answer = await socket.emitWithAck("auth:refresh", { token: await server.token("bob") });

  assert.deepEqual([answer.status, answer.code], ["error", "unauthenticated"]);
  assert.equal((await ask(socket, "whoami")).user, "alice");
});
