// What goes wrong, as one type of error with a code for programs.
//
// Whatever the server says, over a socket or over HTTP, becomes a `DoorwardError`; so do a browser that has no
// passkeys, a user who cancels, and a network that is away.

/** Codes that no server gives: the user cancelled, the browser cannot, no answer came. */
export const CANCELLED = "cancelled";
export const UNSUPPORTED = "unsupported";
export const OFFLINE = "offline";

export class DoorwardError extends Error {
  /**
   * @param {string} code for programs, such as `authentication_failed`
   * @param {string} message for people, in English
   * @param {{ retry?: import("./wire.d.ts").Retry, retryAfter?: number, cause?: unknown }} [more]
   */
  constructor(code, message, { retry, retryAfter, cause } = {}) {
    super(message, { cause });
    this.name = "DoorwardError";
    this.code = code;
    /** What a program should do next, where the server says so. */
    this.retry = retry;
    /** Whole seconds. */
    this.retryAfter = retryAfter;
  }
}

/**
 * What an authenticator did not do.
 *
 * @param {unknown} cause
 * @returns {DoorwardError}
 */
export function ofCeremony(cause) {
  if (cause instanceof DoorwardError) return cause;
  const name = cause instanceof Error ? cause.name : "";
  if (name === "InvalidStateError") {
    return new DoorwardError("passkey_exists", "This device has a passkey already", { cause });
  }
  if (name === "NotSupportedError" || name === "SecurityError") {
    return new DoorwardError(UNSUPPORTED, "Passkeys cannot be used here", { cause });
  }
  return new DoorwardError(CANCELLED, "Nothing was signed", { cause });
}

/**
 * The refusal of a CONNECT.
 *
 * @param {Error & { data?: { code?: string, retry?: import("./wire.d.ts").Retry, retryAfter?: number } }} error
 * @returns {DoorwardError}
 */
export function ofConnect(error) {
  const { code, retry, retryAfter } = error.data ?? {};
  // An error without data is that of a transport, except for a namespace that is not there.
  const plain = error.message === "Invalid namespace" ? "invalid_namespace" : OFFLINE;
  return new DoorwardError(code ?? plain, error.message, { retry, retryAfter, cause: error });
}

/**
 * Whether waiting mends it.
 *
 * @param {unknown} error
 * @returns {error is DoorwardError}
 */
export function passes(error) {
  return error instanceof DoorwardError && PASSES.includes(error.code);
}

const PASSES = [OFFLINE, "storage_full", "too_many_attempts", "unavailable"];
