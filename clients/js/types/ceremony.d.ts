/** @typedef {(step: "register" | "register:verify" | "authenticate" | "authenticate:verify", payload: object, signal?: AbortSignal) => Promise<any>} Send */
/**
 * Opens a link to `/auth`, and closes it when the work is done.
 *
 * @template T
 * @param {typeof import("socket.io-client").io} io
 * @param {string} url
 * @param {(send: Send) => Promise<T>} work
 * @returns {Promise<T>}
 */
export function overSocket<T>(io: typeof import("socket.io-client").io, url: string, work: (send: Send) => Promise<T>): Promise<T>;
/**
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
 * @param {{ username: string, displayName?: string }} who
 */
export function signUp(url: string, send: Send, who: {
    username: string;
    displayName?: string;
}): Promise<void>;
/**
 * Signs in with a passkey; without a user name, with whichever the authenticator finds.
 *
 * @param {string} url
 * @param {Send} send
 * @param {{ username?: string, autofill?: boolean, signal?: AbortSignal, chosen?: () => void }} how `signal` ends
 *   it before a passkey was `chosen`
 */
export function signIn(url: string, send: Send, { username, autofill, signal, chosen }: {
    username?: string;
    autofill?: boolean;
    signal?: AbortSignal;
    chosen?: () => void;
}): Promise<void>;
/**
 * A ticket, and the proof that it is ours, for the cookie.
 *
 * @param {string} url
 * @param {string} ticket
 * @param {string} verifier
 */
export function exchange(url: string, ticket: string, verifier: string): Promise<void>;
export type Send = (step: "register" | "register:verify" | "authenticate" | "authenticate:verify", payload: object, signal?: AbortSignal) => Promise<any>;
