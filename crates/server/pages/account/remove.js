// The end of the account. The user types the name, because it cannot be undone.

import { Dialog } from "../parts/dialog.js";
import { Field } from "../parts/field.js";
import { t } from "../texts.js";
import { Form, doorward, html, leave, useState } from "../view.js";

/** @param {{ username: string, run: import("../account.js").Run }} props */
export function Remove({ username, run }) {
  const [isAsking, setAsking] = useState(false);
  const [typed, setTyped] = useState("");
  const isSure = typed.trim() === username;

  const open = () => {
    setTyped("");
    setAsking(true);
  };
  const remove = () => {
    if (!isSure) return;
    setAsking(false);
    run(() => leave(() => doorward.removeAccount()));
  };
  return html`
    <section class="card danger-zone" aria-labelledby="remove">
      <div class="card-head"><h2 id="remove">${t("account_remove")}</h2></div>
      <div class="card-body stack">
        <p class="help">${t("account_remove_help")}</p>
        <p><button type="button" class="button danger" data-testid="account-remove" onClick=${open}>${t("account_remove_open")}</button></p>
      </div>
      ${isAsking &&
      html`<${Dialog} id="remove-sure" title=${t("account_remove_sure")} onClose=${() => setAsking(false)}>
        <p>${t("account_remove_help")}</p>
        <${Form} class="stack" onSubmit=${remove}>
          <${Field}
            id="remove-name"
            label=${t("account_remove_type", { name: username })}
            value=${typed}
            onInput=${setTyped}
            autocomplete="off"
            autofocus
            data-testid="account-remove-name"
          />
          <p class="row end">
            <button type="button" class="button" onClick=${() => setAsking(false)}>${t("cancel")}</button>
            <button class="button main danger" data-testid="account-remove-sure" disabled=${!isSure}>${t("account_remove")}</button>
          </p>
        <//>
      <//>`}
    </section>
  `;
}
