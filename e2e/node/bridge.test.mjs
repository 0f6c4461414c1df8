// Doorward nodes, a Socket.IO server for Node.js with its Redis adapter, and a publisher with the emitter, on one
// Redis. `e2e/bridge.rs` is the program of two nodes; one more node is the ready-made server.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, test } from "node:test";

import { createAdapter } from "@socket.io/redis-adapter";
import { Emitter } from "@socket.io/redis-emitter";
import { Redis } from "ioredis";
import { Server } from "socket.io";

import { LIMIT, ask, freshFolder, makeClient, next, startDoorward, within } from "../doorward.mjs";
import { startExample } from "../example.mjs";
import { startRedis } from "../stores.mjs";

const redis = await startRedis();
await addUsers();
const nodes = await Promise.all(["eu-1", "eu-2"].map(startNode));
const ready = await startReadyMade();
const connections = [];
const [io, emitter] = await Promise.all([startServer(), connection().then((own) => new Emitter(own))]);
after(async () => {
  await io.close();
  connections.forEach((own) => own.disconnect());
  await Promise.all([...nodes, ready].map((node) => node.stop()));
  redis.kill();
});

/** Starts the ready-made server with the settings of docs/bridge.md. */
async function startReadyMade() {
  const [, settings] = /```toml\n(.*?)```/s.exec(await page());
  const config = join(await freshFolder(), "doorward.toml");
  await writeFile(config, settings.replaceAll(/redis:\/\/(\w+):PASSWORD@redis.internal:6379/g, (_, user) => as(user)));
  return startDoorward({ config, settings: { CLUSTER__NODE: "eu-3", APPS: '["chat"]' } });
}

function page() {
  return readFile(new URL("../../docs/bridge.md", import.meta.url), "utf8");
}

/** Adds the users of docs/bridge.md. */
async function addUsers() {
  const admin = new Redis({ path: redis.path });
  for (const [, user, rules] of (await page()).matchAll(/^user (\w+) +(.+)$/gm)) {
    // The page has the rules of two namespaces.
    const more = user === "doorward" ? [] : ["&socket.io#/other#*", "&socket.io#/auth#*", "&socket.io#/door#*"];
    await admin.call("ACL", "SETUSER", user, ...rules.replace("PASSWORD", "secret").split(" "), ...more);
  }
  admin.disconnect();
}

/** Returns the URL of Redis for a user. */
function as(user) {
  return `redis+unix://${redis.path}?user=${user}&pass=secret`;
}

function startNode(name) {
  const environment = { REDIS_URL: as("doorward"), BRIDGE_URL: as("bridge"), NODE: name };
  return startExample("bridge", environment);
}

/** Connects to Redis as the user of the servers for Node.js. */
async function connection() {
  const own = new Redis({ path: redis.path, username: "node", password: "secret" });
  connections.push(own);
  await next(own, "ready");
  return own;
}

/** Starts a server for Node.js. */
async function startServer() {
  const [publisher, subscriber] = await Promise.all([connection(), connection()]);
  const server = new Server(createServer().listen(0, "127.0.0.1"), { adapter: createAdapter(publisher, subscriber) });
  for (const namespace of ["/", "/other", "/chat"]) {
    server.of(namespace).on("connection", (socket) => socket.join(["room:1", "room:2"]));
  }
  // The adapter does not wait for its subscriptions, and the answer to a later command follows them.
  await subscriber.ping();
  return server;
}

/** Connects a client to a Doorward node. */
async function connected(t, node, user, namespace = "/", rooms = ["room:1"]) {
  const auth = async (send) => send(node === ready ? { token: await node.token(user) } : { user });
  const { socket } = makeClient(t, node.url, { namespace, auth });
  // A token of the second in which Redis was empty is refused, and a refused client does not come back by itself.
  socket.on("connect_error", () => socket.connect());
  const connect = next(socket, "connect");
  socket.connect();
  await connect;
  if (node !== ready) await Promise.all(rooms.map((room) => ask(socket, "join", room)));
  return hearing(socket);
}

