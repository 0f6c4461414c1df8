// Runs the example with a token of another service: the token stays on the server.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";

import { LIMIT } from "../doorward.mjs";
import { startExample } from "../example.mjs";
import { launch, open, touch } from "./support.mjs";

const program = await startExample("upstream_token");
after(() => program.stop());

const browser = await launch();
after(() => browser.close());

const CANARY = "upstream-canary";

test("the token is used for the client and is in no frame, no answer and no log", LIMIT, async (t) => {
  const one = await open(browser, t, program.url);
  const { page } = one;
  const seen = [];
  page.on("websocket", (socket) => {
    socket.on("framereceived", ({ payload }) => seen.push(String(payload)));
    socket.on("framesent", ({ payload }) => seen.push(String(payload)));
  });
  page.on("response", async (answer) => seen.push(await answer.text().catch(() => "")));
  // The library of this repository, in a page of the example's origin.
  const from = (path) => new URL(`../../${path}`, import.meta.url);
  await page.route("**/lib/*", async (route) => {
    const name = new URL(route.request().url()).pathname.replace("/lib/", "");
    const file = name === "socket.io.js" ? "crates/server/client/socket.io.esm.min.js" : `clients/js/src/${name}`;
    await route.fulfill({ contentType: "text/javascript", body: await readFile(from(file)) });
  });

  const orders = page.evaluate(async () => {
    const [{ createDoorward }, { io }] = await Promise.all([import("/lib/index.js"), import("/lib/socket.io.js")]);
    const doorward = createDoorward({ io });
    await doorward.signUp({ username: "alice" });
    return doorward.connect("/").emitWithAck("orders");
  });

  await touch(one);

  assert.equal(await orders, "2 orders");
  assert.ok(seen.some((text) => text.includes("webauthn:register")));
  assert.ok(!seen.some((text) => text.includes(CANARY)));
  assert.ok(program.said().includes("Listening"));
  assert.ok(!program.said().includes(CANARY));
});
