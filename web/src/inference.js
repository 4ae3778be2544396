// @ts-check
// Crops through the network: brightened where they are dark, and with their mirror images, as in
// tfrelight.relighting.inference.

import { toLinear, toSrgb } from "../../tfrelight/studio/static/color.js";
import { percentile, tabulated } from "../../tfrelight/studio/static/numbers.js";
import { mirrored } from "./light.js";
import constants from "./constants.json" with { type: "json" };

/** @import { Coefficients } from "../../tfrelight/studio/static/harmonics.js" */
/** @import { Picture } from "./images.js" */

/**
 * What the network gives for one crop: `maps` are albedo (red, green, blue), normal (x, y, z), mask
 * and, if it tells them apart, the probabilities of parts, `[S, S]` each.
 *
 * @typedef {{ maps: Float32Array[], light: Coefficients }} Output
 */

/**
 * The network: a function of a crop `[S, S, 3]`, sRGB-encoded in [0, 1].
 *
 * @typedef {{ size: number, run: (crop: Float32Array) => Promise<Output> | Output }} Network
 */

const C = constants.inference;

/**
 * The factor in linear RGB that makes a dark face as bright as those that networks know.
 *
 * @param {Picture} cut
 * @param {Uint8Array} inside  1 on the face
 */
export function gain({ data }, inside) {
  const brightest = [];
  for (let k = 0; k < inside.length; k++) {
    if (inside[k]) brightest.push(Math.max(data[3 * k], data[3 * k + 1], data[3 * k + 2]));
  }
  // A face that the photo shows only a sliver of has no brightness of its own.
  const bright = brightest.length > 0 ? percentile(brightest, 90) : 255;
  return Math.max(1, C.dark_face / Math.max(toLinear(bright / 255), 1e-3));
}

/**
 * The network's output for a crop: the mean of it and its mirror image.
 *
 * @param {Network} network
 * @param {Picture} cut
 * @param {number} factor  by which it is brightened, in linear RGB; the light is of it as it is
 * @param {boolean} both  false: of the crop alone
 * @returns {Promise<Output>}
 */
export async function predict(network, cut, factor, both) {
  const { size } = network;
  const crop = brightened(cut, factor);
  if (!both) {
    const { maps, light: bright } = await network.run(crop);
    return { maps, light: bright.map((row) => row.map((value) => value / factor)) };
  }
  const flipped = new Float32Array(crop.length);
  for (let k = 0; k < size * size; k++) {
    const other = k - (k % size) + size - 1 - (k % size);
    for (let c = 0; c < 3; c++) flipped[3 * other + c] = crop[3 * k + c];
  }
  const plain = await network.run(crop);
  const mirror = await network.run(flipped);
  const light = mirrored(mirror.light);
  return {
    maps: plain.maps.map((map, number) => {
      // Normals point the other way.
      const sign = number === 3 ? -1 : 1;
      const other = mirror.maps[number];
      return map.map((value, k) =>
        (value + sign * other[k - (k % size) + size - 1 - (k % size)]) / 2,
      );
    }),
    light: plain.light.map((row, k) =>
      row.map((value, c) => (value + light[k][c]) / 2 / factor),
    ),
  };
}

/** @type {(cut: Picture, factor: number) => Float32Array} in [0, 1], times it in linear RGB */
function brightened({ data }, factor) {
  const levels = tabulated(256, (k) =>
    factor === 1 ? k / 255 : toSrgb(factor * toLinear(k / 255)),
  );
  return tabulated(data.length, (k) => levels[data[k]]);
}
