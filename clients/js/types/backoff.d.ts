/**
 * Returns the milliseconds until the next attempt. The delay doubles with each failure. A random part spreads the
 * pages that reconnect at the same moment after an outage.
 *
 * @param {number} failures number of failures in a row
 * @param {number} [retryAfter] whole seconds, if the server sent them
 */
export function delay(failures: number, retryAfter?: number): number;
