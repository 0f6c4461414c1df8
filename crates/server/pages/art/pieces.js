// Small pieces that the door, the scene and the mole share: bricks, grass, flowers and clouds.

import { html } from "../preact.js";

/** Rounds to one decimal. @param {number} value */
export const round = (value) => Math.round(value * 10) / 10;

const WIDTHS = [108, 72, 131, 94, 80, 122, 101, 140, 68];
const TONES = [0, 2, 1, 0, 3, 1, 2, 0, 1, 3, 2];

/**
 * Courses of bricks between `left` and `right`, one path for each tone. A joint is 2 wide; a round stroke of the same
 * colour makes the corners round.
 *
 * @param {{ left: number, right: number, top: number, rows: number, course?: number }} props
 */
export function Bricks({ left, right, top, rows, course = 40 }) {
  const tones = ["", "", "", ""];
  for (let row = 0; row < rows; row++) {
    const y = top + row * course + 4;
    let x = left - ((row * 53) % 90);
    for (let n = 0; x < right; n++) {
      const width = WIDTHS[(row * 4 + n) % WIDTHS.length];
      tones[TONES[(row * 3 + n) % TONES.length]] += `M${x + 4} ${y}h${width - 8}v${course - 8}h${8 - width}z`;
      x += width;
    }
  }
  return html`
    <rect class="f-mortar" x=${left - 90} y=${top} width=${right - left + 300} height=${rows * course} />
    <g stroke-width="6" stroke-linejoin="round">${tones.map((d, n) => html`<path class="brick${n}" d=${d} />`)}</g>
  `;
}

/**
 * The battlements on top of a wall and the ledge below them.
 *
 * @typedef {{ left: number, right: number, top: number }} Reach
 *
 * @param {Reach & { first: number, step: number, width: number, height: number }} props
 */
export function Battlements({ left, right, top, first, step, width, height }) {
  const stones = [];
  for (let x = first - Math.ceil((first - left) / step) * step; x < right; x += step) {
    stones.push(html`<rect class="merlon" x=${x} y=${top - height} width=${width} height=${height + 6} rx="6" />`);
  }
  return html`
    ${stones}
    <rect class="f-ledge" x=${left - 90} y=${top - 3} width=${right - left + 300} height="12" />
  `;
}

const TUFT = "M-3 0C-5-9-10-16-18-20-11-19-5-14-3-9-3-18-1-28 3-37 5-27 6-18 5-9 8-15 13-20 20-22 13-17 8-9 6 0z";

/** Tufts of grass, each as [x, y, scale]. @param {{ at: number[][] }} props */
export function Tufts({ at }) {
  return at.map(
    ([x, y, size], n) =>
      html`<path class=${n % 3 ? "f-tuft" : "f-tuft2"} d=${TUFT} transform="translate(${x} ${y}) scale(${size})" />`,
  );
}

/** The five petals of a flower, each a circle around the heart. */
const PETALS = [0, 1, 2, 3, 4].map((n) => {
  const angle = (n * 72 - 90) * (Math.PI / 180);
  return html`<circle cx=${round(4 * Math.cos(angle))} cy=${round(4 * Math.sin(angle))} r="3.3" />`;
});

/** Flowers, each as [x, y, scale, colour 0 to 2]. @param {{ at: number[][] }} props */
export function Flowers({ at }) {
  return at.map(
    ([x, y, size, tone]) => html`
      <g class="petal${tone}" transform="translate(${x} ${y}) scale(${size})">
        ${PETALS}<circle class="f-heart" r="2.6" />
      </g>
    `,
  );
}

/** A cloud that is 120 wide; its flat side is at y. @param {{ x: number, y: number, size?: number }} props */
export function Cloud({ x, y, size = 1 }) {
  return html`
    <path
      class="f-cloud"
      transform="translate(${x} ${y}) scale(${size})"
      d="M16 0a26 26 0 1 1 8-49 38 38 0 0 1 72 3A23 23 0 1 1 100 0z"
    />
  `;
}
