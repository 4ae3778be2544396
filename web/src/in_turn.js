// @ts-check
// Work that takes time, one piece after another.

/**
 * A function that begins its work only after that of the calls before it.
 *
 * @template T, R
 * @param {(given: T) => Promise<R>} action
 * @returns {(given: T) => Promise<R>}
 */
export function inTurn(action) {
  /** @type {Promise<unknown>} */
  let before = Promise.resolve();
  return (given) => {
    const now = before.then(() => action(given));
    // What failed does not keep the next from its turn.
    before = now.catch(() => {});
    return now;
  };
}
