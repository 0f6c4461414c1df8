// The page at `/`: it signs people in, and is their home when they are.
//
// Who is signed in is the server's to say; nothing is kept here. Until it has answered, the room is reserved.

import { nextAddress } from "./next.js";
import { t } from "./texts.js";
import { Banner, useLive } from "./live.js";
import { SignIn } from "./signin.js";
import { TryToken } from "./trytoken.js";
import { Field, Form, Frame, base, doorward, html, show, tabs, useEffect, useState } from "./view.js";

/** Lines of the log that are kept. */
const MAX_LINES = 100;

function App() {
  const [me, setMe] = useState(/** @type {import("./doorward-client/wire").Me | null | undefined} */ (undefined));
  const [ended, setEnded] = useState("");

  const look = async () => {
    try {
      const me = await doorward.me();
      const next = nextAddress(location, base);
      if (next !== null) return location.replace(next);
      setMe(me);
    } catch {
      setMe(null);
    }
  };
  const signedIn = async () => {
    tabs.postMessage("changed");
    setEnded("");
    await look();
  };
  useEffect(() => {
    look();
    tabs.onmessage = look;
  }, []);

  if (me === undefined) return html`<${Frame}><div class="waiting" aria-busy="true"></div><//>`;
  if (me === null) {
    return html`<${Frame}>
      ${ended && html`<${Banner} state=${ended} code="" />`}
      <${SignIn} onSignedIn=${signedIn} />
      <${TryToken} />
    <//>`;
  }
  const signedOut = (/** @type {string} */ state) => {
    setEnded(state);
    setMe(null);
  };
  return html`<${Frame} me=${me}><${Home} me=${me} onSignedOut=${signedOut} /><//>`;
}

/** @param {{ me: import("./doorward-client/wire").Me, onSignedOut: (state: string) => void }} props */
function Home({ me, onSignedOut }) {
  const { state, code, socket, connect } = useLive("/", onSignedOut);
  const [text, setText] = useState("");
  const [lines, setLines] = useState(/** @type {string[]} */ ([]));

  const send = async () => {
    setText("");
    const answer = await socket.current?.timeout(10_000).emitWithAck("echo", text).catch(() => null);
    const line = typeof answer === "string" ? answer : `✗ ${answer?.code ?? ""}`;
    setLines((lines) => [...lines, line].slice(-MAX_LINES));
  };
  return html`
    <h1><${Hello} name=${me.user.displayName} /></h1>
    <${Banner} state=${state} code=${code} connect=${connect} />
    <section aria-labelledby="echo">
      <h2 id="echo">${t("echo")}</h2>
      <p class="help">${t("echo_help")}</p>
      <${Form} onSubmit=${send} autocomplete="off">
        <${Field} id="message" label=${t("echo_message")} value=${text} onInput=${setText} maxlength="2000" />
        <button id="send" disabled=${state !== "connected"}>${t("echo_send")}</button>
      <//>
      <ol id="log" role="log" aria-label=${t("echo_log")}>
        ${lines.map((line) => html`<li>${line}</li>`)}
      </ol>
    </section>
  `;
}

/** A greeting in which the name can be found. @param {{ name: string }} props */
function Hello({ name }) {
  const [before, after] = t("welcome", { name: "\u0000" }).split("\u0000");
  return html`${before}<span data-testid="whoami">${name}</span>${after}`;
}

show(html`<${App} />`);
