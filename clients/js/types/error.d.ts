/**
 * What an authenticator did not do.
 *
 * @param {unknown} cause
 * @returns {DoorwardError}
 */
export function ofCeremony(cause: unknown): DoorwardError;
/**
 * The refusal of a CONNECT.
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
 * Whether waiting mends it.
 *
 * @param {unknown} error
 * @returns {error is DoorwardError}
 */
export function passes(error: unknown): error is DoorwardError;
/** Codes that no server gives: the user cancelled, the browser cannot, no answer came. */
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
    /** What a program should do next, where the server says so. */
    retry: import("./wire.d.ts").Retry | undefined;
    /** Whole seconds. */
    retryAfter: number | undefined;
}
