// What was written and is not known to have arrived.
//
// Each message has a key: the server writes it once, however often it is sent. So whatever is here is sent again
// after every connect, also after a reload.

/** @typedef {{ key: string, room: string, text: string, problem?: string }} Draft */

const PLACE = "chat-outbox";

/** @returns {Draft[]} */
export function load() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE) ?? "[]");
  } catch {
    return [];
  }
}

/** @param {Draft[]} drafts */
export function save(drafts) {
  sessionStorage.setItem(PLACE, JSON.stringify(drafts));
}

/** @param {string} room @param {string} text @returns {Draft} */
export function draft(room, text) {
  return { key: crypto.randomUUID(), room, text };
}
