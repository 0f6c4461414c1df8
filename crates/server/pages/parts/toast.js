// Receipts: short sentences about what was done, which go away by themselves.

import { html, useEffect, useState } from "../preact.js";
import { Icon } from "./icons.js";

/** Milliseconds for which a receipt is shown. */
const SHOWN_FOR = 6_000;

/** @type {(text: string) => void} */
let show = () => {};

/** Shows a receipt. @param {string} text */
export function toast(text) {
  show(text);
}

/** The place of the receipts. A page has one. */
export function Toasts() {
  const [toasts, setToasts] = useState(/** @type {{ key: number, text: string }[]} */ ([]));

  useEffect(() => {
    let key = 0;
    show = (text) => {
      const own = (key += 1);
      setToasts((toasts) => [...toasts.slice(-2), { key: own, text }]);
      setTimeout(() => setToasts((toasts) => toasts.filter((toast) => toast.key !== own)), SHOWN_FOR);
    };
    return () => (show = () => {});
  }, []);
  return html`
    <div class="toasts" role="status">
      ${toasts.map(({ key, text }) => html`<p class="toast" key=${key}><${Icon} name="check" />${text}</p>`)}
    </div>
  `;
}
