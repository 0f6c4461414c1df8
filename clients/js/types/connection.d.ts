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
export function connect(io: typeof import("socket.io-client").io, url: string, namespace: string, { token, onState }?: {
    token?: () => Promise<string | undefined>;
    onState?: (state: State, code?: string, wait?: number) => void;
}): import("socket.io-client").Socket;
/**
 * State of a socket. It reconnects from `reconnecting` (no answer), `offline`, and `waiting` (the server has refused
 * for now). It stays disconnected in `refused`, `expired`, `replaced`, `revoked` and `closed`.
 */
export type State = "connecting" | "connected" | "reconnecting" | "offline" | "waiting" | "refused" | "expired" | "replaced" | "revoked" | "closed";
