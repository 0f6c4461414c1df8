// The state of the connection: a dot in the header, and a bar below it only while something is wrong.

import { html } from "../preact.js";
import { t } from "../texts.js";
import { Icon } from "./icons.js";
import { useNow } from "./time.js";

/**
 * @typedef {{
 *   state: import("../doorward-client/connection.js").State,
 *   code: string,
 *   retryAt?: number,
 *   connect: () => void,
 * }} Live `retryAt` is the time of the next attempt, in milliseconds since 1970
 */

/** States in which nothing is wrong. */
const FINE = ["connecting", "connected"];

/** States from which only the user can come back. */
const ENDED = ["replaced", "closed", "refused", "revoked", "expired"];

/** @param {{ live: Live }} props */
export function Status({ live: { state } }) {
  const isFine = FINE.includes(state);
  const dot = state === "connected" ? "dot on" : isFine ? "dot" : "dot waiting";
  return html`
    <span class="status" data-state=${state} data-testid=${isFine ? "banner" : undefined} role="status">
      <span class=${dot} aria-hidden="true"></span>
      <span class="status-text">${isFine ? t(`state_${state}`) : t("state_away")}</span>
    </span>
  `;
}

/** @param {{ live: Live }} props */
export function Trouble({ live }) {
  const { state, code, connect } = live;
  if (FINE.includes(state)) return null;
  const isOver = ENDED.includes(state);
  return html`
    <div class=${isOver || state === "offline" ? "bar dark" : "bar"} data-testid="banner" data-state=${state} role="status">
      <${Icon} name=${state === "offline" ? "offline" : state === "replaced" ? "replaced" : isOver ? "blocked" : "refresh"} />
      <strong>${t(`state_${state}`, { code })}</strong>
      ${live.retryAt !== undefined && html`<${Countdown} at=${live.retryAt} />`}
      <button type="button" class="button" onClick=${connect}>${t(isOver ? "take_over" : "retry_now")}</button>
    </div>
  `;
}

/** Seconds until the next attempt. A screen reader does not read each of them. @param {{ at: number }} props */
function Countdown({ at }) {
  const left = Math.max(0, Math.ceil((at - useNow(250)) / 1000));
  return left === 0 ? null : html`<span class="figures" aria-hidden="true">${t("retry_in", { seconds: left })}</span>`;
}
