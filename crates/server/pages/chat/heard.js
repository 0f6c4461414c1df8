// What is heard while the server is asked for everything.
//
// A list says how things stood when the server read it, and an event that came after that may arrive before the
// list does. So changes are kept until both lists are here, and made once more: each may be made twice.

/** @typedef {import("./state.js").Invitation} Invitation @typedef {import("./state.js").Room} Room */

/**
 * @typedef {{ rooms: Room[], invitations: Invitation[] }} Lists
 * @typedef {(lists: Lists) => Lists} Change
 */

/** The user is in a room. What is known of it may be newer. @param {Room} room @returns {Change} */
export const entered = (room) => (lists) => {
  const known = lists.rooms.find(({ id }) => id === room.id);
  const newest = known && known.version > room.version ? known : room;
  return { ...lists, rooms: [...without(room.id)(lists).rooms, newest].sort(byName) };
};

/** The user is in a room no more. @param {string} room @returns {Change} */
export const without = (room) => (lists) => ({ ...lists, rooms: lists.rooms.filter(({ id }) => id !== room) });

/** The user was invited. @param {Invitation} invitation @returns {Change} */
export const invited = (invitation) => (lists) => ({
  ...lists,
  invitations: [...answered(invitation.room)(lists).invitations, invitation],
});

/** An invitation is open no more. @param {string} room @returns {Change} */
export const answered = (room) => (lists) => ({
  ...lists,
  invitations: lists.invitations.filter((invitation) => invitation.room !== room),
});

/** What the server is being asked for, and what was heard meanwhile. */
export class Heard {
  /** @type {Change[]} */
  #changes = [];

  /** News of rooms. @type {{ room: string, version: number }[]} */
  #messages = [];

  /** @param {Change} change */
  change(change) {
    this.#changes.push(change);
  }

  /** @param {{ room: string, version: number }} message */
  message(message) {
    this.#messages.push(message);
  }

  /**
   * The lists of the server, and behind them what was heard.
   *
   * @param {Lists} lists
   * @returns {Lists}
   */
  after(lists) {
    const { rooms, invitations } = this.#changes.reduce((lists, change) => change(lists), lists);
    // Messages that the server has not counted.
    const isNews = (/** @type {Room} */ { id, version }) => (/** @type {{ room: string, version: number }} */ message) =>
      message.room === id && message.version > version;
    const count = (/** @type {Room} */ room) => room.unread + this.#messages.filter(isNews(room)).length;
    return { rooms: rooms.map((room) => ({ ...room, unread: count(room) })), invitations };
  }
}

/** @param {{ name: string }} one @param {{ name: string }} other */
export const byName = (one, other) => one.name.localeCompare(other.name);
