// Tests what a person notices: words, focus, titles, and what a page does when something goes wrong.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";

import { LIMIT, run, startDoorward } from "../doorward.mjs";
import { isConnected, launch, open, screenshot, signUp, state } from "./support.mjs";

const server = await startDoorward();
after(() => server.stop());

const browser = await launch();
after(() => browser.close());

const HOME = `${server.url}/`;

test("the door shows the own connections as they open and end, also of another browser", LIMIT, async (t) => {
  const one = await open(browser, t, HOME, { viewport: { width: 1280, height: 800 } });
  const { page, context, complaints } = one;
  await signUp(one, "doors");
  const lines = page.getByTestId("door-line");
  await lines.first().waitFor();
  assert.equal(await lines.count(), 1);
  assert.match(await lines.first().textContent(), /Chrome on Linux\s*this tab/);

  const tab = await context.newPage();
  await tab.goto(`${server.url}/chat`);
  await lines.filter({ hasText: "Chat" }).waitFor();
  await page.getByTestId("door-news").filter({ hasText: "Chrome on Linux opened a connection to Chat." }).waitFor();
  await screenshot(page, "door");
  await tab.close();
  await page.locator("[data-testid=door-line][data-open=false]").filter({ hasText: "Left" }).waitFor();

  await page.getByTestId("door-another").click();
  await page.getByTestId("door-end").click();
  await page.locator("[data-testid=door-line][data-reason=revoked]").waitFor();
  await page.getByRole("status").filter({ hasText: "has ended" }).waitFor();
  await page.getByTestId("door-count").filter({ hasText: "1 open" }).waitFor();
  assert.deepEqual(complaints, []);
});

test("a session that is revoked during the chat says why", LIMIT, async (t) => {
  const one = await open(browser, t, HOME);
  await signUp(one, "revoked");
  await one.page.goto(`${server.url}/chat`);
  await state(one.page, "connected");

  const revoked = await run(["revoke", "--user", "revoked", "--data-dir", server.dataDir]);

  assert.equal(revoked.code, 0, revoked.stderr);
  await one.page.getByRole("status").filter({ hasText: "You were signed out." }).waitFor();
});

test("a sign-out while the server is down says so, and is done when it is back", LIMIT, async (t) => {
  const first = await startDoorward();
  const one = await open(browser, t, `${first.url}/`);
  const { page } = one;
  await signUp(one, "leaver");
  first.terminate();
  await first.exited();

  await page.getByTestId("signout").click();
  await page.getByRole("status").filter({ hasText: "you are still signed in" }).first().waitFor();
  const second = await startDoorward({ listen: `localhost:${first.port}`, dataDir: first.dataDir });
  t.after(() => second.stop());

  await page.getByTestId("signin-submit").waitFor();
  assert.equal(await page.evaluate(async () => (await fetch("/auth/me")).status), 401);
});

/** The answer must not tell whether the name exists. */
test("a wrong recovery code and a name that does not exist read the same, at the field", LIMIT, async (t) => {
  const one = await open(browser, t, HOME);
  await signUp(one, "exists");
  const other = await open(browser, t, HOME);
  const { page } = other;
  await page.getByTestId("recover-open").click();

  const answers = [];
  for (const name of ["exists", "nemo"]) {
    await page.fill("#recover-username", name);
    await page.fill("#recover-code", "aaaa-bbbb-cccc-dddd");
    await page.getByTestId("recover-submit").click();
    await page.locator("#recover-code[aria-invalid=true]").waitFor();
    answers.push(await page.locator("#recover-code-note").textContent());
    await page.fill("#recover-code", "");
  }

  assert.equal(answers[0], answers[1]);
  assert.match(answers[0], /username and code do not match/);
});

test("a cancelled dialog and its Cancel button give the focus back", LIMIT, async (t) => {
  const one = await open(browser, t, HOME);
  const { page } = one;
  await page.getByTestId("signin-submit").click();
  await page.getByRole("heading", { name: "Waiting for your passkey" }).waitFor();

  await page.getByTestId("passkey-cancel").click();

  await page.getByRole("alert").filter({ hasText: "Passkey cancelled. Try again when you’re ready." }).waitFor();
  await page.locator("[data-testid=signin-submit]:focus").waitFor();
});

test("dialogs keep the focus, close with Escape, and return it", LIMIT, async (t) => {
  const one = await open(browser, t, HOME);
  const { page } = one;
  await signUp(one, "focus");
  await page.goto(`${server.url}/account`);
  const opener = page.getByTestId("account-remove");
  await opener.scrollIntoViewIfNeeded();
  await opener.click();

  await page.locator("[data-testid=account-remove-name]:focus").waitFor();
  const isInView = await page.getByRole("dialog").evaluate((dialog) => {
    const { top, bottom } = dialog.getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight;
  });
  assert.ok(isInView);
  await page.keyboard.press("Escape");

  await page.locator("[data-testid=account-remove]:focus").waitFor();
  assert.equal(await page.getByRole("dialog").count(), 0);
});

