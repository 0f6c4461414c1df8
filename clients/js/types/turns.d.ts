/**
 * Runs work that may open a dialog, after all earlier dialogs and while no list is offered. The list is offered again
 * afterwards, unless the work has signed the user in.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @param {{ signsIn?: boolean }} [what]
 * @returns {Promise<T>}
 */
export function inDialog<T>(work: () => Promise<T>, { signsIn }?: {
    signsIn?: boolean;
}): Promise<T>;
/**
 * Offers a list, and again after each dialog, until `round` has signed the user in. While the server is unreachable
 * or asks the client to wait, it retries. Other errors are thrown, and so is every error after a passkey was chosen.
 *
 * @param {AbortSignal} signal stops the offer
 * @param {(signal: AbortSignal, chosen: () => void) => Promise<unknown>} round makes one request, which its
 *   signal aborts, and reports when a passkey was chosen. After that nothing aborts it: the server may already have
 *   created a session.
 * @returns {Promise<boolean>} `true` if the user has signed in by the list
 */
export function offerList(signal: AbortSignal, round: (signal: AbortSignal, chosen: () => void) => Promise<unknown>): Promise<boolean>;
export type Offer = {
    isOver: boolean;
    interrupt: () => void;
    released: Promise<unknown>;
};
