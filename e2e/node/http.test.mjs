// Answers plain HTTP requests.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";

import { WebSocket } from "ws";

import { LIMIT, request, startDoorward, within } from "../doorward.mjs";

const server = await startDoorward();
after(() => server.stop());

const byAddress = `http://127.0.0.1:${server.port}`;
const vendored = new URL("../../crates/server/client/", import.meta.url);

test("/healthz answers 200", LIMIT, async () => {
  assert.equal((await request(`${server.url}/healthz`)).status, 200);
});

test("/ is a page", LIMIT, async () => {
  const { status, headers, body } = await request(`${server.url}/`);

  assert.equal(status, 200);
  assert.match(headers["content-type"], /^text\/html/);
  assert.match(body.toString(), /<div id="page">/);
});

test("a path that is not public requires a session", LIMIT, async () => {
  assert.equal((await request(`${server.url}/no-such-page`)).status, 401);
});

const BUILDS = ["esm.min", "min", "msgpack.min"].map((kind) => `socket.io.${kind}.js`);

for (const name of [...BUILDS, "socket.io.js"].flatMap((build) => [build, `${build}.map`])) {
  test(`/socket.io/${name} is the vendored file and is cached`, LIMIT, async () => {
    const url = `${server.url}/socket.io/${name}`;
    const type = name.endsWith(".map") ? /^application\/json/ : /^(text|application)\/javascript/;

    const { status, headers, body } = await request(url);

    assert.equal(status, 200);
    assert.match(headers["content-type"], type);
    assert.deepEqual(body, await readFile(new URL(name, vendored)));
    assert.ok(headers.etag);

    const again = await request(url, { headers: { "If-None-Match": headers.etag } });

    assert.equal(again.status, 304);
    assert.equal(again.body.length, 0);
  });
}

test("an old ETag gets the whole file", LIMIT, async () => {
  const headers = { "If-None-Match": '"another"' };

  assert.equal((await request(`${server.url}/socket.io/socket.io.js`, { headers })).status, 200);
});

test("the page is redirected from 127.0.0.1 to localhost", LIMIT, async () => {
  const { status, headers } = await request(`${byAddress}/`);

  assert.ok(status >= 300 && status < 400, `status ${status}`);
  assert.equal(headers.location, `${server.url}/`);
});

test("/healthz and /socket.io/ are not redirected", LIMIT, async () => {
  assert.equal((await request(`${byAddress}/healthz`)).status, 200);
  assert.equal((await request(`${byAddress}/socket.io/socket.io.js`)).status, 200);
});

for (const path of ["/", "/socket.io/socket.io.js", "/socket.io/?EIO=4&transport=polling"]) {
  test(`another host is refused at ${path}`, LIMIT, async () => {
    const headers = { Host: "doorward.example" };

    assert.equal((await request(server.url + path, { headers })).status, 421);
  });
}

test("another host is refused at a WebSocket upgrade", LIMIT, async (t) => {
  const url = `ws://localhost:${server.port}/socket.io/?EIO=4&transport=websocket`;
  const link = new WebSocket(url, { headers: { Host: "doorward.example" } });
  t.after(() => link.terminate());
  const answered = new Promise((resolve, reject) => {
    link.once("unexpected-response", (_, response) => resolve(response.statusCode));
    link.once("open", () => reject(new Error("the upgrade was accepted")));
    link.once("error", reject);
  });

  assert.equal(await within(answered, "the answer to the upgrade"), 421);
});

test("polling is refused with the option to set instead if the operator has turned it off", LIMIT, async (t) => {
  const strict = await startDoorward({ settings: { TRANSPORTS: '["websocket"]' } });
  t.after(() => strict.stop());
  const url = `${strict.url}/socket.io/?EIO=4&transport=polling`;

  const { status, headers, body } = await request(url);

  assert.equal(status, 400);
  assert.match(headers["content-type"], /json/);
  const texts = Object.values(JSON.parse(body.toString())).map(String);
  assert.ok(
    texts.some((text) => text.includes('transports: ["websocket"]')),
    `nothing to write in ${body}`,
  );
});
