// Stock clients with the tokens of a real identity provider, at the ready-made server.

import assert from "node:assert/strict";
import { createSign, generateKeyPairSync, randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { io } from "socket.io-client";

import { createDoorward } from "../../clients/js/src/index.js";
import { LIMIT, ask, freshFolder, makeClient, next, startDoorward, watch, within } from "../doorward.mjs";
import { blocksOf } from "../documents.mjs";
import { Provider } from "../provider.mjs";

/** Starts a provider, and a server that accepts its access tokens as those of the issuer `corp`. */
async function started(t) {
  const provider = await Provider.start();
  t.after(() => provider.stop());
  const folder = await freshFolder();
  t.after(() => rm(folder, { recursive: true, force: true }));
  const config = join(folder, "doorward.toml");
  const [settings] = await blocksOf("docs/issuers.md", "toml");
  await writeFile(config, settings.replace("https://id.example.org", provider.url));
  const server = await startDoorward({ config });
  t.after(() => server.stop());
  return { provider, server };
}

/** Connects with the options of a stock client, and waits until the server has admitted it. */
async function connected(t, server, token) {
  const client = makeClient(t, server.url, { auth: { token } });
  const connect = next(client.socket, "connect");
  client.socket.connect();
  await connect;
  return client;
}

async function refused(t, server, token) {
  const client = makeClient(t, server.url, { auth: { token } });
  const error = next(client.socket, "connect_error");
  client.socket.connect();
  const [{ data }] = await error;
  return data.code;
}

/** Returns how often the key set was requested. */
async function keySetRequests(provider) {
  return (await provider.requests()).filter(({ path }) => path === "/jwks");
}

test("an access token of a provider is accepted, and no other token of it", LIMIT, async (t) => {
  const { provider, server } = await started(t);
  const other = await Provider.start({ keys: provider.keys });
  t.after(() => other.stop());

  const client = await connected(t, server, await provider.accessToken({ user: "alice" }));

  assert.equal((await ask(client.socket, "whoami")).user, "corp:alice");
  for (const token of [
    await provider.accessToken({ user: "alice", audience: "shop" }),
    await provider.idToken({ user: "alice" }),
    await provider.opaqueToken({ user: "alice" }),
    // The same key, and another issuer.
    await other.accessToken({ user: "alice" }),
  ]) {
    assert.equal(await refused(t, server, token), "unauthenticated");
  }
  assert.equal((await keySetRequests(provider)).length, 1);
  assert.equal((await other.requests()).filter(({ path }) => path === "/jwks").length, 0);
});

test("a rotated key is picked up without a refusal, and sockets stay", LIMIT, async (t) => {
  const { provider, server } = await started(t);
  const before = await connected(t, server, await provider.accessToken({ user: "alice" }));
  let ended = 0;
  before.socket.on("disconnect", () => (ended += 1));

  for (const keys of ["added", "new"]) {
    await provider.restart({ keys });
    const client = await connected(t, server, await provider.accessToken({ user: "bob" }));
    assert.equal((await ask(client.socket, "whoami")).user, "corp:bob");
    // An attempt that was not decided ends the transport. No attempt was refused.
    assert.deepEqual(client.refusals.filter(({ data }) => data), []);
  }

  assert.equal((await ask(before.socket, "whoami")).user, "corp:alice");
  assert.equal(ended, 0);
});

test("strangers with made-up keys cost the provider three requests in ten seconds at most", LIMIT, async (t) => {
  const { provider, server } = await started(t);
  const good = await provider.accessToken({ user: "alice" });
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const forged = () => {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: provider.url, aud: "chat", sub: "mallory", iat: now, exp: now + 300 };
    const signed = `${part({ alg: "RS256", typ: "at+jwt", kid: randomUUID() })}.${part(claims)}`;
    return `${signed}.${createSign("sha256").update(signed).sign(privateKey, "base64url")}`;
  };

  const strangers = Array.from({ length: 20 }, () =>
    makeClient(t, server.url, { auth: (show) => show({ token: forged() }), reconnectionDelayMax: 200 }),
  );
  for (const { socket } of strangers) socket.connect();
  const until = Date.now() + 12_000;
  while (Date.now() < until) {
    const client = await connected(t, server, good);
    client.socket.disconnect();
    await watch(500);
  }

  assert.equal(strangers.filter(({ socket }) => socket.connected).length, 0);
  const times = (await provider.requests())
    .filter(({ path }) => path === "/jwks" || path.startsWith("/.well-known/"))
    .map(({ at }) => at);
  for (const begin of times) {
    const within = times.filter((at) => at >= begin && at < begin + 10_000);
    assert.ok(within.length <= 3, `${within.length} requests in ten seconds`);
  }
  assert.ok(times.length <= 6, `${times.length}`);
});

