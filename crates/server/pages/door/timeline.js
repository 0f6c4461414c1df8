// One line for each connection, which grows to now. Marks say how it began and ended.

import { Icon } from "../parts/icons.js";
import { useNow } from "../parts/time.js";
import { SHOWN } from "./state.js";
import { html, iconOfDevice, nameOfDevice, placeOf, shortPlaceOf, signOf, t } from "./words.js";

/** Maximum number of lines that are shown. */
const MAX_SHOWN = 12;

/** Minutes that the axis names. */
const AXIS = [10, 8, 6, 4, 2, 0];

/**
 * @param {{
 *   lines: import("./state.js").Line[],
 *   own: string,
 *   onEnd: (line: import("./state.js").Line) => void,
 * }} props
 */
export function Timeline({ lines, own, onEnd }) {
  const now = useNow(1_000);
  // The own one stands first.
  const sorted = [...lines].sort((one, other) => Number(other.socket === own) - Number(one.socket === own));
  const more = sorted.length - MAX_SHOWN;
  return html`
    <div class="timeline">
      <ul class="lines">
        ${sorted.slice(0, MAX_SHOWN).map((line) => html`<${Row} key=${line.key} line=${line} now=${now} isOwn=${line.socket === own} onEnd=${onEnd} />`)}
      </ul>
      ${more > 0 && html`<p class="help small">${t("door_more", { count: more })}</p>`}
      <div class="axis" aria-hidden="true">
        ${AXIS.map((minutes) => html`<span class=${minutes === 0 ? "now" : ""}>${minutes === 0 ? t("now") : t("minutes", { minutes })}</span>`)}
      </div>
    </div>
  `;
}

/**
 * @param {{
 *   line: import("./state.js").Line,
 *   now: number,
 *   isOwn: boolean,
 *   onEnd: (line: import("./state.js").Line) => void,
 * }} props
 */
function Row({ line, now, isOwn, onEnd }) {
  const isOpen = line.to === null;
  /** Distance from the right end, in percent. @param {number} at */
  const place = (at) => Math.min(100, Math.max(0, (100 * (now - at)) / SHOWN));
  const end = line.to ?? now;
  const name = nameOfDevice(line.device);
  const sign = signOf(line);
  return html`
    <li class="line" data-testid="door-line" data-open=${String(isOpen)} data-reason=${line.reason ?? ""}>
      <span class="line-name">
        <${Icon} name=${iconOfDevice(line.device)} />
        <strong>${name}</strong>
        <span class="help">${isOwn ? t("door_here") : shortPlaceOf(line.namespace)}</span>
      </span>
      <span class="track">
        ${line.socket !== null &&
        html`<span class="bar-line" style=${{ left: `${100 - place(line.from)}%`, right: `${place(end)}%` }}></span>`}
        ${line.marks
          .filter(({ at }) => now - at < SHOWN)
          .map(({ at, kind }) => html`<${Sign} key=${`${kind}${at}`} kind=${kind === "ended" ? sign.kind : kind} right=${place(at)} />`)}
        ${isOpen && html`<span class="head" aria-hidden="true"></span>`}
      </span>
      <span class="line-end">
        ${isOpen
          ? html`<span class="hidden">${t("door_open")}</span>
              ${!isOwn &&
              html`<button type="button" class="button icon" title=${t("door_end")} data-testid="door-end" onClick=${() => onEnd(line)}>
                <${Icon} name="close" size=${16} /><span class="hidden">${t("door_end_of", { name, place: placeOf(line.namespace) })}</span>
              </button>`}`
          : html`<span class="tag ${sign.tone}">${sign.text}</span>`}
      </span>
    </li>
  `;
}

/** @param {{ kind: import("./words.js").Sign["kind"], right: number }} props */
function Sign({ kind, right }) {
  return html`<span class="sign ${kind}" style=${{ right: `${right}%` }}><${Icon} name=${kind === "refused" ? "warning" : kind === "revoked" ? "blocked" : kind === "refreshed" ? "refresh" : kind} size=${14} /></span>`;
}
