// The mole of the game and its hole. All pictures here have the same view box, so they lie on each other: the back of
// the hole, the mole, the front of the hole, the paws.

import { html } from "../preact.js";
import { Tufts } from "./pieces.js";

export { ArtDefs } from "./defs.js";

/** @typedef {"plain" | "golden" | "helmet" | "crown" | "hit"} MoleKind */

/** The fur of each kind. @type {Record<MoleKind, string>} */
const FUR = { plain: "plain", golden: "golden", helmet: "helmet", crown: "plain", hit: "plain" };

/** One layer. @param {{ name: string, children?: unknown }} props */
function Layer({ name, children }) {
  return html`
    <svg class="art-layer ${name}" viewBox="0 0 240 200" aria-hidden="true" focusable="false">${children}</svg>
  `;
}

/** The dark of the hole, its far rim and its shadow. */
const back = html`
  <ellipse class="f-hole-shade" cx="120" cy="154" rx="114" ry="43" />
  <ellipse class="f-rim" cx="120" cy="148" rx="100" ry="39" />
  <path class="s-rim" d="M28 148A92 33 0 0 1 212 148" />
  <ellipse fill="url(#art-pit)" cx="120" cy="148" rx="87" ry="29" />
`;

/** The near rim, which covers the feet. */
const front = html`
  <path fill="url(#art-rim)" d="M20 148A100 39 0 0 0 220 148H209A89 25 0 0 1 31 148z" />
  <path class="s-lip" d="M29.5 147A90.5 26.5 0 0 0 210.5 147" />
  <path class="s-pebble" d="M53 171h0M82 181h0M188 170h0M160 180h0M118 184h0" />
  <${Tufts} at=${[[31, 167, 0.6], [211, 168, 0.65], [70, 187, 0.38]]} />
`;

/** A hole's back, with its shadow on the grass. */
export function HoleBack() {
  return html`<${Layer} name="hole-back">${back}<//>`;
}

/** A hole's front, which goes over the mole. */
export function HoleFront() {
  return html`<${Layer} name="hole-front">${front}<//>`;
}

/**
 * The mole. Its body is cut off at the near rim, so the style may move `.mole-rise` down without showing its feet.
 *
 * @param {{ kind: MoleKind }} props
 */
export function Mole({ kind }) {
  return html`<${Layer} name="mole-${kind}"><${Body} kind=${kind} /><//>`;
}

/** The paws on the rim. They go over the front of the hole. @param {{ kind: MoleKind }} props */
export function MolePaws({ kind }) {
  return html`<${Layer} name="mole-${kind}"><${Paws} /><//>`;
}

/** The hole with its mole as one picture. @param {{ kind: MoleKind }} props */
export function MoleInHole({ kind }) {
  return html`<${Layer} name="mole-in-hole"><${MoleGroup} kind=${kind} /><//>`;
}

/** The same for a place inside of another picture. @param {{ kind: MoleKind }} props */
export function MoleGroup({ kind }) {
  return html`
    ${back}
    <g class="mole-${kind}"><${Body} kind=${kind} /></g>
    ${front}
    <g class="mole-${kind}"><${Paws} /></g>
  `;
}

/** @param {{ kind: MoleKind }} props */
function Body({ kind }) {
  return html`
    <g clip-path="url(#art-burrow)">
      <g class="mole-rise">
        ${kind !== "golden" && kind !== "crown" && kind !== "helmet" && tuft}
        <path fill="url(#art-fur-${FUR[kind]})" d="M69 190V92a51 51 0 0 1 102 0v98z" />
        <path class="s-shine" stroke-width="6" d="M76 102V92Q77 67 98 57" />
        <ellipse class="f-belly" cx="120" cy="168" rx="28" ry="31" />
        <path class="s-whisker" d="M64 119l25 5M65 134l24-4M176 119l-25 5M175 134l-24-4" />
        <ellipse class="f-cheek" cx="87" cy="115" rx="9" ry="8" />
        <ellipse class="f-cheek" cx="153" cy="115" rx="9" ry="8" />
        <ellipse class="f-muzzle" cx="120" cy="123" rx="28" ry="20.5" />
        ${kind === "hit" ? dizzy : awake}
        <ellipse class="f-nose" cx="120" cy="112" rx="13.5" ry="10" />
        <ellipse class="f-white" opacity="0.7" cx="115.5" cy="108" rx="4.3" ry="2.6" />
        ${kind === "helmet" && helmet} ${(kind === "golden" || kind === "crown") && crown}
      </g>
    </g>
  `;
}

/** The paws, each with three toes. */
function Paws() {
  const paw = "M-14 3A14 13 0 0 1 14 3c1 7-6 8-8 5-2 3-10 3-12 0-2 3-9 2-8-5z";
  return html`
    <g class="mole-paws">
      <path class="f-paw" transform="translate(86 172)" d=${paw} />
      <path class="f-paw" transform="translate(154 172)" d=${paw} />
    </g>
  `;
}

const tuft = html`<path class="f-hair" d="M112 44c0-8 3-12 8-15 0 5 0 7 2 9 1-4 4-6 9-7-4 4-4 8-4 13z" />`;

/** Open eyes and a smile with two teeth. */
const awake = html`
  <path class="s-brow" d="M89 84q11-8 24-1M151 84q-11-8-24-1" />
  <ellipse class="f-eye" cx="100" cy="95" rx="8.5" ry="10" />
  <ellipse class="f-eye" cx="140" cy="95" rx="8.5" ry="10" />
  <path class="s-glint" d="M103 91h0M143 91h0" />
  <path class="s-mouth" d="M107 128q13 9 26 0" />
  <path class="f-teeth" d="M113 131.5h6.5v11H113zM120.5 131.5h6.5v11h-6.5z" />
`;

const STAR = "M0-10 2.7-3.7 9.5-3.1 4.4 1.4 5.9 8.1 0 4.6-5.9 8.1-4.4 1.4-9.5-3.1-2.7-3.7z";

/** Crossed eyes, an open mouth and the stars that it sees. */
const dizzy = html`
  <path class="s-cross" d="M93 89l15 11M108 89l-15 11M132 89l15 11M147 89l-15 11" />
  <ellipse class="f-mouth" cx="120" cy="133" rx="9.5" ry="6.5" />
  <path class="f-nose" d="M113 137q7-5 14 0-7 4-14 0z" />
  ${[[60, 70, 1], [84, 34, 0.75], [158, 36, 1.1], [181, 78, 0.8]].map(
    ([x, y, size]) =>
      html`<path class="dizzy-star" d=${STAR} transform="translate(${x} ${y}) rotate(${x}) scale(${size})" />`,
  )}
`;

const helmet = html`
  <path fill="url(#art-steel)" d="M71 79A49 46 0 0 1 169 79z" />
  <path class="s-shine s-glare" stroke-width="5" d="M85 66Q88 49 106 41" />
  <path class="f-steel" d="M115.5 33h9v40h-9zM64 79q56-17 112 0v9q-56-16-112 0z" />
  <path class="s-ridge" d="M120 35v39" />
  <path class="s-bolt" d="M83 78.5h0M157 78.5h0" />
  <path class="s-crack" d="M143 44l-6 11 8 3-5 9" />
`;

const crown = html`
  <path class="f-crown" d="M93 20l16 12 11-17 11 17 16-12-3 25q-24-7-48 0z" />
  <circle class="f-gem" cx="120" cy="33" r="3.2" />
`;
