/**
 * Draws a verifier of 256 bits and computes its challenge.
 *
 * @returns {Promise<{ verifier: string, challenge: string }>}
 */
export function drawProof(): Promise<{
    verifier: string;
    challenge: string;
}>;
/**
 * Returns the SHA-256 of the verifier's text, in base64url without padding.
 *
 * @param {string} verifier
 * @returns {Promise<string>}
 */
export function challengeOf(verifier: string): Promise<string>;
