// Signing in and signing up.

import { DoorwardError, OFFLINE, canUsePasskeys } from "./doorward-client/index.js";
import { explain, t } from "./texts.js";
import { Field, Form, Problem, doorward, html, useAction, useEffect, useState } from "./view.js";

/** What a passkey that was chosen in the list of a field may fail with; the list is offered again. */
const AFTER_CHOICE = [
  "authentication_failed",
  "ceremony_over",
  OFFLINE,
  "storage_full",
  "ticket_invalid",
  "too_many_attempts",
  "unavailable",
];

/** @param {{ onSignedIn: () => Promise<void> }} props */
export function SignIn({ onSignedIn }) {
  const [username, setUsername] = useState("");
  const { busy, error, run } = useAction();

  useEffect(() => {
    const enough = new AbortController();
    const offer = async () => {
      if (await doorward.autofill(enough.signal)) await onSignedIn();
    };
    /** What goes wrong after a passkey was chosen is told. What else does is for the button to say. */
    const failed = (/** @type {unknown} */ error) => {
      if (enough.signal.aborted) return;
      if (!(error instanceof DoorwardError) || !AFTER_CHOICE.includes(error.code)) return;
      run(() => Promise.reject(error));
      offer().catch(failed);
    };
    offer().catch(failed);
    return () => enough.abort();
  }, []);

  const signIn = (/** @type {() => Promise<unknown>} */ how) => {
    return run(async () => {
      await how();
      await onSignedIn();
    });
  };
  return html`
    <h1>${t("signin")}</h1>
    <p class="help">${t("signin_help")}</p>
    <${Problem} error=${canUsePasskeys() ? error : explain("unsupported")} />
    <${Form} onSubmit=${() => signIn(() => doorward.signIn({ username: username.trim() }))}>
      <${Field}
        id="username"
        label=${t("username")}
        value=${username}
        onInput=${setUsername}
        autocomplete="username webauthn"
        autocorrect=${false}
      />
      <button data-testid="signin-submit" disabled=${busy}>${t("signin_submit")}</button>
    <//>
    <${SignUp} busy=${busy} onSubmit=${(/** @type {string} */ name) => signIn(() => doorward.signUp({ username: name }))} />
    <${Recover}
      busy=${busy}
      onSubmit=${(/** @type {{ username: string, code: string }} */ shown) => signIn(() => doorward.recover(shown))}
    />
  `;
}

/** @param {{ busy: boolean, onSubmit: (name: string) => void }} props */
function SignUp({ busy, onSubmit }) {
  const [name, setName] = useState("");
  return html`
    <section aria-labelledby="signup">
      <h2 id="signup">${t("signup")}</h2>
      <${Form} onSubmit=${() => onSubmit(name.trim())}>
        <${Field}
          id="new-username"
          label=${t("username")}
          value=${name}
          onInput=${setName}
          autocomplete="off"
          required
          maxlength="64"
          data-testid="signup-username"
        />
        <button class="second" data-testid="signup-submit" disabled=${busy}>${t("signup_submit")}</button>
      <//>
    </section>
  `;
}

/** @param {{ busy: boolean, onSubmit: (shown: { username: string, code: string }) => void }} props */
function Recover({ busy, onSubmit }) {
  const [username, setUsername] = useState("");
  const [code, setCode] = useState("");
  return html`
    <details>
      <summary>${t("recover_lost")}</summary>
      <${Form} onSubmit=${() => onSubmit({ username: username.trim(), code })}>
        <${Field} id="recover-username" label=${t("username")} value=${username} onInput=${setUsername} required autocomplete="username" />
        <${Field} id="recover-code" label=${t("recover_code")} value=${code} onInput=${setCode} required autocomplete="off" />
        <button class="second" data-testid="recover-submit" disabled=${busy}>${t("recover")}</button>
      <//>
    </details>
  `;
}
