// Browsers on three nodes with one Redis and one PostgreSQL: they chat and play together, also when nodes die.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { LIMIT, startDoorward } from "../doorward.mjs";
import { startPostgres, startRedis } from "../stores.mjs";
import { askForAccount, launch, open, screenshot, state } from "./support.mjs";

const [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
const nodes = await Promise.all(["eu-1", "eu-2", "eu-3"].map(start));
after(async () => {
  // The tests kill two of them.
  await Promise.allSettled(nodes.slice(0, 2).map((node) => node.stop()));
  await nodes[2].stop();
  redis.kill();
  postgres.stop();
});

const browser = await launch();
after(() => browser.close());

function start(name) {
  const settings = { REDIS__URL: redis.url, DATABASE__URL: postgres.url, CLUSTER__NODE: name };
  return startDoorward({ settings });
}

/** Opens a page of a node as a user with a new account. */
async function enter(t, node, name, page) {
  const user = await open(browser, t, `${node.url}/?next=${encodeURIComponent(page)}`);
  await askForAccount(user, name);
  await state(user.page, "connected");
  return user;
}

async function say({ page }, text) {
  await page.getByTestId("chat-input").fill(text);
  await page.getByTestId("chat-send").click();
}

/** Waits until the page shows exactly these messages. */
function shows({ page }, texts) {
  return page.waitForFunction((texts) => {
    const shown = [...document.querySelectorAll("[data-testid=chat-message] .text")];
    return JSON.stringify(shown.map((one) => one.textContent)) === JSON.stringify(texts);
  }, texts);
}

function isHere({ page }, name, online) {
  return page.locator(`[data-testid=chat-member][data-online=${online}]`).filter({ hasText: name }).waitFor();
}

const phase = ({ page }, wanted) => page.locator(`[data-testid=mole-game][data-phase=${wanted}]`).waitFor();

const player = ({ page }, name) => page.getByTestId("mole-player").filter({ hasText: name });

test("users of three nodes chat, and one whose node dies goes on at another one", LIMIT, async (t) => {
  const ann = await enter(t, nodes[0], "ann", "/chat");
  const bob = await enter(t, nodes[1], "bob", "/chat");
  const eve = await enter(t, nodes[2], "eve", "/chat");
  await ann.page.getByTestId("chat-create-open").click();
  await ann.page.locator("#chat-create").fill("Tea");
  await ann.page.getByTestId("chat-create-submit").click();
  await ann.page.locator(".members summary").click();
  for (const [name, guest] of Object.entries({ bob, eve })) {
    await ann.page.locator("#chat-invite").fill(name);
    await ann.page.getByTestId("chat-invite-submit").click();
    await guest.page.getByTestId("chat-invitation-accept").click();
    await isHere(ann, name, true);
  }
  await say(ann, "one");
  await say(bob, "two");
  for (const user of [ann, bob, eve]) await shows(user, ["one", "two"]);

  nodes[1].signal("SIGKILL");
  await state(bob.page, "reconnecting");
  await say(eve, "three");
  await shows(ann, ["one", "two", "three"]);
  await isHere(ann, "bob", false);
  // The load balancer sends the browser to another node. The session is that of before.
  await bob.page.goto(`${nodes[2].url}/chat`);
  await state(bob.page, "connected");
  await shows(bob, ["one", "two", "three"]);
  await isHere(ann, "bob", true);
  await say(bob, "four");

  for (const user of [ann, bob, eve]) await shows(user, ["one", "two", "three", "four"]);
  assert.deepEqual([ann.complaints, eve.complaints], [[], []]);
});

test("players of two nodes play one game, and another node takes it over when its node dies", LIMIT, async (t) => {
  const mia = await enter(t, nodes[0], "mia", "/mole?room=two");
  await player(mia, "mia").waitFor();
  const noah = await enter(t, nodes[2], "noah", "/mole?room=two");
  for (const user of [mia, noah]) {
    for (const name of ["mia", "noah"]) await player(user, name).waitFor();
  }
  await noah.page.getByTestId("mole-start").click();
  for (const user of [mia, noah]) await phase(user, "playing");

  nodes[0].signal("SIGKILL");
  await noah.page.getByTestId("mole-moved").filter({ hasText: "game in this room was interrupted" }).waitFor();
  await phase(noah, "waiting");
  await screenshot(noah.page, "mole-moved");
  await mia.page.goto(`${nodes[2].url}/mole?room=two`);
  await player(noah, "mia").waitFor();
  await noah.page.getByTestId("mole-start").click();

  for (const user of [mia, noah]) await phase(user, "playing");
  assert.deepEqual(noah.complaints, []);
});
