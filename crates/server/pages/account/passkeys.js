// The passkeys of the user.

import { Dialog } from "../parts/dialog.js";
import { Icon } from "../parts/icons.js";
import { ago, day, useNow } from "../parts/time.js";
import { toast } from "../parts/toast.js";
import { t } from "../texts.js";
import { Form, doorward, html, useEffect, useRef, useState } from "../view.js";

/** @typedef {import("../doorward-client/wire").Passkey} Passkey */
/** @typedef {{ mine: import("../doorward-client/wire").Passkeys | null, load: () => Promise<void>, run: import("../account.js").Run }} Shared */

/** @param {Shared} props */
export function Passkeys({ mine, load, run }) {
  const [removing, setRemoving] = useState(/** @type {Passkey | null} */ (null));
  const passkeys = mine?.passkeys ?? [];
  const add = () =>
    run(async () => {
      const { name } = await doorward.addPasskey();
      await load();
      toast(t("passkey_added", { name }));
    });
  /** The last passkey of an account without recovery codes cannot be removed, and the server says so. */
  const ask = (/** @type {Passkey} */ passkey) => {
    const isRefused = passkeys.length === 1 && mine?.recoveryCodes === 0;
    if (isRefused) remove(passkey);
    else setRemoving(passkey);
  };
  /** @param {Passkey} passkey */
  const remove = (passkey) =>
    run(async () => {
      await doorward.removePasskey(passkey.id);
      await load();
      toast(t("passkey_removed", { name: passkey.name }));
    });
  return html`
    <section class="card" aria-labelledby="passkeys">
      <div class="card-head">
        <h2 id="passkeys">${t("passkeys")}</h2>
        ${mine && html`<span class="tag">${passkeys.length}</span>`}
        <span class="end">
          <button type="button" class="button main" data-testid="passkey-add" onClick=${add}><${Icon} name="plus" />${t("passkey_add")}</button>
        </span>
      </div>
      ${mine && passkeys.length === 0 && html`<p class="card-body help">${t("passkeys_none")}</p>`}
      <ul>
        ${passkeys.map((passkey) => html`<${Row} key=${passkey.id} passkey=${passkey} load=${load} run=${run} onRemove=${() => ask(passkey)} />`)}
      </ul>
      ${removing &&
      html`<${Confirm}
        passkey=${removing}
        isLast=${passkeys.length === 1}
        onClose=${() => setRemoving(null)}
        onConfirm=${() => (setRemoving(null), remove(removing))}
      />`}
    </section>
  `;
}

/** @param {Omit<Shared, "mine"> & { passkey: Passkey, onRemove: () => void }} props */
function Row({ passkey, load, run, onRemove }) {
  const [name, setName] = useState(/** @type {string | null} */ (null));
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const opener = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const now = useNow(60_000);
  const used = passkey.lastUsedAt === null ? t("passkey_never") : t("passkey_used", { time: ago(passkey.lastUsedAt, now) });
  const isEditing = name !== null;

  useEffect(() => field.current?.select(), [isEditing]);
  const close = () => {
    setName(null);
    setTimeout(() => opener.current?.focus());
  };
  const save = () =>
    run(async () => {
      await doorward.renamePasskey(passkey.id, (name ?? "").trim());
      await load();
      close();
    });
  return html`
    <li class="item" data-testid="passkey-row">
      <span class="item-icon"><${Icon} name=${passkey.synced ? "key" : "lock"} /></span>
      ${isEditing
        ? html`<${Form} onSubmit=${save}>
            <input
              class="input"
              ref=${field}
              aria-label=${t("passkey_rename_to")}
              value=${name}
              maxlength="64"
              onInput=${(/** @type {{ target: HTMLInputElement }} */ event) => setName(event.target.value)}
              onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && close()}
            />
            <button class="button main">${t("save")}</button>
            <button type="button" class="button bare" onClick=${close}>${t("cancel")}</button>
          <//>`
        : html`<div>
              <strong>${passkey.name}</strong> ${passkey.synced && html`<span class="tag">${t("passkey_synced")}</span>`}
              <p>${used}, ${t("passkey_since", { day: day(passkey.createdAt) })}</p>
            </div>
            <span class="row">
              <button type="button" class="button icon" ref=${opener} title=${t("passkey_rename")} onClick=${() => setName(passkey.name)}>
                <${Icon} name="pencil" /><span class="hidden">${t("passkey_rename")}</span>
              </button>
              <button type="button" class="button icon" title=${t("passkey_remove")} data-testid="passkey-remove" onClick=${onRemove}>
                <${Icon} name="trash" /><span class="hidden">${t("passkey_remove")}</span>
              </button>
            </span>`}
    </li>
  `;
}

/** @param {{ passkey: Passkey, isLast: boolean, onClose: () => void, onConfirm: () => void }} props */
function Confirm({ passkey, isLast, onClose, onConfirm }) {
  return html`
    <${Dialog} id="passkey-sure" title=${t("passkey_sure", { name: passkey.name })} onClose=${onClose}>
      <p>${t(isLast ? "passkey_sure_last" : "passkey_sure_help")}</p>
      <p class="row end">
        <button type="button" class="button" onClick=${onClose}>${t("cancel")}</button>
        <button type="button" class="button main danger" data-testid="passkey-remove-sure" onClick=${onConfirm}>${t("passkey_remove")}</button>
      </p>
    <//>
  `;
}
