// What was written and is not known to have arrived.
//
// Each message has a key: the server writes it once, however often it is sent. So whatever is here is sent again
// after every connect, also after a reload.

/** @typedef {{ key: string, room: string, text: string, problem?: string }} Draft */

/** Another user of the same tab has nothing of it. @param {string} user */
const place = (user) => `chat-outbox ${user}`;

/** @param {string} user @returns {Draft[]} */
export function load(user) {
  try {
    return JSON.parse(sessionStorage.getItem(place(user)) ?? "[]");
  } catch {
    return [];
  }
}

/** @param {string} user @param {Draft[]} drafts */
export function save(user, drafts) {
  sessionStorage.setItem(place(user), JSON.stringify(drafts));
}

/** @param {string} room @param {string} text @returns {Draft} */
export function draft(room, text) {
  return { key: crypto.randomUUID(), room, text };
}
