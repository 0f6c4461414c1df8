// The drawer "How this works": the source of the gateway behind a page, as the server that runs was built from it.

import { html, useEffect, useRef, useState } from "../preact.js";
import { t } from "../texts.js";
import { base } from "../view.js";
import { Icon } from "./icons.js";
import { toast } from "./toast.js";

/**
 * What the drawer explains. A note belongs to the first line that contains `line`.
 *
 * @typedef {{ name: string, file: string, notes: { line: string, text: string }[] }} How
 */

/** @param {{ how: How }} props */
export function HowButton({ how }) {
  const [isOpen, setOpen] = useState(false);
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return html`
    <button
      type="button"
      class="button how"
      ref=${button}
      aria-expanded=${String(isOpen)}
      title=${t("how")}
      data-testid="how"
      onClick=${() => setOpen(!isOpen)}
    >
      <${Icon} name="code" /><span class="how-text">${t("how")}</span>
    </button>
    ${isOpen && html`<${Drawer} how=${how} close=${close} />`}
  `;
}

/** @param {{ how: How, close: () => void }} props */
function Drawer({ how, close }) {
  const [source, setSource] = useState("");
  const [isMissing, setMissing] = useState(false);
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const lines = gatewayOf(source);

  useEffect(() => {
    button.current?.focus();
    const load = async () => {
      const answer = await fetch(`${base}/assets/source/${how.name}`);
      if (!answer.ok) throw new Error(answer.statusText);
      setSource(await answer.text());
    };
    load().catch(() => setMissing(true));
    const onKeyDown = (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && close();
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
  const noteOf = new Map(how.notes.map(({ line }, index) => [lines.findIndex((text) => text.includes(line)), index + 1]));
  const copy = () => navigator.clipboard.writeText(lines.join("\n")).then(() => toast(t("how_copied")), () => toast(t("copy_failed")));
  return html`
    <aside class="drawer" aria-label=${t("how")} data-testid="how-drawer">
      <div class="drawer-head">
        <h2>${t("how")}</h2>
        <button type="button" class="button icon" ref=${button} title=${t("close")} onClick=${close}>
          <${Icon} name="close" /><span class="hidden">${t("close")}</span>
        </button>
      </div>
      <p class="row between">
        <code class="small">${how.file}</code>
        <button type="button" class="link" onClick=${copy}>${t("codes_copy")}</button>
      </p>
      ${isMissing && html`<p class="problem" role="alert">${t("error_offline")}</p>`}
      <ol class="source" tabindex="0" aria-label=${how.file}>
        ${lines.map((line, index) => {
          const note = noteOf.get(index);
          return html`<li class=${note === undefined ? "" : "noted"}>
            <code>${coloured(line)}</code>${note !== undefined && html`<span class="note-number">${note}</span>`}
          </li>`;
        })}
      </ol>
      <ol class="notes">
        ${how.notes.map(({ text }, index) => html`<li><span class="note-number">${index + 1}</span><span>${text}</span></li>`)}
      </ol>
    </aside>
  `;
}

/** Returns the lines of the gateway in a source: from its attribute to the end of the block. @param {string} source */
export function gatewayOf(source) {
  const all = source.split("\n");
  const begin = all.findIndex((line) => line.startsWith("#[gateway"));
  const end = all.indexOf("}", begin);
  return begin < 0 ? [] : all.slice(begin, end < 0 ? undefined : end + 1);
}

/** Parts of Rust that have a colour. */
const RUST = /(\/\/.*$)|(#\[[^\]]*\])|("(?:[^"\\]|\\.)*")|\b(async|await|fn|impl|let|match|move|self|Self|if|else|return|pub|use)\b/g;

/** Names of these parts, in the order of the groups. */
const KINDS = ["comment", "attribute", "string", "keyword"];

/** @param {string} line */
function coloured(line) {
  const parts = [];
  let end = 0;
  for (const found of line.matchAll(RUST)) {
    parts.push(line.slice(end, found.index));
    const kind = KINDS[found.slice(1).findIndex((group) => group !== undefined)];
    parts.push(html`<span class="rust-${kind}">${found[0]}</span>`);
    end = found.index + found[0].length;
  }
  // An empty line keeps its height.
  return line === "" ? "\u00a0" : [...parts, line.slice(end)];
}
