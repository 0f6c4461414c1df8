// Tests the parts of the client library that need no browser: proofs, errors, and the states of a connection.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, test } from "node:test";

import { io } from "socket.io-client";

import { DoorwardError, createDoorward } from "../../clients/js/src/index.js";
import { ofCeremony } from "../../clients/js/src/error.js";
import { challengeOf, drawProof } from "../../clients/js/src/proof.js";
import { LIMIT, run, startDoorward, within } from "../doorward.mjs";

const server = await startDoorward();
after(() => server.stop());

test("a challenge is the SHA-256 of the verifier's text", LIMIT, async () => {
  // RFC 7636, appendix B.
  assert.equal(
    await challengeOf("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
  );
  const [one, other] = [await drawProof(), await drawProof()];
  assert.match(one.verifier, /^[\w-]{43}$/);
  assert.notEqual(one.verifier, other.verifier);
});

test("errors of the server, the browser and the network have one type", LIMIT, async () => {
  const doorward = createDoorward({ io, url: server.url });
  const code = (promise) => promise.then(() => "", (error) => [error instanceof DoorwardError, error.code]);

  // Node sends no `Origin`, so this is no page of the server.
  assert.deepEqual(await code(doorward.signOut()), [true, "forbidden"]);
  assert.deepEqual(await code(doorward.me()), [true, "session_required"]);
  const away = createDoorward({ io, url: "http://localhost:1" });
  assert.deepEqual(await code(away.me()), [true, "offline"]);
  assert.deepEqual(await code(away.signIn()), [true, "offline"]);
  assert.deepEqual(await code(doorward.signUp({ username: "not good" })), [true, "invalid_username"]);
  assert.deepEqual(await code(doorward.signUp({ username: "good" })), [true, "unsupported"]);
  const named = (name) => ofCeremony(Object.assign(new Error(), { name })).code;
  assert.deepEqual(
    ["NotAllowedError", "InvalidStateError", "SecurityError"].map(named),
    ["cancelled", "passkey_exists", "unsupported"],
  );
});

test("a request without an answer times out after 30 seconds", LIMIT, async (t) => {
  const silent = createServer().listen(0, "127.0.0.1");
  t.after(() => silent.close());
  await once(silent, "listening");
  const clock = new AbortController();
  const deadline = t.mock.method(AbortSignal, "timeout", () => clock.signal);
  const taken = once(silent, "connection");

  const me = createDoorward({ io, url: `http://127.0.0.1:${silent.address().port}` }).me();
  const [connection] = await taken;
  t.after(() => connection.destroy());
  clock.abort();

  await assert.rejects(me, { code: "offline" });
  assert.deepEqual(deadline.mock.calls.map((call) => call.arguments), [[30_000]]);
});

test("a connection reports its state", LIMIT, async (t) => {
  const doorward = createDoorward({ io, url: server.url });
  const states = [];
  let changed = () => {};
  const until = (wanted) =>
    within(
      new Promise((resolve) => {
        changed = () => states.at(-1)?.[0] === wanted && resolve(undefined);
        changed();
      }),
      `the state ${wanted}`,
    );
  const onState = (...state) => {
    states.push(state.filter((part) => part !== undefined));
    changed();
  };

  const token = await server.token("alice");
  const socket = doorward.connect("/", { token: async () => token, onState });
  t.after(() => socket.disconnect());
  await until("connected");
  const revoked = await run(["revoke", "--user", "alice", "--data-dir", server.dataDir]);
  assert.equal(revoked.code, 0, revoked.stderr);
  await until("revoked");
  socket.connect();
  await until("refused");

  assert.deepEqual(states, [["connecting"], ["connected"], ["revoked", "revoked"], ["refused", "unauthenticated"]]);
});

test("a connection shows a new token before its token expires", LIMIT, async (t) => {
  const doorward = createDoorward({ io, url: server.url });
  const states = [];
  const token = () => server.token("bob", "4s");
  const socket = doorward.connect("/", { token, onState: (state) => states.push(state) });
  t.after(() => socket.disconnect());

  // The second warning belongs to the second token: the first one has expired by then.
  for (let warning = 1; warning <= 2; warning += 1) {
    await within(new Promise((resolve) => socket.once("auth:expiring", resolve)), `warning ${warning}`);
  }

  assert.deepEqual(states, ["connecting", "connected"]);
});

test("a token that the server has reported as expired is not shown again", LIMIT, async (t) => {
  const doorward = createDoorward({ io, url: server.url });
  const [states, waits] = [[], []];
  const token = await server.token("carol", "2s");
  const over = new Promise((resolve) => {
    const socket = doorward.connect("/", {
      token: async () => token,
      onState: (state, code, wait) => {
        states.push(code === undefined ? [state] : [state, code]);
        if (state === "reconnecting") waits.push(wait);
        if (state === "expired") resolve(undefined);
      },
    });
    t.after(() => socket.disconnect());
  });

  await within(over, "the state expired");

  assert.deepEqual(states, [
    ["connecting"],
    ["connected"],
    ["reconnecting", "expired"],
    ["expired", "token_expired"],
  ]);
  // The milliseconds until the next attempt.
  assert.ok(waits.length === 1 && waits[0] > 0, `${waits}`);
});
