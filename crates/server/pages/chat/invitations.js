// Invitations into rooms, to be accepted or declined.

import { t } from "../texts.js";
import { Problem, html, useAction } from "../view.js";

/** @typedef {ReturnType<typeof import("./state.js").useChat>} Chat */

/** @param {{ chat: Chat }} props */
export function Invitations({ chat }) {
  return html`
    <ol class="invitations" aria-label=${t("chat_invitations")} aria-live="polite">
      ${chat.invitations.map(
        (invitation) => html`<${Invitation} key=${invitation.room} invitation=${invitation} chat=${chat} />`,
      )}
    </ol>
  `;
}

/** @param {{ invitation: import("./state.js").Invitation, chat: Chat }} props */
function Invitation({ invitation, chat }) {
  const action = useAction("offline");
  const answer = (/** @type {(room: string) => Promise<unknown>} */ say) => () => action.run(() => say(invitation.room));
  return html`
    <li data-testid="chat-invitation">
      <strong dir="auto">${invitation.name}</strong>
      <span class="help">${t("chat_invited_by", { name: invitation.inviterName })}</span>
      <span class="row">
        <button
          type="button"
          class="button main"
          data-testid="chat-invitation-accept"
          disabled=${action.busy}
          onClick=${answer(chat.accept)}
        >
          ${t("chat_accept")}
        </button>
        <button
          type="button"
          class="button"
          data-testid="chat-invitation-decline"
          disabled=${action.busy}
          onClick=${answer(chat.decline)}
        >
          ${t("chat_decline")}
        </button>
      </span>
      ${action.error && html`<${Problem} error=${action.error} />`}
    </li>
  `;
}
