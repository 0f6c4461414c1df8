// Reads the code blocks of documents, so that tests run what readers copy.

import { readFile } from "node:fs/promises";

/**
 * Returns the code blocks of a language, unchanged.
 *
 * @param {string} document its path from the root of the repository
 * @param {string} language
 * @returns {Promise<string[]>}
 */
export async function blocksOf(document, language) {
  const text = await readFile(new URL(`../${document}`, import.meta.url), "utf8");
  const found = text.matchAll(/^```(\w+)[^\n]*\n([\s\S]*?)^```$/gm);
  return [...found].filter(([, name]) => name === language).map(([, , block]) => block);
}
