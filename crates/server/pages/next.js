// Where a user goes on after the sign-in, who came from another page.

/**
 * The address in `?next=`, when it is a path of our own; anybody can write a link with another one. It is judged as
 * the browser reads it, and returned in that form: `/..//evil.example` and `/\t/evil.example` begin with one slash
 * until they are read.
 *
 * @param {Location} from
 * @returns {string | null}
 */
export function nextAddress({ search, origin }) {
  const next = new URLSearchParams(search).get("next");
  if (next === null || !next.startsWith("/") || !URL.canParse(next, origin)) return null;
  const url = new URL(next, origin);
  return url.origin === origin && !url.pathname.startsWith("//") ? url.href : null;
}
