/** Whether this browser can make and use passkeys. */
export function canUsePasskeys(): boolean;
/** Whether passkeys can be offered in the list of a user name field. @returns {Promise<boolean>} */
export function canAutofill(): Promise<boolean>;
/**
 * Asks for a new passkey.
 *
 * @param {PublicKeyCredentialCreationOptionsJSON} options
 * @returns {Promise<object>} what the server is to be told
 */
export function create(options: PublicKeyCredentialCreationOptionsJSON): Promise<object>;
/**
 * Asks for a passkey that is there: in a dialog, or in the list of the user name field.
 *
 * @param {PublicKeyCredentialRequestOptionsJSON} options
 * @param {{ autofill?: boolean, signal?: AbortSignal }} [how]
 * @returns {Promise<object>} what the server is to be told
 */
export function get(options: PublicKeyCredentialRequestOptionsJSON, { autofill, signal }?: {
    autofill?: boolean;
    signal?: AbortSignal;
}): Promise<object>;
