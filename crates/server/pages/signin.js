// Signing in: one button, and behind it the steps to create an account and to use a recovery code.

import { CANCELLED, DoorwardError, OFFLINE, canUsePasskeys } from "./doorward-client/index.js";
import { Mark } from "./art/door.js";
import { SignInScene } from "./art/scene.js";
import { Dialog } from "./parts/dialog.js";
import { Field } from "./parts/field.js";
import { Outside } from "./parts/frame.js";
import { Icon } from "./parts/icons.js";
import { explain, t } from "./texts.js";
import { Form, doorward, html, useAction, useEffect, useRef, useState } from "./view.js";

/** @typedef {"start" | "create" | "lost"} Step */

/** @param {{ onSignedIn: () => Promise<void>, reason?: string }} props `reason` says why the user is signed out */
export function SignIn({ onSignedIn, reason = "" }) {
  const [step, setStep] = useState(/** @type {Step} */ ("start"));
  const [name, setName] = useState("");
  const card = useRef(/** @type {HTMLElement | null} */ (null));
  const isNarrow = useMatch("(max-aspect-ratio: 1/1)");
  const action = useAction();
  const dialog = useRef(/** @type {AbortController | null} */ (null));

  /** Runs a step that opens the dialog of the device. @param {(signal: AbortSignal) => Promise<unknown>} how */
  const withPasskey = (how) =>
    action.run(async () => {
      const own = new AbortController();
      dialog.current = own;
      try {
        await how(own.signal);
      } finally {
        dialog.current = null;
      }
      await onSignedIn();
    }).then((isDone) => {
      // The words for the wait have taken the place of the button that had the focus.
      if (!isDone) setTimeout(() => /** @type {HTMLElement | null} */ (card.current?.querySelector(".main"))?.focus());
    });
  const go = (/** @type {Step} */ step) => {
    action.clear();
    setStep(step);
  };
  const isWaiting = action.busy && step !== "lost";
  const shared = { action, go };
  return html`<${Outside}>
    <div class="signin" data-waiting=${String(isWaiting)}>
      <${SignInScene} state=${isWaiting ? "ajar" : "shut"} narrow=${isNarrow} />
      <div class="slogan" aria-hidden="true">
        <p class="hero">${t("slogan")}<br />${t("slogan_second")}</p>
        <p>${t("slogan_help")}</p>
      </div>
      <div class="card signin-card" ref=${card}>
        ${reason &&
        step === "start" &&
        html`<p class="signin-reason" role="status" data-testid="banner"><${Icon} name="info" />${reason}</p>`}
        ${isWaiting
          ? html`<${Waiting} cancel=${() => dialog.current?.abort()} />`
          : step === "create"
            ? html`<${Create} ...${shared} name=${name} setName=${setName} create=${(/** @type {string} */ username) => withPasskey((signal) => doorward.signUp({ username, signal }))} />`
            : step === "lost"
              ? html`<${Lost} ...${shared} onSignedIn=${onSignedIn} />`
              : html`<${Start} ...${shared} signIn=${() => withPasskey((signal) => doorward.signIn({ signal }))} />`}
      </div>
    </div>
  <//>`;
}

/** Returns `true` while a media query matches. @param {string} query */
function useMatch(query) {
  const [matches, setMatches] = useState(matchMedia(query).matches);

  useEffect(() => {
    const media = matchMedia(query);
    const look = () => setMatches(media.matches);
    media.addEventListener("change", look);
    return () => media.removeEventListener("change", look);
  }, []);
  return matches;
}

/** @typedef {{ action: ReturnType<typeof useAction>, go: (step: Step) => void }} Shared */

