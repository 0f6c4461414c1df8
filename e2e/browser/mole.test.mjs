// Plays whack-a-mole in real browsers, in rounds of a few seconds, with the server deciding about hits.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { LIMIT, run, startDoorward } from "../doorward.mjs";
import { askForAccount, launch, open, screenshot, state } from "./support.mjs";

const server = await startDoorward({ settings: { MOLE__ROUND: "6s" } });
after(() => server.stop());

const browser = await launch();
after(() => browser.close());

/** Enters a room of the game as a user with an account. */
async function enter(t, name, room, options) {
  const someone = await open(browser, t, `${server.url}/?next=${encodeURIComponent(`/mole?room=${room}`)}`, options);
  await askForAccount(someone, name);
  await state(someone.page, "connected");
  await player(someone.page, name).waitFor();
  return someone;
}

const player = (page, name) => page.getByTestId("mole-player").filter({ hasText: name });

const phase = (page, wanted) => page.locator(`[data-testid=mole-game][data-phase=${wanted}]`).waitFor();

/**
 * Waits until a mole has been up for enough frames to be seen, and returns its hole. A strike that is faster than a
 * person can react hits nothing.
 */
async function mole(page) {
  const hole = await page.waitForFunction(() => {
    globalThis.frames_up = (globalThis.frames_up ?? 0) + 1;
    const up = document.querySelector(".hole[data-state=up]");
    if (globalThis.watched !== up || up === null) [globalThis.watched, globalThis.frames_up] = [up, 0];
    return globalThis.frames_up > 15 && up.dataset.testid.slice("mole-hole-".length);
  });
  return Number(await hole.jsonValue());
}

/** Strikes at moles until one is hit, and returns the score. */
async function hit(page, strike) {
  const before = await score(page);
  do {
    await strike(await mole(page));
    await page.waitForFunction((before) => {
      const score = Number(document.querySelector("[data-testid=mole-score]").textContent);
      return score > before || globalThis.watched.dataset.state === "empty";
    }, before);
  } while ((await score(page)) === before);
  return score(page);
}

const score = async (page) => Number(await page.getByTestId("mole-score").textContent());

test("a round with mouse, keys and touch: all players see all scores, and the best are kept", LIMIT, async (t) => {
  const ann = await enter(t, "ann", "one");
  const bob = await enter(t, "bob", "one", { hasTouch: true, viewport: { width: 390, height: 844 } });
  const eve = await enter(t, "eve", "one");
  await eve.page.getByTestId("mole-watch").click();
  await player(ann.page, "eve").waitFor({ state: "detached" });
  await ann.page.getByTestId("mole-start").click();
  for (const { page } of [ann, bob, eve]) await phase(page, "playing");

  await hit(ann.page, (hole) => ann.page.getByTestId(`mole-hole-${hole}`).click());
  const annScore = await hit(ann.page, (hole) => ann.page.keyboard.press(String(hole)));
  const bobScore = await hit(bob.page, (hole) => bob.page.getByTestId(`mole-hole-${hole}`).tap());
  await screenshot(ann.page, "mole");
  await screenshot(bob.page, "phone-mole");

  assert.ok(annScore >= 20 && bobScore >= 10, `${annScore} ${bobScore}`);
  for (const { page } of [ann, bob, eve]) {
    await player(page, "ann").filter({ hasText: String(annScore) }).waitFor();
    await phase(page, "over");
    await page.getByTestId("mole-result").filter({ hasText: "ann" }).waitFor();
    await page.getByTestId("mole-top").filter({ hasText: "ann" }).waitFor();
    assert.ok((await page.getByTestId("mole-top").locator("li").count()) >= 2);
  }
  // Only players can begin another round; spectators cannot.
  assert.equal(await eve.page.getByTestId("mole-start").isDisabled(), true);
  await bob.page.getByTestId("mole-start").click();
  await phase(eve.page, "countdown");
  assert.equal(await score(ann.page), 0);
  assert.deepEqual([ann.complaints, bob.complaints, eve.complaints], [[], [], []]);
});

test("a second tab takes the game over, and the first one reports it; a reload keeps the score", LIMIT, async (t) => {
  const { page, context } = await enter(t, "tabs", "two");
  await page.getByTestId("mole-start").click();
  await phase(page, "playing");
  const scored = await hit(page, (hole) => page.keyboard.press(String(hole)));

  const second = await context.newPage();
  await second.goto(`${server.url}/mole?room=two`);
  await state(second, "connected");

  await state(page, "replaced");
  await page.getByTestId("mole-away").filter({ hasText: "You are playing in another tab" }).waitFor();
  assert.equal(await page.getByTestId("mole-clock").count(), 0);
  assert.equal(await page.locator(".hole[data-state=up]").count(), 0);
  await player(second, "tabs").filter({ hasText: String(scored) }).waitFor();
  await second.reload();
  await state(second, "connected");
  await player(second, "tabs").filter({ hasText: String(scored) }).waitFor();
  await page.getByTestId("mole-here").click();
  await state(second, "replaced");
  await state(page, "connected");
});

test("a strike at an empty hole changes no score and is counted", LIMIT, async (t) => {
  const { page } = await enter(t, "misses", "three");
  await page.getByTestId("mole-start").click();
  await phase(page, "playing");

  const empty = page.locator(".hole[data-state=empty]").first();
  await empty.click();
  assert.equal(await score(page), 0);

  await phase(page, "over");
  await page.getByTestId("mole-result").filter({ hasText: "0 hits, 1 misses" }).waitFor();
});

test("a player whose account is disabled is disconnected at once", LIMIT, async (t) => {
  const cheat = await enter(t, "cheat", "four");
  const honest = await enter(t, "honest", "four");
  await cheat.page.getByTestId("mole-start").click();
  await phase(cheat.page, "playing");

  const disabled = await run(["accounts", "disable", "cheat", "--data-dir", server.dataDir]);

  assert.equal(disabled.code, 0, disabled.stderr);
  await cheat.page.getByTestId("signin-submit").waitFor();
  await player(honest.page, "cheat").and(honest.page.locator("[data-here=false]")).waitFor();
  await phase(honest.page, "over");
  await player(honest.page, "cheat").waitFor({ state: "detached" });
});

test("the sound setting is kept, motion follows the setting of the device, and all holes have names", LIMIT, async (t) => {
  const { page } = await enter(t, "quiet", "five", { reducedMotion: "reduce", viewport: { width: 320, height: 640 } });

  await page.getByTestId("mole-sound").click();
  await page.reload();

  await page.getByTestId("mole-sound").filter({ hasText: "Sound is off" }).waitFor();
  assert.equal(await page.getByTestId("mole-sound").getAttribute("aria-pressed"), "false");
  assert.equal(await page.locator(".hole .mole").first().evaluate((mole) => getComputedStyle(mole).transitionProperty), "opacity");
  for (let hole = 1; hole <= 9; hole += 1) {
    assert.equal(await page.getByTestId(`mole-hole-${hole}`).getAttribute("aria-label"), `Hole ${hole}`);
  }
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 320);
});
