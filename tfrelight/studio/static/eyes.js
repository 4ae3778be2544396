// @ts-check
// The lamps in wet eyes, as in tfrelight.rendering.catchlights.

/** @import { DistantLamp } from "./harmonics.js" */

/**
 * The N pixels of maps in which eyes are wet; `reflected` is where the camera's ray goes on from
 * them, in the frame of the maps, and `blur` the least angular radius of what is seen, radians.
 *
 * @typedef {object} Eyes
 * @property {number[]} places  indices of pixels
 * @property {number[][]} reflected  unit vectors
 * @property {number[]} wet  0 to 1
 * @property {number} blur
 */

/**
 * The catchlights of the photo, and linear RGB of the eye without them.
 *
 * @typedef {object} OldCatchlights
 * @property {number[]} places  indices of pixels
 * @property {number[]} share  0 to 1
 * @property {number[][]} below
 */

/**
 * The radiance of a lamp in colour 1 in eyes.
 *
 * @param {Eyes} eyes
 * @param {DistantLamp} lamp  in the frame of the maps
 * @param {number} f0  reflectance of tears
 * @param {Float32Array} visibility  `[S, S]`, of the lamp
 * @param {Float32Array} target  `[N]`, filled
 */
export function catchlights({ places, reflected, wet, blur }, lamp, f0, visibility, target) {
  const { direction: [x, y, z], radius } = lamp;
  const size = Math.sin(radius) ** 2 + blur ** 2;
  places.forEach((place, k) => {
    const [u, v, w] = reflected[k];
    const away = Math.max(0, 2 - 2 * (u * x + v * y + w * z)) / size;
    target[k] = (f0 / size) * wet[k] * Math.exp(-away * away) * visibility[place];
  });
}

/**
 * Lays a colour over what replaces the photo at a pixel.
 *
 * @param {Float32Array} fill  `[S, S, 4]`: linear RGB and its share
 * @param {number} place  index of the pixel
 * @param {number} share  0 to 1
 * @param {number[]} color
 */
export function layOver(fill, place, share, color) {
  const below = fill[4 * place + 3] * (1 - share);
  const total = below + share;
  if (total === 0) return;
  for (let c = 0; c < 3; c++) {
    fill[4 * place + c] = (below * fill[4 * place + c] + share * color[c]) / total;
  }
  fill[4 * place + 3] = total;
}

/**
 * Pixels of maps at half the size, each with the list of those it takes the place of.
 *
 * @param {number[]} places
 * @param {number} size  S
 * @returns {Map<number, number[]>}
 */
function gathered(places, size) {
  const half = size >> 1;
  /** @type {Map<number, number[]>} */
  const found = new Map();
  places.forEach((place, k) => {
    const [x, y] = [(place % size) >> 1, Math.floor(place / size) >> 1];
    if (x >= half || y >= half) return;
    const key = y * half + x;
    found.set(key, [...(found.get(key) ?? []), k]);
  });
  return found;
}

/** @type {(vectors: number[][]) => number[]} */
const mean = (vectors) =>
  vectors[0].map((_, c) => vectors.reduce((sum, one) => sum + one[c], 0) / vectors.length);

/**
 * Eyes at half the size.
 *
 * @param {Eyes | null} eyes
 * @param {number} size  S
 * @returns {Eyes | null}
 */
export function halvedEyes(eyes, size) {
  if (!eyes) return null;
  const groups = gathered(eyes.places, size);
  const members = [...groups.values()];
  return {
    places: [...groups.keys()],
    reflected: members.map((group) => {
      const sum = mean(group.map((k) => eyes.reflected[k]));
      return sum.map((value) => value / Math.max(Math.hypot(...sum), 1e-6));
    }),
    wet: members.map((group) => group.reduce((sum, k) => sum + eyes.wet[k], 0) / 4),
    blur: 2 * eyes.blur,
  };
}

/**
 * Old catchlights at half the size.
 *
 * @param {OldCatchlights | null} old
 * @param {number} size  S
 * @returns {OldCatchlights | null}
 */
export function halvedCatchlights(old, size) {
  if (!old) return null;
  const groups = gathered(old.places, size);
  const members = [...groups.values()];
  return {
    places: [...groups.keys()],
    share: members.map((group) => group.reduce((sum, k) => sum + old.share[k], 0) / 4),
    below: members.map((group) => mean(group.map((k) => old.below[k]))),
  };
}
