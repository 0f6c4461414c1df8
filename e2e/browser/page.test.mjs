// The page at `/` in a real browser: a token is pasted, and the echo comes back.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";

import { chromium } from "playwright-core";

import { DEADLINE, LIMIT, startDoorward } from "../doorward.mjs";

const server = await startDoorward();
after(() => server.stop());

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
after(() => browser.close());

test("a good token is connected and gets its echo", LIMIT, async (t) => {
  const { page, complaints } = await open(t);
  await page.fill("#token", await server.token("alice"));

  await page.click("#connect");
  await shows(page, "#status", "connected as alice");
  await page.fill("#message", "hello from a browser");
  await page.click("#send");
  await page.locator("#log", { hasText: "hello from a browser" }).waitFor();

  await screenshot(page);
  assert.deepEqual(complaints, []);
});

test("a bad token is refused, and the page says why", LIMIT, async (t) => {
  const { page, complaints } = await open(t);
  await page.fill("#token", "not.a.token");

  await page.click("#connect");
  await shows(page, "#status", "refused: unauthenticated");

  assert.deepEqual(complaints, []);
});

test("a good token is connected after a bad one", LIMIT, async (t) => {
  const { page, complaints } = await open(t);
  await page.fill("#token", "not.a.token");
  await page.click("#connect");
  await shows(page, "#status", "refused: unauthenticated");

  await page.fill("#token", await server.token("alice"));
  await page.click("#connect");

  await shows(page, "#status", "connected as alice");
  assert.deepEqual(complaints, []);
});

test("an echo is shown as text, never as markup", LIMIT, async (t) => {
  const { page, complaints } = await open(t);
  await page.fill("#token", await server.token("alice"));
  await page.click("#connect");
  await shows(page, "#status", "connected as alice");

  await page.fill("#message", "<b id=injected>bold</b>");
  await page.click("#send");
  await page.locator("#log", { hasText: "<b id=injected>bold</b>" }).waitFor();

  assert.equal(await page.locator("#injected").count(), 0);
  assert.deepEqual(complaints, []);
});

test("127.0.0.1 leads to the same page", LIMIT, async (t) => {
  const { page } = await open(t, `http://127.0.0.1:${server.port}/`);

  assert.equal(page.url(), `${server.url}/`);
});

/**
 * Opens the page in a context of its own and collects everything that the browser complains about:
 * errors in the console, exceptions, and violations of the content security policy.
 */
async function open(t, url = `${server.url}/`) {
  const context = await browser.newContext();
  t.after(() => context.close());
  context.setDefaultTimeout(DEADLINE);
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(`${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.exposeFunction("reportViolation", (text) => complaints.push(text));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      globalThis.reportViolation(`${event.violatedDirective}: ${event.blockedURI}`);
    });
  });
  await page.goto(url);
  return { page, complaints };
}

/** Waits until an element shows exactly this text. */
async function shows(page, selector, text) {
  const wanted = new RegExp(`^\\s*${text}\\s*$`);
  try {
    await page.locator(selector).filter({ hasText: wanted }).waitFor();
  } catch {
    assert.equal((await page.textContent(selector)).trim(), text);
  }
}

/** Leaves a picture for whoever wants to see the page. */
async function screenshot(page) {
  const folder = process.env.E2E_OUT;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, "page.png") });
}
