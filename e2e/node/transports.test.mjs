// Connects a stock client with its default options, by polling alone, and by WebSocket alone.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { io } from "socket.io-client";

import { LIMIT, ask, next, startDoorward, within } from "../doorward.mjs";

const server = await startDoorward();
after(() => server.stop());

const WAYS = {
  "its default options": [{}, "websocket"],
  "polling, then a WebSocket": [{ transports: ["polling", "websocket"] }, "websocket"],
  "polling alone": [{ transports: ["polling"] }, "polling"],
  "a WebSocket alone": [{ transports: ["websocket"] }, "websocket"],
  "polling without an upgrade": [{ upgrade: false }, "polling"],
};

/** Connects a client as a program would that sets nothing but `options`. */
async function connect(t, options) {
  const socket = io(server.url, { auth: { token: await server.token() }, forceNew: true, ...options });
  t.after(() => socket.disconnect());
  await next(socket, "connect");
  return socket;
}

for (const [name, [options, transport]] of Object.entries(WAYS)) {
  test(`a client connects with ${name}`, LIMIT, async (t) => {
    const socket = await connect(t, options);
    if (socket.io.engine.transport.name !== transport) await next(socket.io.engine, "upgrade");
    assert.equal(socket.io.engine.transport.name, transport);

    const values = ["hello", "grüße \u001e, 你好", 12, null, [1, "two"], { a: { b: [] } }, "x".repeat(50_000)];
    for (const value of values) assert.deepEqual(await ask(socket, "echo", value), value);
    assert.deepEqual(Buffer.from(await ask(socket, "echo", Buffer.from([0, 1, 255]))), Buffer.from([0, 1, 255]));
  });

  test(`a client that is refused with ${name} reads why, once, and stays away`, LIMIT, async (t) => {
    const socket = io(server.url, { auth: { token: "bad" }, forceNew: true, reconnectionDelay: 50, ...options });
    t.after(() => socket.disconnect());
    const [error] = await next(socket, "connect_error");
    assert.equal(error.data.code, "unauthenticated");
    const again = next(socket, "connect_error").catch(() => "nothing");
    assert.equal(await Promise.race([again, new Promise((resolve) => setTimeout(resolve, 1000, "nothing"))]), "nothing");
  });
}

test("events keep their order while the client upgrades", LIMIT, async (t) => {
  const socket = io(server.url, { auth: { token: await server.token() }, forceNew: true });
  t.after(() => socket.disconnect());
  const answers = [];
  const all = new Promise((resolve) => {
    let sent = 0;
    socket.on("connect", () => {
      // The upgrade happens somewhere in between.
      const timer = setInterval(() => {
        for (let burst = 0; burst < 20; burst += 1) {
          socket.emit("echo", sent, (answer) => {
            answers.push(answer);
            if (answers.length === 2000) resolve();
          });
          sent += 1;
          if (sent === 2000) return clearInterval(timer);
        }
      }, 1);
    });
  });

  await within(all, "2000 answers");

  assert.equal(socket.io.engine.transport.name, "websocket");
  assert.deepEqual(answers, Array.from({ length: 2000 }, (_, number) => number));
});

test("a client that polls comes back when its server has restarted", LIMIT, async (t) => {
  const first = await startDoorward();
  const socket = io(first.url, {
    auth: { token: await first.token() },
    forceNew: true,
    transports: ["polling"],
    reconnectionDelay: 50,
  });
  t.after(() => socket.disconnect());
  await next(socket, "connect");
  const gone = next(socket, "disconnect");
  const { dataDir, port } = first;
  first.terminate();
  await first.exited();
  const [reason] = await gone;
  assert.notEqual(reason, "io server disconnect");

  const back = next(socket, "connect");
  const second = await startDoorward({ listen: `localhost:${port}`, dataDir });
  t.after(() => second.stop());
  await back;
  assert.equal(await ask(socket, "echo", "again"), "again");
});
