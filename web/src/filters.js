// @ts-check
// Filters of maps, as in tfrelight.photos.filters.

/** @typedef {"symmetric" | "edge" | "wrap"} Border what lies beyond, as in `numpy.pad` */

// A Gaussian ends at this many standard deviations.
const REACH = 4;

/** @type {Record<Border, (k: number, length: number) => number>} */
const BORDERS = {
  edge: (k, length) => Math.min(Math.max(k, 0), length - 1),
  wrap: (k, length) => ((k % length) + length) % length,
  symmetric: (k, length) => {
    const place = ((k % (2 * length)) + 2 * length) % (2 * length);
    return place < length ? place : 2 * length - 1 - place;
  },
};

/**
 * Averages along one axis with the weights of a Gaussian.
 *
 * @param {Float32Array} values  `[outer, length, inner]`
 * @param {number} length
 * @param {number} inner
 * @param {number} sigma  standard deviation, in steps of the axis
 * @param {Border} [border]
 * @returns {Float32Array}
 */
export function gaussianAlong(values, length, inner, sigma, border = "symmetric") {
  const reach = Math.trunc(REACH * sigma + 0.5);
  if (reach < 1) return values.slice();
  const raw = Array.from({ length: 2 * reach + 1 }, (_, k) =>
    Math.exp(-0.5 * ((k - reach) / sigma) ** 2),
  );
  const sum = raw.reduce((a, b) => a + b, 0);
  const weights = Float64Array.from(raw, (weight) => weight / sum);
  const places = Int32Array.from({ length: length + 2 * reach }, (_, k) =>
    BORDERS[border](k - reach, length),
  );
  const result = new Float32Array(values.length);
  const line = new Float64Array(places.length);
  for (let start = 0; start < values.length; start += length * inner) {
    for (let i = start; i < start + inner; i++) {
      for (let k = 0; k < places.length; k++) line[k] = values[i + inner * places[k]];
      for (let k = 0; k < length; k++) {
        let total = 0;
        for (let j = 0; j < weights.length; j++) total += weights[j] * line[k + j];
        result[i + inner * k] = total;
      }
    }
  }
  return result;
}

/**
 * Averages a square map with the weights of a Gaussian.
 *
 * @param {Float32Array} values  `[S, S]`
 * @param {number} size  S
 * @param {number} sigma  pixels
 */
export const gaussian = (values, size, sigma) =>
  gaussianAlong(gaussianAlong(values, size, size, sigma), size, 1, sigma);

/**
 * Averages over squares of a square map.
 *
 * @param {Float32Array} values  `[S, S]`
 * @param {number} size  S
 * @param {number} side  of the squares, pixels; of an even one the larger half lies before the
 *   middle
 * @param {Border} [border]
 */
export function box(values, size, side, border = "symmetric") {
  const before = side >> 1;
  const places = Int32Array.from({ length: size + side }, (_, k) =>
    BORDERS[border](k - before, size),
  );
  let source = values;
  for (const [step, next] of [[size, 1], [1, size]]) {
    const result = new Float32Array(values.length);
    for (let start = 0; start < size * next; start += next) {
      let total = 0;
      for (let k = 0; k < side; k++) total += source[start + step * places[k]];
      for (let k = 0; k < size; k++) {
        result[start + k * step] = total / side;
        total += source[start + step * places[k + side]] - source[start + step * places[k]];
      }
    }
    source = result;
  }
  return source;
}

/**
 * The places within a radius of a pixel.
 *
 * @param {number} radius  pixels
 * @returns {[number, number][]} down and to the right
 */
export function disc(radius) {
  const reach = Math.trunc(radius);
  /** @type {[number, number][]} */
  const places = [];
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) if (x * x + y * y <= radius ** 2) places.push([y, x]);
  }
  return places;
}

/** @type {(reach: number) => [number, number][]} the places up and down of a pixel */
const upright = (reach) => Array.from({ length: 2 * reach + 1 }, (_, k) => [k - reach, 0]);

/** @type {(reach: number) => [number, number][]} the places left and right of a pixel */
const level = (reach) => upright(reach).map(([step]) => [0, step]);

/**
 * The largest value in a square around each pixel.
 *
 * @param {Float32Array} values  `[S, S]`, repeated at the border
 * @param {number} size  S
 * @param {number} reach  from the middle of the square to its sides, pixels
 */
export const dilatedBySquare = (values, size, reach) =>
  dilated(dilated(values, size, level(reach)), size, upright(reach));

/**
 * The largest value around each pixel.
 *
 * @param {Float32Array} values  `[S, S]`, repeated at the border
 * @param {number} size  S
 * @param {[number, number][]} places  around a pixel, symmetric about it
 */
export function dilated(values, size, places) {
  return extreme(Math.max, values, size, places);
}

/** @type {typeof dilated} the smallest value around each pixel */
export function eroded(values, size, places) {
  return extreme(Math.min, values, size, places);
}

/**
 * @param {(a: number, b: number) => number} choose
 * @param {Float32Array} values
 * @param {number} size
 * @param {[number, number][]} places
 */
function extreme(choose, values, size, places) {
  const result = values.slice();
  const last = size - 1;
  for (const [down, right] of places) {
    for (let y = 0, k = 0; y < size; y++) {
      const row = size * Math.min(Math.max(y + down, 0), last);
      for (let x = 0; x < size; x++, k++) {
        result[k] = choose(result[k], values[row + Math.min(Math.max(x + right, 0), last)]);
      }
    }
  }
  return result;
}

/**
 * Values between pixels, bilinearly; the border is repeated.
 *
 * @param {Float32Array} values  `[S, S]`
 * @param {number} size  S
 * @param {number} row  place; the first pixel's middle is at 0
 * @param {number} column
 */
export function sampled(values, size, row, column) {
  const y = Math.min(Math.max(row, 0), size - 1);
  const x = Math.min(Math.max(column, 0), size - 1);
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const [bottom, right] = [Math.min(top + 1, size - 1), Math.min(left + 1, size - 1)];
  const [down, across] = [y - top, x - left];
  const above = values[top * size + left] * (1 - across) + values[top * size + right] * across;
  const below =
    values[bottom * size + left] * (1 - across) + values[bottom * size + right] * across;
  return above * (1 - down) + below * down;
}
