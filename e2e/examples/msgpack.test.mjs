// Connects stock clients with MessagePack to `examples/msgpack.rs`, over each transport.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import parser from "socket.io-msgpack-parser";

import { LIMIT, ask, makeClient, next, run } from "../doorward.mjs";
import { sign, startExample } from "../example.mjs";

const program = await startExample("msgpack");
after(() => program.stop());

const WAYS = [["polling"], ["websocket"], ["polling", "websocket"]];

async function connected(t, transports, options = {}) {
  const auth = { token: sign({ sub: "alice" }) };
  const client = makeClient(t, program.url, { parser, auth, transports, ...options });
  const connect = next(client.socket, "connect");
  client.socket.connect();
  await connect;
  return client;
}

for (const transports of WAYS) {
  test(`Node: events, acks and bytes over ${transports}`, LIMIT, async (t) => {
    const [alice, bob] = [await connected(t, transports), await connected(t, transports)];
    if (transports.length === 2 && alice.manager.engine.transport.name !== "websocket") {
      await next(alice.manager.engine, "upgrade");
    }
    const points = Buffer.from([0, 1, 2, 255]);
    const drawn = next(bob.socket, "drawn");

    assert.equal(await ask(alice.socket, "draw", { colour: "red", points }), 2);
    const [stroke] = await drawn;
    assert.deepEqual([stroke.colour, [...stroke.points]], ["red", [0, 1, 2, 255]]);

    const values = { text: "ü 🐘", numbers: [0, -1, 1.5, 2 ** 40, -(2 ** 40)], nothing: null, yes: true };
    assert.deepEqual(await ask(alice.socket, "echo", values), values);
    // As `JSON.stringify` writes them.
    const odd = { at: new Date(0), none: undefined, list: [undefined], nan: NaN };
    assert.deepEqual(await ask(alice.socket, "echo", odd), { at: "1970-01-01T00:00:00.000Z", list: [null], nan: null });
    const bytes = await ask(alice.socket, "echo", new Uint8Array([7, 8]).buffer);
    assert.deepEqual([...bytes], [7, 8]);
    const large = "x".repeat(50_000);
    assert.equal(await ask(alice.socket, "echo", large), large);

    // Many events at once stay in order.
    const heard = [];
    bob.socket.on("drawn", ({ points }) => heard.push(points.readUInt32BE()));
    const sent = Array.from({ length: 200 }, (_, number) => number);
    const acks = sent.map((number) => {
      const points = Buffer.alloc(4);
      points.writeUInt32BE(number);
      return ask(alice.socket, "draw", { colour: "", points });
    });
    await Promise.all(acks);
    await ask(bob.socket, "echo", "after");
    assert.deepEqual(heard, sent);
  });

  test(`Node: a refusal and an end over ${transports}`, LIMIT, async (t) => {
    const client = makeClient(t, program.url, { parser, transports, auth: { token: "not.a.token" } });
    const refused = next(client.socket, "connect_error");
    client.socket.connect();
    const [{ message, data }] = await refused;
    assert.deepEqual([message, data.code, client.socket.active], ["Unauthorized", "unauthenticated", false]);

    const short = sign({ sub: "bob", exp: Math.floor(Date.now() / 1000) + 2 });
    const { socket } = await connected(t, transports, { auth: { token: short } });
    const [ended, [reason]] = await Promise.all([next(socket, "session_ended"), next(socket, "disconnect")]);
    // Another token helps, so the client may reconnect.
    assert.equal(ended[0].code, "expired");
    assert.match(reason, /^transport/);
  });
}

/** Without an answer, stock clients would connect again and again. */
test("a client without the parser, and one with a token that is too long, are refused once", LIMIT, async (t) => {
  for (const transports of WAYS) {
    const auth = { token: sign({ sub: "alice" }) };
    const plain = makeClient(t, program.url, { auth, transports });
    const long = makeClient(t, program.url, { parser, auth: { token: "x".repeat(17_000) }, transports });
    for (const { socket } of [plain, long]) {
      const refused = next(socket, "connect_error");
      socket.connect();
      const [{ data }] = await refused;
      assert.deepEqual([data.code, socket.active], ["bad_handshake", false]);
    }
  }
  const { socket } = await connected(t, ["websocket"]);
  assert.equal(await ask(socket, "echo", 1), 1);
});

const PYTHON = `
import asyncio, json, sys
import socketio

async def main(url, token, transports):
    client = socketio.AsyncClient(serializer="msgpack")
    drawn = asyncio.get_running_loop().create_future()
    client.on("drawn", drawn.set_result)
    await client.connect(url, auth={"token": token}, transports=transports)
    values = {"text": "ü", "numbers": [0, -1, 1.5], "nothing": None}
    assert await client.call("echo", values) == values
    assert await client.call("echo", b"bytes") == b"bytes"
    assert await client.call("draw", {"colour": "red", "points": b"1234"}) == 2
    other = socketio.AsyncClient(serializer="msgpack")
    await other.connect(url, auth={"token": token}, transports=transports)
    await other.call("draw", {"colour": "blue", "points": b"12"})
    assert await asyncio.wait_for(drawn, 30) == {"colour": "blue", "points": b"12"}
    await other.disconnect()
    await client.disconnect()

asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))
`;

for (const transports of WAYS) {
  test(`Python: events, acks and bytes over ${transports}`, LIMIT, async () => {
    const token = sign({ sub: "carol" });
    const python = process.env.PYTHON ?? "python3";
    const done = await run(["-c", PYTHON, program.url, token, JSON.stringify(transports)], python);
    assert.equal(done.code, 0, done.stderr);
  });
}
