// The live connection of the page, and the banner that says where it stands.

import { doorward, html, isLeaving, useEffect, useRef, useState } from "./view.js";
import { t } from "./texts.js";

/** @typedef {import("./doorward-client/connection.js").State} State */

/**
 * Keeps a socket while the page is shown. When the server has ended it, the page asks whether it is still signed
 * in: another tab may have signed in anew, and then it goes on.
 *
 * @param {string} namespace
 * @param {(state: State) => void} onSignedOut
 * @param {(socket: import("socket.io-client").Socket) => void} [listen] adds listeners, before anything is heard
 */
export function useLive(namespace, onSignedOut, listen = () => {}) {
  const [{ state, code }, setState] = useState({ state: "connecting", code: "" });
  const socket = useRef(/** @type {import("socket.io-client").Socket | null} */ (null));

  const connect = () => {
    socket.current?.disconnect();
    socket.current = null;
    /** It says that it connects before it is here. @type {import("socket.io-client").Socket | null} */
    let own = null;
    own = doorward.connect(namespace, {
      onState: async (/** @type {State} */ state, code = "") => {
        // What an earlier one says is over.
        if (own !== null && socket.current !== own) return;
        setState({ state, code });
        if (state !== "expired" && state !== "revoked" && state !== "refused") return;
        try {
          await doorward.me();
          if (state !== "refused") connect();
        } catch {
          // A page that signs out opens the start page when the server has answered.
          if (!isLeaving) onSignedOut(state);
        }
      },
    });
    socket.current = own;
    listen(own);
  };
  useEffect(() => {
    connect();
    return () => socket.current?.disconnect();
  }, []);
  return { state, code, socket, connect };
}

/**
 * Where the connection stands.
 *
 * @param {{ state: string, code: string, connect?: () => void }} props
 */
export function Banner({ state, code, connect }) {
  const key = /** @type {import("./texts.js").Key} */ (`state_${state}`);
  const again = connect && ["replaced", "closed", "refused", "waiting"].includes(state);
  return html`
    <div class="banner" data-testid="banner" data-state=${state} role="status">
      <span class="dot" aria-hidden="true"></span>
      <span>${t(key, { code })}</span>
      ${again && html`<button type="button" class="plain" onClick=${connect}>${t("take_over")}</button>`}
    </div>
  `;
}
