// One room: what was said in it, and the field to say more.

import { explain, language, t } from "../texts.js";
import { Avatar } from "../parts/avatar.js";
import { Icon } from "../parts/icons.js";
import { Problem, html, useAction, useEffect, useRef, useState } from "../view.js";

/** @typedef {ReturnType<typeof import("./state.js").useChat>} Chat */

/** @param {{ chat: Chat, me: string }} props */
export function Conversation({ chat, me }) {
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  /** `false` while the user reads older messages. */
  const isAtEnd = useRef(true);
  const [unseen, setUnseen] = useState(0);
  const waiting = chat.outbox.filter((message) => message.room === chat.open);
  const last = chat.messages.at(-1);
  const seen = useRef(0);

  const toEnd = () => {
    isAtEnd.current = true;
    setUnseen(0);
    if (list.current) list.current.scrollTop = list.current.scrollHeight;
  };
  useEffect(toEnd, [chat.open, waiting.length]);
  useEffect(() => {
    const added = chat.messages.filter(({ seq }) => seq > seen.current).length;
    seen.current = last?.seq ?? 0;
    if (isAtEnd.current || last?.user === me) toEnd();
    else setUnseen((unseen) => unseen + added);
  }, [last?.seq]);
  const onScroll = () => {
    if (!list.current) return;
    const { scrollHeight, scrollTop, clientHeight } = list.current;
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < NEAR;
    if (isAtEnd.current) setUnseen(0);
  };
  return html`
    <ol class="messages" role="log" aria-label=${t("chat_messages")} ref=${list} onScroll=${onScroll}>
      ${chat.messages.map(
        (message) => html`<${Message} key=${message.seq} message=${message} mine=${message.user === me} chat=${chat} />`,
      )}
      ${waiting.map((message) => html`<${Waiting} key=${message.key} message=${message} chat=${chat} />`)}
    </ol>
    ${unseen > 0 &&
    html`<button type="button" class="button main new-pill" data-testid="chat-new" onClick=${toEnd}>
      <${Icon} name="chevron-down" size=${16} />${t("chat_new", { count: unseen })}
    </button>`}
    <p class="typing" data-testid="chat-typing" aria-live="polite">
      ${chat.typing.length > 0 && t("chat_typing", { names: chat.typing.join(", ") })}
    </p>
    <${Write} key=${chat.open} chat=${chat} me=${me} />
  `;
}

/** Pixels from the end within which the view follows new messages. */
const NEAR = 60;

/** What was typed and not sent, by user and room. @type {Map<string, string>} */
const drafts = new Map();

/** @param {{ message: import("./log.js").Message, mine: boolean, chat: Chat }} props */
function Message({ message, mine, chat }) {
  const [text, setText] = useState(/** @type {string | null} */ (null));
  const action = useAction("offline");
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const opener = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const isEditing = text !== null;

  useEffect(() => field.current?.focus(), [isEditing]);
  const close = () => {
    setText(null);
    setTimeout(() => opener.current?.focus());
  };
  const save = () =>
    action.run(async () => {
      if (text?.trim()) await chat.edit(message.seq, text);
      close();
    });
  /** Enter saves and Escape does not. @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.key === "Escape") close();
    if (!isSending(event)) return;
    event.preventDefault();
    save();
  };
  const remove = () => action.run(() => chat.remove(message.seq));
  const time = new Date(message.sentAt);
  return html`
    <li class=${mine ? "message mine" : "message"} data-testid="chat-message" data-seq=${message.seq}>
      <${Avatar} id=${message.user} name=${message.name || "?"} />
      <div class="body">
      <span class="who">
        <strong>${message.name || t("chat_deleted")}</strong>
        <time datetime=${time.toISOString()}>${time.toLocaleTimeString(language, { timeStyle: "short" })}</time>
        ${message.isEdited && !message.isRemoved && html`<span>${t("chat_edited")}</span>`}
      </span>
      ${text === null
        ? html`<span class="text ${message.isRemoved ? "help" : ""}">${message.isRemoved ? t("chat_removed") : message.text}</span>`
        : html`
            <textarea
              class="input edit"
              data-testid="chat-edit-text"
              aria-label=${t("chat_edit")}
              maxlength="2000"
              value=${text}
              ref=${field}
              onInput=${(/** @type {{ target: HTMLTextAreaElement }} */ event) => setText(event.target.value)}
              onKeyDown=${onKeyDown}
            ></textarea>
            <span class="row">
              <button type="button" class="button main" data-testid="chat-edit-save" onClick=${save}>${t("save")}</button>
              <button type="button" class="button" onClick=${close}>${t("cancel")}</button>
            </span>
          `}
      ${action.error && html`<${Problem} error=${action.error} />`}
      </div>
      ${mine && !message.isRemoved && text === null && html`
        <span class="own">
          <button type="button" class="button icon" ref=${opener} title=${t("chat_edit")} data-testid="chat-edit" onClick=${() => setText(message.text)}>
            <${Icon} name="pencil" size=${16} /><span class="hidden">${t("chat_edit")}</span>
          </button>
          <button type="button" class="button icon" title=${t("chat_remove")} data-testid="chat-remove" onClick=${remove}>
            <${Icon} name="trash" size=${16} /><span class="hidden">${t("chat_remove")}</span>
          </button>
        </span>
      `}
    </li>
  `;
}

/** A message that is on its way. @param {{ message: import("./outbox.js").Draft, chat: Chat }} props */
function Waiting({ message, chat }) {
  return html`
    <li class="message mine waiting-message" data-testid="chat-waiting">
      <div class="body">
        <span class="text">${message.text}</span>
        ${message.problem
          ? html`
              <span class="problem">${explain(message.problem)}</span>
              <span class="row">
                <button type="button" class="button" onClick=${() => chat.again(message)}>${t("chat_again")}</button>
                <button type="button" class="button" onClick=${() => chat.drop(message.key)}>${t("cancel")}</button>
              </span>
            `
          : html`<span class="who">${t("chat_waiting")}</span>`}
      </div>
    </li>
  `;
}

/** @param {{ chat: Chat, me: string }} props */
function Write({ chat, me }) {
  const place = `${me} ${chat.open}`;
  const [text, setText] = useState(drafts.get(place) ?? "");
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));

  const keep = (/** @type {string} */ text) => {
    drafts.set(place, text);
    setText(text);
  };
  const send = () => {
    if (!text.trim()) return;
    chat.send(text);
    keep("");
    field.current?.focus();
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (!isSending(event)) return;
    event.preventDefault();
    send();
  };
  const onInput = (/** @type {{ target: HTMLTextAreaElement }} */ event) => {
    keep(event.target.value);
    if (event.target.value) chat.type();
  };
  return html`
    <form class="write" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), send())}>
      <label class="hidden" for="chat-text">${t("chat_message")}</label>
      <textarea
        id="chat-text"
        class="input"
        data-testid="chat-input"
        ref=${field}
        rows="1"
        maxlength="2000"
        placeholder=${t("chat_message")}
        value=${text}
        onInput=${onInput}
        onKeyDown=${onKeyDown}
      ></textarea>
      <button class="button main" data-testid="chat-send" disabled=${!text.trim()}>
        <${Icon} name="send" /><span class="hidden">${t("echo_send")}</span>
      </button>
    </form>
  `;
}

/** Enter sends, unless it ends a syllable of an input method: that is the method's own Enter. @param {KeyboardEvent} event */
function isSending(event) {
  return event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== COMPOSING;
}

/** The key code of what an input method handles (UI Events, section 7.3.1). */
const COMPOSING = 229;
