// Runs the program of the client library's README in a page.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";

import { LIMIT, startDoorward, within } from "../doorward.mjs";
import { launch, open, touch } from "./support.mjs";

const server = await startDoorward();
after(() => server.stop());

const browser = await launch();
after(() => browser.close());

// A page without a build step resolves the packages by name with an import map.
const IMPORTS = {
  "socket.io-client": "/assets/socketio.js",
  "doorward-client": "/assets/doorward-client/index.js",
};

test("account.js creates an account, connects and receives its echo", LIMIT, async (t) => {
  // This page of the server has no scripts.
  const one = await open(browser, t, `${server.url}/healthz`, { bypassCSP: true });
  const { page } = one;
  const program = await readFile(new URL("../../examples/clients/browser/account.js", import.meta.url), "utf8");
  const lines = [];
  const all = new Promise((resolve) => {
    page.on("console", (message) => {
      if (message.type() === "log" && lines.push(message.text()) === 4) resolve(undefined);
    });
  });

  await page.addScriptTag({ type: "importmap", content: JSON.stringify({ imports: IMPORTS }) });
  await page.addScriptTag({ type: "module", content: program });
  await touch(one);
  await within(all, "four lines");

  assert.deepEqual(lines, ["alice", "connecting ", "connected ", "hello"]);
});
