// Shuts servers down: clients are notified, and reconnect when the server is back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { LIMIT, admitted, ask, next, startDoorward } from "../doorward.mjs";

test("clients are notified of a shutdown and reconnect by themselves", LIMIT, async (t) => {
  const server = await startDoorward();
  const { socket } = await admitted(t, server);
  const first = socket.id;
  const ended = next(socket, "session_ended");
  const disconnected = next(socket, "disconnect");

  server.terminate();
  const [notice] = await ended;
  const [reason] = await disconnected;

  assert.equal(notice.code, "shutdown");
  assert.equal(typeof notice.id, "string");
  // With that reason, the client would not reconnect until its program does.
  assert.notEqual(reason, "io server disconnect");
  assert.equal(socket.active, true);
  assert.equal(await server.exited(), 0);

  const connected = next(socket, "connect");
  const listen = `localhost:${server.port}`;
  const successor = await startDoorward({ listen, dataDir: server.dataDir });
  t.after(() => successor.stop());
  await connected;

  assert.notEqual(socket.id, first);
  assert.equal(await ask(socket, "echo", "back"), "back");
});

test("a server without clients exits at once", LIMIT, async () => {
  const server = await startDoorward();

  await server.stop();
});
