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
  const padded = new Float64Array(places.length * inner);
  const totals = new Float64Array(length * inner);
  for (let start = 0; start < values.length; start += length * inner) {
    for (let k = 0, to = 0; k < places.length; k++) {
      const from = start + inner * places[k];
      for (let i = 0; i < inner; i++, to++) padded[to] = values[from + i];
    }
    totals.fill(0);
    for (let j = 0; j < weights.length; j++) {
      const weight = weights[j];
      const shift = inner * j;
      for (let k = 0; k < totals.length; k++) totals[k] += weight * padded[k + shift];
    }
    result.set(totals, start);
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
 * A disc around a pixel, as half the width of each of its rows.
 *
 * @param {number} radius  pixels
 */
export function disc(radius) {
  const reach = Math.trunc(radius);
  return Array.from({ length: 2 * reach + 1 }, (_, k) =>
    Math.trunc(Math.sqrt(radius ** 2 - (k - reach) ** 2)),
  );
}

/** @type {(reach: number) => number[]} a square around a pixel, in the same way */
export const square = (reach) => Array.from({ length: 2 * reach + 1 }, () => reach);

/**
 * The largest value around each pixel.
 *
 * @param {Float32Array} values  `[S, S]`, repeated at the border
 * @param {number} size  S
 * @param {number[]} widths  half the width of each row around a pixel, of `disc` or `square`
 */
export function dilated(values, size, widths) {
  const reach = widths.length >> 1;
  const last = size - 1;
  // The largest values of every width in a pixel's own row, then those of the rows around it.
  /** @type {Float32Array[]} */
  const alongRows = [values];
  for (let width = 1; width <= widths[reach]; width++) {
    const result = alongRows[width - 1].slice();
    for (let start = 0; start < values.length; start += size) {
      for (let x = 0; x < size; x++) {
        const left = values[start + Math.max(x - width, 0)];
        const right = values[start + Math.min(x + width, last)];
        result[start + x] = Math.max(result[start + x], left, right);
      }
    }
    alongRows.push(result);
  }
  const result = alongRows[widths[reach]].slice();
  widths.forEach((width, k) => {
    const source = alongRows[width];
    for (let y = 0, to = 0; y < size; y++) {
      const from = size * Math.min(Math.max(y + k - reach, 0), last);
      for (let x = 0; x < size; x++, to++) {
        result[to] = Math.max(result[to], source[from + x]);
      }
    }
  });
  return result;
}

/** @type {typeof dilated} the smallest value around each pixel */
export function eroded(values, size, widths) {
  const negative = (/** @type {Float32Array} */ map) => map.map((value) => -value);
  return negative(dilated(negative(values), size, widths));
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
