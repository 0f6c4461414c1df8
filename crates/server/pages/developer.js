// The page at `/developer`: a connection with an access token that was pasted.
//
// The token lives in its field and nowhere else: it is read when the client asks for it.

import { Field } from "./parts/field.js";
import { Outside } from "./parts/frame.js";
import { explain, t } from "./texts.js";
import { Form, doorward, html, show, useRef, useState } from "./view.js";

function Developer() {
  const [token, setToken] = useState("");
  const [status, setStatus] = useState("");
  const [answer, setAnswer] = useState("");
  const [text, setText] = useState("");
  const socket = useRef(/** @type {import("socket.io-client").Socket | null} */ (null));
  const pasted = useRef("");
  pasted.current = token.trim();
  const isConnected = status.startsWith("connected");

  const toggle = () => {
    const wasActive = socket.current?.active;
    socket.current?.disconnect();
    if (wasActive) return;
    const own = doorward.connect("/", {
      token: async () => pasted.current,
      onState: async (/** @type {import("./doorward-client/connection.js").State} */ state, code = "") => {
        if (state !== "connected") return setStatus(code === "" ? state : `${state}: ${code}`);
        const me = await own.timeout(10_000).emitWithAck("whoami").catch(() => null);
        setStatus(`connected as ${me?.user ?? explain("offline")}`);
      },
    });
    socket.current = own;
  };
  const send = async () => {
    const said = await socket.current?.timeout(10_000).emitWithAck("echo", text).catch(() => null);
    setAnswer(String(said));
  };
  return html`<${Outside}>
    <div class="narrow stack">
      <h1>${t("developer")}</h1>
      <section class="card" aria-labelledby="try">
        <div class="card-head"><h2 id="try">${t("token_try")}</h2></div>
        <div class="card-body stack">
          <p class="help">${t("token_help")}</p>
          <${Form} class="stack" onSubmit=${toggle}>
            <${Field} id="token" label=${t("token")} value=${token} onInput=${setToken} autocomplete="off" />
            <button id="connect" class="button main">${t(isConnected ? "token_disconnect" : "token_connect")}</button>
          <//>
          <p><output id="status" aria-live="polite">${status}</output></p>
          <${Form} class="stack" onSubmit=${send}>
            <${Field} id="token-message" label=${t("echo_message")} value=${text} onInput=${setText} autocomplete="off" />
            <button id="token-send" class="button" disabled=${!isConnected}>${t("echo_send")}</button>
          <//>
          <p><output id="token-answer" aria-live="polite">${answer}</output></p>
        </div>
      </section>
    </div>
  <//>`;
}

show(html`<${Developer} />`, t("developer"));
