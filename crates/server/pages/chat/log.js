// The messages of one room, as far as this page knows them.
//
// The server numbers every change of a room. A page that has heard all numbers up to one has missed nothing; a number
// that comes too early says that something is missing, and it is asked for. A message that comes twice is one.

/**
 * @typedef {{ room: string, seq: number, version: number, user: string, name: string, key: string, text: string,
 *   sentAt: number, isEdited: boolean, isRemoved: boolean }} Message
 * @typedef {{ first: number, version: number, messages: Message[], more: boolean }} History
 */

/** The server keeps no more either. */
const KEPT = 200;

export class Log {
  /** The last number up to which nothing is missing: what the server is told as `lastSeen`. */
  lastSeen = 0;
  /** @type {Map<number, Message>} */
  #messages = new Map();
  /** Numbers that came early. @type {Set<number>} */
  #early = new Set();

  /**
   * Whether it knows of changes that the server has never made: a backup was restored.
   *
   * @param {number} version of the room, as the server knows it
   */
  isAhead(version) {
    return this.lastSeen > version;
  }

  /** Takes a change that was just made. @param {Message} message @returns {boolean} whether one before it is missing */
  hear(message) {
    this.#put(message);
    if (message.version > this.lastSeen) this.#early.add(message.version);
    this.#advance();
    return this.#early.size > 0;
  }

  /** Takes what was missing. @param {History} history */
  catchUp({ first, version, messages }) {
    messages.forEach((message) => this.#put(message));
    for (const seq of this.#messages.keys()) if (seq < first) this.#messages.delete(seq);
    this.lastSeen = Math.max(this.lastSeen, version);
    this.#advance();
  }

  /** Everything, the oldest first. */
  list() {
    return [...this.#messages.values()].sort((one, other) => one.seq - other.seq);
  }

  /** @param {Message} message */
  #put(message) {
    const known = this.#messages.get(message.seq);
    if (!known || known.version < message.version) this.#messages.set(message.seq, message);
    if (this.#messages.size > KEPT) this.#messages.delete(Math.min(...this.#messages.keys()));
  }

  #advance() {
    while (this.#early.has(this.lastSeen + 1)) this.lastSeen += 1;
    for (const version of this.#early) if (version <= this.lastSeen) this.#early.delete(version);
  }
}
