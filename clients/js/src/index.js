// Offers passkey sign-in, sessions and sockets of a Doorward server to pages.
//
// It is optional: everything it does is a few requests of docs/wire.md. The pages of the ready-made server use it. Start
// reading at `createDoorward`.

import { overHttp, overSocket, exchange, signIn, signUp } from "./ceremony.js";
import { connect } from "./connection.js";
import { request } from "./http.js";
import { canAutofill, canUsePasskeys, create } from "./passkeys.js";
import { drawProof } from "./proof.js";
import { inDialog, offerList } from "./turns.js";

export { CANCELLED, DoorwardError, OFFLINE, UNSUPPORTED } from "./error.js";
export { canAutofill, canUsePasskeys };

/** @typedef {ReturnType<typeof createDoorward>} Doorward */
/** @typedef {import("./connection.js").State} State */

/**
 * Creates the client of one server.
 *
 * @param {{ io: typeof import("socket.io-client").io, url?: string }} server `io` of `socket.io-client`, and the
 *   origin of the server if it is not that of the page, with the path prefix of the server: `/chat` or
 *   `https://example.org/chat`
 */
export function createDoorward({ io, url = "" }) {
  const base = url.replace(/\/$/, "");
  /** @param {string} method @param {string} path @param {object} [body] */
  const ask = (method, path, body) => request(base, method, path, body);

  return {
    /**
     * Creates an account over the socket, and signs in.
     *
     * @param {{ username: string, displayName?: string, signal?: AbortSignal }} who `signal` closes the dialog, as if
     *   the user had cancelled
     * @returns {Promise<void>}
     */
    signUp: (who) => inDialog(() => overSocket(io, base, (send) => signUp(base, send, who)), { signsIn: true }),

    /**
     * Signs in with a passkey over the socket. Without a user name, any passkey of this server does.
     *
     * @param {{ username?: string, signal?: AbortSignal }} [who] `signal` closes the dialog, as if the user had cancelled
     * @returns {Promise<void>}
     */
    signIn: (who = {}) => inDialog(() => overSocket(io, base, (send) => signIn(base, send, who)), { signsIn: true }),

    /**
     * Offers passkeys in the list of a field with `autocomplete="username webauthn"` until the user has signed in, by
     * the list or otherwise, or until `signal` aborts. The list is withdrawn while `signIn`, `signUp` or `addPasskey`
     * run, because a browser rejects a second request. While the server is unreachable, it is retried later. An error
     * after the user has chosen a passkey is thrown: show it, and call this again. It uses HTTP, because a page may
     * be open for hours and must not hold a connection.
     *
     * @param {AbortSignal} signal
     * @returns {Promise<boolean>} `true` if the user has signed in by the list
     */
    async autofill(signal) {
      if (!(await canAutofill())) return false;
      return offerList(signal, (signal, chosen) => {
        return overHttp(base, (send) => signIn(base, send, { autofill: true, signal, chosen }));
      });
    },

    /**
     * Signs in with a recovery code, which is then used up.
     *
     * @param {{ username: string, code: string }} shown
     */
    recover: (shown) =>
      inDialog(
        async () => {
          const { verifier, challenge } = await drawProof();
          const { ticket } = await ask("POST", "/auth/recovery", { ...shown, challenge });
          await exchange(base, ticket, verifier);
        },
        { signsIn: true },
      ),

    /** Ends this session and its sockets. @returns {Promise<void>} */
    signOut: () => ask("DELETE", "/auth/session"),

    /** Returns the user and the session. @returns {Promise<import("./wire.d.ts").Me>} */
    me: () => ask("GET", "/auth/me"),

    /** Returns an access token of this session. @returns {Promise<import("./wire.d.ts").AccessToken>} */
    token: () => ask("POST", "/auth/token", {}),

    /** Lists the passkeys of the account. @returns {Promise<import("./wire.d.ts").Passkeys>} */
    passkeys: () => ask("GET", "/auth/passkeys"),

    /**
     * Adds a passkey to the account of this session.
     *
     * @param {string} [name]
     * @returns {Promise<import("./wire.d.ts").Passkey>}
     */
    addPasskey: (name) =>
      inDialog(() =>
        overHttp(base, async (send) => {
          const { options } = await send("register", {});
          const credential = await create(options);
          const { passkey } = await send("register:verify", name ? { credential, name } : { credential });
          return passkey;
        }),
      ),

    /** Renames a passkey. @param {string} id @param {string} name @returns {Promise<void>} */
    renamePasskey: (id, name) => ask("PATCH", `/auth/passkeys/${encodeURIComponent(id)}`, { name }),

    /** Removes a passkey. @param {string} id @returns {Promise<void>} */
    removePasskey: (id) => ask("DELETE", `/auth/passkeys/${encodeURIComponent(id)}`),

    /** Creates ten recovery codes; older ones stop working. @returns {Promise<{ codes: string[] }>} */
    makeRecoveryCodes: () => ask("POST", "/auth/recovery-codes", {}),

    /** Lists the sessions of the user. @returns {Promise<import("./wire.d.ts").Sessions>} */
    sessions: () => ask("GET", "/auth/sessions"),

    /** Ends a session. @param {string} id @returns {Promise<void>} */
    endSession: (id) => ask("DELETE", `/auth/sessions/${encodeURIComponent(id)}`),

    /** Ends all sessions but this one. @returns {Promise<{ ended: number }>} */
    endOtherSessions: () => ask("DELETE", "/auth/sessions?scope=others"),

    /** Removes the account and everything that belongs to it. @returns {Promise<void>} */
    removeAccount: () => ask("DELETE", "/auth/account"),

    /**
     * Connects to a namespace: see `connect` in connection.js.
     *
     * @param {string} namespace
     * @param {Parameters<typeof connect>[3]} [options]
     * @returns {import("socket.io-client").Socket}
     */
    connect: (namespace, options) => connect(io, base, namespace, options),
  };
}
