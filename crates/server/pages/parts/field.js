// A labelled field, with a note or an error below it.

import { html } from "../preact.js";
import { Icon } from "./icons.js";

/**
 * @param {{
 *   id: string,
 *   label: string,
 *   value: string,
 *   onInput: (value: string) => void,
 *   note?: string,
 *   error?: string,
 * } & Record<string, unknown>} props
 */
export function Field({ id, label, value, onInput, note = "", error = "", ...more }) {
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      <input
        id=${id}
        type="text"
        value=${value}
        autocapitalize="off"
        spellcheck=${false}
        aria-invalid=${error ? "true" : undefined}
        aria-describedby="${id}-note"
        onInput=${(/** @type {{ target: HTMLInputElement }} */ event) => onInput(event.target.value)}
        ...${more}
      />
      <p class=${error ? "note bad" : "note"} id="${id}-note" role=${error ? "alert" : undefined}>
        ${error ? html`<${Icon} name="warning" />${error}` : note}
      </p>
    </div>
  `;
}
