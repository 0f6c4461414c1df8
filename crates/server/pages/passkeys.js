// One's own passkeys and recovery codes.

import { t, when } from "./texts.js";
import { Field, Form, doorward, html, useEffect, useState } from "./view.js";

/** @typedef {(work: () => Promise<unknown>) => Promise<boolean>} Run */

/** @param {{ run: Run }} props */
export function Passkeys({ run }) {
  const [passkeys, setPasskeys] = useState(/** @type {import("./doorward-client/wire").Passkey[]} */ ([]));
  const [name, setName] = useState("");
  const load = async () => setPasskeys((await doorward.passkeys()).passkeys);
  const then = (/** @type {() => Promise<unknown>} */ work) => () =>
    run(async () => {
      await work();
      await load();
    });
  useEffect(() => void run(load), []);

  const add = then(async () => {
    await doorward.addPasskey(name.trim() || undefined);
    setName("");
  });
  return html`
    <section aria-labelledby="passkeys">
      <h2 id="passkeys">${t("passkeys")}</h2>
      <ul class="rows">
        ${passkeys.map((passkey) => html`<${Row} key=${passkey.id} passkey=${passkey} then=${then} />`)}
      </ul>
      <${Form} onSubmit=${add}>
        <${Field} id="passkey-name" label=${t("passkey_name")} value=${name} onInput=${setName} maxlength="64" autocomplete="off" />
        <button class="second" data-testid="passkey-add">${t("passkey_add")}</button>
      <//>
    </section>
  `;
}

/**
 * @param {{
 *   passkey: import("./doorward-client/wire").Passkey,
 *   then: (work: () => Promise<unknown>) => () => Promise<boolean>,
 * }} props
 */
function Row({ passkey, then }) {
  const [name, setName] = useState(/** @type {string | null} */ (null));
  const used = passkey.lastUsedAt === null ? t("passkey_never") : t("passkey_used", { time: when(passkey.lastUsedAt) });
  const save = async () => {
    if (await then(() => doorward.renamePasskey(passkey.id, name ?? ""))()) setName(null);
  };
  return html`
    <li data-testid="passkey-row">
      <div>
        <strong>${passkey.name}</strong>
        <span class="help">${used}${passkey.synced ? ` · ${t("passkey_synced")}` : ""}</span>
      </div>
      ${name === null
        ? html`<div class="actions">
            <button type="button" class="plain" onClick=${() => setName(passkey.name)}>${t("passkey_rename")}</button>
            <button type="button" class="plain" data-testid="passkey-remove" onClick=${then(() => doorward.removePasskey(passkey.id))}>
              ${t("passkey_remove")}
            </button>
          </div>`
        : html`<${Form} onSubmit=${save}>
            <${Field} id=${`rename-${passkey.id}`} label=${t("passkey_rename_to")} value=${name} onInput=${setName} maxlength="64" />
            <button class="second">${t("save")}</button>
          <//>`}
    </li>
  `;
}

/** @param {{ run: Run }} props */
export function Codes({ run }) {
  const [left, setLeft] = useState(0);
  const [codes, setCodes] = useState(/** @type {string[]} */ ([]));
  const load = async () => setLeft((await doorward.passkeys()).recoveryCodes);
  useEffect(() => void run(load), []);

  const make = () =>
    run(async () => {
      setCodes((await doorward.makeRecoveryCodes()).codes);
      await load();
    });
  return html`
    <section aria-labelledby="codes">
      <h2 id="codes">${t("codes")}</h2>
      <p class="help">${t("codes_help", { left })}</p>
      ${codes.length > 0 &&
      html`<p>${t("codes_once")}</p>
        <ol class="codes" data-testid="recovery-codes">${codes.map((code) => html`<li><code>${code}</code></li>`)}</ol>
        <button type="button" class="plain" onClick=${() => navigator.clipboard.writeText(codes.join("\n"))}>
          ${t("codes_copy")}
        </button>`}
      <button type="button" class="second" data-testid="codes-make" onClick=${make}>${t("codes_make")}</button>
    </section>
  `;
}
