// Requests to the routes below `/auth/`.

import { DoorwardError, OFFLINE } from "./error.js";

/** Milliseconds until an answer is given up. A server waits 10 seconds for a turn to hash a recovery code. */
const PATIENCE = 30_000;

/**
 * Sends a request as the page, with its cookie, and reads the JSON of the answer; `null` when it has none.
 *
 * @param {string} url the origin of the server; empty for the page's own
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @param {AbortSignal} [signal] ends it; without one it has half a minute
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
    // What a proxy in between says is not for programs.
  }
  if (response.ok) return said;
  const code = said?.code ?? OFFLINE;
  throw new DoorwardError(code, said?.title ?? response.statusText, {
    retryAfter: said?.retryAfter,
  });
}
