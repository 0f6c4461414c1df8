// The scene behind the sign-in: the wall with its tower, the door, the path, and the mole.

import { html } from "../preact.js";
import { Door } from "./door.js";
import { MoleGroup } from "./mole.js";
import { Battlements, Bricks, Cloud, Flowers, Tufts } from "./pieces.js";

/**
 * The whole scene. The view box holds what must be seen. The scene goes on far beyond its sides and its top, so a
 * window of any shape is filled and the door is never cut. `narrow` has the door in its middle, for a phone.
 *
 * @param {{ state: import("./door.js").DoorState, narrow?: boolean }} props
 */
export function SignInScene({ state, narrow = false }) {
  return html`
    <svg
      class="sign-in-scene"
      data-state=${state}
      aria-hidden="true"
      focusable="false"
      viewBox=${narrow ? "0 0 390 844" : "0 0 1440 900"}
      preserveAspectRatio="xMidYMax meet"
    >
      ${narrow ? html`<${Narrow} />` : html`<${Wide} />`}
    </svg>
  `;
}

/** The stars of the night, each as [x, y, radius]. @param {{ at: number[][] }} props */
const Stars = ({ at }) => at.map(([x, y, r]) => html`<circle class="f-star" cx=${x} cy=${y} r=${r} />`);

/** The tower; the tip of its roof is at x 0, y 0. @param {{ x: number, y: number }} props */
function Tower({ x, y }) {
  return html`
    <g transform="translate(${x} ${y})">
      <path class="f-pole" d="M-2-56h4V6h-4z" />
      <path class="art-flag" d="M2-58c25-6 37 12 73 4l-9 17 9 15c-31 10-47-10-73-4z" />
      <path class="stone0" d="M-64 146H64V240H-64z" /><path class="f-tower-shade" d="M16 146H64V240H16z" />
      <path class="f-slit" d="M-30 218v-26a7 7 0 0 1 14 0v26z" />
      <path class="f-spire" d="M0 0-78 150H78z" /><path class="f-spire-shade" d="M0 0V150H78z" />
    </g>
  `;
}

/** The craters of the moon, in parts of its radius. */
const CRATERS = [[-0.35, -0.25, 0.2], [0.3, 0.35, 0.26], [0.42, -0.42, 0.12], [-0.3, 0.5, 0.11]];

/** The sun by day, the moon by night. @param {{ x: number, y: number, r: number }} props */
function Sun({ x, y, r }) {
  return html`
    <circle cx=${x} cy=${y} r=${r * 4.2} fill="url(#art-halo)" />
    <circle class="f-sun" cx=${x} cy=${y} r=${r} />
    ${CRATERS.map(
      ([left, down, size]) =>
        html`<circle class="f-crater" cx=${x + left * r} cy=${y + down * r} r=${size * r} />`,
    )}
  `;
}

function Wide() {
  return html`
    <rect class="f-sky" x="-1000" y="-1900" width="3440" height="1901" />
    <rect x="-1000" width="3440" height="400" fill="url(#art-sky)" />
    <${Stars} at=${WIDE_STARS} />
    <${Sun} x=${1010} y=${120} r=${58} />
    <${Cloud} x=${752} y=${122} size=${0.95} />
    <${Cloud} x=${1288} y=${214} size=${1.1} />
    <${Cloud} x=${570} y=${286} size=${0.64} />
    <${Cloud} x=${-420} y=${190} size=${1.2} />
    <path
      class="f-hill"
      d="M-1000 400Q-700 290-380 390Q-300 300-90 380Q230 270 450 400Q620 420 700 330Q900 160 1100 330Q1290 430 1340 370
        Q1450 200 1700 370Q2000 270 2440 400z"
    />
    <${Tower} x=${776} y=${142} />
    <${Battlements} left=${-1000} right=${2440} top=${356} first=${64} step=${84} width=${51} height=${40} />
    <${Bricks} left=${-1000} right=${2440} top=${362} rows=${11} />
    <rect x="-1000" y="362" width="3440" height="440" fill="url(#art-shade)" />
    <ellipse class="door-glow" cx="330" cy="580" rx="320" ry="216" fill="url(#art-glow)" />
    <g transform="translate(330 724)"><${Door} /></g>
    <path
      fill="url(#art-grass)"
      d="M-1000 740C-700 700-200 770 20 758Q360 724 640 754T1080 752T1460 740T2440 750V902H-1000z"
    />
    <path class="f-path" d="M176 752H484Q570 850 720 960L-80 960Q100 860 176 752z" />
    <path class="f-path2" d="M228 752H420Q470 850 590 960L60 960Q180 860 228 752z" />
    <path class="door-beam" d="M320 752H425Q500 850 620 960L300 960z" />
    <${Tufts} at=${WIDE_TUFTS} />
    <g class="art-dim" transform="translate(699 692) scale(0.96)"><${MoleGroup} kind="plain" /></g>
    <${Flowers} at=${WIDE_FLOWERS} />
  `;
}

