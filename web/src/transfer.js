// @ts-check
// What can be handed from one worker to another without a copy.

/**
 * The buffers of all typed arrays in a value.
 *
 * @param {unknown} value
 * @param {Set<ArrayBuffer>} [found]  to which they are added
 */
export function buffersIn(value, found = new Set()) {
  if (ArrayBuffer.isView(value)) found.add(/** @type {ArrayBuffer} */ (value.buffer));
  else if (typeof value === "object" && value !== null) {
    for (const one of Object.values(value)) buffersIn(one, found);
  }
  return found;
}
