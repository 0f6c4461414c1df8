// What the door knows: the connections of the user, open and ended, and what happened to them.

import { toSignIn, useEffect, useRef, useState } from "../view.js";
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

/** Maximum number of ended lines, and of events, that are kept. */
const MAX_ENDED = 12;
const MAX_EVENTS = 30;

/** Seconds until the door asks again, if the server has not said when. */
const AGAIN_AFTER = 5;

/** Follows the connections of the user. */
export function useDoor() {
  const [lines, setLines] = useState(/** @type {Line[]} */ ([]));
  const [events, setEvents] = useState(/** @type {Event[]} */ ([]));
  const [own, setOwn] = useState("");
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  const live = useLive("/door", toSignIn, (socket) => {
    /** The answer comes when the reports end, or at once if they do not begin. */
    const watch = () => {
      clearTimeout(timer.current);
      socket.emit("watch", (/** @type {{ status?: string, retryAfter?: number } | null} */ answer) => {
        if (answer?.status !== "error" || !socket.connected) return;
        timer.current = setTimeout(watch, 1_000 * (answer.retryAfter ?? AGAIN_AFTER));
      });
    };
    socket.on("connect", () => {
      setOwn(socket.id ?? "");
      watch();
    });
    socket.on("watch", (/** @type {Event | List} */ news) => {
      if (news.kind === "list") return setLines((lines) => withList(lines, news));
      setLines((lines) => withEvent(lines, news));
      setEvents((events) => [news, ...events].slice(0, MAX_EVENTS));
    });
  });

  useEffect(() => () => clearTimeout(timer.current), []);

  /**
   * Ends a connection. Returns the number of sockets that have closed.
   *
   * @param {string} socket
   * @returns {Promise<number>}
   */
  const end = async (socket) => {
    const answer = await live.socket.current?.timeout(10_000).emitWithAck("end", { socket });
    if (typeof answer !== "number") throw Object.assign(new Error("the server has not done it"), answer);
    return answer;
  };
  return { lines, events, own, live, end };
}

/** @param {Line[]} lines @param {List} list @returns {Line[]} */
export function withList(lines, { connections, isComplete }) {
  const now = Date.now();
  const open = new Set(connections.map(({ socket }) => socket));
  const known = lines.map((line) => {
    if (open.has(line.socket ?? "")) return { ...line, to: null, reason: null };
    // A connection that is not in the whole list has ended, and it is not known why.
    return isComplete && line.to === null ? { ...line, to: now } : line;
  });
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

/** Open lines first, each group with the newest first. @param {Line[]} lines @returns {Line[]} */
function tidied(lines) {
  const since = Date.now() - SHOWN;
  const open = lines.filter(({ to }) => to === null).sort((one, other) => other.from - one.from);
  const ended = lines.filter(({ to }) => to !== null && to > since).sort((one, other) => (other.to ?? 0) - (one.to ?? 0));
  return [...open, ...ended.slice(0, MAX_ENDED)];
}
