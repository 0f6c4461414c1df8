// Shuts servers down: clients are notified, and reconnect when the server is back.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
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

for (const [name, options] of [
  ["with default options", {}],
  ["by polling alone", { transports: ["polling"] }],
  ["by WebSocket alone", { transports: ["websocket"] }],
]) {
  test(`a client is on the next process by itself, ${name}`, LIMIT, async (t) => {
    const first = await startDoorward();
    const { socket, refusals } = await admitted(t, first, options);
    const { id } = socket;
    // The next process waits for the data directory of the first one.
    const starting = startDoorward({ listen: `localhost:${first.port}`, dataDir: first.dataDir });
    const [ended, connected] = [next(socket, "session_ended"), next(socket, "disconnect").then(() => next(socket, "connect"))];

    first.terminate();

    const second = await starting;
    t.after(() => second.stop());
    assert.equal((await ended)[0].code, "shutdown");
    await connected;
    assert.notEqual(socket.id, id);
    assert.equal(await ask(socket, "echo", "on the next one"), "on the next one");
    // Failed attempts have no answer of Socket.IO: no "Invalid namespace" and no other refusal.
    assert.deepEqual(refusals.filter((error) => error.data !== undefined || !/(?:poll|websocket) error$/.test(error.message)), []);
    assert.equal(await first.exited(), 0);
  });
}

test("a second signal ends the server at once", LIMIT, async (t) => {
  const server = await startDoorward();
  const { socket } = await admitted(t, server, { reconnection: false });
  const stuck = connect(server.port, "localhost");
  t.after(() => stuck.destroy());
  await once(stuck, "connect");
  stuck.write("GET / HTTP/1.1\r\n");
  const ended = next(socket, "session_ended");

  server.terminate();
  await ended;
  // Signals in the first half second count as one: a parent may pass on what the terminal has sent.
  const again = setInterval(() => server.interrupt(), 50);
  t.after(() => clearInterval(again));

  assert.equal(await server.exited(), 2);
  assert.match(server.complaints(), /doorward: stopped at once by a second signal/);
});

test("a server without clients exits at once", LIMIT, async () => {
  const server = await startDoorward();

  await server.stop();
});
