// @ts-check
// Numbers as Python and numpy treat them.

/**
 * Rounds; of two integers that are equally near, to the even one.
 *
 * @param {number} value
 */
export function roundHalfEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

/** @type {(value: number, low: number, high: number) => number} */
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/**
 * 3 t² - 2 t³ of t = `share` clipped to [0, 1].
 *
 * @param {number} share
 */
export function smoothstep(share) {
  const t = clamp(share, 0, 1);
  return t * t * (3 - 2 * t);
}

/** @type {(value: number, from: readonly number[]) => number} 0 at the first, 1 at the second */
export const ramp = (value, [start, end]) => smoothstep((value - start) / (end - start));

/**
 * A percentile, interpolated as numpy does.
 *
 * @param {ArrayLike<number>} values
 * @param {number} percent
 * @returns {number} NaN without values
 */
export function percentile(values, percent) {
  if (values.length === 0) return NaN;
  const sorted = Float64Array.from(values).sort();
  const place = (percent / 100) * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

/**
 * A map from the value of each pixel. `Float32Array.from` takes five times as long.
 *
 * @param {number} count
 * @param {(k: number) => number} value
 */
export function tabulated(count, value) {
  const result = new Float32Array(count);
  for (let k = 0; k < count; k++) result[k] = value(k);
  return result;
}

/**
 * The pixels of a map that are above a value.
 *
 * @param {ArrayLike<number>} values
 * @param {number} threshold
 * @returns {number[]}
 */
export function indicesAbove(values, threshold) {
  const places = [];
  for (let k = 0; k < values.length; k++) if (values[k] > threshold) places.push(k);
  return places;
}

/** @type {(values: number[], factor: number) => number[]} */
export const scaled = (values, factor) => values.map((value) => value * factor);

/** @type {(values: ArrayLike<number>) => number} */
export const median = (values) => percentile(values, 50);
