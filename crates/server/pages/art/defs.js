// The gradients and the clip that the art shares. A page renders them once, so each id is there once.

import { html } from "../preact.js";

/** Each linear gradient: its id, the end point of its direction and its stops as [offset, class]. */
const LINEAR = /** @type {const} */ ([
  ["leaf", 1, 0.15, 0, "leaf1", 1, "leaf2"],
  ["sky", 0, 1, 0, "sky1", 1, "sky2"],
  ["grass", 0, 1, 0, "grass1", 1, "grass2"],
  ["shade", 0, 1, 0, "shade1", 1, "shade2"],
  ["rim", 0, 1, 0, "rim1", 1, "rim2"],
  ["fur-plain", 1, 0.6, 0.2, "fur1", 1, "fur2"],
  ["fur-golden", 1, 0.6, 0.1, "gold1", 1, "gold2"],
  ["fur-helmet", 1, 0.6, 0.2, "dusk1", 1, "dusk2"],
  ["steel", 1, 0.6, 0, "steel1", 1, "steel2"],
]);

/** Renders the shared gradients, invisibly. */
export function ArtDefs() {
  return html`
    <svg class="art-defs" width="0" height="0" aria-hidden="true" focusable="false">
      <defs>
        ${LINEAR.map(
          ([id, x, y, from, first, to, last]) => html`
            <linearGradient id="art-${id}" x2=${x} y2=${y}>
              <stop class="c-${first}" offset=${from} /><stop class="c-${last}" offset=${to} />
            </linearGradient>
          `,
        )}
        <radialGradient id="art-light" cx="0.6" cy="0.72" r="0.8">
          <stop class="c-light1" offset="0" /><stop class="c-light2" offset="0.5" />
          <stop class="c-light3" offset="1" />
        </radialGradient>
        <radialGradient id="art-glow">
          <stop class="c-glow" offset="0.1" stop-opacity="0.85" /><stop class="c-glow" offset="1" stop-opacity="0" />
        </radialGradient>
        <radialGradient id="art-halo">
          <stop class="c-halo" offset="0.1" stop-opacity="0.9" /><stop class="c-halo" offset="1" stop-opacity="0" />
        </radialGradient>
        <radialGradient id="art-pit" cy="0.45">
          <stop class="c-pit1" offset="0" /><stop class="c-pit2" offset="1" />
        </radialGradient>
        <clipPath id="art-burrow"><path d="M0-60H240V148H205A85 25 0 0 1 35 148H0z" /></clipPath>
      </defs>
    </svg>
  `;
}
