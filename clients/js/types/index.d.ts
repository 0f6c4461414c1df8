/** @typedef {ReturnType<typeof createDoorward>} Doorward */
/** @typedef {import("./connection.js").State} State */
/**
 * Talks to one server.
 *
 * @param {{ io: typeof import("socket.io-client").io, url?: string }} server `io` of `socket.io-client`, and the
 *   origin of the server when it is not the page's own, with the path below which the server is: `/chat` or
 *   `https://example.org/chat`
 */
export function createDoorward({ io, url }: {
    io: typeof import("socket.io-client").io;
    url?: string;
}): {
    /**
     * Makes an account, over the socket, and signs in.
     *
     * @param {{ username: string, displayName?: string }} who
     * @returns {Promise<void>}
     */
    signUp: (who: {
        username: string;
        displayName?: string;
    }) => Promise<void>;
    /**
     * Signs in with a passkey, over the socket; without a user name, with any passkey of this server.
     *
     * @param {{ username?: string }} [who]
     * @returns {Promise<void>}
     */
    signIn: (who?: {
        username?: string;
    }) => Promise<void>;
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
    autofill(signal: AbortSignal): Promise<boolean>;
    /**
     * Signs in with a recovery code, which is used up.
     *
     * @param {{ username: string, code: string }} shown
     */
    recover: (shown: {
        username: string;
        code: string;
    }) => Promise<void>;
    /** Ends this session and its sockets. @returns {Promise<void>} */
    signOut: () => Promise<void>;
    /** @returns {Promise<import("./wire.d.ts").Me>} */
    me: () => Promise<import("./wire.d.ts").Me>;
    /** An access token of this session. @returns {Promise<import("./wire.d.ts").AccessToken>} */
    token: () => Promise<import("./wire.d.ts").AccessToken>;
    /** @returns {Promise<import("./wire.d.ts").Passkeys>} */
    passkeys: () => Promise<import("./wire.d.ts").Passkeys>;
    /**
     * Adds a passkey to the account that is signed in.
     *
     * @param {string} [name]
     * @returns {Promise<import("./wire.d.ts").Passkey>}
     */
    addPasskey: (name?: string) => Promise<import("./wire.d.ts").Passkey>;
    /** @param {string} id @param {string} name @returns {Promise<void>} */
    renamePasskey: (id: string, name: string) => Promise<void>;
    /** @param {string} id @returns {Promise<void>} */
    removePasskey: (id: string) => Promise<void>;
    /** Makes ten codes; older ones are worth nothing. @returns {Promise<{ codes: string[] }>} */
    makeRecoveryCodes: () => Promise<{
        codes: string[];
    }>;
    /** @returns {Promise<import("./wire.d.ts").Sessions>} */
    sessions: () => Promise<import("./wire.d.ts").Sessions>;
    /** @param {string} id @returns {Promise<void>} */
    endSession: (id: string) => Promise<void>;
    /** @returns {Promise<{ ended: number }>} */
    endOtherSessions: () => Promise<{
        ended: number;
    }>;
    /** Removes the account with everything. @returns {Promise<void>} */
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
