/** @typedef {(step: "register" | "register:verify" | "authenticate" | "authenticate:verify", payload: object, signal?: AbortSignal) => Promise<any>} Send */
/**
 * Opens a connection to `/auth`, and closes it after the work.
 *
 * @template T
 * @param {typeof import("socket.io-client").io} io
 * @param {string} url
 * @param {(send: Send) => Promise<T>} work
 * @returns {Promise<T>}
 */
export function overSocket<T>(io: typeof import("socket.io-client").io, url: string, work: (send: Send) => Promise<T>): Promise<T>;
/**
 * Runs the work with requests over HTTP.
 *
 * @template T
 * @param {string} url
 * @param {(send: Send) => Promise<T>} work
 * @returns {Promise<T>}
 */
export function overHttp<T>(url: string, work: (send: Send) => Promise<T>): Promise<T>;
/**
 * Makes an account with a passkey.
 *
 * @param {string} url
 * @param {Send} send
 * @param {{ username: string, displayName?: string, signal?: AbortSignal }} who `signal` aborts it until the passkey is made
 */
export function signUp(url: string, send: Send, { signal, ...who }: {
    username: string;
    displayName?: string;
    signal?: AbortSignal;
}): Promise<void>;
/**
 * Signs in with a passkey. Without a user name, the authenticator chooses among its passkeys.
 *
 * @param {string} url
 * @param {Send} send
 * @param {{ username?: string, autofill?: boolean, signal?: AbortSignal, chosen?: () => void }} how `signal` aborts
 *   it until a passkey is `chosen`
 */
export function signIn(url: string, send: Send, { username, autofill, signal, chosen }: {
    username?: string;
    autofill?: boolean;
    signal?: AbortSignal;
    chosen?: () => void;
}): Promise<void>;
/**
 * Exchanges a ticket for the session cookie. The verifier proves that the ticket is ours.
 *
 * @param {string} url
 * @param {string} ticket
 * @param {string} verifier
 */
export function exchange(url: string, ticket: string, verifier: string): Promise<void>;
export type Send = (step: "register" | "register:verify" | "authenticate" | "authenticate:verify", payload: object, signal?: AbortSignal) => Promise<any>;
