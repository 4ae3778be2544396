// @ts-check
// Turned squares around faces, and the frame of a face's five points, as in tfrelight.faces.crops
// and tfrelight.faces.mtcnn.

import { crop, reduce, transformed } from "./images.js";
import constants from "./constants.json" with { type: "json" };

/** @import { Picture } from "./images.js" */

/** @typedef {[number, number]} Point x to the right, y down, pixels of the photo */

/** @type {(source: Picture) => Picture} */
export function mirrorImage({ width, height, data }) {
  const mirrored = new Uint8Array(data.length);
  for (let k = 0; k < data.length; k++) {
    const [c, x, row] = [k % 3, Math.floor(k / 3) % width, Math.floor(k / (3 * width))];
    mirrored[3 * (row * width + width - 1 - x) + c] = data[k];
  }
  return { width, height, data: mirrored };
}

/** @type {(roll: number, side: number, size: number) => number[]} see `crops.axes` in Python */
const axesOf = (roll, side, size) =>
  [Math.cos(roll), -Math.sin(roll), Math.sin(roll), Math.cos(roll)].map((v) => (v * side) / size);

/**
 * A turned square of a photo, black beyond it: see `crops.cut` in Python.
 *
 * @param {Picture} photo
 * @param {Point} middle
 * @param {number} side  pixels of the photo
 * @param {number} roll
 * @param {number} size  of the crop, pixels
 */
export function turnedSquare(photo, middle, side, roll, size) {
  const turn = axesOf(roll, side, size);
  const [a, b, c, d] = turn;
  const corner = [middle[0] - ((a + b) * size) / 2, middle[1] - ((c + d) * size) / 2];
  const factor = Math.max(1, Math.trunc(side / size));
  const left = Math.floor(Math.max(middle[0] - side, 0));
  const top = Math.floor(Math.max(middle[1] - side, 0));
  const right = Math.ceil(Math.min(middle[0] + side, photo.width));
  const bottom = Math.ceil(Math.min(middle[1] + side, photo.height));
  const near = crop(photo, [left, top, Math.max(right, left + 1), Math.max(bottom, top + 1)]);
  const small = factor > 1 ? reduce(near, factor) : near;
  const [x, y] = [(corner[0] - left) / factor, (corner[1] - top) / factor];
  const [p, q, r, s] = turn.map((value) => value / factor);
  return {
    crop: transformed(small, size, size, [p, q, x, r, s, y], "bilinear"), turn, corner,
  };
}

/** @type {(points: Point[]) => [number, number]} distances of the eyes, and of eyes and mouth */
function sizesOf([left, right, , ...mouth]) {
  const x = (mouth[0][0] + mouth[1][0] - left[0] - right[0]) / 2;
  const y = (mouth[0][1] + mouth[1][1] - left[1] - right[1]) / 2;
  return [Math.hypot(right[0] - left[0], right[1] - left[1]), Math.hypot(x, y)];
}

/** @type {(points: Point[]) => { middle: Point, side: number, roll: number }} */
export function around(points) {
  const [left, right, , ...mouth] = points;
  /** @type {(c: 0 | 1) => number} */
  const middle = (c) => (left[c] + right[c] + mouth[0][c] + mouth[1][c]) / 4;
  return {
    middle: [middle(0), middle(1)],
    side: constants.mtcnn.side * Math.max(...sizesOf(points)),
    roll: Math.atan2(right[1] - left[1], right[0] - left[0]),
  };
}

/**
 * The five points of a face in a frame of their own: see `mtcnn.features` in Python.
 *
 * @param {Point[]} points
 */
export function features(points) {
  const { middle: centre, roll } = around(points);
  const frame = axesOf(roll, Math.hypot(...sizesOf(points)), 1);
  const [a, b, c, d] = frame;
  const determinant = a * d - b * c;
  const inside = points.flatMap(([px, py]) => {
    const [x, y] = [px - centre[0], py - centre[1]];
    return [(d * x - b * y) / determinant, (a * y - c * x) / determinant];
  });
  return { inside, frame, centre };
}
