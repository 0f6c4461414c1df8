// The live connection of a page.

import { doorward, isLeaving, useEffect, useRef, useState } from "./view.js";

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
  const [live, setLive] = useState(/** @type {{ state: State, code: string, retryAt?: number }} */ ({ state: "connecting", code: "" }));
  const socket = useRef(/** @type {import("socket.io-client").Socket | null} */ (null));

  const connect = () => {
    socket.current?.disconnect();
    socket.current = null;
    /** It says that it connects before it is here. @type {import("socket.io-client").Socket | null} */
    let own = null;
    own = doorward.connect(namespace, {
      onState: async (/** @type {State} */ state, code = "", wait) => {
        // What an earlier one says is over.
        if (own !== null && socket.current !== own) return;
        setLive({ state, code, retryAt: wait === undefined ? undefined : Date.now() + wait });
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
  return { ...live, socket, connect };
}
