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
export function connect(io: typeof import("socket.io-client").io, url: string, namespace: string, { token, onState }?: {
    token?: () => Promise<string | undefined>;
    onState?: (state: State, code?: string) => void;
}): import("socket.io-client").Socket;
/**
 * Where a socket stands. It comes back by itself from `reconnecting` (no answer), `offline` and `waiting` (the server
 * has said no for now); it stays away in `refused`, `expired`, `replaced`, `revoked` and `closed`.
 */
export type State = "connecting" | "connected" | "reconnecting" | "offline" | "waiting" | "refused" | "expired" | "replaced" | "revoked" | "closed";
