// Requests to the routes below `/auth/`.

import { DoorwardError, OFFLINE } from "./error.js";

/** Milliseconds until a request times out. A server may queue the hash of a recovery code for 10 seconds. */
const PATIENCE = 30_000;

/**
 * Sends a request with the cookie of the page, and returns the JSON of the answer, or `null` if there is none.
 *
 * @param {string} url the origin of the server; empty for the page's own
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @param {AbortSignal} [signal] aborts the request; without one it times out after 30 seconds
 * @returns {Promise<any>}
 */
export async function request(url, method, path, body, signal) {
  let response;
  let text;
  try {
    response = await fetch(url + path, {
      method,
      signal: signal ?? AbortSignal.timeout(PATIENCE),
      credentials: url === "" ? "same-origin" : "include",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    text = await response.text();
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new DoorwardError(OFFLINE, "The server cannot be reached", { cause });
  }
  /** @type {any} */
  let said = null;
  try {
    said = text === "" ? null : JSON.parse(text);
  } catch {
    // The body of a proxy in between is not JSON, and not for programs.
  }
  if (response.ok) return said;
  const code = said?.code ?? OFFLINE;
  throw new DoorwardError(code, said?.title ?? response.statusText, {
    retryAfter: said?.retryAfter,
  });
}
