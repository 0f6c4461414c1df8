/**
 * Milliseconds until the next try: longer after each failure, and different for each page, because many of them come
 * back at once after an outage.
 *
 * @param {number} failures how many there were in a row
 * @param {number} [retryAfter] whole seconds, where the server says so
 */
export function delay(failures: number, retryAfter?: number): number;
