// A button with a list that opens below it.

import { html, useEffect, useRef, useState } from "../preact.js";

/**
 * @param {{ button: unknown, label: string, children?: unknown, [more: string]: unknown }} props `button` is the content of
 *   the button
 */
export function Menu({ button, label, children, ...more }) {
  const [isOpen, setOpen] = useState(false);
  const menu = useRef(/** @type {HTMLElement | null} */ (null));

  useEffect(() => {
    if (!isOpen) return;
    const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Escape") return;
      setOpen(false);
      menu.current?.querySelector("button")?.focus();
    };
    const onPress = (/** @type {Event} */ event) => {
      if (!menu.current?.contains(/** @type {Node} */ (event.target))) setOpen(false);
    };
    document.addEventListener("keydown", onKeyDown);
    document.addEventListener("pointerdown", onPress);
    return () => {
      document.removeEventListener("keydown", onKeyDown);
      document.removeEventListener("pointerdown", onPress);
    };
  }, [isOpen]);
  /** The focus has moved on to something outside. @param {FocusEvent} event */
  const onFocusOut = (event) => {
    const next = /** @type {Node | null} */ (event.relatedTarget);
    if (next !== null && !menu.current?.contains(next)) setOpen(false);
  };
  return html`
    <div class="menu" ref=${menu} onFocusOut=${onFocusOut}>
      <button type="button" aria-expanded=${String(isOpen)} aria-label=${label} onClick=${() => setOpen(!isOpen)} ...${more}>
        ${button}
      </button>
      ${isOpen && html`<div class="menu-list">${children}</div>`}
    </div>
  `;
}
