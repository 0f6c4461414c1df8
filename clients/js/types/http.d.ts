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
export function request(url: string, method: string, path: string, body?: object, signal?: AbortSignal): Promise<any>;
