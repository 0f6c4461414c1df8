// The newest events at the door.

import { Icon } from "../parts/icons.js";
import { ago, useNow } from "../parts/time.js";
import { html, kindOf, sentenceOf, t } from "./words.js";

/** Maximum number of events that are shown. */
const SHOWN = 4;

/** Icon of each kind of event. */
const ICONS = /** @type {const} */ ({
  opened: "opened",
  refreshed: "refresh",
  replaced: "replaced",
  revoked: "blocked",
  refused: "warning",
  ended: "ended",
});

/** @param {{ events: import("./state.js").Event[] }} props */
export function News({ events }) {
  const now = useNow(15_000);
  if (events.length === 0) return html`<p class="news-none help">${t("news_none")}</p>`;
  return html`
    <ol class="news" aria-label=${t("news")} role="log">
      ${events.slice(0, SHOWN).map((event) => {
        const kind = kindOf(event);
        return html`
          <li key=${event.decision + event.kind} data-testid="door-news">
            <span class="news-icon ${kind}"><${Icon} name=${ICONS[kind]} size=${16} /></span>
            <span class="news-text">${sentenceOf(event)}</span>
            <code title=${`${t("decision")} ${event.decision}`}>${event.reason ?? event.kind}</code>
            <time datetime=${event.at}>${ago(event.at, Math.max(now, Date.parse(event.at)))}</time>
          </li>
        `;
      })}
    </ol>
  `;
}
