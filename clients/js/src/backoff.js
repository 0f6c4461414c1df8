// Delays between retries.

/** The first and the longest delay, in milliseconds. */
const FIRST = 1_000;
const MOST = 60_000;

/**
 * Returns the milliseconds until the next attempt. The delay doubles with each failure. A random part spreads the
 * pages that reconnect at the same moment after an outage.
 *
 * @param {number} failures number of failures in a row
 * @param {number} [retryAfter] whole seconds, if the server sent them
 */
export function delay(failures, retryAfter = 0) {
  const backoff = Math.min(FIRST * 2 ** (failures - 1), MOST);
  return Math.max(retryAfter * 1_000, backoff) * (1 + Math.random() / 4);
}
