// The nine holes, for fingers, mice and the keys 1 to 9.

import { HoleBack, HoleFront, Mole, MolePaws } from "../art/mole.js";
import { t } from "../texts.js";
import { html, useEffect } from "../view.js";

/** @param {{ game: ReturnType<typeof import("./state.js").useGame> }} props */
export function Board({ game }) {
  useEffect(() => {
    const onKey = (/** @type {KeyboardEvent} */ event) => {
      const isElsewhere = event.target instanceof HTMLInputElement;
      if (!event.repeat && !isElsewhere && !event.ctrlKey && !event.metaKey && /^[1-9]$/.test(event.key)) {
        game.strike(Number(event.key));
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });
  return html`
    <div class="board" role="group" aria-label=${t("mole_board")}>
      ${HOLES.map((hole) => html`<${Hole} key=${hole} hole=${hole} game=${game} />`)}
    </div>
  `;
}

/** @param {{ hole: number, game: ReturnType<typeof import("./state.js").useGame> }} props */
function Hole({ hole, game }) {
  const isUp = game.moles.has(hole);
  const points = game.struck.get(hole);
  const state = points !== undefined ? "struck" : isUp ? "up" : "empty";
  const kind = state === "struck" ? "hit" : "plain";
  const label = t("mole_hole", { hole }) + (state === "up" ? t("mole_is_up") : "");
  return html`
    <button
      type="button"
      class="hole"
      data-testid="mole-hole-${hole}"
      data-state=${state}
      data-mole=${state === "empty" ? "down" : undefined}
      aria-label=${label}
      onPointerDown=${(/** @type {PointerEvent} */ event) => event.button === 0 && game.strike(hole)}
      onClick=${(/** @type {MouseEvent} */ event) => event.detail === 0 && game.strike(hole)}
    >
      <${HoleBack} />
      <span class="mole"><${Mole} kind=${kind} /></span>
      <${HoleFront} />
      <${MolePaws} kind=${kind} />
      <span class="key" aria-hidden="true">${hole}</span>
      ${points !== undefined && html`<span class="points">+${points}</span>`}
    </button>
  `;
}

const HOLES = [1, 2, 3, 4, 5, 6, 7, 8, 9];
