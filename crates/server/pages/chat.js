// The page at `/chat`: the rooms of the user, and the one that is open.

import { Conversation } from "./chat/conversation.js";
import { Invitations } from "./chat/invitations.js";
import { useChat } from "./chat/state.js";
import { Avatar } from "./parts/avatar.js";
import { Dialog } from "./parts/dialog.js";
import { Field } from "./parts/field.js";
import { Frame } from "./parts/frame.js";
import { Icon } from "./parts/icons.js";
import { toast } from "./parts/toast.js";
import { t } from "./texts.js";
import { Form, Loading, Problem, html, show, toSignIn, useAction, useEffect, useMe, useState } from "./view.js";

function Page() {
  const me = useMe();
  return me === null ? html`<${Loading} />` : html`<${Chat} key=${me.user.id} me=${me.user} />`;
}

/** @type {import("./parts/how.js").How} */
const HOW = {
  name: "chat",
  file: "crates/apps/src/chat/gateway.rs",
  notes: [
    { line: "#[room(", text: t("how_chat_room") },
    { line: "#[guard(RateLimit", text: t("how_chat_guard") },
    { line: "self.store.post(", text: t("how_chat_post") },
  ],
};

/** @param {{ me: import("./parts/frame.js").User }} props */
function Chat({ me }) {
  const chat = useChat(me.id, toSignIn);
  const [isCreating, setCreating] = useState(false);
  const room = chat.rooms.find((room) => room.id === chat.open);
  const unread = chat.rooms.reduce((sum, room) => sum + (room.id === chat.open ? 0 : room.unread), 0);

  useEffect(() => {
    const look = () => chat.seen();
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  useEffect(() => {
    document.title = `${unread > 0 ? `(${unread}) ` : ""}${room ? `${room.name} · ` : ""}${t("chat")} · Doorward`;
  }, [unread, room?.name]);
  return html`
    <${Frame} me=${me} page="chat" live=${chat} unread=${unread} how=${HOW}>
      <h1 class="hidden">${t("chat")}</h1>
      <div class="chat">
        <section class="rooms" aria-label=${t("chat_rooms")}>
          <div class="rooms-head">
            <h2>${t("chat_rooms")}</h2>
            <button type="button" class="button icon" data-testid="chat-create-open" title=${t("chat_create_name")} onClick=${() => setCreating(true)}>
              <${Icon} name="plus" /><span class="hidden">${t("chat_create_name")}</span>
            </button>
          </div>
          <ul class="room-list">
            ${chat.rooms.map((one) => html`<li key=${one.id}><${RoomLink} room=${one} isOpen=${one.id === chat.open} show=${chat.show} /></li>`)}
          </ul>
          <${Invitations} chat=${chat} />
        </section>
        ${room
          ? html`
              <section class="room" aria-labelledby="room-name">
                <${RoomHead} room=${room} chat=${chat} />
                <${Conversation} chat=${chat} me=${me.id} />
              </section>
            `
          : html`<div class="chat-empty">
              <p class="help">${t("chat_empty")}</p>
              <button type="button" class="button main" onClick=${() => setCreating(true)}><${Icon} name="plus" />${t("chat_create_name")}</button>
            </div>`}
      </div>
      ${isCreating &&
      html`<${Dialog} id="create" title=${t("chat_create_name")} onClose=${() => setCreating(false)}>
        <${Ask}
          id="chat-create"
          label=${t("chat_name")}
          button=${t("chat_create")}
          maxlength="60"
          run=${async (/** @type {string} */ name) => {
            await chat.create(name);
            setCreating(false);
          }}
        />
      <//>`}
    <//>
  `;
}

/** @param {{ room: import("./chat/state.js").Room, isOpen: boolean, show: (room: string) => void }} props */
function RoomLink({ room, isOpen, show }) {
  return html`
    <button type="button" class="room-link" data-testid="chat-room" aria-current=${isOpen} onClick=${() => show(room.id)}>
      <${Icon} name="hash" /><span class="name">${room.name}</span>
      ${room.unread > 0 && !isOpen && html`<span class="count" data-testid="chat-unread">${room.unread}</span>`}
    </button>
  `;
}

/** @param {{ room: import("./chat/state.js").Room, chat: ReturnType<typeof useChat> }} props */
function RoomHead({ room, chat }) {
  return html`
    <div class="room-head">
      <h2 id="room-name">${room.name}</h2>
      <details class="members" key=${room.id}>
        <summary><${Icon} name="people" />${t("chat_members", { count: room.members })}</summary>
        <div class="members-panel">
          <ul>
            ${chat.members.map(
              (member) => html`
                <li key=${member.user} data-testid="chat-member" data-online=${String(member.online)}>
                  <${Avatar} id=${member.user} name=${member.name} />${member.name}
                  ${member.online && html`<span class="tag good">${t("chat_online")}</span>`}
                </li>
              `,
            )}
          </ul>
          <${Ask} id="chat-invite" label=${t("chat_invite_name")} button=${t("chat_invite")} done=${t("chat_invited")} maxlength="64" run=${chat.invite} />
          <${Leave} leave=${chat.leave} />
        </div>
      </details>
    </div>
  `;
}

/**
 * A field with a button, for one word; `done` is said when it has worked.
 *
 * @param {{
 *   id: string,
 *   label: string,
 *   button: string,
 *   done?: string,
 *   maxlength: string,
 *   run: (text: string) => Promise<unknown>,
 * }} props
 */
function Ask({ id, label, button, done = "", maxlength, run }) {
  const [text, setText] = useState("");
  const action = useAction("offline");
  const submit = async () => {
    if (!(await action.run(() => run(text.trim())))) return;
    setText("");
    if (done) toast(done);
  };
  return html`
    <${Form} class="stack" onSubmit=${submit} autocomplete="off">
      <${Field} id=${id} label=${label} value=${text} onInput=${setText} maxlength=${maxlength} error=${action.error} />
      <button class="button main" data-testid="${id}-submit" disabled=${!text.trim() || action.busy}>${button}</button>
    <//>
  `;
}

/** @param {{ leave: () => Promise<unknown> }} props */
function Leave({ leave }) {
  const [isAsking, setAsking] = useState(false);
  const action = useAction("offline");
  return html`
    <button type="button" class="button danger" data-testid="chat-leave" onClick=${() => setAsking(true)}>${t("chat_leave")}</button>
    <${Problem} error=${action.error} />
    ${isAsking &&
    html`<${Dialog} id="leave" title=${t("chat_leave_sure")} onClose=${() => setAsking(false)}>
      <p>${t("chat_leave_help")}</p>
      <p class="row end">
        <button type="button" class="button" onClick=${() => setAsking(false)}>${t("cancel")}</button>
        <button
          type="button"
          class="button main danger"
          data-testid="chat-leave-sure"
          onClick=${() => (setAsking(false), action.run(leave))}
        >
          ${t("chat_leave")}
        </button>
      </p>
    <//>`}
  `;
}

show(html`<${Page} />`, t("chat"));
