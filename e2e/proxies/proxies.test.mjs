// Connects a stock client and sends a browser's requests through each proxy, with the settings of docs/proxies.md.

import assert from "node:assert/strict";
import https from "node:https";
import { test } from "node:test";

import { WebSocket } from "ws";

import { LIMIT, ask, makeClient, next, run, within } from "../doorward.mjs";
import { PROXIES, settings, startBehind } from "./support.mjs";

/** Address of this machine that is not the address of the proxy. */
const CLIENT = "127.5.5.5";
const OTHER = "127.6.6.6";

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
    const client = makeClient(t, url, { auth, ca, localAddress: CLIENT, extraHeaders: lies });
    const connected = next(client.socket, "connect");
    client.socket.connect();
    await connected;

    assert.equal(client.manager.engine.transport.name, "websocket");
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
    const client = makeClient(t, url, { auth, ca, localAddress: CLIENT, path: "/chat/socket.io/" });
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
