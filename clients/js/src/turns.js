// One request to the authenticator at a time.
//
// A page that offers passkeys in the list of a field has a request pending for as long as it is open, and a
// browser refuses a second one: Chromium says "A request is already pending". So a dialog first ends the request
// of the list and waits until the browser has let go of it; the list is offered again after the dialog. The state
// is that of the document, as `navigator.credentials` is, whichever clients the page has made.

import { delay } from "./backoff.js";
import { passes } from "./error.js";

/** Milliseconds after which options are asked for anew: the server forgets them after five minutes. */
const OPTIONS_LAST = 4.5 * 60_000;

/** @typedef {{ isOver: boolean, interrupt: () => void, released: Promise<unknown> }} Offer */

/** The lists that are offered. @type {Set<Offer>} */
const offers = new Set();

/** Settles when the dialogs that were asked for so far are over. @type {Promise<unknown>} */
let dialogs = Promise.resolve();

/**
 * Runs what may open a dialog after all dialogs before it, while no list is offered. A list is offered again after
 * it, unless the user has signed in by it.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @param {{ signsIn?: boolean }} [what]
 * @returns {Promise<T>}
 */
export async function inDialog(work, { signsIn = false } = {}) {
  const before = dialogs;
  const run = async () => {
    await before;
    for (const offer of offers) offer.interrupt();
    await Promise.all([...offers].map((offer) => offer.released));
    const done = await work();
    if (signsIn) for (const offer of offers) offer.isOver = true;
    return done;
  };
  const running = run();
  dialogs = running.catch(() => {});
  return running;
}

/**
 * Waits, unless `signal` ends it before.
 *
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}

/**
 * Offers a list, anew after each dialog, until `round` has signed the user in. While the server cannot be reached,
 * or asks to wait, it tries again; it fails when it never could go on, or after a passkey was chosen.
 *
 * @param {AbortSignal} signal ends it
 * @param {(signal: AbortSignal, chosen: () => void) => Promise<unknown>} round asks once, until its signal ends it,
 *   and says when a passkey was chosen. From then on nothing ends it: the server may have made a session by then.
 * @returns {Promise<boolean>} whether the user has signed in by the list
 */
export async function offerList(signal, round) {
  /** @type {Offer} */
  const offer = { isOver: false, interrupt: () => {}, released: Promise.resolve() };
  offers.add(offer);
  let failures = 0;
  try {
    for (;;) {
      // Nothing may come between the last look and the request.
      let seen;
      while (seen !== dialogs) await (seen = dialogs);
      if (signal.aborted || offer.isOver) return false;
      const own = new AbortController();
      const interrupt = () => own.abort();
      const timer = setTimeout(interrupt, OPTIONS_LAST);
      signal.addEventListener("abort", interrupt);
      offer.interrupt = interrupt;
      const letGo = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", interrupt);
        offer.interrupt = () => {};
      };
      let isChosen = false;
      const chosen = () => {
        isChosen = true;
        letGo();
      };
      let wait = 0;
      try {
        const running = round(own.signal, chosen);
        offer.released = running.catch(() => {});
        await running;
        return true;
      } catch (error) {
        if (isChosen) throw error;
        if (own.signal.aborted) failures = 0;
        else if (passes(error)) {
          failures += 1;
          wait = delay(failures, error.retryAfter);
        } else throw error;
      } finally {
        letGo();
      }
      if (wait > 0) await pause(wait, signal);
    }
  } finally {
    offers.delete(offer);
  }
}
