// Admits a stock client with a good token, and answers its events.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { DEADLINE, LIMIT, admitted, ask, makeClient, next, startDoorward, within } from "../doorward.mjs";

const server = await startDoorward();
after(() => server.stop());

const VALUES = {
  "a string": "hello",
  "an empty string": "",
  "unicode": "grüße, 你好, 👋🏽, \u2028, \u0000",
  "a string of 10 KB": "x".repeat(10 * 1024),
  "a number": -12.5,
  "zero": 0,
  "true": true,
  "null": null,
  "an array": [1, "two", null, [3]],
  "an empty array": [],
  "an object": { a: 1, b: "two" },
  "an empty object": {},
  "a nested value": { a: [{ b: { c: [null, { d: "e" }] } }], "key with spaces": false },
};

for (const [name, value] of Object.entries(VALUES)) {
  test(`echo returns ${name}`, LIMIT, async (t) => {
    const { socket } = await admitted(t, server);

    assert.deepEqual(await ask(socket, "echo", value), value);
  });
}

test("whoami returns the user and the time of the connect", LIMIT, async (t) => {
  const before = Date.now();
  const { socket } = await admitted(t, server);

  const { user, connectedAt } = await ask(socket, "whoami");

  assert.equal(user, "alice");
  assert.match(connectedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  // The time may be in whole seconds, so up to one second early.
  assert.ok(Date.parse(connectedAt) >= before - 1000, connectedAt);
  assert.ok(Date.parse(connectedAt) <= Date.now(), connectedAt);
});

test("the first of the offered subprotocols is selected", LIMIT, async (t) => {
  const { manager, socket } = await admitted(t, server, { protocols: ["chat", "v2.chat"] });
  if (manager.engine.transport.name !== "websocket") await next(manager.engine, "upgrade");

  assert.equal(manager.engine.transport.ws.protocol, "chat");
  assert.equal(await ask(socket, "echo", "hello"), "hello");
});

test("two users are distinguished", LIMIT, async (t) => {
  const alice = await admitted(t, server);
  const bob = await admitted(t, server, { auth: { token: await server.token("bob") } });

  assert.equal((await ask(alice.socket, "whoami")).user, "alice");
  assert.equal((await ask(bob.socket, "whoami")).user, "bob");
});

test("an event that was sent before the answer to CONNECT is answered", LIMIT, async (t) => {
  const { socket } = makeClient(t, server.url, { auth: { token: await server.token() } });
  const answer = ask(socket, "echo", "early");

  socket.connect();

  assert.equal(await answer, "early");
});

test("an event that is sent right after connect is answered", LIMIT, async (t) => {
  const { socket } = makeClient(t, server.url, { auth: { token: await server.token() } });
  const answer = new Promise((resolve) => {
    socket.on("connect", () => socket.emit("echo", "first", resolve));
  });

  socket.connect();

  assert.equal(await within(answer, "the ack of `echo`"), "first");
});

test("auth as a function provides the token", LIMIT, async (t) => {
  const token = await server.token();
  let asked = 0;
  const auth = (answer) => {
    asked += 1;
    answer({ token });
  };

  await admitted(t, server, { auth });

  assert.equal(asked, 1);
});

test("1,000 events of one socket are answered in order", LIMIT, async (t) => {
  const { socket } = await admitted(t, server);
  const wanted = Array.from({ length: 1000 }, (_, number) => number);
  const answers = [];

  const all = wanted.map(async (number) => answers.push(await socket.emitWithAck("echo", number)));
  await within(Promise.all(all), "1,000 acks", 2 * DEADLINE);

  assert.deepEqual(answers, wanted);
});

test("the public id is not the id of the transport", LIMIT, async (t) => {
  const { manager, socket } = await admitted(t, server);

  assert.ok(socket.id);
  assert.ok(manager.engine.id);
  assert.notEqual(socket.id, manager.engine.id);
});

test("two sockets of one user have different ids", LIMIT, async (t) => {
  const [first, second] = await Promise.all([admitted(t, server), admitted(t, server)]);

  assert.notEqual(first.socket.id, second.socket.id);
  assert.notEqual(first.manager.engine.id, second.manager.engine.id);
});

test("a client may also connect to the address 127.0.0.1", LIMIT, async (t) => {
  const url = `http://127.0.0.1:${server.port}`;
  const { socket } = makeClient(t, url, { auth: { token: await server.token() } });
  const connected = next(socket, "connect");

  socket.connect();
  await connected;

  assert.equal(await ask(socket, "echo", "by address"), "by address");
});

test("a client that reconnects is admitted again with a new id", LIMIT, async (t) => {
  const { socket } = await admitted(t, server);
  const first = socket.id;
  socket.disconnect();
  const connected = next(socket, "connect");

  socket.connect();
  await connected;

  assert.notEqual(socket.id, first);
  assert.equal(await ask(socket, "echo", "again"), "again");
});
