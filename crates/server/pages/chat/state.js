// What the page knows of rooms, and how it learns it: everything between the socket and what is shown.

import { useRef, useState } from "../view.js";
import { useLive } from "../live.js";
import { Heard, answered, byName, entered, invited, without } from "./heard.js";
import { Log } from "./log.js";
import { draft, load, save } from "./outbox.js";

/**
 * @typedef {{ id: string, name: string, version: number, members: number, unread: number }} Room
 * @typedef {{ user: string, name: string, online: boolean }} Member
 * @typedef {{ room: string, name: string, inviter: string, inviterName: string, invitedAt: number }} Invitation
 */

/** Milliseconds until a request is given up. */
const PATIENCE = 10_000;

/** Milliseconds until the server is told what was read. */
const BETWEEN_READS = 400;

/** Milliseconds for which a member is shown as typing, and between two words of one's own about it. */
const TYPING = 4_000;

/**
 * @param {string} me the id of the user
 * @param {(state: import("../live.js").State) => void} onSignedOut
 */
export function useChat(me, onSignedOut) {
  const [, setVersion] = useState(0);
  const changed = () => setVersion((version) => version + 1);
  const kept = useRef(
    /** @type {ReturnType<typeof begin> | null} */ (null),
  );
  kept.current ??= begin(me);
  const chat = kept.current;
  const live = useLive("/chat", onSignedOut, (socket) => {
    socket.on("connect", () => catchUp());
    socket.on("message", (message) => hear(message));
    socket.on("room", (room) => {
      change(entered(room));
    });
    socket.on("invitation", (invitation) => change(invited(invitation)));
    socket.on("invitation_gone", ({ room }) => change(answered(room)));
    socket.on("member_joined", ({ room, ...member }) => {
      count(room, (members) => members + 1);
      if (room === chat.open) chat.members = [...chat.members.filter(isNot(member.user)), member].sort(byName);
      changed();
    });
    socket.on("member_left", ({ room, user }) => {
      count(room, (members) => members - 1);
      if (user === me) forget(room);
      if (room === chat.open) chat.members = chat.members.filter(isNot(user));
      changed();
    });
    socket.on("presence", ({ user, online }) => {
      chat.members = chat.members.map((member) => (member.user === user ? { ...member, online } : member));
      changed();
    });
    socket.on("read", ({ room, unread }) => {
      setUnread(room, () => unread);
      changed();
    });
    socket.on("typing", ({ room, user, name }) => {
      if (room !== chat.open) return;
      clearTimeout(chat.typing.get(user)?.timer);
      const timer = setTimeout(() => stopTyping(user), TYPING);
      chat.typing.set(user, { name, timer });
      changed();
    });
  });

  /** @param {string} event @param {object} [payload] @returns {Promise<any>} */
  const ask = async (event, payload) => {
    const socket = live.socket.current;
    if (!socket?.connected) throw new Error("offline");
    const patient = socket.timeout(PATIENCE);
    const answer = await (payload ? patient.emitWithAck(event, payload) : patient.emitWithAck(event));
    if (answer?.status === "error") throw Object.assign(new Error(answer.message), { code: answer.code });
    return answer;
  };
  /** @param {string} user */
  const stopTyping = (user) => {
    if (chat.typing.delete(user)) changed();
  };
  /** @param {string} room @param {(members: number) => number} to */
  const count = (room, to) => {
    chat.rooms = chat.rooms.map((one) => (one.id === room ? { ...one, members: to(one.members) } : one));
  };
  /** @param {string} room @param {(unread: number) => number} to */
  const setUnread = (room, to) => {
    chat.rooms = chat.rooms.map((one) => (one.id === room ? { ...one, unread: to(one.unread) } : one));
  };
  /** @param {import("./heard.js").Change} change */
  const change = (change) => {
    Object.assign(chat, change(chat));
    chat.heard?.change(change);
    changed();
  };
  /** @param {string} room */
  const forget = (room) => {
    change(without(room));
    chat.logs.delete(room);
    if (chat.open === room) show(chat.rooms[0]?.id ?? "");
  };
  /** @param {string} room */
  const logOf = (room) => {
    const log = chat.logs.get(room) ?? new Log();
    chat.logs.set(room, log);
    return log;
  };

  /** Loads everything that may have changed while the page was not connected. */
  const catchUp = async () => {
    const heard = new Heard();
    chat.heard = heard;
    try {
      const lists = { rooms: await ask("rooms"), invitations: await ask("invitations") };
      // Another connect has asked since.
      if (chat.heard !== heard) return;
      chat.heard = null;
      Object.assign(chat, heard.after(lists));
    } catch {
      if (chat.heard !== heard) return;
      // With the next connect, or soon.
      chat.heard = null;
      setTimeout(() => live.socket.current?.connected && catchUp(), PATIENCE);
      return;
    }
    if (!chat.rooms.some((room) => room.id === chat.open)) chat.open = chat.rooms[0]?.id ?? "";
    for (const room of chat.logs.keys()) if (room !== chat.open) chat.logs.delete(room);
    const open = chat.rooms.find((room) => room.id === chat.open);
    if (open && chat.logs.get(open.id)?.isAhead(open.version)) chat.logs.delete(open.id);
    changed();
    if (chat.open) await refresh(chat.open);
    for (const message of chat.outbox.filter((message) => !message.problem)) await deliver(message);
  };
  /** Asks for what a room's log lacks, in parts. @param {string} room */
  const fill = async (room) => {
    const log = logOf(room);
    let more = true;
    while (more) {
      const history = await ask("history", { room, lastSeen: log.lastSeen });
      log.catchUp(history);
      more = history.more;
    }
  };
  /** @param {string} room */
  const refresh = async (room) => {
    try {
      await fill(room);
      const members = await ask("members", { room });
      if (chat.open === room) chat.members = members;
      count(room, () => members.length);
    } catch {
      // Comes with the next connect.
    }
    seen();
    changed();
  };
  /** Marks what is shown as read, if the page is visible. */
  const seen = () => {
    const room = chat.rooms.find((room) => room.id === chat.open);
    const last = room && chat.logs.get(room.id)?.list().at(-1);
    if (!room || !last || room.unread === 0 || document.hidden) return;
    setUnread(room.id, () => 0);
    chat.read.set(room.id, last.seq);
    chat.telling ??= setTimeout(tellRead, BETWEEN_READS);
    changed();
  };
  /** In a lively room that is now and then; what does not arrive is unread again with the next connect. */
  const tellRead = async () => {
    const read = [...chat.read];
    chat.telling = null;
    chat.read.clear();
    for (const [room, seq] of read) await ask("read", { room, seq }).catch(() => {});
  };
  /** @param {import("./log.js").Message} message */
  const hear = (message) => {
    stopTyping(message.user);
    // A room that was not opened is asked for as a whole, when it is.
    const log = chat.logs.get(message.room);
    // A message of another node may arrive after a list of rooms that has counted it.
    const counted = chat.rooms.find((room) => room.id === message.room)?.version ?? 0;
    const isNews = message.version > Math.max(log?.lastSeen ?? 0, counted) && !message.isEdited && !message.isRemoved;
    if (message.user === me) drop(message.key);
    else if (isNews) {
      setUnread(message.room, (unread) => unread + 1);
      chat.heard?.message(message);
    }
    const isMissing = log?.hear(message);
    if (message.room === chat.open) {
      if (isMissing) refresh(message.room);
      seen();
    }
    changed();
  };

  /** @param {string} key */
  const drop = (key) => keep(chat.outbox.filter((message) => message.key !== key));
  /** @param {import("./outbox.js").Draft[]} outbox */
  const keep = (outbox) => {
    chat.outbox = outbox;
    save(me, outbox);
    changed();
  };
  /** @param {import("./outbox.js").Draft} message */
  const deliver = async ({ key, room, text }) => {
    try {
      const message = await ask("send", { key, room, text });
      if (message) logOf(room).hear(message);
      drop(key);
    } catch (error) {
      // Without a connection it is sent again after the next connect; the key makes that safe.
      const { code } = /** @type {{ code?: string }} */ (error);
      const problem = code ?? (live.socket.current?.connected ? "unavailable" : undefined);
      if (problem) keep(chat.outbox.map((message) => (message.key === key ? { ...message, problem } : message)));
    }
  };
  /** @param {string} id */
  const show = (id) => {
    chat.open = id;
    chat.members = [];
    chat.typing.clear();
    history.replaceState(null, "", id ? `#${id}` : location.pathname);
    changed();
    if (id) refresh(id);
  };

  return {
    ...live,
    ...chat,
    messages: chat.open ? logOf(chat.open).list() : [],
    typing: [...chat.typing.values()].map(({ name }) => name),
    show,
    seen,
    /** @param {string} text */
    send: (text) => {
      const message = draft(chat.open, text);
      // The next word is news again.
      chat.typedAt = 0;
      keep([...chat.outbox, message]);
      return deliver(message);
    },
    /** @param {import("./outbox.js").Draft} message */
    again: ({ key, room, text }) => {
      keep(chat.outbox.map((message) => (message.key === key ? { key, room, text } : message)));
      return deliver({ key, room, text });
    },
    drop,
    /** Tells the others now and then that the user is writing. */
    type: () => {
      const now = Date.now();
      if (now - chat.typedAt < TYPING / 2) return;
      chat.typedAt = now;
      const socket = live.socket.current;
      // It is not kept for later.
      if (socket?.connected) socket.emit("typing", { room: chat.open });
    },
    /** @param {string} name */
    create: async (name) => show((await ask("create", { name })).id),
    /** Invites a user by name, or by an id as it is shown: `#ops`. @param {string} user */
    invite: (user) => {
      const whom = user.startsWith("#") ? { id: user.slice(1) } : { user };
      return ask("invite", { room: chat.open, ...whom });
    },
    /** @param {string} room */
    accept: async (room) => show((await ask("accept", { room })).id),
    /** @param {string} room */
    decline: (room) => ask("decline", { room }),
    leave: () => ask("leave", { room: chat.open }),
    /** @param {number} seq @param {string} text */
    edit: async (seq, text) => hear(await ask("edit", { room: chat.open, seq, text })),
    /** @param {number} seq */
    remove: async (seq) => hear(await ask("remove", { room: chat.open, seq })),
  };
}

/** @param {string} user */
const isNot = (user) => (/** @type {Member} */ member) => member.user !== user;

/** @param {string} me */
function begin(me) {
  return {
    /** @type {Room[]} */
    rooms: [],
    /** @type {Invitation[]} */
    invitations: [],
    open: location.hash.slice(1),
    /** @type {Map<string, Log>} */
    logs: new Map(),
    /** @type {Member[]} */
    members: [],
    /** @type {Map<string, { name: string, timer: ReturnType<typeof setTimeout> }>} */
    typing: new Map(),
    typedAt: 0,
    /** How far rooms were read, until the server is told. @type {Map<string, number>} */
    read: new Map(),
    /** @type {ReturnType<typeof setTimeout> | null} */
    telling: null,
    outbox: load(me),
    /** What comes while the server is asked for everything. @type {Heard | null} */
    heard: null,
  };
}
