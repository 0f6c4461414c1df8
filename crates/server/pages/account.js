// The page at `/account`: the passkeys, recovery codes and sessions of the user.
//
// If the server wants a fresh sign-in for an action, the page asks for it, and repeats the action.

import { DoorwardError } from "./doorward-client/index.js";
import { Codes } from "./account/codes.js";
import { Passkeys } from "./account/passkeys.js";
import { isProtected } from "./account/protection.js";
import { Remove } from "./account/remove.js";
import { Sessions } from "./account/sessions.js";
import { useLive } from "./live.js";
import { Avatar } from "./parts/avatar.js";
import { Dialog } from "./parts/dialog.js";
import { Frame } from "./parts/frame.js";
import { Icon } from "./parts/icons.js";
import { day } from "./parts/time.js";
import { t } from "./texts.js";
import { Loading, Problem, doorward, html, show, toSignIn, useAction, useEffect, useMe, useState } from "./view.js";

/** @typedef {import("./doorward-client/wire").Passkeys} Mine */
/** @typedef {(work: () => Promise<unknown>) => Promise<boolean>} Run */

function Page() {
  const me = useMe();
  return me === null ? html`<${Loading} />` : html`<${Account} key=${me.user.id} me=${me} />`;
}

/** @param {{ me: import("./doorward-client/wire").Me }} props */
function Account({ me }) {
  const live = useLive("/", toSignIn);
  const action = useAction();
  const [again, setAgain] = useState(/** @type {(() => Promise<unknown>) | null} */ (null));
  const [mine, setMine] = useState(/** @type {Mine | null} */ (null));
  const load = async () => setMine(await doorward.passkeys());

  /** Runs what may need a fresh sign-in. @type {Run} */
  const guarded = (work) =>
    action.run(async () => {
      try {
        await work();
      } catch (error) {
        const isStale = error instanceof DoorwardError && error.code === "reauthentication_required";
        if (!isStale) throw error;
        setAgain(() => work);
      }
    });
  useEffect(() => void guarded(load), []);
  const confirm = () =>
    action.run(async () => {
      await doorward.signIn({ username: me.user.username });
      const work = again;
      setAgain(null);
      await work?.();
    });
  const shared = { mine, load, run: guarded };
  return html`
    <${Frame} me=${me.user} page="account" live=${live}>
      <div class="account-head">
        <div class="who">
          <${Avatar} id=${me.user.id} name=${me.user.displayName} large />
          <div>
            <h1>${me.user.username}</h1>
            <p class="help">${t("account_since", { day: day(me.session.signedInAt) })}</p>
          </div>
        </div>
        <${Protection} mine=${mine} />
      </div>
      ${again === null && html`<${Problem} error=${action.error} />`}
      ${again &&
      html`<${Dialog} id="again" title=${t("reauthenticate")} onClose=${() => setAgain(null)}>
        <p>${t("reauthenticate_help")}</p>
        <button type="button" class="button main large wide" data-testid="reauthenticate" autofocus disabled=${action.busy} onClick=${confirm}>
          <${Icon} name="passkey" />${t("reauthenticate_submit")}
        </button>
        <${Problem} error=${action.error} />
        <p class="row end"><button type="button" class="button" onClick=${() => setAgain(null)}>${t("cancel")}</button></p>
      <//>`}
      <div class="columns">
        <div><${Passkeys} ...${shared} /><${Codes} ...${shared} username=${me.user.username} /></div>
        <div><${Sessions} run=${guarded} /><${Remove} username=${me.user.username} run=${guarded} /></div>
      </div>
    <//>
  `;
}

/** How well the account is protected against the loss of a device. @param {{ mine: Mine | null }} props */
function Protection({ mine }) {
  const steps = [
    { text: t("protection_passkey"), isDone: mine !== null && mine.passkeys.length > 0 },
    { text: t("protection_second"), isDone: mine !== null && mine.passkeys.length > 1 },
    { text: t("protection_codes"), isDone: mine !== null && mine.recoveryCodes > 0 },
  ];
  const isSafe = mine !== null && isProtected(mine);
  return html`
    <div class="card protection ${isSafe ? "safe" : ""}" data-testid="protection">
      <span class="ring"><${Icon} name=${isSafe ? "check" : "shield"} /></span>
      <div>
        <strong>${mine === null ? t("protection") : t(isSafe ? "protection_good" : "protection_weak")}</strong>
        <ul>
          ${steps.map(
            ({ text, isDone }) => html`<li class=${isDone ? "done" : ""}><${Icon} name=${isDone ? "check" : "plus"} size=${14} />${text}</li>`,
          )}
        </ul>
      </div>
    </div>
  `;
}

show(html`<${Page} />`, t("account"));
