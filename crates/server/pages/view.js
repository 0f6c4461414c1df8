// What all pages are made of: the server, the session of this page, and actions that say what went wrong.

import { io } from "./socketio.js";
import { passes } from "./doorward-client/error.js";
import { DoorwardError, createDoorward } from "./doorward-client/index.js";
import { Toasts, toast } from "./parts/toast.js";
import { html, render, useEffect, useRef, useState } from "./preact.js";
import { explain, t } from "./texts.js";

export { html, useEffect, useRef, useState };

/** The path below which the server is, without the slash at its end: this file is in the folder `assets` of it. */
export const base = new URL("..", import.meta.url).pathname.replace(/\/$/, "");

/** @param {string} name */
const meta = (name) => document.querySelector(`meta[name=${name}]`)?.getAttribute("content") ?? "";

/** The applications that this server has. */
export const apps = meta("apps").split(" ").filter(Boolean);

/** `false` if the browser has no session. Then the page asks for none. */
export const maybeSignedIn = meta("session") !== "none";

export const doorward = createDoorward({ io, url: base });

/** Tells other tabs of this browser that a user has signed in or out. It carries nothing else. */
export const tabs = new BroadcastChannel("doorward");

/** Shows a page. @param {unknown} page @param {string} title of the window */
export function show(page, title) {
  document.title = title === "" ? "Doorward" : `${title} · Doorward`;
  const place = document.getElementById("page");
  if (place) {
    place.replaceChildren();
    render(page, place);
  }
}

/** Name of the reason for the sign-in page, for one load. */
const REASON = "doorward.reason";

/**
 * Opens the sign-in page, which returns to this page.
 *
 * @param {string} [reason] state of the connection that has ended
 */
export const toSignIn = (reason = "") => {
  if (typeof reason === "string" && reason !== "") sessionStorage.setItem(REASON, reason);
  const here = location.pathname + location.search + location.hash;
  location.assign(here === `${base}/` ? here : `${base}/?next=${encodeURIComponent(here)}`);
};

/** Returns why the user was signed out, once. */
export function takeReason() {
  const reason = sessionStorage.getItem(REASON) ?? "";
  sessionStorage.removeItem(REASON);
  return reason;
}

/**
 * Looks up who is signed in. The page of a user who signs out elsewhere opens the sign-in page.
 *
 * @returns {import("./doorward-client/wire").Me | null} `null` until the server has answered
 */
export function useMe() {
  const [me, setMe] = useState(/** @type {import("./doorward-client/wire").Me | null} */ (null));

  useEffect(() => {
    const look = () => doorward.me().then(setMe, () => toSignIn());
    look();
    tabs.onmessage = look;
  }, []);
  return me;
}

/** The place of a page that is not known yet. */
export function Loading() {
  return html`<main class="page"><div class="loading" aria-busy="true"></div></main><${Toasts} />`;
}

/** `true` while the user signs out or deletes the account on this page. */
export let isLeaving = false;

/** Milliseconds until a sign-out is tried again. */
const AGAIN_AFTER = 3_000;

/** Signs out. While the server is unreachable or cannot do it, it says so and tries again. */
export async function signOut() {
  if (isLeaving) return;
  isLeaving = true;
  for (;;) {
    try {
      await doorward.signOut();
      break;
    } catch (error) {
      if (error instanceof DoorwardError && error.code === "session_required") break;
      if (!passes(error)) {
        isLeaving = false;
        return toast(explain(error instanceof DoorwardError ? error.code : "other"));
      }
      toast(t("signout_later"));
      await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER));
    }
  }
  farewell("");
}

/** Ends the account or session with `work`, then opens the start page. @param {() => Promise<unknown>} work */
export async function leave(work) {
  isLeaving = true;
  try {
    await work();
  } catch (error) {
    isLeaving = false;
    // The connection may have ended in the meantime.
    doorward.me().catch(() => toSignIn());
    throw error;
  }
  farewell("deleted");
}

/** @param {string} reason */
function farewell(reason) {
  if (reason !== "") sessionStorage.setItem(REASON, reason);
  tabs.postMessage("changed");
  location.assign(`${base}/`);
}

// The browser may keep a page in memory for the back button. It shows what the user saw before signing out, so it is
// hidden before it is kept, and loaded anew when it is shown again.
addEventListener("pagehide", ({ persisted }) => {
  document.documentElement.hidden = persisted;
});
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) location.reload();
});

/** A line about what went wrong. Its room is kept. @param {{ error: string }} props */
export function Problem({ error }) {
  return html`<p class="problem" role="alert">${error}</p>`;
}

/** @typedef {{ code: string, text: string } | null} Failed */

/**
 * Runs actions, and keeps what went wrong in the last one. An error that has no code is `otherwise`.
 *
 * @param {string} otherwise
 * @returns {{
 *   busy: boolean,
 *   error: string,
 *   problem: Failed,
 *   clear: () => void,
 *   run: (work: () => Promise<unknown>) => Promise<boolean>,
 * }}
 */
export function useAction(otherwise = "other") {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(/** @type {Failed} */ (null));
  /** @param {() => Promise<unknown>} work */
  const run = async (work) => {
    setBusy(true);
    setProblem(null);
    try {
      await work();
      return true;
    } catch (error) {
      // A browser's own errors have a number there.
      const { code, retryAfter } = /** @type {{ code?: unknown, retryAfter?: number }} */ (error);
      const known = typeof code === "string" ? code : otherwise;
      setProblem({ code: known, text: explain(known, retryAfter) });
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error: problem?.text ?? "", problem, clear: () => setProblem(null), run };
}

/** A form that is handled here. @param {{ onSubmit: () => void, children?: unknown, [more: string]: unknown }} props */
export function Form({ onSubmit, children, ...more }) {
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    onSubmit();
  };
  return html`<form onSubmit=${submit} ...${more}>${children}</form>`;
}
