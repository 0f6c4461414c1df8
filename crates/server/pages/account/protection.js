// Decides whether the loss of one device would lock the user out.

/** @param {import("../doorward-client/wire").Passkeys} mine */
export function isProtected({ passkeys, recoveryCodes }) {
  return passkeys.length > 1 || (passkeys.length > 0 && recoveryCodes > 0);
}
