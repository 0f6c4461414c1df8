// Connects a stock client and sends a browser's requests through each proxy, with the settings of docs/proxies.md.

import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import https from "node:https";
import { join } from "node:path";
import { after, test } from "node:test";

import { WebSocket } from "ws";

import { launch } from "../browser/support.mjs";
import { LIMIT, ask, freePort, freshFolder, makeClient, next, request, run, startDoorward, within } from "../doorward.mjs";
import { startRedis } from "../stores.mjs";
import { PROXIES, makeCertificate, ownTls, settings, startBehind, startNodesBehindNginx } from "./support.mjs";

const browser = await launch();
after(() => browser.close());

/** Address of this machine that is not the address of the proxy. */
const CLIENT = "127.5.5.5";
const OTHER = "127.6.6.6";

/** In Node, only the WebSocket of socket.io-client uses `localAddress`. */
const WITH_ADDRESS = ["websocket"];

/** Returns the networks of all connected clients, as operators see them. */
async function networks(server) {
  const { stdout } = await run(["connections", "--json", "--data-dir", server.dataDir]);
  return JSON.parse(stdout).connections.map(({ network }) => network);
}

function get(place, path, { headers = {}, method = "GET", body = "" } = {}) {
  const answer = new Promise((resolve, reject) => {
    const options = { ca: place.ca, headers, method, agent: false, servername: "localhost" };
    const sent = https.request(`${place.url}${path}`, options, (response) => {
      let text = "";
      response.on("data", (part) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
  return within(answer, `the answer to ${path}`);
}

/** Opens a connection and sends nothing. @returns {Promise<number>} 101, or the status of the refusal */
function link(t, place, localAddress) {
  const url = `wss://localhost:${place.port}/socket.io/?EIO=4&transport=websocket`;
  const socket = new WebSocket(url, { ca: place.ca, localAddress });
  t.after(() => socket.terminate());
  const opened = new Promise((resolve, reject) => {
    socket.once("open", () => resolve(101));
    socket.once("unexpected-response", (_, response) => resolve(response.statusCode));
    socket.once("error", reject);
  });
  return within(opened, "the answer to an upgrade");
}

/** Runs in a page of the server. Connects with the cookie of the page, and upgrades if it may. */
async function connectInPage(transports) {
  const { io } = await import("/socket.io/socket.io.esm.min.js");
  const socket = io({ transports, forceNew: true });
  await new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  const { engine } = socket.io;
  if (engine.transport.name !== transports.at(-1)) await new Promise((resolve) => engine.once("upgrade", resolve));
  const { user } = await socket.emitWithAck("whoami");
  const polls = performance.getEntriesByType("resource").filter(({ name }) => name.includes("transport=polling"));
  const result = { user, transport: engine.transport.name, protocols: [...new Set(polls.map((poll) => poll.nextHopProtocol))] };
  socket.disconnect();
  return result;
}

async function signedIn(server) {
  const made = await run(["sessions", "--user", "alice", "--create", "--data-dir", server.dataDir]);
  assert.equal(made.code, 0, made.stderr);
  // As a browser sends it for a page of the server.
  return { Cookie: `__Host-doorward=${made.stdout.trim()}`, "Sec-Fetch-Site": "same-origin" };
}

for (const proxy of PROXIES) {
  test(`${proxy}: sockets, cookies and the address of the client arrive`, LIMIT, async (t) => {
    const place = await startBehind(t, proxy, "host");
    const { server, url, ca } = place;

    // The server ignores the header of the client.
    const lies = { "X-Forwarded-For": "203.0.113.7", Forwarded: "for=203.0.113.7", "X-Real-IP": "203.0.113.7" };
    const auth = { token: await server.token() };
    const client = makeClient(t, url, { auth, ca, localAddress: CLIENT, extraHeaders: lies, transports: WITH_ADDRESS });
    const connected = next(client.socket, "connect");
    client.socket.connect();
    await connected;

    assert.equal(await ask(client.socket, "echo", "through the proxy"), "through the proxy");
    assert.deepEqual(await networks(server), ["127.5.5.0"]);

    const cookie = await signedIn(server);
    const me = await get(place, "/auth/me", { headers: cookie });
    assert.equal(me.status, 200, me.text);
    const foreign = await get(place, "/auth/session", { method: "DELETE", headers: { ...cookie, Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" } });
    assert.equal(foreign.status, 403);
    const own = { ...cookie, Origin: url };
    const ended = await get(place, "/auth/session", { method: "DELETE", headers: own });
    assert.equal(ended.status, 204, ended.text);
    assert.match(ended.headers["set-cookie"][0], /^__Host-doorward=;.*Path=\/; .*Secure/);

    const page = await get(place, "/account", { headers: { Accept: "text/html" } });
    assert.deepEqual([page.status, page.headers.location], [303, "/?next=/account"]);
  });

  test(`${proxy}: polling alone, a WebSocket alone, and default options`, LIMIT, async (t) => {
    const { server, url, ca } = await startBehind(t, proxy, "host");
    for (const transports of [["polling"], ["websocket"], undefined]) {
      const auth = { token: await server.token() };
      const { socket, manager } = makeClient(t, url, { auth, ca, ...(transports && { transports }) });
      const connected = next(socket, "connect");
      socket.connect();
      await connected;

      const large = "x".repeat(50_000);
      assert.equal(await ask(socket, "echo", large), large);
      // An event while the GET is held arrives although the proxy buffers responses.
      assert.equal(await ask(socket, "echo", "alone"), "alone");
      const expected = transports?.[0] ?? "websocket";
      if (manager.engine.transport.name !== expected) await next(manager.engine, "upgrade");
      assert.equal(manager.engine.transport.name, expected);
      assert.equal(await ask(socket, "echo", expected), expected);
      socket.disconnect();
    }
  });

  test(`${proxy}: Chromium over HTTP/2 and with a cookie`, LIMIT, async (t) => {
    const { server, url } = await startBehind(t, proxy, "host");
    const { Cookie } = await signedIn(server);
    const [name, value] = Cookie.split("=");
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    t.after(() => context.close());
    await context.addCookies([{ name, value, url, secure: true, httpOnly: true }]);
    const page = await context.newPage();
    await page.goto(`${url}/`);

    for (const transports of [["polling"], ["polling", "websocket"]]) {
      const seen = await page.evaluate(connectInPage, transports);
      assert.deepEqual(seen, { user: "alice", transport: transports.at(-1), protocols: ["h2"] });
    }
  });

  test(`${proxy}: a budget belongs to the client, not to the proxy`, LIMIT, async (t) => {
    const place = await startBehind(t, proxy, "host", { LIMITS__MAX_UNAUTHENTICATED_LINKS: "1" });

    assert.equal(await link(t, place, CLIENT), 101);
    assert.equal(await link(t, place, CLIENT), 429);
    assert.equal(await link(t, place, OTHER), 101);
  });

  test(`${proxy}: a foreign host is not answered`, LIMIT, async (t) => {
    const place = await startBehind(t, proxy, "host");

    const { status, text } = await get(place, "/", { headers: { Host: "evil.example" } });

    // Caddy itself rejects an unknown host, with 200 and an empty body. A 502 has an empty body too.
    if (proxy === "caddy") assert.deepEqual([status, text], [200, ""]);
    else assert.deepEqual([status, /public_url.*hosts\.allow/s.test(text)], [421, true]);
  });

  test(`${proxy}: below a path`, LIMIT, async (t) => {
    const place = await startBehind(t, proxy, "path");
    const { server, url, ca } = place;

    const auth = { token: await server.token() };
    const client = makeClient(t, url, { auth, ca, localAddress: CLIENT, path: "/chat/socket.io/", transports: WITH_ADDRESS });
    const connected = next(client.socket, "connect");
    client.socket.connect();
    await connected;

    assert.equal(await ask(client.socket, "echo", "below"), "below");
    assert.deepEqual(await networks(server), ["127.5.5.0"]);
    const page = await get(place, "/chat/account", { headers: { Accept: "text/html" } });
    assert.deepEqual([page.status, page.headers.location], [303, "/chat/?next=/chat/account"]);
    const home = await get(place, page.headers.location);
    assert.equal(home.status, 200);
    const [, script] = /<script type="module" src="([^"]*)">/.exec(home.text);
    const loaded = await get(place, new URL(script, `${url}/chat/`).pathname);
    assert.equal(loaded.status, 200);
    const me = await get(place, "/chat/auth/me", { headers: await signedIn(server) });
    assert.equal(me.status, 200, me.text);
  });
}

for (const [proxy, where] of [
  ["nginx", "unix"],
  ["haproxy", "tcp"],
]) {
  test(`${proxy} (${where}): every way of connecting, and the address of the client`, LIMIT, async (t) => {
    const place = await startBehind(t, proxy, where, { LIMITS__MAX_UNAUTHENTICATED_LINKS: "1" });
    const { server, url, ca } = place;
    for (const transports of [["polling"], ["websocket"], undefined]) {
      const auth = { token: await server.token() };
      const { socket, manager } = makeClient(t, url, { auth, ca, ...(transports && { transports }) });
      const connected = next(socket, "connect");
      socket.connect();
      await connected;

      const large = "x".repeat(50_000);
      assert.equal(await ask(socket, "echo", large), large);
      const expected = transports?.[0] ?? "websocket";
      if (manager.engine.transport.name !== expected) await next(manager.engine, "upgrade");
      assert.equal(await ask(socket, "echo", expected), expected);
      socket.disconnect();
    }

    // The limit is that of the client, and operators see its network.
    assert.equal(await link(t, place, CLIENT), 101);
    assert.equal(await link(t, place, CLIENT), 429);
    const auth = { token: await server.token() };
    const client = makeClient(t, url, { auth, ca, localAddress: OTHER, transports: WITH_ADDRESS });
    const connected = next(client.socket, "connect");
    client.socket.connect();
    await connected;
    assert.deepEqual(await networks(server), ["127.6.6.0"]);
    const me = await get(place, "/auth/me", { headers: await signedIn(server) });
    assert.equal(me.status, 200, me.text);
  });
}

test("without a proxy: Node and Chromium over TLS, and a renewed certificate", LIMIT, async (t) => {
  const folder = await freshFolder();
  t.after(() => rm(folder, { recursive: true, force: true }));
  const before = await makeCertificate(folder);
  const port = await freePort();
  const config = join(folder, "doorward.toml");
  await writeFile(config, await ownTls(new URL("../../docs/operating.md", import.meta.url), folder, port));
  const server = await startDoorward({ listen: `localhost:${port}`, config });
  t.after(() => server.stop());
  assert.match(server.url, /^https:/);
  const connect = async (ca, transports) => {
    const auth = { token: await server.token() };
    const client = makeClient(t, server.url, { auth, ca, ...(transports && { transports }) });
    const connected = next(client.socket, "connect");
    client.socket.connect();
    await connected;
    return client;
  };
  const first = await connect(before);
  if (first.manager.engine.transport.name !== "websocket") await next(first.manager.engine, "upgrade");

  // The plain port of a TLS server answers nothing, and the name of the host is checked as without TLS.
  await assert.rejects(request(server.url.replace("https:", "http:")));
  const place = { url: server.url, ca: before };
  assert.equal((await get(place, "/", { headers: { Host: "evil.example" } })).status, 421);
  const home = await get(place, "/");
  assert.equal(home.status, 200);
  // It would apply to every server on localhost.
  assert.equal(home.headers["strict-transport-security"], undefined);

  const { Cookie } = await signedIn(server);
  const [name, value] = Cookie.split("=");
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  t.after(() => context.close());
  await context.addCookies([{ name, value, url: server.url, secure: true, httpOnly: true }]);
  const page = await context.newPage();
  await page.goto(`${server.url}/`);
  for (const transports of [["polling"], ["polling", "websocket"], ["websocket"]]) {
    const seen = await page.evaluate(connectInPage, transports);
    assert.deepEqual([seen.user, seen.transport], ["alice", transports.at(-1)]);
  }

  const after = await makeCertificate(folder);
  server.signal("SIGHUP");
  await server.complained("The TLS certificate was replaced.");
  for (const transports of [["polling"], ["websocket"], undefined]) await connect(after, transports);
  await assert.rejects(get(place, "/"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
  assert.equal(await ask(first.socket, "echo", "still there"), "still there");
});

test("the timeouts of the proxies are longer than the pings of the server", async () => {
  // The ping interval and the ping timeout of docs/limits.md.
  const longest = 25 + 20;
  const timeouts = { nginx: /proxy_(?:read|send)_timeout (\d+)s;/g, haproxy: /timeout tunnel (\d+)s/g };
  for (const [proxy, pattern] of Object.entries(timeouts)) {
    for (const text of Object.values(await settings(proxy))) {
      const found = [...text.matchAll(pattern)].map(([, seconds]) => Number(seconds));
      assert.ok(found.length > 0 && found.every((seconds) => seconds > longest), `${proxy}: ${found}`);
    }
  }
});

test("nginx: a client that polls stays with its node, by a cookie", LIMIT, async (t) => {
  const redis = await startRedis();
  t.after(() => redis.kill());
  const { nodes, url, ca } = await startNodesBehindNginx(t, redis.url);

  for (let number = 0; number < 10; number += 1) {
    const auth = async (send) => send({ token: await nodes[0].token(`user-${number}`) });
    const client = makeClient(t, url, { auth, ca, transports: ["polling"], withCredentials: true });
    // A token of the second in which Redis was empty is refused, and a refused client does not come back by itself.
    client.socket.on("connect_error", (error) => error.data && client.socket.connect());
    const connected = next(client.socket, "connect");
    client.socket.connect();
    await connected;
    for (let event = 0; event < 5; event += 1) assert.equal(await ask(client.socket, "echo", event), event);
  }

  const lists = await Promise.all(nodes.map((node) => run(["connections", "--json", "--data-dir", node.dataDir])));
  const used = new Set(JSON.parse(lists[0].stdout).connections.map(({ node }) => node));
  assert.deepEqual([...used].sort(), ["eu-1", "eu-2"]);
  const complaints = nodes.map((node) => node.complaints()).join("");
  assert.doesNotMatch(complaints, /reached the wrong|which this node does not know/);
});
