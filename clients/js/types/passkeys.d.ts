/** Returns `true` if this browser can create and use passkeys. */
export function canUsePasskeys(): boolean;
/** Returns `true` if passkeys can be offered in the list of a user name field. @returns {Promise<boolean>} */
export function canAutofill(): Promise<boolean>;
/**
 * Creates a passkey.
 *
 * @param {PublicKeyCredentialCreationOptionsJSON} options
 * @param {AbortSignal} [signal]
 * @returns {Promise<object>} the answer for the server
 */
export function create(options: PublicKeyCredentialCreationOptionsJSON, signal?: AbortSignal): Promise<object>;
/**
 * Requests an existing passkey in a dialog, or in the list of the user name field.
 *
 * @param {PublicKeyCredentialRequestOptionsJSON} options
 * @param {{ autofill?: boolean, signal?: AbortSignal }} [how]
 * @returns {Promise<object>} the answer for the server
 */
export function get(options: PublicKeyCredentialRequestOptionsJSON, { autofill, signal }?: {
    autofill?: boolean;
    signal?: AbortSignal;
}): Promise<object>;
