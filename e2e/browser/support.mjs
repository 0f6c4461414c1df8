// Browsers with an authenticator of their own, and what people do in them.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { chromium } from "playwright-core";

import { DEADLINE } from "../doorward.mjs";

/** Starts Chromium; whoever does closes it. */
export function launch() {
  return chromium.launch({
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
}

/**
 * A browser of somebody: a context with its own cookies and authenticator, and one page. It collects whatever
 * the browser complains about: exceptions, errors in the console, violations of the content security policy.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {{ after: (work: () => unknown) => void }} t
 * @param {string} url
 * @param {import("playwright-core").BrowserContextOptions & { autofill?: boolean }} [options] a virtual
 *   authenticator chooses in the list of a field by itself, at once, so that is off unless asked for
 */
export async function open(browser, t, url, { autofill = false, ...options } = {}) {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  t.after(() => context.close());
  context.setDefaultTimeout(DEADLINE);
  const complaints = [];
  await context.exposeFunction("reportViolation", (text) => complaints.push(text));
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      globalThis.reportViolation(`${event.violatedDirective}: ${event.blockedURI}`);
    });
  });
  if (!autofill) {
    await context.addInitScript(() => {
      PublicKeyCredential.isConditionalMediationAvailable = async () => false;
    });
  }
  const page = await context.newPage();
  page.on("console", (message) => {
    // Who asks who is signed in, and is not, reads 401, and the console says so.
    const isAnswer = /the server responded with a status of (401|403|409)/.test(message.text());
    if (message.type() === "error" && !isAnswer) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  const { client, authenticatorId } = await addAuthenticator(context, page);
  await page.goto(url);
  return { context, page, complaints, client, authenticatorId };
}

/**
 * An authenticator inside of the device, whose user is always there and always the right one.
 *
 * @param {import("playwright-core").BrowserContext} context
 * @param {import("playwright-core").Page} page
 */
export async function addAuthenticator(context, page) {
  const client = await context.newCDPSession(page);
  await client.send("WebAuthn.enable");
  const { authenticatorId } = await client.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { client, authenticatorId };
}

/** Moves the passkeys of one authenticator to another one, as a provider that syncs them does. */
export async function copyPasskeys(from, to) {
  const { credentials } = await from.client.send("WebAuthn.getCredentials", {
    authenticatorId: from.authenticatorId,
  });
  for (const credential of credentials) {
    await to.client.send("WebAuthn.addCredential", {
      authenticatorId: to.authenticatorId,
      credential,
    });
  }
}

/** Makes an account, and waits until somebody is signed in and connected. */
export async function signUp(page, name) {
  await page.getByTestId("signup-username").fill(name);
  await page.getByTestId("signup-submit").click();
  await isConnected(page, name);
}

/** Waits until the page says who is signed in, and that the connection lives. */
export async function isConnected(page, name) {
  await page.getByTestId("whoami").filter({ hasText: name }).waitFor();
  await state(page, "connected");
}

/** Waits until the banner says so. */
export function state(page, wanted) {
  return page.locator(`[data-testid=banner][data-state=${wanted}]`).waitFor();
}

/** Leaves a picture for whoever wants to see the page. */
export async function screenshot(page, name) {
  const folder = process.env.E2E_OUT;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
