// Draws the pair that binds a ticket to the page that requested it.
//
// The verifier does not leave this page before the exchange, and is held in a local variable only. Every script of
// the page can read storage and globals at any time.

/**
 * Draws a verifier of 256 bits and computes its challenge.
 *
 * @returns {Promise<{ verifier: string, challenge: string }>}
 */
export async function drawProof() {
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
  return { verifier, challenge: await challengeOf(verifier) };
}

/**
 * Returns the SHA-256 of the verifier's text, in base64url without padding.
 *
 * @param {string} verifier
 * @returns {Promise<string>}
 */
export async function challengeOf(verifier) {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return base64url(new Uint8Array(hash));
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
