// The page at `/chat`: one's rooms, and the one that is open.

import { t } from "./texts.js";
import { Banner } from "./live.js";
import { Conversation } from "./chat/conversation.js";
import { Invitations } from "./chat/invitations.js";
import { useChat } from "./chat/state.js";
import { Field, Form, Problem, SignedIn, html, show, toSignIn, useAction, useEffect, useState } from "./view.js";

/** @param {{ me: { id: string, displayName: string } }} props */
function Chat({ me }) {
  const chat = useChat(me.id, toSignIn);
  const room = chat.rooms.find((room) => room.id === chat.open);

  useEffect(() => {
    const look = () => chat.seen();
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  return html`
    <h1>${t("chat")} · <span data-testid="whoami">${me.displayName}</span></h1>
    <${Banner} state=${chat.state} code=${chat.code} connect=${chat.connect} />
    <div class="chat">
      <section class="rooms" aria-label=${t("chat_rooms")}>
        <ul>
          ${chat.rooms.map(
            (room) => html`
              <li key=${room.id}>
                <button
                  type="button"
                  class="plain"
                  data-testid="chat-room"
                  aria-current=${room.id === chat.open}
                  onClick=${() => chat.show(room.id)}
                >
                  ${room.name}
                  ${room.unread > 0 && room.id !== chat.open && html`<span class="badge" data-testid="chat-unread">${room.unread}</span>`}
                </button>
              </li>
            `,
          )}
        </ul>
        <${Invitations} chat=${chat} />
        <${Ask} id="chat-create" label=${t("chat_create_name")} button=${t("chat_create")} maxlength="60" run=${chat.create} />
      </section>
      ${room
        ? html`
            <section class="room" aria-labelledby="room-name">
              <h2 id="room-name">${room.name}</h2>
              <details class="members">
                <summary>${t("chat_members", { count: room.members })}</summary>
                <ul>
                  ${chat.members.map(
                    (member) => html`
                      <li key=${member.user} data-testid="chat-member" data-online=${String(member.online)}>
                        <span class="dot" aria-hidden="true"></span> ${member.name}
                        ${member.online && html`<span class="badge">${t("chat_online")}</span>`}
                      </li>
                    `,
                  )}
                </ul>
                <${Ask} id="chat-invite" label=${t("chat_invite_name")} button=${t("chat_invite")} done=${t("chat_invited")} maxlength="64" run=${chat.invite} />
                <${Leave} key=${room.id} leave=${chat.leave} />
              </details>
              <${Conversation} chat=${chat} me=${me.id} />
            </section>
          `
        : html`<p class="help">${t("chat_empty")}</p>`}
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
  const [said, setSaid] = useState("");
  const action = useAction("offline");
  const submit = async () => {
    setSaid("");
    if (!(await action.run(() => run(text.trim())))) return;
    setText("");
    setSaid(done);
  };
  return html`
    <${Form} onSubmit=${submit} autocomplete="off">
      <${Field} id=${id} label=${label} value=${text} onInput=${setText} maxlength=${maxlength} />
      <button class="second" data-testid="${id}-submit" disabled=${!text.trim()}>${button}</button>
      ${done && html`<p class="help" role="status">${said}</p>`}
      <${Problem} error=${action.error} />
    <//>
  `;
}

/** @param {{ leave: () => Promise<unknown> }} props */
function Leave({ leave }) {
  const action = useAction("offline");
  return html`
    <button type="button" class="danger" data-testid="chat-leave" onClick=${() => action.run(leave)}>${t("chat_leave")}</button>
    <${Problem} error=${action.error} />
  `;
}

show(html`<${SignedIn} page=${Chat} />`);
