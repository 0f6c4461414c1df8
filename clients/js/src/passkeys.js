// Calls the browser's authenticator.

import { DoorwardError, UNSUPPORTED, ofCeremony } from "./error.js";

/** Returns `true` if this browser can create and use passkeys. */
export function canUsePasskeys() {
  return typeof globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON === "function";
}

/** Returns `true` if passkeys can be offered in the list of a user name field. @returns {Promise<boolean>} */
export async function canAutofill() {
  if (!canUsePasskeys()) return false;
  return (await PublicKeyCredential.isConditionalMediationAvailable?.()) ?? false;
}

/**
 * Creates a passkey.
 *
 * @param {PublicKeyCredentialCreationOptionsJSON} options
 * @param {AbortSignal} [signal]
 * @returns {Promise<object>} the answer for the server
 */
export async function create(options, signal) {
  return asked(async () => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    return navigator.credentials.create({ publicKey, signal });
  });
}

/**
 * Requests an existing passkey in a dialog, or in the list of the user name field.
 *
 * @param {PublicKeyCredentialRequestOptionsJSON} options
 * @param {{ autofill?: boolean, signal?: AbortSignal }} [how]
 * @returns {Promise<object>} the answer for the server
 */
export async function get(options, { autofill = false, signal } = {}) {
  return asked(async () => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    return navigator.credentials.get({
      publicKey,
      signal,
      mediation: autofill ? "conditional" : "optional",
    });
  });
}

/**
 * @param {() => Promise<Credential | null>} ask
 * @returns {Promise<object>}
 */
async function asked(ask) {
  if (!canUsePasskeys()) {
    throw new DoorwardError(UNSUPPORTED, "This browser has no passkeys");
  }
  try {
    const credential = /** @type {PublicKeyCredential | null} */ (await ask());
    if (credential === null) throw new DoorwardError(UNSUPPORTED, "There is no passkey");
    return credential.toJSON();
  } catch (cause) {
    throw ofCeremony(cause);
  }
}
