// Allows one request to the authenticator at a time.
//
// A page that offers passkeys in the list of a field has a request pending for as long as it is open, and a browser
// rejects a second one: Chromium says "A request is already pending". A dialog therefore aborts the request of the
// list and waits until the browser has released it. The list is offered again after the dialog. All clients of a page
// share this state, because they share `navigator.credentials`.

import { delay } from "./backoff.js";
import { passes } from "./error.js";

/** Milliseconds until options are requested again: the server forgets them after five minutes. */
const OPTIONS_LAST = 4.5 * 60_000;

/** @typedef {{ isOver: boolean, interrupt: () => void, released: Promise<unknown> }} Offer */

/** Lists that are currently offered. @type {Set<Offer>} */
const offers = new Set();

/** Settles when the dialogs requested so far have closed. @type {Promise<unknown>} */
let dialogs = Promise.resolve();

/**
 * Runs work that may open a dialog, after all earlier dialogs and while no list is offered. The list is offered again
 * afterwards, unless the work has signed the user in.
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
 * Waits until the time has passed or `signal` aborts.
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
 * Offers a list, and again after each dialog, until `round` has signed the user in. While the server is unreachable
 * or asks the client to wait, it retries. Other errors are thrown, and so is every error after a passkey was chosen.
 *
 * @param {AbortSignal} signal stops the offer
 * @param {(signal: AbortSignal, chosen: () => void) => Promise<unknown>} round makes one request, which its
 *   signal aborts, and reports when a passkey was chosen. After that nothing aborts it: the server may already have
 *   created a session.
 * @returns {Promise<boolean>} `true` if the user has signed in by the list
 */
export async function offerList(signal, round) {
  /** @type {Offer} */
  const offer = { isOver: false, interrupt: () => {}, released: Promise.resolve() };
  offers.add(offer);
  let failures = 0;
  try {
    for (;;) {
      // No dialog may start between the last check and the request.
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
