// @ts-check
// Boxes around faces: left, top, right, bottom, pixels.

/** @type {(boxes: number[][]) => number[][]} squares with their middles and longer sides */
export const squares = (boxes) =>
  boxes.map(([left, top, right, bottom]) => {
    const half = Math.max(right - left, bottom - top) / 2;
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    return [x - half, y - half, x + half, y + half];
  });

/**
 * Indices of boxes that no better box overlaps.
 *
 * @param {number[][]} boxes
 * @param {number[]} scores
 * @param {number} limit  largest share of the union of two boxes that may lie in both
 * @param {boolean} [ofSmaller]  the share is that of the smaller box
 */
export function best(boxes, scores, limit, ofSmaller = false) {
  /** @type {(box: number[]) => number} */
  const area = ([left, top, right, bottom]) => (right - left) * (bottom - top);
  /** @type {number[]} */
  const kept = [];
  let order = scores.map((_, k) => k).sort((a, b) => scores[b] - scores[a]);
  while (order.length > 0) {
    const [first, ...rest] = order;
    kept.push(first);
    const one = boxes[first];
    order = rest.filter((k) => {
      const other = boxes[k];
      const width = Math.max(Math.min(one[2], other[2]) - Math.max(one[0], other[0]), 0);
      const height = Math.max(Math.min(one[3], other[3]) - Math.max(one[1], other[1]), 0);
      const both = width * height;
      const all = ofSmaller
        ? Math.min(area(one), area(other)) : area(one) + area(other) - both;
      return both <= limit * all;
    });
  }
  return kept;
}
