// Reloads a page in the middle of its upgrade to a WebSocket.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { LIMIT, run, startDoorward, within } from "../doorward.mjs";
import { launch, open, signUp } from "./support.mjs";

const server = await startDoorward();
after(() => server.stop());

const browser = await launch();
after(() => browser.close());

/** Runs in the page. Connects with default options, and reloads the page when its upgrade begins. */
async function reloadWhileUpgrading() {
  const { io } = await import("/socket.io/socket.io.esm.min.js");
  const socket = io({ forceNew: true });
  socket.io.engine.once("upgrading", () => location.reload());
}

/** Runs in the page. Connects with default options, and waits for the upgrade. */
async function connect() {
  const { io } = await import("/socket.io/socket.io.esm.min.js");
  const socket = io({ forceNew: true });
  await new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  if (socket.io.engine.transport.name !== "websocket") {
    await new Promise((resolve) => socket.io.engine.once("upgrade", resolve));
  }
  await socket.emitWithAck("whoami");
}

async function connections() {
  const { stdout } = await run(["connections", "--json", "--data-dir", server.dataDir]);
  return JSON.parse(stdout).connections.length;
}

test("a page that reloads in the middle of the upgrade connects again, and leaves nothing behind", LIMIT, async (t) => {
  const one = await open(browser, t, `${server.url}/`);
  await signUp(one, "reloads");
  const { page } = one;

  for (let reload = 0; reload < 10; reload += 1) {
    const loaded = page.waitForEvent("load");
    // The reload ends the page in which this runs.
    await page.evaluate(reloadWhileUpgrading).catch(() => {});
    await within(loaded, "the reload");
  }

  await page.evaluate(connect);
  // One connection of the page itself, and the one above.
  const settled = async () => {
    while ((await connections()) > 2);
  };
  await within(settled(), "the end of the old connections");
  assert.ok((await connections()) >= 1);
});
