// Runs the programs of `examples/` that accept the credentials of others.

import assert from "node:assert/strict";
import { test } from "node:test";

import { LIMIT, ask, makeClient, next, within } from "../doorward.mjs";
import { sign, startExample } from "../example.mjs";
import { Provider } from "../provider.mjs";

/** Connects a client that is admitted. */
async function connected(t, program, options) {
  const client = makeClient(t, program.url, options);
  const connect = next(client.socket, "connect");
  client.socket.connect();
  await connect;
  return client.socket;
}

async function refused(t, program, options) {
  const client = makeClient(t, program.url, options);
  const error = next(client.socket, "connect_error");
  client.socket.connect();
  const [{ data }] = await error;
  return data.code;
}

/** Starts the program `opaque_tokens` with a real authorization server. */
async function opaque(t) {
  const provider = await Provider.start();
  t.after(() => provider.stop());
  const { url, clientId, clientSecret } = provider.introspection;
  const program = await startExample("opaque_tokens", {
    INTROSPECTION_URL: url,
    CLIENT_ID: clientId,
    CLIENT_SECRET: clientSecret,
  });
  t.after(() => program.stop());
  return { provider, program };
}

test("opaque_tokens: a socket closes when its token is revoked at the authorization server", LIMIT, async (t) => {
  const { provider, program } = await opaque(t);
  const [token, other] = [await provider.opaqueToken({ user: "alice" }), await provider.opaqueToken({ user: "bob" })];
  const socket = await connected(t, program, { auth: { token } });
  const staying = await connected(t, program, { auth: { token: other } });
  assert.equal(await ask(socket, "whoami"), "alice");
  const [ended, again] = [next(socket, "session_ended"), next(socket, "connect_error")];

  await provider.revoke(token);

  const [{ code, retry }] = await ended;
  assert.deepEqual([code, retry], ["outdated", "later"]);
  // The stock client comes back with the same token, and is refused for good.
  const [{ data }] = await again;
  assert.deepEqual([data.code, data.retry, socket.active], ["unauthenticated", "after_login", false]);
  assert.equal(await ask(staying, "whoami"), "bob");
  assert.equal(await refused(t, program, { auth: { token } }), "unauthenticated");
  assert.equal(await refused(t, program, { auth: { token: "made-up" } }), "unauthenticated");
  assert.equal(await refused(t, program, { auth: { token: await provider.accessToken({ user: "alice" }) } }), "unauthenticated");
  const shop = await provider.opaqueToken({ user: "alice", audience: "shop" });
  assert.equal(await refused(t, program, { auth: { token: shop } }), "unauthenticated");
});

test("opaque_tokens: while the authorization server is away, sockets stay and clients keep trying", LIMIT, async (t) => {
  const { provider, program } = await opaque(t);
  const token = await provider.opaqueToken({ user: "alice" });
  const socket = await connected(t, program, { auth: { token } });
  await provider.stop();

  const waiting = makeClient(t, program.url, { auth: { token: "unknown" } });
  waiting.socket.connect();
  await within(new Promise((resolve) => waiting.manager.once("reconnect_attempt", resolve)), "a second attempt");
  assert.equal(await ask(socket, "whoami"), "alice");
  assert.deepEqual(waiting.refusals.filter(({ data }) => data), []);

  // Its memory is empty after the restart, so the token is no longer active.
  const ended = next(socket, "session_ended");
  const refusal = new Promise((resolve) => waiting.socket.on("connect_error", ({ data }) => data && resolve(data.code)));
  await provider.start();
  assert.equal((await ended)[0].retry, "later");
  assert.equal(await within(refusal, "the refusal"), "unauthenticated");
});

test("own_users: one policy protects sockets and routes", LIMIT, async (t) => {
  const program = await startExample("own_users");
  t.after(() => program.stop());
  const get = (path, headers = {}, method = "GET") => fetch(`${program.url}${path}`, { method, headers });
  const page = { "Sec-Fetch-Site": "same-origin" };

  const missing = await get("/whoami");
  assert.equal(missing.status, 401);
  assert.equal(missing.headers.get("www-authenticate"), "Bearer");
  assert.equal((await missing.json()).code, "unauthenticated");

  const login = await get("/login?name=alice", {}, "POST");
  const cookie = login.headers.get("set-cookie").split(";")[0];
  assert.equal(await (await get("/whoami", { cookie, ...page })).text(), "alice");
  // The cookie alone is not enough, because a browser adds it to the requests of every page.
  assert.equal((await get("/whoami", { cookie })).status, 401);
  assert.equal((await get("/whoami", { cookie, origin: "https://evil.example" })).status, 401);

  const token = await (await get("/token", { cookie, ...page })).text();
  assert.equal(await (await get("/whoami", { authorization: `Bearer ${token}` })).text(), "alice");
  const socket = await connected(t, program, { auth: { token } });
  assert.equal(await ask(socket, "whoami"), "alice");
  const extraHeaders = { cookie, origin: program.url };
  const browser = await connected(t, program, { extraHeaders });
  assert.equal(await ask(browser, "whoami"), "alice");
  const evil = { cookie, origin: "https://evil.example" };
  assert.equal(await refused(t, program, { extraHeaders: evil, transports: ["websocket"] }), "unauthenticated");
  // A token of a NestJS application with the same secret.
  assert.equal(await (await get("/whoami", { authorization: `Bearer ${sign({ sub: "bob" })}` })).text(), "bob");
});
