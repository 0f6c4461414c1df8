// What the browser's authenticator is asked.

import { DoorwardError, UNSUPPORTED, ofCeremony } from "./error.js";

/** Whether this browser can make and use passkeys. */
export function canUsePasskeys() {
  return typeof globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON === "function";
}

/** Whether passkeys can be offered in the list of a user name field. @returns {Promise<boolean>} */
export async function canAutofill() {
  if (!canUsePasskeys()) return false;
  return (await PublicKeyCredential.isConditionalMediationAvailable?.()) ?? false;
}

/**
 * Asks for a new passkey.
 *
 * @param {PublicKeyCredentialCreationOptionsJSON} options
 * @returns {Promise<object>} what the server is to be told
 */
export async function create(options) {
  return asked(async () => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    return navigator.credentials.create({ publicKey });
  });
}

/**
 * Asks for a passkey that is there: in a dialog, or in the list of the user name field.
 *
 * @param {PublicKeyCredentialRequestOptionsJSON} options
 * @param {{ autofill?: boolean, signal?: AbortSignal }} [how]
 * @returns {Promise<object>} what the server is to be told
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