test("a name of a room that is not valid is made into one", LIMIT, async (t) => {
  const one = await open(browser, t, HOME);
  const { page } = one;
  await signUp(one, "roomy");

  await page.goto(`${server.url}/mole?room=My Room!`);

  await page.getByRole("heading", { name: "Playing in “my-room”" }).waitFor();
  await page.getByTestId("mole-player").filter({ hasText: "roomy" }).waitFor();
});

test("a typed address opens the page without a detour", LIMIT, async (t) => {
  const one = await open(browser, t, HOME);
  const { page } = one;
  await signUp(one, "typist");
  const opened = [];
  page.on("request", (request) => request.isNavigationRequest() && opened.push(new URL(request.url()).pathname));

  // The browser treats the address as typed: no page has opened it.
  await page.goto(`${server.url}/account`);

  await page.getByTestId("passkey-row").waitFor();
  assert.deepEqual(opened, ["/account"]);
});

test("titles say where one is, and a page without a session asks for none", LIMIT, async (t) => {
  const one = await open(browser, t, "about:blank");
  const { page } = one;
  const refused = [];
  page.on("response", (response) => response.status() >= 400 && refused.push(response.url()));
  await page.goto(HOME);
  await page.getByTestId("signin-submit").waitFor();
  assert.equal(await page.title(), "Sign in · Doorward");
  await signUp(one, "titles");
  assert.equal(await page.title(), "Doorward");

  for (const [path, title] of [
    ["account", "Account · Doorward"],
    ["mole", "Whack-a-mole · Doorward"],
    ["chat", "Chat · Doorward"],
  ]) {
    await page.goto(HOME + path);
    await state(page, "connected");
    assert.equal(await page.title(), title);
  }
  assert.deepEqual(refused, []);
});

test("the theme is chosen in the menu and stays", LIMIT, async (t) => {
  const one = await open(browser, t, HOME);
  const { page } = one;
  await signUp(one, "themes");
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();

  await page.getByRole("button", { name: "Account menu for themes" }).click();
  await page.getByRole("button", { name: "Dark" }).click();
  const dark = await ground();
  await page.reload();
  await isConnected(page, "themes");

  assert.notEqual(dark, light);
  assert.equal(await ground(), dark);
});

test("recovery codes ask before the old ones die", LIMIT, async (t) => {
  const one = await open(browser, t, HOME);
  const { page } = one;
  await signUp(one, "coder");
  await page.goto(`${server.url}/account`);
  await page.getByTestId("codes-make").click();
  await page.getByTestId("recovery-codes").locator("li").first().waitFor();
  const first = await page.getByTestId("recovery-codes").locator("li").allTextContents();
  await page.getByLabel("I have saved these codes").check();
  await page.getByRole("button", { name: "Done" }).click();

  await page.getByTestId("codes-make").click();
  await page.getByRole("dialog").filter({ hasText: "Your current codes stop working" }).waitFor();
  await page.getByTestId("codes-make-sure").click();

  const second = page.getByTestId("recovery-codes").locator("li");
  await second.first().waitFor();
  assert.equal(first.length, 10);
  await page.getByTestId("passkey-remove").click();
  await page.getByRole("dialog").filter({ hasText: "This is your only passkey" }).waitFor();
  await page.getByTestId("passkey-remove-sure").click();
  await page.getByText("You have no passkeys.").waitFor();
  assert.ok(!(await second.allTextContents()).includes(first[0]));
});

test("each page shows the source of its gateway, and each note has its line", LIMIT, async (t) => {
  const one = await open(browser, t, HOME, { viewport: { width: 1440, height: 900 } });
  const { page, complaints } = one;
  await signUp(one, "reader");

  for (const [path, file] of [
    ["", "crates/server/src/door.rs"],
    ["chat", "crates/apps/src/chat/gateway.rs"],
    ["mole", "crates/apps/src/mole/gateway.rs"],
  ]) {
    await page.goto(HOME + path);
    await page.getByTestId("how").click();
    const drawer = page.getByTestId("how-drawer");
    await drawer.locator(".source .noted").nth(2).waitFor();
    await screenshot(page, `how-${path || "door"}`);
    const shown = await drawer.locator(".source code").allTextContents();
    const written = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
    assert.ok(written.includes(shown.map((line) => (line === "\u00a0" ? "" : line)).join("\n")), file);
    assert.equal(await drawer.locator(".notes li").count(), 3);

    await page.keyboard.press("Escape");
    await page.locator("[data-testid=how]:focus").waitFor();
    assert.equal(await drawer.count(), 0);
  }
  assert.deepEqual(complaints, []);
});
