// Starts browsers with virtual authenticators, and performs the actions of their users.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { chromium } from "playwright-core";

import { DEADLINE } from "../doorward.mjs";

/** Starts Chromium; the caller closes it. @param {import("playwright-core").LaunchOptions} [options] */
export function launch(options = {}) {
  return chromium.launch({
    ...options,
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
 * Opens the browser of one user: a context with its own cookies and authenticator, and one page. It collects
 * exceptions, errors in the console, and violations of the content security policy.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {{ after: (work: () => unknown) => void }} t
 * @param {string} url
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
export async function open(browser, t, url, options = {}) {
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
  await context.addInitScript(watchRequests);
  const page = await context.newPage();
  page.on("console", (message) => {
    // A page without a session reads 401 when it looks up the user, and the console reports that.
    const isAnswer = /the server responded with a status of (401|403|409)/.test(message.text());
    // A refused client closes its transport while it polls. If the poll arrives last, its answer is 400, as the
    // protocol demands.
    const isLatePoll = message.text().includes("status of 400") && message.location().url.includes("transport=polling");
    if (message.type() === "error" && !isAnswer && !isLatePoll) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  const { client, authenticatorId } = await addAuthenticator(context, page);
  await page.goto(url);
  return { context, page, complaints, client, authenticatorId };
}

/**
 * Adds an authenticator inside the device. It verifies its user, and answers nothing until it is touched. One that
 * answers by itself would also choose from the list of a field at once, and no person does that.
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
      automaticPresenceSimulation: false,
    },
  });
  return { client, authenticatorId };
}

/**
 * Runs in the page before its scripts. Records the pending request to the authenticator, a `dialog` or a `list`, and
 * lets the test answer it.
 *
 * A virtual authenticator seldom answers a request that it received before it was touched. The wrapper therefore
 * aborts that request, repeats it with the user present, and returns this answer. The page notices neither.
 */
function watchRequests() {
  const pending = {};
  globalThis.requests = pending;
  // An empty page is not a secure context and has no `credentials`.
  for (const method of navigator.credentials ? ["create", "get"] : []) {
    const ask = navigator.credentials[method].bind(navigator.credentials);
    navigator.credentials[method] = (options) => {
      const kind = options.mediation === "conditional" ? "list" : "dialog";
      const untouched = new AbortController();
      const signals = [untouched.signal, options.signal].filter(Boolean);
      const first = ask({ ...options, signal: AbortSignal.any(signals) });
      return new Promise((resolve, reject) => {
        let isTouched = false;
        const request = {
          touch: () => (isTouched = true),
          async answer() {
            untouched.abort();
            // The first request may just have been answered. A second passkey of the same user would replace it.
            const answered = first.catch(() => ask(options));
            await answered.catch(() => {});
            return () => {
              delete pending[kind];
              resolve(answered);
            };
          },
        };
        pending[kind] = request;
        first.then((credential) => isTouched || resolve(credential), (error) => {
          if (isTouched) return;
          if (pending[kind] === request) delete pending[kind];
          reject(error);
        });
      });
    };
  }
}

/**
 * Waits until the page's dialog is open, and touches the authenticator. If the authenticator does not recognise the
 * user, it closes the dialog as if it was cancelled.
 */
export function touch(someone) {
  return answer(someone, "dialog");
}

/** Waits until the page offers passkeys in the list of a field, and chooses one. */
export async function choose(someone) {
  return answer(someone, "list");
}

/** Opens the step for a lost passkey, whose field offers passkeys in its list. */
export async function openLost(page) {
  await page.getByTestId("recover-open").click();
  await isOffering(page);
}

/** Waits until the page offers passkeys in the list of a field. */
export async function isOffering(page) {
  await page.waitForFunction(() => "list" in globalThis.requests);
}

async function answer({ page, client, authenticatorId }, kind) {
  const isPresent = (enabled) => {
    return client.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });
  };
  await page.waitForFunction((kind) => kind in globalThis.requests && globalThis.requests[kind].touch(), kind);
  await isPresent(true);
  const settled = await page.evaluateHandle((kind) => globalThis.requests[kind].answer(), kind);
  // Before the page continues, because it may send the next request at once.
  await isPresent(false);
  await settled.evaluate((tell) => tell());
}

/** Copies the passkeys of one authenticator to another one, as a provider that syncs them does. */
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

/** Opens the step in which a user picks a name, and fills it in. */
export async function pickName({ page }, name) {
  if (!(await page.getByTestId("signup-username").isVisible())) await page.getByTestId("signup-open").click();
  await page.getByTestId("signup-username").fill(name);
}

/** Signs up as a person does, with a touch when the dialog is open. */
export async function askForAccount(someone, name) {
  await pickName(someone, name);
  await someone.page.getByTestId("signup-submit").click();
  await touch(someone);
}

/** Creates an account, and waits until its user is signed in and connected. */
export async function signUp(someone, name) {
  await askForAccount(someone, name);
  await isConnected(someone.page, name);
}

/** Signs in by the button, with a passkey of the authenticator. */
export async function signIn(someone) {
  await someone.page.getByTestId("signin-submit").click();
  await touch(someone);
}

/** Waits until the page shows the user and a live connection. */
export async function isConnected(page, name) {
  await page.getByTestId("whoami").filter({ hasText: name }).waitFor();
  await state(page, "connected");
}

/** Waits until the banner shows this text. */
export function state(page, wanted) {
  return page.locator(`[data-testid=banner][data-state=${wanted}]`).waitFor();
}

/** Stores a screenshot of the page for readers of the test results. */
export async function screenshot(page, name) {
  const folder = process.env.E2E_OUT;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), animations: "disabled" });
}