function Narrow() {
  return html`
    <rect class="f-sky" x="-900" y="-900" width="2200" height="901" />
    <rect x="-900" width="2200" height="240" fill="url(#art-sky)" />
    <${Stars} at=${NARROW_STARS} />
    <${Sun} x=${300} y=${66} r=${26} />
    <${Cloud} x=${22} y=${150} size=${0.42} />
    <${Cloud} x=${318} y=${128} size=${0.5} />
    <${Cloud} x=${-190} y=${90} size=${0.9} />
    <${Cloud} x=${470} y=${110} size=${0.8} />
    <path
      class="f-hill"
      d="M-900 240Q-640 120-330 220Q-60 150 60 205Q150 240 240 190Q330 130 480 200Q800 100 1300 240z"
    />
    <${Battlements} left=${-900} right=${1300} top=${202} first=${14} step=${78} width=${48} height=${34} />
    <${Bricks} left=${-900} right=${1300} top=${208} rows=${9} />
    <rect x="-900" y="208" width="2200" height="360" fill="url(#art-shade)" />
    <ellipse class="door-glow" cx="195" cy="400" rx="300" ry="190" fill="url(#art-glow)" />
    <rect x="-900" y="562" width="2200" height="284" fill="url(#art-grass)" />
    <path class="f-path" d="M117 562H279Q310 690 400 900H-10Q80 690 117 562z" />
    <path class="f-path2" d="M152 562H244Q262 690 330 900H60Q130 690 152 562z" />
    <path class="door-beam" d="M186 562H262Q290 690 345 900H150z" />
    <g transform="translate(195 540) scale(0.940)"><${Door} /></g>
    <${Tufts} at=${NARROW_TUFTS} />
    <g class="art-dim" transform="translate(290 570) scale(0.4)"><${MoleGroup} kind="plain" /></g>
    <${Flowers} at=${NARROW_FLOWERS} />
  `;
}

/** Where the stars are, as [x, y, radius]. */
const WIDE_STARS = [
  [96, 60, 1.6], [620, 62, 2], [700, 190, 1.4], [560, 130, 1.4], [1250, 66, 2], [1404, 96, 1.5], [-180, 120, 2],
  [420, -90, 1.7], [1560, 90, 2], [1150, -120, 1.5], [660, 238, 1.3], [30, 250, 1.5], [330, 30, 1.3], [-420, 60, 1.6],
  [1750, 200, 1.6], [-60, -160, 1.8], [820, -200, 1.8],
];
const NARROW_STARS = [
  [40, 96, 1.2], [168, 112, 1], [214, 40, 1], [380, 30, 1], [120, 22, 1], [-60, 80, 1.4], [-240, 30, 1.4],
  [460, 70, 1.3], [610, 40, 1.4], [180, -80, 1.3], [30, -60, 1.2], [330, -110, 1.4],
];
/** Where the tufts are, as [x, y, scale], and the flowers, with their colour at the end. */
const WIDE_TUFTS = [
  [383, 793, 0.9], [121, 830, 0.9], [144, 836, 0.6], [204, 836, 0.7], [418, 826, 0.7], [450, 814, 0.55],
  [476, 804, 0.7], [522, 838, 0.9], [512, 860, 0.95], [141, 886, 0.8], [601, 799, 0.85], [638, 806, 0.8],
  [674, 816, 1], [668, 838, 0.6], [684, 888, 0.85], [940, 803, 0.8], [1013, 826, 0.8], [1020, 838, 0.85],
  [1081, 856, 0.5], [1188, 794, 0.8], [1178, 808, 0.7], [1279, 815, 0.95], [1252, 858, 0.8], [1213, 866, 1],
  [1222, 886, 0.7], [1342, 838, 1.1], [1401, 818, 0.6], [1382, 880, 0.65], [1093, 886, 0.7], [-60, 830, 1],
  [-210, 800, 0.8], [-330, 860, 1.1], [1520, 810, 0.9], [1640, 870, 1], [1760, 820, 0.8], [-480, 830, 0.8],
  [1900, 860, 1],
];
const WIDE_FLOWERS = [
  [80, 806, 0.95, 0], [120, 838, 0.95, 1], [640, 812, 0.95, 0], [690, 846, 0.95, 2], [940, 872, 0.95, 0],
  [1180, 868, 0.95, 2], [1380, 830, 0.95, 1], [-130, 850, 1, 0], [1580, 840, 1, 1],
];
const NARROW_TUFTS = [
  [30, 596, 0.6], [84, 588, 0.42], [58, 660, 0.7], [14, 742, 0.8], [352, 690, 0.7], [376, 770, 0.9], [292, 582, 0.35],
  [-70, 620, 0.9], [470, 640, 0.9], [-180, 720, 1], [560, 760, 1],
];
const NARROW_FLOWERS = [[58, 608, 0.8, 0], [24, 690, 0.9, 1], [350, 716, 0.9, 2], [372, 664, 0.7, 0], [500, 690, 1, 1]];
