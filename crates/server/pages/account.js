// The page at `/account`: one's own passkeys, recovery codes and sessions.
//
// What the server wants a fresh sign-in for is asked for here, and done again then.

import { DoorwardError } from "./doorward-client/index.js";
import { t } from "./texts.js";
import { Banner, useLive } from "./live.js";
import { Codes, Passkeys } from "./passkeys.js";
import { Sessions } from "./sessions.js";
import { Frame, Problem, doorward, html, leave, show, tabs, toSignIn, useAction, useEffect, useState } from "./view.js";

function Account() {
  const [me, setMe] = useState(/** @type {import("./doorward-client/wire").Me | null} */ (null));
  const { state, code, connect } = useLive("/", toSignIn);
  const action = useAction();
  const [again, setAgain] = useState(/** @type {(() => Promise<unknown>) | null} */ (null));

  useEffect(() => {
    const look = () => doorward.me().then(setMe, toSignIn);
    look();
    tabs.onmessage = look;
  }, []);

  /** Runs what may need a fresh sign-in. @param {() => Promise<unknown>} work */
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
  const reauthenticate = () =>
    action.run(async () => {
      await doorward.signIn({ username: me?.user.username });
      const work = again;
      setAgain(null);
      await work?.();
    });
  const remove = () => {
    if (confirm(t("account_remove_sure"))) {
      guarded(() => leave(() => doorward.removeAccount()));
    }
  };
  if (me === null) return html`<${Frame}><div class="waiting" aria-busy="true"></div><//>`;
  return html`<${Frame} me=${me}>
    <h1>${t("account")} · <span data-testid="whoami">${me.user.username}</span></h1>
    <${Banner} state=${state} code=${code} connect=${connect} />
    <${Problem} error=${action.error} />
    ${again &&
    html`<section class="ask" role="alertdialog" aria-labelledby="again">
      <h2 id="again">${t("reauthenticate")}</h2>
      <p class="help">${t("reauthenticate_help")}</p>
      <button type="button" data-testid="reauthenticate" disabled=${action.busy} onClick=${reauthenticate}>
        ${t("signin_submit")}
      </button>
      <button type="button" class="plain" onClick=${() => setAgain(null)}>${t("cancel")}</button>
    </section>`}
    <${Passkeys} run=${guarded} />
    <${Codes} run=${guarded} />
    <${Sessions} run=${guarded} />
    <section aria-labelledby="remove">
      <h2 id="remove">${t("account_remove")}</h2>
      <p class="help">${t("account_remove_help")}</p>
      <button type="button" class="danger" data-testid="account-remove" onClick=${remove}>${t("account_remove")}</button>
    </section>
  <//>`;
}

show(html`<${Account} />`);
