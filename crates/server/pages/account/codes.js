// The recovery codes of the user, which are shown once.

import { Dialog } from "../parts/dialog.js";
import { Icon } from "../parts/icons.js";
import { toast } from "../parts/toast.js";
import { t } from "../texts.js";
import { doorward, html, useRef, useState } from "../view.js";

/** @param {import("./passkeys.js").Shared & { username: string }} props */
export function Codes({ mine, load, run, username }) {
  const [codes, setCodes] = useState(/** @type {string[]} */ ([]));
  const [isKept, setKept] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const left = mine?.recoveryCodes ?? 0;

  const isMaking = useRef(false);
  const make = async () => {
    setAsking(false);
    // A second press would make the codes of the first one invalid.
    if (isMaking.current) return;
    isMaking.current = true;
    await run(async () => {
      setCodes((await doorward.makeRecoveryCodes()).codes);
      setKept(false);
      await load();
    });
    isMaking.current = false;
  };
  const text = `${t("codes_of", { name: username, host: location.host })}\n\n${codes.join("\n")}\n`;
  const copy = () => navigator.clipboard.writeText(text).then(() => toast(t("codes_copied")), () => toast(t("copy_failed")));
  return html`
    <section class="card codes-card" aria-labelledby="codes">
      <div class="card-head">
        <h2 id="codes">${t("codes")}</h2>
        ${mine && html`<span class="tag ${left > 0 ? "good" : "warn"}">${t("codes_left", { left })}</span>`}
        ${codes.length > 0 &&
        html`<span class="end">
          <button type="button" class="button" onClick=${copy}><${Icon} name="copy" />${t("codes_copy")}</button>
          <button type="button" class="button" onClick=${() => download(text)}><${Icon} name="download" />${t("codes_download")}</button>
          <button type="button" class="button" onClick=${() => print()}><${Icon} name="print" />${t("codes_print")}</button>
        </span>`}
      </div>
      <div class="card-body">
        <p class="help">${t(codes.length > 0 ? "codes_once" : "codes_help")}</p>
        ${codes.length > 0
          ? html`<ol class="codes" data-testid="recovery-codes">${codes.map((code) => html`<li>${code}</li>`)}</ol>
              <p class="row">
                <label class="kept">
                  <input type="checkbox" checked=${isKept} onChange=${() => setKept(!isKept)} />${t("codes_kept")}
                </label>
                <button type="button" class="button" disabled=${!isKept} onClick=${() => setCodes([])}>${t("done")}</button>
              </p>`
          : html`<p class="row end">
              <button type="button" class="button" data-testid="codes-make" onClick=${() => (left > 0 ? setAsking(true) : make())}>
                <${Icon} name="key" />${t(left > 0 ? "codes_make_again" : "codes_make")}
              </button>
            </p>`}
      </div>
      ${isAsking &&
      html`<${Dialog} id="codes-sure" title=${t("codes_sure")} onClose=${() => setAsking(false)}>
        <p>${t("codes_sure_help", { left })}</p>
        <p class="row end">
          <button type="button" class="button" onClick=${() => setAsking(false)}>${t("cancel")}</button>
          <button type="button" class="button main" data-testid="codes-make-sure" onClick=${make}>${t("codes_make_again")}</button>
        </p>
      <//>`}
    </section>
  `;
}

/** Stores a text as a file. @param {string} text */
function download(text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = "doorward-recovery-codes.txt";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
