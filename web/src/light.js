// @ts-check
// Lights and normals that are mirrored or turned in the picture, and the luminance of maps.

import { LUMINANCE } from "../../tfrelight/studio/static/color.js";
import { tabulated } from "../../tfrelight/studio/static/numbers.js";

/** @import { Coefficients } from "../../tfrelight/studio/static/harmonics.js" */
/** @import { Channels } from "../../tfrelight/studio/static/shading.js" */
/** @import { Picture } from "./images.js" */

const [RED, GREEN, BLUE] = LUMINANCE;

/**
 * The light in a picture whose left and right are swapped.
 *
 * @param {Coefficients} light
 * @returns {Coefficients}
 */
export const mirrored = (light) =>
  // Those of x, xy and xz change their sign.
  light.map((row, k) => row.map((value) => ([3, 4, 7].includes(k) ? -value : value)));

/**
 * The light after a rotation about z: x' = x cos a + y sin a, y' = y cos a - x sin a.
 *
 * @param {Coefficients} light
 * @param {number} a  radians
 * @returns {Coefficients}
 */
export function rolled(light, a) {
  const [one, y, z, x, xy, yz, zz, xz, xxyy] = light;
  /** @type {(from: number[], to: number[], angle: number) => number[]} */
  const turned = (from, to, angle) =>
    from.map((value, c) => value * Math.cos(angle) + to[c] * Math.sin(angle));
  return [
    [...one], turned(y, x, -a), [...z], turned(x, y, a), turned(xy, xxyy, -2 * a),
    turned(yz, xz, -a), [...zz], turned(xz, yz, a), turned(xxyy, xy, 2 * a),
  ];
}

/** @type {(picture: Picture) => Float32Array} luma of each pixel, 0 to 1 */
export const luma = ({ data }) =>
  tabulated(data.length / 3, (k) =>
    (RED * data[3 * k] + GREEN * data[3 * k + 1] + BLUE * data[3 * k + 2]) / 255,
  );

/**
 * Luminance of linear RGB at each pixel.
 *
 * @param {Channels} rgb
 * @returns {Float32Array}
 */
export const luminance = ([r, g, b]) =>
  tabulated(r.length, (k) => RED * r[k] + GREEN * g[k] + BLUE * b[k]);
