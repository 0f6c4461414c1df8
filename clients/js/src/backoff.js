// How long to wait before something is tried again.

/** Milliseconds before the second try, and at most. */
const FIRST = 1_000;
const MOST = 60_000;

/**
 * Milliseconds until the next try: longer after each failure, and different for each page, because many of them come
 * back at once after an outage.
 *
 * @param {number} failures how many there were in a row
 * @param {number} [retryAfter] whole seconds, where the server says so
 */
export function delay(failures, retryAfter = 0) {
  const backoff = Math.min(FIRST * 2 ** (failures - 1), MOST);
  return Math.max(retryAfter * 1_000, backoff) * (1 + Math.random() / 4);
}
