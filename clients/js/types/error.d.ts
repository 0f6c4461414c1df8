/**
 * Returns the error for a failed call of the authenticator.
 *
 * @param {unknown} cause
 * @returns {DoorwardError}
 */
export function ofCeremony(cause: unknown): DoorwardError;
/**
 * Returns the error for a `connect_error`.
 *
 * @param {Error & { data?: { code?: string, retry?: import("./wire.d.ts").Retry, retryAfter?: number } }} error
 * @returns {DoorwardError}
 */
export function ofConnect(error: Error & {
    data?: {
        code?: string;
        retry?: import("./wire.d.ts").Retry;
        retryAfter?: number;
    };
}): DoorwardError;
/**
 * Returns `true` if a later attempt may succeed.
 *
 * @param {unknown} error
 * @returns {error is DoorwardError}
 */
export function passes(error: unknown): error is DoorwardError;
/** Codes that no server sends: the user cancelled, the browser has no support, no answer arrived. */
export const CANCELLED: "cancelled";
export const UNSUPPORTED: "unsupported";
export const OFFLINE: "offline";
export class DoorwardError extends Error {
    /**
     * @param {string} code for programs, such as `authentication_failed`
     * @param {string} message for people, in English
     * @param {{ retry?: import("./wire.d.ts").Retry, retryAfter?: number, cause?: unknown }} [more]
     */
    constructor(code: string, message: string, { retry, retryAfter, cause }?: {
        retry?: import("./wire.d.ts").Retry;
        retryAfter?: number;
        cause?: unknown;
    });
    code: string;
    /** The next step for a program, if the server sent one. */
    retry: import("./wire.d.ts").Retry | undefined;
    /** Whole seconds until a retry helps. */
    retryAfter: number | undefined;
}
