// Passkey sign-in, sessions and sockets of a Doorward server, for pages.
//
// Optional: the pages of the server use it, and whoever likes; everything it does is a few requests of
// docs/wire.md. Start reading at `createDoorward`.

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
 * Talks to one server.
 *
 * @param {{ io: typeof import("socket.io-client").io, url?: string }} server `io` of `socket.io-client`, and the
 *   origin of the server when it is not the page's own, with the path below which the server is: `/chat` or
 *   `https://example.org/chat`
 */
export function createDoorward({ io, url = "" }) {
  const base = url.replace(/\/$/, "");
  /** @param {string} method @param {string} path @param {object} [body] */
  const ask = (method, path, body) => request(base, method, path, body);

  return {
    /**
     * Makes an account, over the socket, and signs in.
     *
     * @param {{ username: string, displayName?: string }} who
     * @returns {Promise<void>}
     */
    signUp: (who) => inDialog(() => overSocket(io, base, (send) => signUp(base, send, who)), { signsIn: true }),

    /**
     * Signs in with a passkey, over the socket; without a user name, with any passkey of this server.
     *
     * @param {{ username?: string }} [who]
     * @returns {Promise<void>}
     */
    signIn: (who = {}) => inDialog(() => overSocket(io, base, (send) => signIn(base, send, who)), { signsIn: true }),

    /**
     * Offers passkeys in the list of a field with `autocomplete="username webauthn"`, until the user has signed in,
     * by the list or otherwise, or `signal` says that it is enough. While `signIn`, `signUp` or `addPasskey` are at
     * work the list is not offered, because a browser refuses two requests at once. While the server cannot be reached
     * it is offered later. What goes wrong after a passkey was chosen is thrown: tell the user, and call it again.
     * Over HTTP: a page may stand open for hours and must not hold a link.
     *
     * @param {AbortSignal} signal
     * @returns {Promise<boolean>} whether the user has signed in by the list
     */
    async autofill(signal) {
      if (!(await canAutofill())) return false;
      return offerList(signal, (signal, chosen) => {
        return overHttp(base, (send) => signIn(base, send, { autofill: true, signal, chosen }));
      });
    },

    /**
     * Signs in with a recovery code, which is used up.
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

    /** @returns {Promise<import("./wire.d.ts").Me>} */
    me: () => ask("GET", "/auth/me"),

    /** An access token of this session. @returns {Promise<import("./wire.d.ts").AccessToken>} */
    token: () => ask("POST", "/auth/token", {}),

    /** @returns {Promise<import("./wire.d.ts").Passkeys>} */
    passkeys: () => ask("GET", "/auth/passkeys"),

    /**
     * Adds a passkey to the account that is signed in.
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

    /** @param {string} id @param {string} name @returns {Promise<void>} */
    renamePasskey: (id, name) => ask("PATCH", `/auth/passkeys/${encodeURIComponent(id)}`, { name }),

    /** @param {string} id @returns {Promise<void>} */
    removePasskey: (id) => ask("DELETE", `/auth/passkeys/${encodeURIComponent(id)}`),

    /** Makes ten codes; older ones are worth nothing. @returns {Promise<{ codes: string[] }>} */
    makeRecoveryCodes: () => ask("POST", "/auth/recovery-codes", {}),

    /** @returns {Promise<import("./wire.d.ts").Sessions>} */
    sessions: () => ask("GET", "/auth/sessions"),

    /** @param {string} id @returns {Promise<void>} */
    endSession: (id) => ask("DELETE", `/auth/sessions/${encodeURIComponent(id)}`),

    /** @returns {Promise<{ ended: number }>} */
    endOtherSessions: () => ask("DELETE", "/auth/sessions?scope=others"),

    /** Removes the account with everything. @returns {Promise<void>} */
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
