// Opens a page of another origin in the browser of a signed-in user.

import assert from "node:assert/strict";
import http from "node:http";
import { after, test } from "node:test";

import { LIMIT, startDoorward } from "../doorward.mjs";
import { launch, open, signUp } from "./support.mjs";

const server = await startDoorward();
after(() => server.stop());

const browser = await launch();
after(() => browser.close());

// Another port is another origin of the same site: the browser even sends the cookie along.
const evil = http.createServer((_, response) => {
  response.setHeader("Content-Type", "text/html");
  response.end("<!doctype html><title>evil</title>");
});
await new Promise((resolve) => evil.listen(0, "localhost", resolve));
after(() => evil.close());

test("a page of another origin reads nothing, changes nothing and opens no socket", LIMIT, async (t) => {
  const victim = await open(browser, t, `${server.url}/`);
  const { page, context } = victim;
  await signUp(victim, "victim");
  const foreign = await context.newPage();
  await foreign.goto(`http://localhost:${evil.address().port}/`);

  const tried = await foreign.evaluate(async (url) => {
    const status = (method, path, mode) =>
      fetch(url + path, { method, mode, credentials: "include" }).then(
        (answer) => answer.status,
        () => "not readable",
      );
    const socket = () =>
      new Promise((resolve) => {
        const own = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
        own.onmessage = ({ data }) => {
          if (data[0] === "0") own.send("40{}");
          else resolve(data);
        };
        own.onclose = () => resolve("closed");
      });
    return {
      me: await status("GET", "/auth/me"),
      signOut: await status("DELETE", "/auth/session"),
      // Simple requests need no permission of the server. They are sent, and must change nothing.
      form: await status("POST", "/auth/session", "no-cors"),
      token: await status("POST", "/auth/token", "no-cors"),
      socket: await socket(),
    };
  }, server.url);

  assert.equal(tried.me, "not readable");
  assert.equal(tried.signOut, "not readable");
  assert.match(tried.socket, /^44.*unauthenticated/);
  const me = await page.evaluate(async () => (await fetch("/auth/me")).status);
  assert.equal(me, 200);
  const frames = await foreign.evaluate(
    (url) =>
      new Promise((resolve) => {
        const frame = document.createElement("iframe");
        frame.onload = () => resolve(frame.contentDocument === null ? "closed" : "readable");
        frame.src = url;
        document.body.append(frame);
      }),
    server.url,
  );
  assert.equal(frames, "closed");
});
