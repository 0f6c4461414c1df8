// Connects a stock client's socket, reports its state, and keeps it connected.
//
// It listens to the server's session events, shows a new credential before the old one expires, and reconnects when
// the server says that waiting or another token helps. It stores nothing, and does not reconnect when only the user
// can help. Start reading at `connect`.

import { delay } from "./backoff.js";
import { DoorwardError, ofConnect, passes } from "./error.js";
import { socketOf } from "./place.js";

/**
 * State of a socket. It reconnects from `reconnecting` (no answer), `offline`, and `waiting` (the server has refused
 * for now). It stays disconnected in `refused`, `expired`, `replaced`, `revoked` and `closed`.
 *
 * @typedef {"connecting" | "connected" | "reconnecting" | "offline" | "waiting" | "refused" | "expired" | "replaced"
 *   | "revoked" | "closed"} State
 */

/**
 * Connects, and reports every change of state. `disconnect()` of the socket stops it, also during a wait.
 *
 * @param {typeof import("socket.io-client").io} io
 * @param {string} url
 * @param {string} namespace
 * @param {{
 *   token?: () => Promise<string | undefined>,
 *   onState?: (state: State, code?: string, wait?: number) => void,
 * }} [options] `onState` has the milliseconds until the next attempt, if they are known. `token` returns an access token whenever one is needed, or `undefined` if no user is signed in. If it
 *   fails, it is called again later, unless only the user can help. Without `token`, the server uses the cookie
 * @returns {import("socket.io-client").Socket}
 */
export function connect(io, url, namespace, { token, onState = () => {} } = {}) {
  /** The token that was shown last. `isStale`: the server has said that it has expired. */
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
      // If only the user can help, the server answers with the reason. Otherwise the transport closes and a retry follows.
      if (error instanceof DoorwardError && !passes(error)) send({});
      else engine.close();
    }
  };
  const socket = socketOf(io, url, namespace, {
    forceNew: true,
    autoConnect: false,
    ...(token && { auth: show }),
  });
  /** Reason that the server announced, until the socket ends. @type {import("./wire.d.ts").SessionEnded | undefined} */
  let ended;
  let failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const disconnect = socket.disconnect.bind(socket);
  const stopWaiting = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  // A `disconnect()` of the program also cancels the wait.
  socket.disconnect = () => {
    stopWaiting();
    return disconnect();
  };

  /** Reconnects after a delay. @param {State} state @param {string} [code] @param {number} [retryAfter] */
  const comeBack = (state, code, retryAfter) => {
    // By itself, the stock client would retry every second if the transport opens and closes again.
    disconnect();
    stopWaiting();
    failures += 1;
    const pause = delay(failures, retryAfter);
    timer = setTimeout(() => {
      timer = undefined;
      socket.connect();
    }, pause);
    wait(state, code, pause);
  };
  /** Disconnects for good. @param {State} state @param {string} [code] */
  const stay = (state, code) => {
    socket.disconnect();
    onState(state, code);
  };
  // The delay between attempts grows. A browser that is online again does not wait for the next one.
  const hurry = () => {
    if (timer !== undefined || (socket.active && !socket.connected)) socket.disconnect().connect();
  };
  /** @param {State} state @param {string} [code] @param {number} [pause] */
  const wait = (state, code, pause) => {
    const isOffline = globalThis.navigator?.onLine === false;
    if (isOffline) globalThis.addEventListener("online", hurry, { once: true });
    onState(isOffline ? "offline" : state, code, isOffline ? undefined : pause);
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
      // An event that is emitted while disconnected is sent by the next connection, which shows its own token.
      if (!socket.connected) return;
      await socket.timeout(10_000).emitWithAck("auth:refresh", next === undefined ? {} : { token: next });
    } catch {
      // The socket then ends with `session_ended`.
    }
  });

  onState("connecting");
  socket.connect();
  return socket;
}

/** Returns `true` if waiting or another token helps. @param {import("./wire.d.ts").Retry} [retry] */
function isPassing(retry) {
  return retry === "later" || retry === "after_refresh";
}

/** State for each reason of an end. @type {Record<import("./wire.d.ts").EndCode, State>} */
const STATES = {
  expired: "expired",
  forbidden: "refused",
  outdated: "reconnecting",
  overloaded: "reconnecting",
  replaced: "replaced",
  revoked: "revoked",
  shutdown: "reconnecting",
  slow_consumer: "reconnecting",
  unavailable: "reconnecting",
};
