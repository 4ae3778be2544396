// @ts-check
// Heads and bodies that were found on one frame of a video, on a later one.

import { at } from "./tracker.js";

/** @import { FaceFacts } from "./face_maps.js" */
/** @import { Similarity } from "./tracker.js" */

/** @typedef {{ width: number, height: number }} Size */

/**
 * Where a head or a body lies after it moved.
 *
 * @param {FaceFacts} facts  on the frame on which it was found
 * @param {Similarity} moved  from that frame to the later one
 * @param {Size} size  of both frames, pixels
 * @returns {FaceFacts} with `box` as it was
 */
export function placed(facts, moved, { width, height }) {
  const { corner: [x, y], inverse: [[p, q], [r, s]], head } = facts;
  const corner = at(moved, x, y);
  // Matrices of the maps' edges: those on the first frame, and on the later one.
  const determinant = p * s - q * r;
  const edges = [[s, -r], [-q, p]].map(([u, v]) => [u / determinant, v / determinant]);
  const { a, b } = moved;
  const [[e, f], [g, h]] = edges.map(([u, v]) => [a * u - b * v, b * u + a * v]);
  const area = e * h - f * g;
  const corners = [[0, 0], [1, 0], [0, 1], [1, 1]].map(([u, v]) => (
    { x: corner.x + u * e + v * g, y: corner.y + u * f + v * h }
  ));
  const [left, top, right, bottom] = head;
  const heads = [[left, top], [right, top], [left, bottom], [right, bottom]].map(([u, v]) =>
    at(moved, u, v),
  );
  return {
    ...facts,
    corner: [corner.x, corner.y],
    inverse: [[h / area, -g / area], [-f / area, e / area]],
    bounds: extent(corners, width, height),
    head: extent(heads, width, height),
  };
}

/** @type {(points: { x: number, y: number }[], width: number, height: number) => number[]} */
function extent(points, width, height) {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  return [
    Math.max(0, Math.floor(Math.min(...xs))), Math.max(0, Math.floor(Math.min(...ys))),
    Math.min(width, Math.ceil(Math.max(...xs))), Math.min(height, Math.ceil(Math.max(...ys))),
  ];
}

/**
 * The facts on a frame of another size.
 *
 * @param {FaceFacts} facts
 * @param {number} across  factor of the width
 * @param {number} down  factor of the height
 * @returns {FaceFacts}
 */
export function resized(facts, across, down) {
  const { corner: [x, y], inverse: [[p, q], [r, s]] } = facts;
  /** @type {(box: number[]) => number[]} */
  const larger = (box) => box.map((side, k) => side * (k % 2 ? down : across));
  return {
    ...facts,
    corner: [x * across, y * down],
    inverse: [[p / across, q / down], [r / across, s / down]],
    box: larger(facts.box), bounds: larger(facts.bounds), head: larger(facts.head),
  };
}
