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
export function request(url: string, method: string, path: string, body?: object, signal?: AbortSignal): Promise<any>;
