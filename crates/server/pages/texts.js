// Which language the page speaks, and its words.
//
// The language is the one that was chosen here before, or the first of the browser's that there is.

import en from "./texts/en.js";
import ko from "./texts/ko.js";

/** @typedef {keyof typeof en} Key */

const LANGUAGES = { en, ko };

/** @returns {keyof typeof LANGUAGES} */
function choose() {
  const wanted = [localStorage.getItem("language"), ...navigator.languages];
  for (const language of wanted) {
    const short = language?.slice(0, 2);
    if (short === "en" || short === "ko") return short;
  }
  return "en";
}

export const language = choose();
document.documentElement.lang = language;

/**
 * The text of a key; `{name}` in it is replaced.
 *
 * @param {Key} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  return LANGUAGES[language][key].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/**
 * The text of a code that the server or the client has said.
 *
 * @param {string} code
 * @param {number} [seconds] until another attempt helps
 */
export function explain(code, seconds = WAIT) {
  const key = `error_${code}`;
  return t(/** @type {Key} */ (key in en ? key : "error_other"), { code, seconds });
}

/** Seconds to wait if the server has not said how long. */
const WAIT = 60;

/** The reason for the end of a connection. @param {string} reason */
export function explainEnd(reason) {
  const key = `end_${reason}`;
  return t(/** @type {Key} */ (key in en ? key : "end_"));
}

/** @param {keyof typeof LANGUAGES} other */
export function speak(other) {
  localStorage.setItem("language", other);
  location.reload();
}

