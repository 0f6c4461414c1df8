// Tests passkeys, sessions and private pages in a real browser, with a virtual authenticator.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { LIMIT, startDoorward, within } from "../doorward.mjs";
import {
  addAuthenticator,
  askForAccount,
  choose,
  copyPasskeys,
  isConnected,
  launch,
  open,
  openLost,
  pickName,
  screenshot,
  signIn,
  signUp,
  state,
  touch,
} from "./support.mjs";

const server = await startDoorward();
after(() => server.stop());

const browser = await launch();
after(() => browser.close());

const HOME = `${server.url}/`;

test("sign up, sign out, sign in without a user name", LIMIT, async (t) => {
  const one = await open(browser, t, HOME, { viewport: { width: 900, height: 720 } });
  const { page, complaints } = one;
  await page.getByTestId("signin-submit").waitFor();
  await screenshot(page, "sign-in");

  await signUp(one, "alice");
  await page.getByTestId("door-line").waitFor();
  await screenshot(page, "home");
  await page.getByTestId("signout").click();
  await signIn(one);

  await isConnected(page, "alice");
  assert.deepEqual(complaints, []);
});

test("sign in by autofill, without a click", LIMIT, async (t) => {
  const first = await open(browser, t, HOME);
  await signUp(first, "autofill");
  const other = await open(browser, t, HOME);
  await copyPasskeys(first, other);

  await openLost(other.page);
  await choose(other);

  await isConnected(other.page, "autofill");
  assert.deepEqual(other.complaints, []);
});

test("the buttons work while passkeys are offered, and the offer returns after a cancelled dialog", LIMIT, async (t) => {
  const one = await open(browser, t, HOME);
  const { page, client, authenticatorId, complaints } = one;
  const recognises = (isUserVerified) => client.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified });
  const cancelled = page.getByRole("alert").filter({ hasText: "Passkey cancelled" });

  const back = () => page.getByRole("button", { name: "Back" }).click();

  await recognises(false);
  await openLost(page);
  await back();
  await askForAccount(one, "person");
  await cancelled.waitFor();
  // The name is still there, and the button has the focus.
  assert.equal(await page.getByTestId("signup-username").inputValue(), "person");
  await page.locator("[data-testid=signup-submit]:focus").waitFor();
  await recognises(true);
  await signUp(one, "person");
  await page.getByTestId("signout").click();
  await recognises(false);
  await openLost(page);
  await back();
  await signIn(one);
  await cancelled.waitFor();
  await recognises(true);
  await openLost(page);
  await choose(one);

  await isConnected(page, "person");
  assert.deepEqual(complaints, []);
});

test("a taken name and a cancelled dialog are explained in words", LIMIT, async (t) => {
  const first = await open(browser, t, HOME);
  await signUp(first, "taken");
  const other = await open(browser, t, HOME);
  const problem = other.page.getByRole("alert");

  await pickName(other, "TAKEN");
  await other.page.getByTestId("signup-submit").click();
  await problem.filter({ hasText: "taken" }).waitFor();
  await pickName(other, "not good");
  await problem.filter({ hasText: "64 letters" }).waitFor();
  assert.ok(await other.page.getByTestId("signup-submit").isDisabled());
  await other.client.send("WebAuthn.setUserVerified", {
    authenticatorId: other.authenticatorId,
    isUserVerified: false,
  });
  await askForAccount(other, "cancels");
  await problem.filter({ hasText: "Passkey cancelled" }).waitFor();

  assert.deepEqual(other.complaints, []);
});

test("a second passkey is added, renamed and removed, after a fresh sign-in", LIMIT, async (t) => {
  const one = await open(browser, t, HOME);
  const { page, context, complaints } = one;
  await signUp(one, "keys");
  await page.locator("nav").getByRole("link", { name: "Account" }).click();
  const rows = page.getByTestId("passkey-row");
  await rows.first().waitFor();
  // A device has one passkey per account, so the second one is on another device.
  await one.client.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId: one.authenticatorId });
  const second = await addAuthenticator(context, page);

  await page.getByTestId("passkey-add").click();
  await touch({ page, ...second });
  await rows.nth(1).waitFor();
  assert.equal(await rows.count(), 2);
  await rows.nth(1).getByRole("button", { name: "Rename" }).click();
  await page.getByLabel("New name").fill("Spare key");
  await page.getByLabel("New name").press("Escape");
  assert.equal(await rows.filter({ hasText: "Spare key" }).count(), 0);
  await page.locator("[data-testid=passkey-row] button:focus").press("Enter");
  await page.getByLabel("New name").fill("Spare key");
  await page.getByLabel("New name").press("Enter");
  await rows.filter({ hasText: "Spare key" }).waitFor();
  await rows.filter({ hasText: "Chrome on Linux" }).getByTestId("passkey-remove").click();
  await page.getByTestId("passkey-remove-sure").click();
  await rows.filter({ hasText: "Chrome on Linux" }).waitFor({ state: "detached" });
  await rows.filter({ hasText: "Spare key" }).getByTestId("passkey-remove").click();
  await page.getByRole("alert").filter({ hasText: "last passkey" }).waitFor();

  assert.equal(await rows.count(), 1);
  const { credentials } = await second.client.send("WebAuthn.getCredentials", {
    authenticatorId: second.authenticatorId,
  });
  assert.equal(credentials.length, 1);
  assert.deepEqual(complaints, []);
});

