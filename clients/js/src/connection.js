// A socket that says where it stands, and stays as long as it may.
//
// It is the stock client's socket: this only listens to what the server says of sessions, and shows another
// credential before the old one ends. Nothing is kept, and nothing connects again that the server has ended.

import { ofConnect } from "./error.js";
import { socketOf } from "./place.js";

/**
 * @typedef {"connecting" | "connected" | "reconnecting" | "offline" | "refused" | "expired" | "replaced"
 *   | "revoked" | "closed"} State
 */

/**
 * Connects, and tells every change.
 *
 * @param {typeof import("socket.io-client").io} io
 * @param {string} url
 * @param {string} namespace
 * @param {{
 *   token?: () => Promise<string>,
 *   onState?: (state: State, code?: string) => void,
 * }} [options] `token` gives an access token whenever one is needed; without it the cookie counts
 * @returns {import("socket.io-client").Socket}
 */
export function connect(io, url, namespace, { token, onState = () => {} } = {}) {
  /** @type {{ auth?: (send: (auth: object) => void) => void }} */
  const credential = token
    ? { auth: (send) => void token().then((token) => send({ token }), () => send({})) }
    : {};
  const socket = socketOf(io, url, namespace, {
    transports: ["websocket"],
    forceNew: true,
    autoConnect: false,
    ...credential,
  });
  /** Why the server ends the socket, until it has ended. @type {State | undefined} */
  let ending;
  /** @type {string | undefined} */
  let code;

  socket.on("connect", () => {
    ending = undefined;
    onState("connected");
  });
  // Attempts come ever more rarely; who is back online does not wait for the next one.
  const hurry = () => {
    if (socket.active && !socket.connected) socket.disconnect().connect();
  };
  /** @param {string} [code] */
  const wait = (code) => {
    const isOffline = globalThis.navigator?.onLine === false;
    if (isOffline) globalThis.addEventListener("online", hurry, { once: true });
    onState(isOffline ? "offline" : "reconnecting", code);
  };
  socket.on("connect_error", (error) => {
    if (socket.active) return wait();
    const refusal = ofConnect(error);
    onState(refusal.code.endsWith("_expired") ? "expired" : "refused", refusal.code);
  });
  socket.on("session_ended", (/** @type {import("./wire.d.ts").SessionEnded} */ ended) => {
    code = ended.code;
    ending = STATES[ended.code];
  });
  socket.on("disconnect", () => {
    if (socket.active) return wait(code);
    onState(ending ?? "closed", code);
  });
  socket.io.on("reconnect_attempt", () => onState("reconnecting"));
  socket.on("auth:expiring", async () => {
    try {
      await socket.timeout(10_000).emitWithAck("auth:refresh", token ? { token: await token() } : {});
    } catch {
      // It ends then, and says so.
    }
  });

  onState("connecting");
  socket.connect();
  return socket;
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
