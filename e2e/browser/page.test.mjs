// Tests the pages without a session: a pasted access token, layout, accessibility and languages.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { LIMIT, startDoorward } from "../doorward.mjs";
import { launch, open, screenshot, signUp, touch } from "./support.mjs";

const server = await startDoorward();
after(() => server.stop());

const browser = await launch();
after(() => browser.close());

const HOME = `${server.url}/`;

/** Largest layout shift of a page, as browsers measure it. 0.1 counts as good. */
const MAX_SHIFT = 0.02;

test("a good token connects after a bad one, and receives its echo as text", LIMIT, async (t) => {
  const { page, complaints } = await open(browser, t, `${server.url}/developer`);
  await page.fill("#token", "not.a.token");
  await page.click("#connect");
  await shows(page, "#status", "refused: unauthenticated");

  await page.fill("#token", await server.token("alice"));
  await page.click("#connect");
  await shows(page, "#status", "connected as alice");
  await page.fill("#token-message", "<b id=injected>bold</b>");
  await page.click("#token-send");
  await shows(page, "#token-answer", "<b id=injected>bold</b>");

  assert.equal(await page.locator("#injected").count(), 0);
  assert.deepEqual(complaints, []);
});

test("127.0.0.1 redirects to the same page", LIMIT, async (t) => {
  const { page } = await open(browser, t, `http://127.0.0.1:${server.port}/`);

  assert.equal(page.url(), HOME);
});

test("the layout does not move while the page looks up the session", LIMIT, async (t) => {
  const one = await open(browser, t, "about:blank");
  const { page, context } = one;
  await context.addInitScript(() => {
    globalThis.shifts = [];
    new PerformanceObserver((list) => globalThis.shifts.push(...list.getEntries().map((one) => one.value)))
      .observe({ type: "layout-shift", buffered: true });
  });

  await page.goto(HOME);
  await page.getByTestId("signin-submit").waitFor();
  const signedOut = await page.evaluate(() => globalThis.shifts);
  await signUp(one, "still");
  await page.reload();
  await page.locator("[data-testid=banner][data-state=connected]").waitFor();
  const signedIn = await page.evaluate(() => globalThis.shifts);

  const sum = (shifts) => shifts.reduce((sum, shift) => sum + shift, 0);
  assert.ok(sum(signedOut) <= MAX_SHIFT && sum(signedIn) <= MAX_SHIFT, `${signedOut} ${signedIn}`);
});

test("the page works on a small phone, in dark mode, and by keyboard", LIMIT, async (t) => {
  const phone = { viewport: { width: 320, height: 640 }, colorScheme: "dark" };
  const one = await open(browser, t, HOME, phone);
  const { page, complaints } = one;
  await page.getByTestId("signup-open").focus();
  await page.keyboard.press("Enter");
  await page.locator("[data-testid=signup-username]:focus").waitFor();
  await page.keyboard.type("phone");

  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.dataset.testid), "signup-submit");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, "solid");
  await page.keyboard.press("Enter");
  await touch(one);
  await page.getByTestId("whoami").waitFor();
  for (const path of ["/", "/account"]) {
    await page.goto(server.url + path);
    await page.locator("[data-testid=banner][data-state=connected]").waitFor();
    await screenshot(page, `phone${path.replace("/", "-")}`);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 320, `${path} is ${width} wide`);
  }
  assert.deepEqual(complaints, []);
});

test("fields have labels, buttons have names, and the page has a heading and landmarks", LIMIT, async (t) => {
  const one = await open(browser, t, HOME);
  const { page } = one;
  await signUp(one, "access");

  for (const path of ["/", "/account"]) {
    await page.goto(server.url + path);
    await page.locator("[data-testid=banner][data-state=connected]").waitFor();
    const nameless = await page.evaluate(() => {
      const fields = [...document.querySelectorAll("input")].filter((field) => field.labels.length === 0);
      const buttons = [...document.querySelectorAll("button")].filter((button) => !button.textContent.trim());
      return [...fields, ...buttons].map((element) => element.outerHTML);
    });
    assert.deepEqual(nameless, [], path);
    assert.equal(await page.locator("h1").count(), 1, path);
    for (const landmark of ["header", "nav", "main"]) {
      assert.equal(await page.locator(landmark).count(), 1, `${path} ${landmark}`);
    }
  }
});

test("the page is Korean in a Korean browser, and can be switched", LIMIT, async (t) => {
  const { page } = await open(browser, t, HOME, { locale: "ko-KR" });
  await page.getByRole("button", { name: "패스키로 계속하기" }).waitFor();
  assert.equal(await page.getAttribute("html", "lang"), "ko");

  await page.getByRole("button", { name: "English" }).click();

  await page.getByRole("button", { name: "Continue with a passkey" }).waitFor();
  assert.equal(await page.getAttribute("html", "lang"), "en");
});

test("both languages have all texts", LIMIT, async (t) => {
  const { page } = await open(browser, t, HOME);

  const [en, ko] = await page.evaluate(async () => {
    const load = async (name) => (await import(`/assets/texts/${name}.js`)).default;
    return [await load("en"), await load("ko")];
  });

  assert.deepEqual(Object.keys(ko), Object.keys(en));
  const holes = (text) => (text.match(/\{\w+\}/g) ?? []).sort();
  for (const key of Object.keys(en)) assert.deepEqual(holes(ko[key]), holes(en[key]), key);
});

/** Waits until an element shows exactly this text. */
async function shows(page, selector, text) {
  try {
    await page.waitForFunction(
      ([selector, text]) => document.querySelector(selector)?.textContent.trim() === text,
      [selector, text],
    );
  } catch {
    assert.equal((await page.textContent(selector)).trim(), text);
  }
}
