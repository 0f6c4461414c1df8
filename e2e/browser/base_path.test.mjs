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
  // The URL has `?next=` if the page notices first that its connection has closed.
  await page.waitForURL(({ pathname }) => pathname === "/app/");

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
