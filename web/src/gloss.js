// @ts-check
// The white part of bright skin, as in tfrelight.relighting.gloss.

import { LUMINANCE } from "../../tfrelight/studio/static/color.js";
import { clamp, ramp, roundHalfEven } from "../../tfrelight/studio/static/numbers.js";
import { channels } from "../../tfrelight/studio/static/shading.js";
import { box } from "./filters.js";
import { surfaceColor } from "./lost_light.js";
import constants from "./constants.json" with { type: "json" };

/** @import { Channels } from "../../tfrelight/studio/static/shading.js" */
/** @import { FaceMaps } from "./face_maps.js" */

const C = constants.gloss;
const { clipped } = constants.lost_light;

/** @type {(values: Float32Array, size: number, reach: number) => Float32Array} averages */
const around = (values, size, reach) =>
  box(values, size, 2 * Math.max(1, roundHalfEven(reach * size)) + 1);

/**
 * The colour of a surface with its white part, and what that part changes of bright skin.
 *
 * @param {FaceMaps} maps
 * @param {Channels} shading  under its own light, above 0
 * @param {Float32Array} skin  what `materials.skin` gives
 * @returns {{ surface: Channels, faded: Channels }}  the largest channel of a `surface` is 1;
 *   `faded` are logarithms of colours of luminance 1
 */
export function separated(maps, shading, skin) {
  const { photo, size } = maps;
  const surface = surfaceColor(maps, shading);
  const white = scaledToLargest(shading);
  const own = scaledToLargest(/** @type {Channels} */ (
    surface.map((map, c) => map.map((value, k) => value / white[c][k]))
  ));
  const bright = photo[0].map((value, k) =>
    ramp(Math.max(value, photo[1][k], photo[2][k]), C.bright),
  );
  const share = matte(maps, own, white, skin, bright);
  const mixed = scaledToLargest(/** @type {Channels} */ (
    white.map((map, c) => map.map((value, k) => value * (1 + share[k] * (own[c][k] - 1))))
  ));
  const counts = around(bright, size, C.near);
  const faded = channels(size * size);
  for (let k = 0; k < skin.length; k++) {
    const much = skin[k] * counts[k];
    if (much === 0) continue;
    const [without, withWhite] = [surface, mixed].map((color) =>
      LUMINANCE.reduce((sum, weight, c) => sum + weight * color[c][k], 0),
    );
    for (let c = 0; c < 3; c++) {
      const change = mixed[c][k] / withWhite / (surface[c][k] / without);
      faded[c][k] = much * Math.log(change);
    }
  }
  return { surface: mixed, faded };
}

/** @type {(maps: FaceMaps, own: Channels, white: Channels, skin: Float32Array,
 *   bright: Float32Array) => Float32Array} the share of a surface's own colour in its light */
function matte({ photo, parts, size }, own, white, skin, bright) {
  const shares = new Float32Array(size * size);
  const evidence = new Float32Array(size * size);
  for (let k = 0; k < evidence.length; k++) {
    if (bright[k] === 0) continue;
    const counts = photo.map((map) => 1 - ramp(map[k], clipped));
    const seen = photo.map((map, c) => map[k] / white[c][k]);
    const total = Math.max(counts[0] + counts[1] + counts[2], 1e-6);
    /** @type {(value: (c: number) => number) => number} */
    const mean = (value) =>
      (counts[0] * value(0) + counts[1] * value(1) + counts[2] * value(2)) / total;
    const ownMean = mean((c) => own[c][k]);
    const variance = mean((c) => (own[c][k] - ownMean) * own[c][k]);
    const slope = mean((c) => (own[c][k] - ownMean) * seen[c]) / Math.max(variance, 1e-6);
    const both = mean((c) => seen[c]) + slope * (1 - ownMean);
    const share = clamp(slope / Math.max(both, 1e-6), 0, 1);
    // One channel alone says nothing; rounding would.
    const told = ramp([...counts].sort((a, b) => a - b)[1], [0, 0.1]);
    evidence[k] = (bright[k] * told * variance) / (variance + C.pale);
    shares[k] = share * evidence[k];
  }
  const [near, wide] = [C.near, C.wide].map((reach) => ({
    found: around(shares, size, reach), weight: around(evidence, size, reach),
  }));
  return skin.map((value, k) => {
    const found = near.found[k] + C.from_afar * wide.found[k] + C.prior * (parts ? value : 1);
    const weight = near.weight[k] + C.from_afar * wide.weight[k] + C.prior;
    return Math.max(found / weight, C.least);
  });
}

/** @type {(color: Channels) => Channels} the largest channel is 1 */
function scaledToLargest(color) {
  const [r, g, b] = color;
  const most = r.map((value, k) => Math.max(value, g[k], b[k]));
  return /** @type {Channels} */ (color.map((map) => map.map((value, k) => value / most[k])));
}