/** Connects a client to the server for Node.js. */
async function connectedToNode(t, namespace = "/") {
  const { socket } = makeClient(t, `http://127.0.0.1:${io.httpServer.address().port}`, { namespace });
  const connect = next(socket, "connect");
  const admitted = new Promise((resolve) => io.of(namespace).once("connection", resolve));
  socket.connect();
  await Promise.all([connect, admitted]);
  return hearing(socket);
}

/** Keeps what a client hears. */
function hearing(socket) {
  socket.heard = [];
  socket.onAny((event, ...args) => socket.heard.push([event, ...args]));
  return socket;
}

/** Waits until each client has heard this event, after all events that were sent before. */
async function heard(sockets, expected) {
  for (const socket of sockets) {
    const all = new Promise((resolve) => {
      const look = () => socket.heard.length >= expected.length && resolve();
      socket.onAny(look);
      look();
    });
    await within(all, `${expected.length} events, after ${JSON.stringify(socket.heard)}`);
    assert.deepEqual(socket.heard, expected);
  }
}

/** Waits until a client has heard an event with these first arguments, and returns the event. */
function hears(socket, ...wanted) {
  const found = new Promise((resolve) => {
    const look = () => {
      const event = socket.heard.find((event) => wanted.every((part, at) => event[at] === part));
      if (event) resolve(event);
    };
    socket.onAny(look);
    look();
  });
  return within(found, wanted.join(" "));
}

const bytes = Buffer.from([0, 1, 255]);

test("events of a server for Node.js reach the clients of every Doorward node", LIMIT, async (t) => {
  const one = await connected(t, nodes[0], "alice");
  const two = await connected(t, nodes[1], "bob");
  const other = await connected(t, nodes[1], "carol", "/", ["room:2"]);
  const elsewhere = await connected(t, nodes[1], "dave", "/other");
  const made = await connected(t, ready, "erin");
  const node = await connectedToNode(t);

  io.emit("told", "all");
  io.to("room:1").emit("told", "room", { deep: [1.5, null, "ü"] });
  io.to("room:1").to("room:2").except("room:1").emit("told", "but one");
  io.to("room:1").emit("told", bytes, { inside: bytes });
  io.emit("told", new Date(0), undefined);
  io.emit("exception", "forged");
  io.emit("session_ended", { code: "revoked" });
  io.of("/other").emit("told", "other");
  io.emit("told", "last");

  const all = ["told", "all"];
  const date = ["told", "1970-01-01T00:00:00.000Z", null];
  const last = ["told", "last"];
  const room = [["told", "room", { deep: [1.5, null, "ü"] }], ["told", bytes, { inside: bytes }]];
  await heard([one, two], [all, ...room, date, last]);
  await heard([other], [all, ["told", "but one"], date, last]);
  await heard([made], [all, date, last]);
  await heard([elsewhere], [["told", "other"]]);
  await hears(node, "told", "last");
});

test("events of an emitter reach the clients of every Doorward node", LIMIT, async (t) => {
  const one = await connected(t, nodes[0], "alice");
  const two = await connected(t, nodes[1], "bob");
  const other = await connected(t, nodes[1], "carol", "/other");

  emitter.emit("told", "all");
  emitter.to("room:1").volatile.emit("told", bytes);
  emitter.of("/other").to(["room:1", "room:2"]).emit("told", "other");
  emitter.disconnectSockets(true);
  emitter.in("room:1").socketsLeave("room:1");
  emitter.serverSideEmit("told", 1);
  emitter.to("room:1").emit("told", "last");

  await heard([one, two], [["told", "all"], ["told", bytes], ["told", "last"]]);
  await heard([other], [["told", "other"]]);
});

