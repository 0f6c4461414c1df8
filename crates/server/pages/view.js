// What all pages are made of: the frame, fields, forms that say what went wrong, and the server.

import { io } from "./socketio.js";
import { createDoorward } from "./doorward-client/index.js";
import { html, render, useEffect, useRef, useState } from "./preact.js";
import { explain, language, speak, t } from "./texts.js";

export { html, useEffect, useRef, useState };

/** The path below which the server is, without the slash at its end: this file is in the folder `assets` of it. */
export const base = new URL("..", import.meta.url).pathname.replace(/\/$/, "");

/** The applications that this server has. */
const apps = (document.querySelector("meta[name=apps]")?.getAttribute("content") ?? "").split(" ");

export const doorward = createDoorward({ io, url: base });

/** Tells other tabs of this browser that somebody has signed in or out; it carries nothing else. */
export const tabs = new BroadcastChannel("doorward");

/** @param {unknown} page */
export function show(page) {
  const place = document.getElementById("page");
  if (place) {
    place.replaceChildren();
    render(page, place);
  }
}

/**
 * The frame of every page.
 *
 * @param {{ me?: import("./doorward-client/wire").Me, wide?: boolean, children?: unknown }} props
 */
export function Frame({ me, wide = false, children }) {
  const other = language === "en" ? "ko" : "en";
  return html`
    <header>
      <a class="brand" href="${base}/"><img src="${base}/assets/icon.svg" alt="" width="28" height="28" /> Doorward</a>
      <nav>
        ${me && apps.includes("chat") && html`<a href="${base}/chat">${t("chat")}</a>`}
        ${me && apps.includes("mole") && html`<a href="${base}/mole">${t("mole")}</a>`}
        ${me && html`<a href="${base}/account">${t("account")}</a>`}
        ${me && html`<button type="button" class="plain" data-testid="signout" onClick=${signOut}>${t("signout")}</button>`}
        <button type="button" class="plain" lang=${other} onClick=${() => speak(other)}>
          ${t("language")}
        </button>
      </nav>
    </header>
    <main class=${wide ? "wide" : ""}>${children}</main>
  `;
}

/** Opens the sign-in, which returns to this page. */
export const toSignIn = () => {
  const here = location.pathname + location.search + location.hash;
  location.assign(`${base}/?next=${encodeURIComponent(here)}`);
};

/**
 * The frame of a page for whoever is signed in; `page` shows what is in it, anew for another user.
 *
 * @param {{ page: (props: { me: import("./doorward-client/wire").Me["user"] }) => unknown }} props
 */
export function SignedIn({ page }) {
  const [me, setMe] = useState(/** @type {import("./doorward-client/wire").Me | null} */ (null));

  useEffect(() => {
    const look = () => doorward.me().then(setMe, toSignIn);
    look();
    tabs.onmessage = look;
  }, []);
  if (me === null) return html`<${Frame} wide><div class="waiting" aria-busy="true"></div><//>`;
  return html`<${Frame} me=${me} wide><${page} key=${me.user.id} me=${me.user} /><//>`;
}

const signOut = () => leave(() => doorward.signOut().catch(() => {}));

/** True while the user signs out or deletes the account on this page. */
export let isLeaving = false;

/** Ends the session with `work`, then opens the start page. @param {() => Promise<unknown>} work */
export async function leave(work) {
  isLeaving = true;
  try {
    await work();
  } catch (error) {
    isLeaving = false;
    // The connection may have ended in the meantime.
    doorward.me().catch(toSignIn);
    throw error;
  }
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

/** A line about what went wrong; its room is kept. @param {{ error: string }} props */
export function Problem({ error }) {
  return html`<p class="problem" role="alert">${error}</p>`;
}

/**
 * Runs actions one at a time, and keeps what went wrong for the eye. An error that has no code is `otherwise`.
 *
 * @param {string} otherwise
 * @returns {{ busy: boolean, error: string, run: (work: () => Promise<unknown>) => Promise<boolean> }}
 */
export function useAction(otherwise = "other") {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  /** @param {() => Promise<unknown>} work */
  const run = async (work) => {
    setBusy(true);
    setError("");
    try {
      await work();
      return true;
    } catch (error) {
      // A browser's own errors have a number there.
      const { code } = /** @type {{ code?: unknown }} */ (error);
      setError(explain(typeof code === "string" ? code : otherwise));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, run };
}

/**
 * A labelled field.
 *
 * @param {{ id: string, label: string, value: string, onInput: (value: string) => void } & Record<string, unknown>} props
 */
export function Field({ id, label, value, onInput, ...more }) {
  return html`
    <label for=${id}>${label}</label>
    <input
      id=${id}
      type="text"
      value=${value}
      autocapitalize="off"
      spellcheck=${false}
      onInput=${(/** @type {{ target: HTMLInputElement }} */ event) => onInput(event.target.value)}
      ...${more}
    />
  `;
}

/** A form that is handled here. @param {{ onSubmit: () => void, children?: unknown }} props */
export function Form({ onSubmit, children, ...more }) {
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    onSubmit();
  };
  return html`<form onSubmit=${submit} ...${more}>${children}</form>`;
}
