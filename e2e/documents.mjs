// Reads the blocks of documents, so that tests run what readers copy.

import { readFile } from "node:fs/promises";

/**
 * The blocks in a language, as they stand there.
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