test("ten recovery codes are shown once, and one signs in", LIMIT, async (t) => {
  const one = await open(browser, t, HOME);
  const { page } = one;
  await signUp(one, "codes");
  await page.goto(`${server.url}/account`);
  await page.getByTestId("codes-make").click();
  const codes = page.getByTestId("recovery-codes").locator("li");
  await codes.first().waitFor();
  assert.equal(await codes.count(), 10);
  const code = await codes.first().textContent();
  await page.reload();
  await page.getByTestId("passkey-row").first().waitFor();
  assert.equal(await codes.count(), 0);

  const other = await open(browser, t, HOME);
  await other.page.getByTestId("recover-open").click();
  await other.page.fill("#recover-username", "codes");
  await other.page.fill("#recover-code", code);
  await other.page.getByTestId("recover-submit").click();

  await isConnected(other.page, "codes");
});

test("a session that another browser revokes ends within a second", LIMIT, async (t) => {
  const first = await open(browser, t, HOME);
  await signUp(first, "revoked");
  const second = await open(browser, t, "about:blank");
  await copyPasskeys(first, second);
  await second.page.goto(HOME);
  await signIn(second);
  await isConnected(second.page, "revoked");
  await first.page.goto(`${server.url}/account`);
  const row = first.page.locator("[data-testid=session-row][data-current=false]");
  await row.waitFor();
  await screenshot(first.page, "account");
  const ended = second.page.getByTestId("signin-submit").waitFor();

  const answered = first.page.waitForResponse((answer) => answer.request().method() === "DELETE");
  await row.getByTestId("session-revoke").click();
  // The server answers after the sockets have closed.
  await answered;
  await within(ended, "the end of the other browser's socket", 1000);

  await row.waitFor({ state: "detached" });
  const cookie = await second.page.evaluate(async () => (await fetch("/auth/me")).status);
  assert.equal(cookie, 401);
});

test("a private page redirects to the sign-in and back, and nowhere else", LIMIT, async (t) => {
  const one = await open(browser, t, `${server.url}/account`);
  const { page } = one;
  assert.equal(page.url(), `${server.url}/?next=/account`);
  await askForAccount(one, "next");
  await page.getByTestId("passkey-row").waitFor();
  assert.equal(page.url(), `${server.url}/account`);

  const evil = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "/..//evil.example",
    "/.//evil.example",
    "/a/..//evil.example",
    "/%2e%2e//evil.example",
    "/a/%2E./\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/..\t//evil.example",
    " //evil.example",
    "//[",
    "https://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "data:text/html,evil",
    "//localhost@evil.example",
    `${new URL(server.url).host}.evil.example`,
  ];
  // The address that the page would open is recorded, and not opened.
  const asked = [];
  await page.route("**/*", (route) => {
    if (route.request().isNavigationRequest()) asked.push(route.request().url());
    return new URL(route.request().url()).origin === server.url ? route.continue() : route.abort();
  });
  for (const next of evil) {
    const address = `${HOME}?next=${encodeURIComponent(next)}`;
    await page.goto(address);
    await isConnected(page, "next");
    assert.deepEqual(asked.splice(0), [address], next);
  }
  await page.goto(`${HOME}?next=${encodeURIComponent("/nowhere/../account?a=/..//b#c")}`);
  await page.getByTestId("passkey-row").waitFor();
  assert.equal(page.url(), `${server.url}/account?a=/..//b#c`);
  // A signed-in user who opens the address is redirected through the sign-in page without seeing it.
  await page.goto(`${server.url}/account`);
  await page.getByTestId("passkey-row").waitFor();
});

test("other tabs follow a sign-out and a sign-in", LIMIT, async (t) => {
  const one = await open(browser, t, HOME);
  const { page, context } = one;
  await signUp(one, "tabs");
  const tab = await context.newPage();
  await tab.goto(HOME);
  await isConnected(tab, "tabs");

  await page.getByTestId("signout").click();
  await tab.getByTestId("signin-submit").waitFor();
  await signIn(one);
  await isConnected(page, "tabs");

  await isConnected(tab, "tabs");
});