/** @param {Shared & { signIn: () => void }} props */
function Start({ action, go, signIn }) {
  const [isAsking, setAsking] = useState(false);
  const isUsable = canUsePasskeys();
  return html`
    <${Mark} size=${40} />
    <div>
      <h1>${t("signin")}</h1>
      <p class="help">${t("signin_help")}</p>
    </div>
    <div class="stack">
      <button type="button" class="button main large wide" data-testid="signin-submit" disabled=${!isUsable} onClick=${signIn}>
        <${Icon} name="passkey" />${t("signin_submit")}
      </button>
      <${Problem} problem=${isUsable ? action.problem : { code: "unsupported", text: explain("unsupported") }} />
    </div>
    <p class="divider"><span>${t("signup")}</span></p>
    <button type="button" class="button large wide" data-testid="signup-open" disabled=${!isUsable} onClick=${() => go("create")}>
      ${t("signup_submit")}
    </button>
    <p class="row between">
      <button type="button" class="link" data-testid="recover-open" onClick=${() => go("lost")}>${t("recover_lost")}</button>
      <button type="button" class="link quiet" onClick=${() => setAsking(true)}>${t("passkey_what")}</button>
    </p>
    ${isAsking &&
    html`<${Dialog} id="what" title=${t("passkey_what")} onClose=${() => setAsking(false)}>
      <p>${t("passkey_is")}</p>
      <p>${t("passkey_is_safe")}</p>
      <p class="row end"><button type="button" class="button main" onClick=${() => setAsking(false)}>${t("close")}</button></p>
    <//>`}
  `;
}

/** What a user name may contain; the server decides. */
const NAME = /^[\p{L}\p{N}._@+-]{1,64}$/u;

/** @param {Shared & { name: string, setName: (name: string) => void, create: (username: string) => void }} props */
function Create({ action, go, name, setName, create }) {
  const username = name.trim();
  const isWrong = username !== "" && !NAME.test(username);
  const { problem } = action;
  const isOfName = problem !== null && ["username_taken", "invalid_username"].includes(problem.code);
  const submit = () => {
    if (username !== "" && !isWrong) create(username);
  };
  return html`
    <${Back} go=${go} />
    <h1>${t("signup_title")}</h1>
    <${Form} class="stack" onSubmit=${submit}>
      <${Field}
        id="new-username"
        label=${t("username")}
        value=${name}
        onInput=${(/** @type {string} */ name) => (action.clear(), setName(name))}
        note=${t("username_help")}
        error=${isWrong ? explain("invalid_username") : isOfName ? problem.text : ""}
        autocomplete="off"
        required
        maxlength="64"
        autofocus
        data-testid="signup-username"
      />
      <p class="hint"><${Icon} name="fingerprint" /><span><strong>${t("signup_next")}</strong> ${t("signup_next_help")}</span></p>
      <button class="button main large wide" data-testid="signup-submit" disabled=${isWrong}>
        <${Icon} name="passkey" />${t("signup_submit")}
      </button>
      <${Problem} problem=${isOfName ? null : problem} />
    <//>
    <p class="small center">
      ${t("signup_known")} <button type="button" class="link" onClick=${() => go("start")}>${t("signin_short")}</button>
    </p>
  `;
}

/** What a passkey that was chosen in the list of a field may fail with. Then the list is offered again. */
const AFTER_CHOICE = [
  "authentication_failed",
  "ceremony_over",
  OFFLINE,
  "storage_full",
  "ticket_invalid",
  "too_many_attempts",
  "unavailable",
];

/** @param {Shared & { onSignedIn: () => Promise<void> }} props */
function Lost({ action, go, onSignedIn }) {
  const [username, setUsername] = useState("");
  const [code, setCode] = useState("");
  const [ofList, setOfList] = useState(/** @type {import("./view.js").Failed} */ (null));
  const { problem } = action;
  // The answer is the same for a name that does not exist.
  const isOfCode = problem !== null && ["authentication_failed", "bad_payload", "bad_request"].includes(problem.code);

  useEffect(() => {
    const enough = new AbortController();
    // A passkey may be on this device after all, and the list of the field offers it.
    const offer = async () => {
      if (await doorward.autofill(enough.signal)) await onSignedIn();
    };
    const failed = (/** @type {unknown} */ error) => {
      if (enough.signal.aborted) return;
      if (!(error instanceof DoorwardError) || !AFTER_CHOICE.includes(error.code)) return;
      setOfList({ code: error.code, text: explain(error.code, error.retryAfter) });
      offer().catch(failed);
    };
    offer().catch(failed);
    return () => enough.abort();
  }, []);
  const submit = () => {
    setOfList(null);
    return action.run(async () => {
      await doorward.recover({ username: username.trim(), code });
      await onSignedIn();
    });
  };
  return html`
    <${Back} go=${go} />
    <div>
      <h1>${t("recover")}</h1>
      <p class="help">${t("recover_help")}</p>
    </div>
    <${Form} class="stack" onSubmit=${submit}>
      <${Field}
        id="recover-username"
        label=${t("username")}
        value=${username}
        onInput=${setUsername}
        required
        autofocus
        autocomplete="username webauthn"
      />
      <${Field}
        id="recover-code"
        label=${t("recover_code")}
        value=${code}
        onInput=${(/** @type {string} */ code) => (action.clear(), setCode(code))}
        error=${isOfCode ? t("recover_wrong") : ""}
        required
        autocomplete="off"
      />
      <button class="button main large wide" data-testid="recover-submit" disabled=${action.busy}>${t("recover_submit")}</button>
      <${Problem} problem=${isOfCode ? null : (problem ?? ofList)} />
    <//>
  `;
}

/** The dialog of the device covers a part of the page, so the words are short and on top. @param {{ cancel: () => void }} props */
function Waiting({ cancel }) {
  return html`
    <div class="waiting-passkey" role="status">
      <h1>${t("waiting_passkey")}</h1>
      <p class="help">${t("waiting_passkey_help")}</p>
      <span class="pulse"><${Icon} name="fingerprint" size=${40} /></span>
    </div>
    <button type="button" class="button large wide" data-testid="passkey-cancel" onClick=${cancel}>${t("cancel")}</button>
  `;
}

/** @param {{ go: (step: Step) => void }} props */
function Back({ go }) {
  return html`
    <button type="button" class="link quiet back" onClick=${() => go("start")}>
      <${Icon} name="chevron-left" size=${16} />${t("back")}
    </button>
  `;
}

/** @param {{ problem: { code: string, text: string } | null }} props */
function Problem({ problem }) {
  const tone = problem?.code === CANCELLED ? "problem warn" : "problem";
  return html`<p class=${tone} role="alert">${problem && html`<${Icon} name="warning" />${problem.text}`}</p>`;
}
