/**
 * Runs what may open a dialog after all dialogs before it, while no list is offered. A list is offered again after
 * it, unless the user has signed in by it.
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
 * Offers a list, anew after each dialog, until `round` has signed the user in. While the server cannot be reached,
 * or asks to wait, it tries again; it fails when it never could go on, or after a passkey was chosen.
 *
 * @param {AbortSignal} signal ends it
 * @param {(signal: AbortSignal, chosen: () => void) => Promise<unknown>} round asks once, until its signal ends it,
 *   and says when a passkey was chosen. From then on nothing ends it: the server may have made a session by then.
 * @returns {Promise<boolean>} whether the user has signed in by the list
 */
export function offerList(signal: AbortSignal, round: (signal: AbortSignal, chosen: () => void) => Promise<unknown>): Promise<boolean>;
export type Offer = {
    isOver: boolean;
    interrupt: () => void;
    released: Promise<unknown>;
};
