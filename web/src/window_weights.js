// @ts-check
// How much the pixels of a window count: inside an outline, and less towards borders, as in
// tfrelight.relighting.window_weights.

import { smoothstep, tabulated } from "../../tfrelight/studio/static/numbers.js";
import { gaussian } from "./filters.js";
import { ellipse, polygon } from "./polygon.js";
import constants from "./constants.json" with { type: "json" };

/** @import { Point } from "./crops.js" */
/** @import { Face } from "./find.js" */
/** @import { Window } from "./framing.js" */
/** @import { Box } from "./images.js" */

const C = constants.window_weights;

/** @type {(k: number, size: number) => Point} the centre of a pixel in units of the window */
export const centre = (k, size) => [((k % size) + 0.5) / size, (Math.floor(k / size) + 0.5) / size];

/** @type {(rows: number[], columns: number[]) => Float32Array} products, `[S, S]` */
const outer = (rows, columns) =>
  tabulated(rows.length * columns.length, (k) =>
    rows[Math.floor(k / columns.length)] * columns[k % columns.length],
  );

/** @type {(size: number) => Float32Array} `[size, size]`, 0 at an inner crop's border, 1 inside */
export function feather(size) {
  const steps = Array.from({ length: size }, (_, k) => {
    const inward = Math.min(k + 0.5, size - 0.5 - k) / size;
    return smoothstep((inward - C.border) / C.fade);
  });
  return outer(steps, steps);
}

/**
 * 1 inside the face's outline, or in an ellipse without a face.
 *
 * @param {Face | null} face
 * @param {Window} window
 * @param {number} size
 * @returns {Uint8Array} `[size, size]`
 */
export function oval(face, window, size) {
  if (!face) return ellipse([0.1 * size, 0.05 * size, 0.9 * size, 0.95 * size], size);
  return outlined(face, window, size, C.outline_inset);
}

/** @type {(face: Face, window: Window, size: number, inset: number) => Uint8Array} */
function outlined(face, window, size, inset) {
  const [x, y] = face.middle;
  const points = face.oval.map(([u, v]) => {
    const [across, down] = window.place([u + inset * (x - u), v + inset * (y - v)]);
    return /** @type {Point} */ ([across * size, down * size]);
  });
  return polygon(points, size);
}

/**
 * 1 around the head, fading to 0 before the border of its window.
 *
 * @param {Point} place  in units of the window of the framing `head`
 */
export function headFade([x, y]) {
  // The 4-norm makes it a square with round corners, to suit the square window.
  const distance = ((x - 0.5) ** 4 + (y - 0.5) ** 4) ** 0.25 / C.head_radius;
  return smoothstep((1 - distance) / 0.25);
}

/**
 * 1 inside the face's outline, 0 outside, soft between.
 *
 * @param {Face} face
 * @param {Window} window
 * @param {number} size
 * @returns {Float32Array} `[size, size]` in [0, 1]
 */
export function faceFade(face, window, size) {
  const blur = (C.face_blur * face.distance / window.side) * size;
  return gaussian(Float32Array.from(outlined(face, window, size, 0)), size, blur);
}

/**
 * Weights that fade to 0 at the window's edges that lie inside the photo.
 *
 * @param {Window} window  whose edges are parallel to the photo's
 * @param {Box} box  of the picture in the photo
 * @param {number} size
 * @returns {Float32Array} `[size, size]` in [0, 1]
 */
export function edgeFade(window, [left, top, right, bottom], size) {
  const corners = [window.place([left, top]), window.place([right, bottom])];
  const [columns, rows] = [0, 1].map((axis) => {
    const low = Math.min(corners[0][axis], corners[1][axis]);
    const high = Math.max(corners[0][axis], corners[1][axis]);
    return Array.from({ length: size }, (_, k) => {
      const along = (k + 0.5) / size;
      // Half a pixel of the maps: edges that coincide differ by rounding.
      const before = low < -0.5 / size ? along : Infinity;
      const after = high > 1 + 0.5 / size ? 1 - along : Infinity;
      return smoothstep(Math.min(before, after) / C.edge);
    });
  });
  return outer(rows, columns);
}
