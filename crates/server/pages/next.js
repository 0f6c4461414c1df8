// Where a user goes on after the sign-in, who came from another page.

/**
 * The address in `?next=`, when it is a path of our own; anybody can write a link with another one. It is judged as
 * the browser reads it, and returned in that form: `/..//evil.example` and `/\t/evil.example` begin with one slash
 * until they are read.
 *
 * @param {Location} from
 * @param {string} base the path below which the server is, without a slash at its end
 * @returns {string | null}
 */
export function nextAddress({ search, origin }, base) {
  const next = new URLSearchParams(search).get("next");
  if (next === null || !next.startsWith("/") || !URL.canParse(next, origin)) return null;
  const url = new URL(next, origin);
  const isOwn = url.pathname === base || url.pathname.startsWith(`${base}/`);
  return url.origin === origin && isOwn && !url.pathname.startsWith("//") ? url.href : null;
}
