// Turns every failure into one type of error with a code for programs.
//
// A `DoorwardError` stands for an answer of the server over a socket or over HTTP, a browser without passkeys, a user
// who cancels, and a network failure.

/** Codes that no server sends: the user cancelled, the browser has no support, no answer arrived. */
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
    /** The next step for a program, if the server sent one. */
    this.retry = retry;
    /** Whole seconds until a retry helps. */
    this.retryAfter = retryAfter;
  }
}

/**
 * Returns the error for a failed call of the authenticator.
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
 * Returns the error for a `connect_error`.
 *
 * @param {Error & { data?: { code?: string, retry?: import("./wire.d.ts").Retry, retryAfter?: number } }} error
 * @returns {DoorwardError}
 */
export function ofConnect(error) {
  const { code, retry, retryAfter } = error.data ?? {};
  // An error without data comes from the transport, except for an unknown namespace.
  const plain = error.message === "Invalid namespace" ? "invalid_namespace" : OFFLINE;
  return new DoorwardError(code ?? plain, error.message, { retry, retryAfter, cause: error });
}

/**
 * Returns `true` if a later attempt may succeed.
 *
 * @param {unknown} error
 * @returns {error is DoorwardError}
 */
export function passes(error) {
  return error instanceof DoorwardError && PASSES.includes(error.code);
}

const PASSES = [OFFLINE, "storage_full", "too_many_attempts", "unavailable"];