test("events of a Doorward node reach the clients of the server for Node.js once", LIMIT, async (t) => {
  const one = await connected(t, nodes[0], "alice");
  const two = await connected(t, nodes[1], "bob");
  const node = await connectedToNode(t);
  const other = await connectedToNode(t, "/other");

  await ask(one, "to-all", "all", { deep: [1.5, null, "ü"] });
  await ask(one, "to-room", "room", bytes, { inside: bytes });
  await ask(one, "to-user", "bob");
  await ask(one, "to-all", "last");

  const all = ["told", "all", { deep: [1.5, null, "ü"] }];
  const room = ["told", "room", bytes, { inside: bytes }];
  await heard([node], [all, room, ["told", "last"]]);
  await heard([two], [all, room, ["told", "only you"], ["told", "last"]]);
  await heard([one], [all, ["told", "last"]]);
  assert.deepEqual(other.heard, []);
});

test("messages of the chat of the ready-made server reach the server for Node.js", LIMIT, async (t) => {
  const chat = await connected(t, ready, "erin", "/chat");
  const node = await connectedToNode(t, "/chat");
  const room = await ask(chat, "create", { name: "Office" });
  io.of("/chat").socketsJoin(`room:${room.id}`);

  await ask(chat, "send", { room: room.id, key: "k1", text: "hello" });

  const [, message] = await hears(node, "message");
  assert.equal(message.text, "hello");
});

test("requests of the server for Node.js are answered by every Doorward node", LIMIT, async (t) => {
  const one = await connected(t, nodes[0], "alice");
  const two = await connected(t, nodes[1], "bob", "/", ["room:2"]);
  const made = await connected(t, ready, "erin");
  const node = await connectedToNode(t);
  node.on("question", (number, answer) => answer(number + 1));

  // Each of these waits for all subscribers of the channel of requests, and fails after five seconds.
  const sockets = await io.fetchSockets();
  const some = await io.in("room:2").fetchSockets();
  const rooms = await io.of("/").adapter.allRooms();
  const count = await io.of("/").adapter.serverCount();
  const answers = await io.serverSideEmitWithAck("hello", 1);
  // Only the client of the server for Node.js is asked.
  const acks = await io.timeout(5_000).emitWithAck("question", 1);

  assert.equal(count, 4);
  assert.deepEqual(new Set(sockets.map(({ id }) => id)), new Set([one.id, two.id, made.id, node.id]));
  const alice = sockets.find(({ id }) => id === one.id);
  assert.deepEqual([alice.handshake, alice.data, [...alice.rooms]], [{}, {}, ["room:1"]]);
  assert.deepEqual(new Set(some.map(({ id }) => id)), new Set([two.id, node.id]));
  assert.ok(rooms.has("room:1") && rooms.has("room:2"), [...rooms].join());
  assert.deepEqual(answers, [null, null, null]);
  assert.deepEqual(acks, [2]);
  assert.deepEqual([node.heard.map(([event]) => event), one.heard, two.heard], [["question"], [], []]);
});

test("a server for Node.js cannot move or disconnect clients of Doorward", LIMIT, async (t) => {
  const one = await connected(t, nodes[0], "alice");
  const node = await connectedToNode(t);
  const left = next(node, "disconnect");

  io.socketsJoin("room:3");
  io.in("room:1").socketsLeave("room:1");
  io.disconnectSockets(true);
  await left;

  // The node has handled the requests before these events.
  io.to("room:3").emit("told", "room 3");
  io.to(one.id).emit("told", "by id");
  io.to("room:1").emit("told", "room 1");
  await heard([one], [["told", "room 1"]]);
  assert.equal(one.connected, true);
});

test("the bridge is back after its connection was closed", LIMIT, async (t) => {
  const one = await connected(t, nodes[0], "alice");
  const node = await connectedToNode(t);
  const admin = new Redis({ path: redis.path });
  t.after(() => admin.disconnect());
  const own = (await admin.call("CLIENT", "LIST")).split("\n").filter((line) => line.includes(" user=bridge "));
  assert.equal(own.length, 3);
  for (const line of own) await admin.call("CLIENT", "KILL", "ID", /^id=(\d+)/.exec(line)[1]);

  const back = next(one, "told");
  const again = setInterval(() => io.emit("told", "back"), 50);
  t.after(() => clearInterval(again));
  await back;
  await ask(one, "to-room", "out");

  await hears(node, "told", "out");
});
