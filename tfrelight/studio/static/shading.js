// @ts-check
// Shading of maps by harmonics, as in tfrelight.harmonics.

import { shadingPolynomial } from "./harmonics.js";

/** @import { Coefficients } from "./harmonics.js" */

/** @typedef {[Float32Array, Float32Array, Float32Array]} Channels red, green, blue */

/** @type {(count: number) => Channels} */
export const channels = (count) => [
  new Float32Array(count), new Float32Array(count), new Float32Array(count),
];

/**
 * Shading of normals; it can ring below 0.
 *
 * @param {Channels} normals  x, y, z
 * @param {Coefficients} light
 * @param {Channels} target
 */
export function shade([nx, ny, nz], light, target) {
  shadingPolynomial(light).forEach(([p0, p1, p2, p3, p4, p5, p6, p7, p8], c) => {
    const values = target[c];
    for (let k = 0; k < values.length; k++) {
      const x = nx[k];
      const y = ny[k];
      const z = nz[k];
      // `shadeAt`, with x, y and z factored out: this loop is most of the time.
      values[k] =
        p0 - p6 + x * (p3 + p4 * y + p7 * z + p8 * x) + y * (p1 + p5 * z - p8 * y) +
        z * (p2 + 3 * p6 * z);
    }
  });
}

/**
 * Raises shading to at least a small share of the brightest, with a soft knee.
 *
 * @param {Channels} values  they are changed
 * @param {number} share
 */
export function raiseToFloor(values, share) {
  let most = 1e-3;
  for (const channel of values) {
    for (let k = 0; k < channel.length; k++) most = Math.max(most, channel[k]);
  }
  const knee = 4 * (share * most) ** 2;
  for (const channel of values) {
    for (let k = 0; k < channel.length; k++) {
      channel[k] = 0.5 * (channel[k] + Math.sqrt(channel[k] * channel[k] + knee));
    }
  }
}
