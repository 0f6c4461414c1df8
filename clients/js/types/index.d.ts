/** @typedef {ReturnType<typeof createDoorward>} Doorward */
/** @typedef {import("./connection.js").State} State */
/**
 * Creates the client of one server.
 *
 * @param {{ io: typeof import("socket.io-client").io, url?: string }} server `io` of `socket.io-client`, and the
 *   origin of the server if it is not that of the page, with the path prefix of the server: `/chat` or
 *   `https://example.org/chat`
 */
export function createDoorward({ io, url }: {
    io: typeof import("socket.io-client").io;
    url?: string;
}): {
    /**
     * Creates an account over the socket, and signs in.
     *
     * @param {{ username: string, displayName?: string, signal?: AbortSignal }} who `signal` closes the dialog, as if
     *   the user had cancelled
     * @returns {Promise<void>}
     */
    signUp: (who: {
        username: string;
        displayName?: string;
        signal?: AbortSignal;
    }) => Promise<void>;
    /**
     * Signs in with a passkey over the socket. Without a user name, any passkey of this server does.
     *
     * @param {{ username?: string, signal?: AbortSignal }} [who] `signal` closes the dialog, as if the user had cancelled
     * @returns {Promise<void>}
     */
    signIn: (who?: {
        username?: string;
        signal?: AbortSignal;
    }) => Promise<void>;
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
    autofill(signal: AbortSignal): Promise<boolean>;
    /**
     * Signs in with a recovery code, which is then used up.
     *
     * @param {{ username: string, code: string }} shown
     */
    recover: (shown: {
        username: string;
        code: string;
    }) => Promise<void>;
    /** Ends this session and its sockets. @returns {Promise<void>} */
    signOut: () => Promise<void>;
    /** Returns the user and the session. @returns {Promise<import("./wire.d.ts").Me>} */
    me: () => Promise<import("./wire.d.ts").Me>;
    /** Returns an access token of this session. @returns {Promise<import("./wire.d.ts").AccessToken>} */
    token: () => Promise<import("./wire.d.ts").AccessToken>;
    /** Lists the passkeys of the account. @returns {Promise<import("./wire.d.ts").Passkeys>} */
    passkeys: () => Promise<import("./wire.d.ts").Passkeys>;
    /**
     * Adds a passkey to the account of this session.
     *
     * @param {string} [name]
     * @returns {Promise<import("./wire.d.ts").Passkey>}
     */
    addPasskey: (name?: string) => Promise<import("./wire.d.ts").Passkey>;
    /** Renames a passkey. @param {string} id @param {string} name @returns {Promise<void>} */
    renamePasskey: (id: string, name: string) => Promise<void>;
    /** Removes a passkey. @param {string} id @returns {Promise<void>} */
    removePasskey: (id: string) => Promise<void>;
    /** Creates ten recovery codes; older ones stop working. @returns {Promise<{ codes: string[] }>} */
    makeRecoveryCodes: () => Promise<{
        codes: string[];
    }>;
    /** Lists the sessions of the user. @returns {Promise<import("./wire.d.ts").Sessions>} */
    sessions: () => Promise<import("./wire.d.ts").Sessions>;
    /** Ends a session. @param {string} id @returns {Promise<void>} */
    endSession: (id: string) => Promise<void>;
    /** Ends all sessions but this one. @returns {Promise<{ ended: number }>} */
    endOtherSessions: () => Promise<{
        ended: number;
    }>;
    /** Removes the account and everything that belongs to it. @returns {Promise<void>} */
    removeAccount: () => Promise<void>;
    /**
     * Connects to a namespace: see `connect` in connection.js.
     *
     * @param {string} namespace
     * @param {Parameters<typeof connect>[3]} [options]
     * @returns {import("socket.io-client").Socket}
     */
    connect: (namespace: string, options?: Parameters<typeof connect>[3]) => import("socket.io-client").Socket;
};
export type Doorward = ReturnType<typeof createDoorward>;
export type State = import("./connection.js").State;
import { connect } from "./connection.js";
import { canAutofill } from "./passkeys.js";
import { canUsePasskeys } from "./passkeys.js";
export { canAutofill, canUsePasskeys };
export { CANCELLED, DoorwardError, OFFLINE, UNSUPPORTED } from "./error.js";