test("a ticket that another browser has stolen opens nothing", LIMIT, async (t) => {
  const victim = await open(browser, t, HOME);
  const thief = await open(browser, t, HOME);
  let stolen;
  await victim.page.route("**/auth/session", async (route) => {
    stolen ??= JSON.parse(route.request().postData()).ticket;
    const status = await thief.page.evaluate(async (ticket) => {
      const body = JSON.stringify({ ticket, verifier: "x".repeat(43) });
      const headers = { "Content-Type": "application/json" };
      return (await fetch("/auth/session", { method: "POST", headers, body })).status;
    }, stolen);
    assert.equal(status, 400);
    await route.continue();
  });

  await askForAccount(victim, "stolen");
  // The ticket is used up: the victim signs in again, and the thief gets nothing.
  await victim.page.getByRole("alert").filter({ hasText: "too long" }).waitFor();
  assert.ok(stolen);
  const me = await thief.page.evaluate(async () => (await fetch("/auth/me")).status);
  assert.equal(me, 401);
});

test("no script can read the cookie, and storage holds no secret", LIMIT, async (t) => {
  const one = await open(browser, t, HOME);
  const { page } = one;
  await signUp(one, "storage");

  const seen = await page.evaluate(() => ({
    cookie: document.cookie,
    storage: JSON.stringify([{ ...localStorage }, { ...sessionStorage }]),
    databases: indexedDB.databases(),
  }));

  assert.equal(seen.cookie, "");
  assert.equal(seen.storage, "[{},{}]");
});

test("an account is deleted with all its data", LIMIT, async (t) => {
  const one = await open(browser, t, HOME);
  const { page } = one;
  await signUp(one, "gone");
  await page.goto(`${server.url}/account`);

  await page.getByTestId("account-remove").click();
  assert.ok(await page.getByTestId("account-remove-sure").isDisabled());
  await page.getByTestId("account-remove-name").fill("gone");
  await page.getByTestId("account-remove-name").press("Enter");
  await page.getByRole("status").filter({ hasText: "Your account was deleted" }).waitFor();
  assert.equal(page.url(), HOME);

  // The device still has the passkey and offers it.
  await openLost(page);
  await choose(one);
  await page.getByRole("alert").filter({ hasText: "This passkey was not accepted" }).waitFor();
  await page.getByRole("button", { name: "Back" }).click();
  await askForAccount(one, "gone");
  // The device still has the old passkey. The new one belongs to another account, so it may have both.
  await isConnected(page, "gone");
});

test("users stay signed in across a restart, and the page reports the outage", LIMIT, async (t) => {
  const first = await startDoorward();
  const one = await open(browser, t, `${first.url}/`);
  const { page, context } = one;
  await signUp(one, "offline");

  first.terminate();
  await first.exited();
  await state(page, "reconnecting");
  await context.setOffline(true);
  await state(page, "offline");
  const second = await startDoorward({ listen: `localhost:${first.port}`, dataDir: first.dataDir });
  t.after(() => second.stop());
  await context.setOffline(false);

  await state(page, "connected");
});

test("a second connection replaces the first one if only one is allowed", LIMIT, async (t) => {
  const settings = { CONNECTIONS__PER_USER: "1", CONNECTIONS__ON_EXCESS: "replace_oldest" };
  const own = await startDoorward({ settings });
  t.after(() => own.stop());
  const one = await open(browser, t, `${own.url}/`);
  const { page, context, complaints } = one;
  await signUp(one, "replaced");
  const tab = await context.newPage();

  await tab.goto(`${own.url}/`);
  await isConnected(tab, "replaced");
  await state(page, "replaced");
  await page.getByRole("button", { name: "Connect again" }).click();

  await state(page, "connected");
  await state(tab, "replaced");
  assert.deepEqual(complaints, []);
});

test("a second connection reports why it waits, and connects after the first one has left", LIMIT, async (t) => {
  const own = await startDoorward({ settings: { CONNECTIONS__PER_USER: "1" } });
  t.after(() => own.stop());
  const one = await open(browser, t, `${own.url}/`);
  const { page, context } = one;
  await signUp(one, "refused");
  const tab = await context.newPage();

  await tab.goto(`${own.url}/`);
  await tab.getByTestId("banner").filter({ hasText: "already_connected" }).waitFor();
  await page.close();

  await state(tab, "connected");
});

test("a user whose sign-in is too old is asked in place, and the request is then carried out", LIMIT, async (t) => {
  const own = await startDoorward({ settings: { SESSION__FRESH_FOR: "3s" } });
  t.after(() => own.stop());
  const one = await open(browser, t, `${own.url}/`);
  const { page, complaints } = one;
  await signUp(one, "fresh");
  await page.goto(`${own.url}/account`);
  await page.getByTestId("passkey-row").waitFor();
  const { signedInAt } = await page.evaluate(async () => (await (await fetch("/auth/me")).json()).session);
  await page.waitForFunction((since) => Date.now() > Date.parse(since) + 4_000, signedInAt);

  await page.getByTestId("codes-make").click();
  await page.getByTestId("reauthenticate").click();
  await touch(one);

  await page.getByTestId("recovery-codes").locator("li").first().waitFor();
  assert.equal(await page.getByTestId("reauthenticate").count(), 0);
  await state(page, "connected");
  assert.deepEqual(complaints, []);
});