test("while the provider is away, its keys are still used, and its new key is picked up later", LIMIT, async (t) => {
  const { provider, server } = await started(t);
  const token = await provider.accessToken({ user: "alice" });
  const first = await connected(t, server, token);
  await provider.stop();

  const second = await connected(t, server, token);
  assert.equal((await ask(second.socket, "whoami")).user, "corp:alice");
  assert.equal((await ask(first.socket, "whoami")).user, "corp:alice");

  await provider.start();
  await provider.restart({ keys: "new" });
  const third = makeClient(t, server.url, { auth: { token: await provider.accessToken({ user: "carol" }) } });
  await provider.stop();
  // The key is not known, and the provider does not answer. The client is not refused, and keeps trying.
  third.socket.connect();
  await within(new Promise((resolve) => third.manager.once("reconnect_attempt", resolve)), "a second attempt");
  await provider.start();
  await next(third.socket, "connect");
  assert.equal((await ask(third.socket, "whoami")).user, "corp:carol");
  assert.deepEqual(third.refusals.filter(({ data }) => data), []);
});

/** The client of the document has the default options of Socket.IO. */
test("a client stays through the removal of its issuer, if its function returns another token", LIMIT, async (t) => {
  const [before, after] = [await Provider.start(), await Provider.start()];
  t.after(() => Promise.all([before.stop(), after.stop()]));
  const folder = await freshFolder();
  t.after(() => rm(folder, { recursive: true, force: true }));
  const config = join(folder, "doorward.toml");
  const [entry] = await blocksOf("docs/issuers.md", "toml");
  const soon = '[limits]\nsweep_interval = "1s"\n';
  const oldEntry = entry.replace("https://id.example.org", before.url);
  const newEntry = entry.replace("https://id.example.org", after.url).replace('"corp"', '"id"');
  await writeFile(config, oldEntry + newEntry + soon);
  const server = await startDoorward({ config });
  t.after(() => server.stop());

  let token = await before.accessToken({ user: "alice" });
  const [block] = await blocksOf("docs/issuers.md", "js");
  const source = block.replace("https://chat.example.org", server.url);
  const socket = new Function("io", "getToken", `${source}\nreturn socket;`)(io, async () => token);
  t.after(() => socket.disconnect());
  await next(socket, "connect");
  assert.equal((await ask(socket, "whoami")).user, "corp:alice");

  token = await after.accessToken({ user: "alice" });
  const [ended, back] = [next(socket, "session_ended"), next(socket, "connect")];
  await writeFile(config, newEntry + soon);
  server.signal("SIGHUP");

  const [{ code, retry }] = await ended;
  assert.deepEqual([code, retry], ["outdated", "later"]);
  await back;
  assert.equal((await ask(socket, "whoami")).user, "id:alice");
});

/** Libraries of providers return the same token until it expires. */
test("a client of doorward-client returns with the same token after a change of its issuer", LIMIT, async (t) => {
  const provider = await Provider.start();
  t.after(() => provider.stop());
  const folder = await freshFolder();
  t.after(() => rm(folder, { recursive: true, force: true }));
  const config = join(folder, "doorward.toml");
  const [entry] = await blocksOf("docs/issuers.md", "toml");
  const settings = entry.replace("https://id.example.org", provider.url);
  const soon = '[limits]\nsweep_interval = "1s"\n';
  await writeFile(config, settings + soon);
  const server = await startDoorward({ config });
  t.after(() => server.stop());
  const token = await provider.accessToken({ user: "alice" });
  const states = [];
  const socket = createDoorward({ io, url: server.url }).connect("/", {
    token: async () => token,
    onState: (state, code) => states.push(code ? `${state} ${code}` : state),
  });
  t.after(() => socket.disconnect());
  await next(socket, "connect");

  const back = next(socket, "connect");
  await writeFile(config, `${settings}max_lifetime = "12h"\n${soon}`);
  server.signal("SIGHUP");
  await back;

  assert.equal((await ask(socket, "whoami")).user, "corp:alice");
  assert.deepEqual(states.slice(0, 3), ["connecting", "connected", "reconnecting outdated"]);
  assert.equal(states.at(-1), "connected");
});
