// Where somebody goes on who came from another page.

/**
 * The path in `?next=`, when it is one of our own; anybody can write a link with another one.
 *
 * @param {Location} from
 * @returns {string | null}
 */
export function nextPath({ search, origin }) {
  const next = new URLSearchParams(search).get("next");
  if (next === null || !/^\/(?![/\\])/.test(next)) return null;
  const url = new URL(next, origin);
  return url.origin === origin ? url.pathname + url.search + url.hash : null;
}
