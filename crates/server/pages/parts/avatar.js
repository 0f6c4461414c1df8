// A round picture of a user, made of the initials of the name.

import { html } from "../preact.js";

/** Number of colours in `styles/parts.css`. */
const HUES = 7;

/**
 * @param {{ id: string, name: string, large?: boolean }} props `id` chooses the colour, which stays when the name
 *   changes
 */
export function Avatar({ id, name, large = false }) {
  return html`<span class=${large ? "avatar large" : "avatar"} data-hue=${hue(id)} aria-hidden="true">${initials(name)}</span>`;
}

/** @param {string} id */
function hue(id) {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return sum % HUES;
}

/** @param {string} name */
function initials(name) {
  const words = name.trim().split(/[\s._@+-]+/).filter(Boolean);
  const [first = "?", second] = words;
  // A syllable of Hangul or a letter with a mark is one character for a reader.
  const parts = [...new Intl.Segmenter().segment(first)].map(({ segment }) => segment);
  if (second) return parts[0] + [...second][0];
  return /^[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}]/u.test(first) ? parts.slice(0, 2).join("") : parts[0];
}
