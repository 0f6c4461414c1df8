// What the door knows: the connections of the user, open and ended, and what happened to them.

import { toSignIn, useRef, useState } from "../view.js";
import { useLive } from "../live.js";

/**
 * @typedef {{ kind: "opened" | "refreshed" | "ended" | "refused" } & Change} Event
 * @typedef {{
 *   at: string,
 *   reason: string | null,
 *   socket: string | null,
 *   namespace: string,
 *   device: string | null,
 *   network: string | null,
 *   decision: string,
 * }} Change
 * @typedef {{ socket: string, namespace: string, device: string | null, network: string | null, openedAt: string }} Connection
 * @typedef {{ kind: "list", connections: Connection[], isComplete: boolean }} List
 *
 * @typedef {{ at: number, kind: Event["kind"] }} Mark
 * @typedef {{
 *   key: string,
 *   socket: string | null,
 *   namespace: string,
 *   device: string | null,
 *   network: string | null,
 *   from: number,
 *   to: number | null,
 *   reason: string | null,
 *   marks: Mark[],
 * }} Line a connection; `to` is `null` while it is open
 */

/** Milliseconds that the door shows. An ended connection is shown for as long. */
export const SHOWN = 10 * 60_000;

/** Maximum number of lines, and of events. */
const MAX_LINES = 12;
const MAX_EVENTS = 30;

/** Follows the connections of the user. */
export function useDoor() {
  const [lines, setLines] = useState(/** @type {Line[]} */ ([]));
  const [events, setEvents] = useState(/** @type {Event[]} */ ([]));
  const [own, setOwn] = useState("");
  const before = useRef("");
  const live = useLive("/door", toSignIn, (socket) => {
    socket.on("connect", () => {
      setOwn(socket.id ?? "");
      // A connection before this one may have ended while the page was away.
      before.current = socket.id ?? "";
      socket.emit("watch");
    });
    socket.on("watch", (/** @type {Event | List} */ news) => {
      if (news.kind === "list") return setLines((lines) => withList(lines, news));
      setLines((lines) => withEvent(lines, news));
      setEvents((events) => [news, ...events].slice(0, MAX_EVENTS));
    });
  });

  /** Ends a connection. Returns the number of sockets that have closed. @param {string} socket */
  const end = (socket) => live.socket.current?.timeout(10_000).emitWithAck("end", { socket });
  return { lines, events, own, live, end };
}

/** @param {Line[]} lines @param {List} list @returns {Line[]} */
export function withList(lines, { connections }) {
  const now = Date.now();
  const open = new Set(connections.map(({ socket }) => socket));
  // What is not in the list has ended, and it is not known why.
  const known = lines.map((line) => (line.to === null && !open.has(line.socket ?? "") ? { ...line, to: now } : line));
  const isNew = (/** @type {Connection} */ { socket }) => !lines.some((line) => line.socket === socket);
  return tidied([...known, ...connections.filter(isNew).map(lineOf)]);
}

/** @param {Line[]} lines @param {Event} event @returns {Line[]} */
export function withEvent(lines, event) {
  const at = Date.parse(event.at);
  const { kind, reason } = event;
  if (kind === "refused") {
    return tidied([...lines, { ...lineOf({ ...event, socket: null, openedAt: event.at }), key: event.decision, to: at, reason, marks: [{ at, kind }] }]);
  }
  const known = lines.find((line) => line.socket === event.socket);
  const line = known ?? lineOf({ ...event, openedAt: event.at });
  const marks = kind === "opened" && known ? line.marks : [...line.marks, ...(kind === "opened" ? [] : [{ at, kind }])];
  const next = { ...line, marks, ...(kind === "ended" && { to: at, reason }) };
  return tidied([...lines.filter((line) => line !== known), next]);
}

/** @param {Omit<Connection, "socket"> & { socket: string | null }} connection @returns {Line} */
function lineOf({ socket, namespace, device, network, openedAt }) {
  const from = Date.parse(openedAt);
  const marks = [{ at: from, kind: /** @type {const} */ ("opened") }];
  return { key: socket ?? openedAt, socket, namespace, device, network, from, to: null, reason: null, marks };
}

/** Open lines first, then those that have ended last. @param {Line[]} lines @returns {Line[]} */
function tidied(lines) {
  const since = Date.now() - SHOWN;
  const shown = lines.filter(({ to }) => to === null || to > since);
  const order = (/** @type {Line} */ one, /** @type {Line} */ other) => one.from - other.from;
  const open = shown.filter(({ to }) => to === null).sort(order);
  const ended = shown.filter(({ to }) => to !== null).sort((one, other) => (other.to ?? 0) - (one.to ?? 0));
  return [...open, ...ended].slice(0, MAX_LINES);
}
