// Opens the pages of a server below a path of its host.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { LIMIT, freePort, startDoorward } from "../doorward.mjs";
import { isConnected, launch, open, signIn, signUp, state } from "./support.mjs";

const port = await freePort();
const HOME = `http://localhost:${port}/app/`;
const server = await startDoorward({ listen: `localhost:${port}`, settings: { PUBLIC_URL: HOME } });
after(() => server.stop());

const browser = await launch();
after(() => browser.close());
/** Keeps pages in memory for the back button, as browsers do that no test controls. */
const keeping = await launch({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
after(() => keeping.close());

test("pages, sign-in and sockets stay below the path", LIMIT, async (t) => {
  const one = await open(browser, t, HOME);
  const { page, complaints } = one;

  await signUp(one, "alice");
  for (const name of ["chat", "mole", "account"]) {
    await page.locator(`nav a[href="/app/${name}"]`).click();
    await page.waitForURL(`${HOME}${name}`);
    await state(page, "connected");
  }
  await page.getByTestId("signout").click();
  await page.waitForURL(HOME);

  // A user without a session signs in and is redirected back to the page.
  await page.goto(`${HOME}account`);
  assert.equal(page.url(), `${HOME}?next=/app/account`);
  await signIn(one);
  await page.waitForURL(`${HOME}account`);
  await page.goto(HOME);
  await isConnected(page, "alice");
  const cookies = await one.context.cookies();
  assert.deepEqual(cookies.map(({ path }) => path).filter((path) => path !== "/"), []);
  assert.deepEqual(complaints, []);
});

test("the back button shows nothing of a user that has signed out", LIMIT, async (t) => {
  const one = await open(keeping, t, HOME);
  const { page, complaints } = one;
  await signUp(one, "private");
  await page.goto(`${HOME}account`);
  await state(page, "connected");
  await page.evaluate(() => {
    addEventListener("pagehide", ({ persisted }) => {
      sessionStorage.setItem("kept", `${persisted}, hidden: ${document.documentElement.hidden}`);
    });
  });
  await page.getByTestId("signout").click();
  await page.waitForURL(HOME);
  await page.getByTestId("signin-submit").waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.getItem("kept")), "true, hidden: true");

  await page.goBack({ waitUntil: "commit" });
  await page.getByTestId("signin-submit").waitFor();
  assert.equal(await page.getByTestId("whoami").count(), 0);
  assert.deepEqual(complaints, []);
});
