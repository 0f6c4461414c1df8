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

/** The text of a code that the server or the client has said. @param {string} code */
export function explain(code) {
  const key = `error_${code}`;
  return t(/** @type {Key} */ (key in en ? key : "error_other"), { code });
}

/** @param {keyof typeof LANGUAGES} other */
export function speak(other) {
  localStorage.setItem("language", other);
  location.reload();
}

/** A time as people read it. @param {string} iso */
export function when(iso) {
  return new Date(iso).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
}
