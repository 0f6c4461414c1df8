// One room: what was said in it, and the field to say more.

import { explain, language, t } from "../texts.js";
import { Problem, html, useAction, useEffect, useRef, useState } from "../view.js";

/** @typedef {ReturnType<typeof import("./state.js").useChat>} Chat */

/** @param {{ chat: Chat, me: string }} props */
export function Conversation({ chat, me }) {
  const end = useRef(/** @type {HTMLElement | null} */ (null));
  const waiting = chat.outbox.filter((message) => message.room === chat.open);
  const last = chat.messages.at(-1)?.seq;

  useEffect(() => end.current?.scrollIntoView({ block: "nearest" }), [last, waiting.length, chat.open]);
  return html`
    <ol class="messages" role="log" aria-label=${t("chat_messages")}>
      ${chat.messages.map(
        (message) => html`<${Message} key=${message.seq} message=${message} mine=${message.user === me} chat=${chat} />`,
      )}
      ${waiting.map((message) => html`<${Waiting} key=${message.key} message=${message} chat=${chat} />`)}
      <li ref=${end} aria-hidden="true"></li>
    </ol>
    <p class="help typing" data-testid="chat-typing" aria-live="polite">
      ${chat.typing.length > 0 && t("chat_typing", { names: chat.typing.join(", ") })}
    </p>
    <${Write} chat=${chat} />
  `;
}

/** @param {{ message: import("./log.js").Message, mine: boolean, chat: Chat }} props */
function Message({ message, mine, chat }) {
  const [text, setText] = useState(/** @type {string | null} */ (null));
  const action = useAction("offline");
  const save = () =>
    action.run(async () => {
      if (text?.trim()) await chat.edit(message.seq, text);
      setText(null);
    });
  const remove = () => action.run(() => chat.remove(message.seq));
  const time = new Date(message.sentAt);
  return html`
    <li class=${mine ? "message mine" : "message"} data-testid="chat-message" data-seq=${message.seq}>
      <span class="who">
        ${message.name || t("chat_deleted")} · <time datetime=${time.toISOString()}>${time.toLocaleTimeString(language, { timeStyle: "short" })}</time>
        ${message.isEdited && !message.isRemoved && html` · ${t("chat_edited")}`}
      </span>
      ${text === null
        ? html`<span class="text ${message.isRemoved ? "help" : ""}">${message.isRemoved ? t("chat_removed") : message.text}</span>`
        : html`
            <textarea
              class="edit"
              data-testid="chat-edit-text"
              aria-label=${t("chat_edit")}
              maxlength="2000"
              value=${text}
              onInput=${(/** @type {{ target: HTMLTextAreaElement }} */ event) => setText(event.target.value)}
            ></textarea>
            <button type="button" class="plain" data-testid="chat-edit-save" onClick=${save}>${t("save")}</button>
            <button type="button" class="plain" onClick=${() => setText(null)}>${t("cancel")}</button>
          `}
      ${mine && !message.isRemoved && text === null && html`
        <span class="own">
          <button type="button" class="plain" data-testid="chat-edit" onClick=${() => setText(message.text)}>${t("chat_edit")}</button>
          <button type="button" class="plain" data-testid="chat-remove" onClick=${remove}>${t("chat_remove")}</button>
        </span>
      `}
      ${action.error && html`<${Problem} error=${action.error} />`}
    </li>
  `;
}

/** A message that is on its way. @param {{ message: import("./outbox.js").Draft, chat: Chat }} props */
function Waiting({ message, chat }) {
  return html`
    <li class="message mine waiting-message" data-testid="chat-waiting">
      <span class="text">${message.text}</span>
      ${message.problem
        ? html`
            <span class="problem">${explain(message.problem)}</span>
            <button type="button" class="plain" onClick=${() => chat.again(message)}>${t("chat_again")}</button>
            <button type="button" class="plain" onClick=${() => chat.drop(message.key)}>${t("cancel")}</button>
          `
        : html`<span class="who">${t("chat_waiting")}</span>`}
    </li>
  `;
}

/** @param {{ chat: Chat }} props */
function Write({ chat }) {
  const [text, setText] = useState("");
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));

  useEffect(() => setText(""), [chat.open]);
  const send = () => {
    if (!text.trim()) return;
    chat.send(text);
    setText("");
    field.current?.focus();
  };
  /** Enter sends, unless it ends a syllable of an input method: that is the method's own Enter. */
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === COMPOSING) return;
    event.preventDefault();
    send();
  };
  const onInput = (/** @type {{ target: HTMLTextAreaElement }} */ event) => {
    setText(event.target.value);
    if (event.target.value) chat.type();
  };
  return html`
    <form class="write" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), send())}>
      <label class="hidden" for="chat-text">${t("chat_message")}</label>
      <textarea
        id="chat-text"
        data-testid="chat-input"
        ref=${field}
        rows="2"
        maxlength="2000"
        placeholder=${t("chat_message")}
        value=${text}
        onInput=${onInput}
        onKeyDown=${onKeyDown}
      ></textarea>
      <button data-testid="chat-send" disabled=${!text.trim()}>${t("echo_send")}</button>
    </form>
  `;
}

/** The key code of whatever an input method handles (UI Events, section 7.3.1). */
const COMPOSING = 229;
