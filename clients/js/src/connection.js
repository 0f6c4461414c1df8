// A socket that says where it stands, and stays as long as it may.
//
// It is the stock client's socket. This listens to what the server says of sessions, shows another credential before
// the old one ends, and comes back when the server says that a wait or another token helps. Nothing is kept, and
// nothing connects again where only the user can help. Start reading at `connect`.

import { delay } from "./backoff.js";
import { DoorwardError, ofConnect, passes } from "./error.js";
import { socketOf } from "./place.js";

/**
 * Where a socket stands. It comes back by itself from `reconnecting` (no answer), `offline` and `waiting` (the server
 * has said no for now); it stays away in `refused`, `expired`, `replaced`, `revoked` and `closed`.
 *
 * @typedef {"connecting" | "connected" | "reconnecting" | "offline" | "waiting" | "refused" | "expired" | "replaced"
 *   | "revoked" | "closed"} State
 */

/**
 * Connects, and tells every change. `disconnect()` of the socket ends it, also while it waits.
 *
 * @param {typeof import("socket.io-client").io} io
 * @param {string} url
 * @param {string} namespace
 * @param {{
 *   token?: () => Promise<string | undefined>,
 *   onState?: (state: State, code?: string) => void,
 * }} [options] `token` gives an access token whenever one is needed, or `undefined` when no user is signed in; while
 *   it fails, it is asked again. Without it the cookie counts
 * @returns {import("socket.io-client").Socket}
 */
export function connect(io, url, namespace, { token, onState = () => {} } = {}) {
  /** The token that was shown last, and whether the server has said that it is over. */
  let shown = /** @type {string | undefined} */ (undefined);
  let isStale = false;
  /** @param {(auth: object) => void} send */
  const show = async (send) => {
    const { engine } = socket.io;
    try {
      const next = await token?.();
      if (isStale && next === shown) return stay("expired", "token_expired");
      [shown, isStale] = [next, false];
      send(next === undefined ? {} : { token: next });
    } catch (error) {
      // What only the user can mend is the server's to say; otherwise the transport ends, and it is tried again.
      if (error instanceof DoorwardError && !passes(error)) send({});
      else engine.close();
    }
  };
  const socket = socketOf(io, url, namespace, {
    transports: ["websocket"],
    forceNew: true,
    autoConnect: false,
    ...(token && { auth: show }),
  });
  /** What the server has said of the end, until it has come. @type {import("./wire.d.ts").SessionEnded | undefined} */
  let ended;
  let failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const disconnect = socket.disconnect.bind(socket);
  const stopWaiting = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  // The program's own word ends the wait as well.
  socket.disconnect = () => {
    stopWaiting();
    return disconnect();
  };

  /** Comes back later. @param {State} state @param {string} [code] @param {number} [retryAfter] */
  const comeBack = (state, code, retryAfter) => {
    // Left alone, the stock client would ask every second wherever a transport opens and ends.
    disconnect();
    stopWaiting();
    failures += 1;
    timer = setTimeout(() => {
      timer = undefined;
      socket.connect();
    }, delay(failures, retryAfter));
    wait(state, code);
  };
  /** Stays away. @param {State} state @param {string} [code] */
  const stay = (state, code) => {
    socket.disconnect();
    onState(state, code);
  };
  // Attempts come ever more rarely; who is back online does not wait for the next one.
  const hurry = () => {
    if (timer !== undefined || (socket.active && !socket.connected)) socket.disconnect().connect();
  };
  /** @param {State} state @param {string} [code] */
  const wait = (state, code) => {
    const isOffline = globalThis.navigator?.onLine === false;
    if (isOffline) globalThis.addEventListener("online", hurry, { once: true });
    onState(isOffline ? "offline" : state, code);
  };

  socket.on("connect", () => {
    stopWaiting();
    ended = undefined;
    failures = 0;
    onState("connected");
  });
  socket.on("connect_error", (error) => {
    if (socket.active) return wait("reconnecting");
    const { code, retry, retryAfter } = ofConnect(error);
    isStale = retry === "after_refresh" && retryAfter === undefined;
    if (isPassing(retry)) comeBack("waiting", code, retryAfter);
    else stay(code.endsWith("_expired") ? "expired" : "refused", code);
  });
  socket.on("session_ended", (/** @type {import("./wire.d.ts").SessionEnded} */ why) => {
    ended = why;
  });
  socket.on("disconnect", (reason) => {
    isStale = ended?.retry === "after_refresh";
    if (reason === "io client disconnect") onState("closed");
    else if (socket.active || isPassing(ended?.retry)) comeBack("reconnecting", ended?.code);
    else onState(ended ? STATES[ended.code] : "closed", ended?.code);
  });
  socket.io.on("reconnect_attempt", () => onState("reconnecting"));
  socket.on("auth:expiring", async () => {
    try {
      const next = await token?.();
      // What is sent without a connection waits for the next one, which shows a token of its own.
      if (!socket.connected) return;
      await socket.timeout(10_000).emitWithAck("auth:refresh", next === undefined ? {} : { token: next });
    } catch {
      // It ends then, and says so.
    }
  });

  onState("connecting");
  socket.connect();
  return socket;
}

/** Whether a wait or another token helps. @param {import("./wire.d.ts").Retry} [retry] */
function isPassing(retry) {
  return retry === "later" || retry === "after_refresh";
}

/** What a program shows of an end. @type {Record<import("./wire.d.ts").EndCode, State>} */
const STATES = {
  expired: "expired",
  forbidden: "refused",
  overloaded: "reconnecting",
  replaced: "replaced",
  revoked: "revoked",
  shutdown: "reconnecting",
  slow_consumer: "reconnecting",
  unavailable: "reconnecting",
};
