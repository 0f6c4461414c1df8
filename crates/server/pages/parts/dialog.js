// A dialog over the page. The browser keeps the focus inside, closes it with Escape, and returns the focus.

import { html, useEffect, useRef } from "../preact.js";

/**
 * @param {{ id: string, title: string, onClose: () => void, children?: unknown }} props `onClose` removes the dialog
 */
export function Dialog({ id, title, onClose, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  // Read before a field of the dialog takes the focus.
  const opener = useRef(document.activeElement);

  useEffect(() => {
    dialog.current?.showModal();
    return () => {
      const { current } = opener;
      // The element that has opened it may be gone.
      if (current instanceof HTMLElement && current.isConnected) setTimeout(() => current.focus());
    };
  }, []);
  /** A press beside the dialog closes it. @param {MouseEvent} event */
  const onClick = (event) => {
    if (event.target === dialog.current) onClose();
  };
  return html`
    <dialog class="dialog" ref=${dialog} aria-labelledby=${id} onClose=${onClose} onCancel=${onClose} onMouseDown=${onClick}>
      <div class="stack">
        <h2 id=${id}>${title}</h2>
        ${children}
      </div>
    </dialog>
  `;
}
