// The green door, alone in its arch, in a card, and as the mark of the header.

import { html } from "../preact.js";
import { Battlements, Bricks, Cloud, Flowers, round, Tufts } from "./pieces.js";

/** @typedef {"shut" | "ajar" | "open"} DoorState */

/** The point of the arch at this angle in degrees. @param {number} radius @param {number} angle */
const onArch = (radius, angle) => {
  const turn = (angle * Math.PI) / 180;
  return `${round(radius * Math.cos(turn))} ${round(-178 - radius * Math.sin(turn))}`;
};

/**
 * A stone of the arch between two angles; `flare` makes its outer side wider.
 *
 * @param {number} from
 * @param {number} to
 * @param {number} outer
 * @param {number} flare
 */
const archStone = (from, to, outer, flare) =>
  `M${onArch(92, from)}L${onArch(outer, from - flare)}L${onArch(outer, to + flare)}L${onArch(92, to)}z`;

/** The stones of the arch, six on each side, and the keystone. */
const ARCH = [...Array(6).keys()].flatMap((n) => [
  archStone(n * 13.6 + 0.2, n * 13.6 + 13.2, 124, 0),
  archStone(166.8 - n * 13.6, 179.8 - n * 13.6, 124, 0),
]);
const KEYSTONE = archStone(82, 98, 135, 0.6);

/** The stones of both sides, as [x, y, width]. */
const SIDES = [0, 1, 2, 3, 4].flatMap((n) => {
  const width = n % 2 ? 36 : 31;
  return [[-93 - width, n * -35.6 - 35.6, width], [93, n * -35.6 - 35.6, width]];
});

const OPENING = "M-93 0V-178a93 93 0 0 1 186 0V0z";

/** The leaf of the door. Its hinge is at x 0 and the floor at y 0, so that the style turns it around them. */
function Leaf() {
  return html`
    <g class="door-leaf">
      <path class="s-iron" fill="url(#art-leaf)" stroke-width="4.5" d="M2.2 9V-178a90.8 90.8 0 0 1 181.6 0V9z" />
      <path class="s-plank" d="M37 9V-248M73 9V-265M109 9V-266M146 9V-249" />
      <path class="s-shine" stroke-width="5" d="M8 9V-178Q9-232 58-256" />
      <rect class="f-lamp s-iron" x="66" y="-221" width="50" height="38" rx="6" stroke-width="5" />
      <path class="s-iron" stroke-width="3.5" d="M83-219v34M100-219v34" />
      ${[-166, -52].map(
        (y) => html`
          <path class="f-iron" d="M3 ${y}h120a9 9 0 0 1 0 18H3z" />
          <path class="s-rivet" d="M23 ${y + 9}h0M62 ${y + 9}h0M101 ${y + 9}h0" />
        `,
      )}
      <ellipse class="s-brass" cx="154" cy="-93" rx="11.5" ry="14" stroke-width="5" />
      <circle class="f-knob" cx="154" cy="-107" r="6" />
    </g>
  `;
}

/** A lantern; the top of its glass is at the point. @param {{ x: number, y: number }} props */
function Lantern({ x, y }) {
  return html`
    <g transform="translate(${x} ${y})">
      <circle class="lantern-glow" cy="17" r="46" fill="url(#art-glow)" />
      <path class="s-hook" d="M0-7v-10" />
      <path class="f-roof" d="M-9-8H9L13 1h-26z" />
      <path class="f-glass s-case" d="M-10 1h20l4 31h-28z" />
      <path class="lantern-flame" d="M0 9c5 7 5 13 0 16-5-3-5-9 0-16z" />
    </g>
  `;
}

/**
 * The door in its arch, with lanterns and steps. The middle of the floor is at x 0, y 0. The leaf and the light are in
 * an SVG of their own, which cuts off what is below the floor.
 */
export function Door() {
  return html`
    <path class="f-joint" d="M-124 0V-178a124 124 0 0 1 248 0V0z" />
    ${SIDES.map(
      ([x, y, width], n) =>
        html`<rect class="stone${(n * 2) % 3}" x=${x} y=${round(y)} width=${width} height="34.8" rx="3" />`,
    )}
    ${ARCH.map((d, n) => html`<path class="stone${(n * 2 + (n >> 2)) % 3}" d=${d} />`)}
    <path class="stone1" d=${KEYSTONE} />
    <svg x="-94" y="-276" width="188" height="276">
      <g transform="translate(94 276)">
        <path fill="url(#art-light)" d=${OPENING} />
        <path class="f-boards" d="M-93-57H53L93 0H-93z" />
        <path class="s-corner" d="M53-57V-246" />
        <g transform="translate(-93)"><${Leaf} /></g>
        <path class="s-depth" d=${OPENING} />
      </g>
    </svg>
    <rect class="stone0" x="-137" width="274" height="14" />
    <rect class="stone1" x="-155" y="14" width="310" height="15" />
    <${Lantern} x=${-159} y=${-192} />
    <${Lantern} x=${159} y=${-192} />
  `;
}

/**
 * The door with a bit of wall, sky and path, for a card; with `square` the door alone fills a square.
 *
 * @param {{ state: DoorState, square?: boolean }} props
 */
export function DoorScene({ state, square = false }) {
  return html`
    <svg
      class="door-scene"
      data-state=${state}
      aria-hidden="true"
      focusable="false"
      viewBox=${square ? "-22 164 404 404" : "0 0 360 598"}
      preserveAspectRatio="xMidYMax slice"
    >
      <rect class="f-sky" x="-400" y="-500" width="1160" height="501" />
      <rect x="-400" width="1160" height="190" fill="url(#art-sky)" />
      <${Cloud} x=${38} y=${66} size=${0.8} />
      <${Battlements} left=${-300} right=${700} top=${166} first=${64} step=${78} width=${50} height=${38} />
      <${Bricks} left=${-300} right=${700} top=${175} rows=${8} course=${42} />
      <ellipse class="door-glow" cx="180" cy="370" rx="260" ry="195" fill="url(#art-glow)" />
      <rect x="-400" y="496" width="1160" height="110" fill="url(#art-grass)" />
      <path class="f-path" d="M81 530H279L342 660H18z" />
      <path class="door-beam" d="M150 530H273L300 660H130z" />
      <g transform="translate(180 504)"><${Door} /></g>
      <${Tufts} at=${[[38, 576, 0.9], [301, 549, 0.9], [338, 584, 1.1], [14, 532, 0.6]]} />
      <${Flowers} at=${[[44, 540, 2.1, 0], [322, 516, 1.2, 1]]} />
    </svg>
  `;
}

/** The mark: the same door, small. @param {{ size?: number }} props */
export function Mark({ size = 28 }) {
  return html`
    <svg class="mark" width=${size} height=${size} viewBox="0 0 28 28" aria-hidden="true" focusable="false">
      <path class="f-mark-light" d="M5 26V12a9 9 0 0 1 18 0v14z" />
      <path class="f-mark-leaf" d="M5 26V12a9 9 0 0 1 9-9l4.8 3.6V26z" />
      <path class="f-mark-fold" d="M12.2 26V3L14 3l4.8 3.6V26z" />
      <circle class="f-mark-light" cx="15.9" cy="16.6" r="1.5" />
      <path class="s-mark" d="M5 26V12a9 9 0 0 1 18 0v14M2.2 26h23.6" />
    </svg>
  `;
}
