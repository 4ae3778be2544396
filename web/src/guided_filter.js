// @ts-check
// The guided filter, as in tfrelight.faces.guided_filter.

import { BoxFilter } from "../../tfrelight/studio/static/box_filter.js";
import { roundHalfEven } from "../../tfrelight/studio/static/numbers.js";

/** A filter of maps `[S, S]` by a guide of that size. */
export class GuidedFilter {
  /**
   * @param {Float32Array} guide  `[S, S]`
   * @param {number} size  S
   * @param {number} radius  of the windows, pixels
   * @param {number} epsilon  variance of the guide below which it counts as flat
   */
  constructor(guide, size, radius, epsilon) {
    this.guide = guide;
    this.filter = new BoxFilter(size, radius);
    this.meanGuide = this.mean(guide);
    const squares = this.mean(guide.map((value) => value * value));
    this.flatness = squares.map(
      (square, k) => 1 / (Math.max(square - this.meanGuide[k] ** 2, 0) + epsilon),
    );
  }

  /** @type {(values: Float32Array) => Float32Array} */
  mean(values) {
    const result = new Float32Array(values.length);
    this.filter.mean(values, result);
    return result;
  }

  /**
   * Slope and offset of each pixel's linear function of the guide.
   *
   * @param {Float32Array} map  `[S, S]`
   * @returns {[Float32Array, Float32Array]}
   */
  coefficients(map) {
    const { guide, meanGuide, flatness, filter } = this;
    const [slope, offset] = [new Float32Array(map.length), new Float32Array(map.length)];
    for (let k = 0; k < map.length; k++) slope[k] = map[k] * guide[k];
    filter.mean(slope, slope);
    filter.mean(map, offset);
    for (let k = 0; k < map.length; k++) {
      slope[k] = (slope[k] - meanGuide[k] * offset[k]) * flatness[k];
      offset[k] -= slope[k] * meanGuide[k];
    }
    filter.mean(slope, slope);
    filter.mean(offset, offset);
    return [slope, offset];
  }

  /**
   * A map, smoothed where the guide is flat, with the guide's edges.
   *
   * @param {Float32Array} map  `[S, S]`
   */
  filtered(map) {
    const { guide } = this;
    const [slope, offset] = this.coefficients(map);
    for (let k = 0; k < map.length; k++) offset[k] += slope[k] * guide[k];
    return offset;
  }
}

/**
 * A filter with one of Python's settings.
 *
 * @param {Float32Array} guide  `[S, S]`
 * @param {number} size  S
 * @param {number[]} settings  radius, as a share of S, and epsilon
 */
export const filterOf = (guide, size, [radius, epsilon]) =>
  new GuidedFilter(guide, size, Math.max(1, roundHalfEven(radius * size)), epsilon);
