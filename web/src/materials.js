// @ts-check
// What a face is made of, as in tfrelight.relighting.materials: the relief that casts shadows, and
// the skin that shines.

import { LUMINANCE } from "../../tfrelight/studio/static/color.js";
import { normalize } from "../../tfrelight/studio/static/face_maps.js";
import { indicesAbove, median, percentile, ramp, roundHalfEven, tabulated } from
  "../../tfrelight/studio/static/numbers.js";
import { probability } from "./face_maps.js";
import { box, gaussian, sampled } from "./filters.js";
import { integrated } from "./heights.js";
import constants from "./constants.json" with { type: "json" };

/** @import { Channels } from "../../tfrelight/studio/static/shading.js" */
/** @import { FaceMaps } from "./face_maps.js" */

const C = constants.materials;

/**
 * The surface that casts shadows, in the frame of the face's window.
 *
 * @typedef {object} Relief
 * @property {Float32Array} height  `[S, S]` pixels
 * @property {Channels} normals
 * @property {number} head  height of the head, pixels
 * @property {[[number, number], [number, number]]} rotation  from the window to the photo
 */

/**
 * @param {FaceMaps} maps
 * @returns {Relief}
 */
export function relief({ size, window, face, normals: [x, y, z], mask }) {
  // Rows of the photo's normals in the frame of the window.
  const [cosine, sine] = [Math.cos(window.roll), Math.sin(window.roll)];
  /** @type {[[number, number], [number, number]]} */
  const rotation = [[cosine, sine], [-sine, cosine]];
  /** @type {Channels} */
  const normals = [
    x.map((value, k) => cosine * value - sine * y[k]),
    x.map((value, k) => sine * value + cosine * y[k]),
    z,
  ];
  const head = face
    ? C.head * (face.distance / window.side) * size : C.head_of_crop * size;
  return {
    height: heights(normals, mask, size, C.large * head),
    normals: steeper(normals, size, C.sharper, C.large * head),
    head,
    rotation,
  };
}

/** @type {(normals: Channels, mask: Float32Array, size: number, sigma: number) => Float32Array} */
function heights(normals, mask, size, sigma) {
  const step = Math.max(1, Math.floor(size / C.side));
  const cells = Math.ceil(size / step);
  const small = /** @type {Channels} */ (normals.map((map) => reduced(map, size, step)));
  if (step > 1) normalize(small);
  const inside = reduced(mask, size, step);
  const raised = raise(integrated(small, inside, cells), inside, cells, sigma / step);
  /** @type {(k: number) => number} */
  const place = (k) => (k + 0.5) / step - 0.5;
  return tabulated(size * size, (k) =>
    step * sampled(raised, cells, place(Math.floor(k / size)), place(k % size)),
  );
}

/** @type {(values: Float32Array, size: number, step: number) => Float32Array} means of cells */
function reduced(values, size, step) {
  if (step === 1) return values.slice();
  const cells = Math.ceil(size / step);
  return tabulated(cells * cells, (k) => {
    let total = 0;
    for (let y = 0; y < step; y++) {
      const row = Math.min(Math.floor(k / cells) * step + y, size - 1) * size;
      for (let x = 0; x < step; x++) {
        total += values[row + Math.min((k % cells) * step + x, size - 1)];
      }
    }
    return total / (step * step);
  });
}

/** @type {(values: Float32Array, size: number, sigma: number) => Float32Array} by three boxes */
function blurred(values, size, sigma) {
  // The variance of a box of n pixels is (n² - 1) / 12.
  const side = 2 * roundHalfEven((Math.sqrt(4 * sigma * sigma + 1) - 1) / 2) + 1;
  const most = Math.min(side, size | 1);
  let result = values;
  for (let turn = 0; turn < 3; turn++) result = box(result, size, most, "edge");
  return result;
}

/** @type {(height: Float32Array, mask: Float32Array, size: number, sigma: number) =>
 *   Float32Array} heights whose noses and brows rise above the mean around them by a factor more */
function raise(height, mask, size, sigma) {
  const weight = mask.map((value) => Math.max(value, 1e-3));
  const weighted = blurred(height.map((value, k) => value * weight[k]), size, sigma);
  const total = blurred(weight, size, sigma);
  const above = height.map((value, k) => value - weighted[k] / total[k]);
  // A ball, too, rises above its surroundings: what counts is what rises most.
  const inside = above.filter((_, k) => mask[k] > 0.5);
  const usual = inside.length > 0 ? percentile(inside, C.usual) : 0;
  return height.map((value, k) => value + (C.higher - 1) * Math.max(above[k] - usual, 0));
}

/** @type {(normals: Channels, size: number, factor: number, sigma: number) => Channels} normals
 *   whose slopes differ from the mean around them by a factor more */
function steeper([x, y, z], size, factor, sigma) {
  /** @type {(values: Float32Array) => Float32Array} */
  const more = (values) => {
    const slopes = values.map((value, k) => value / Math.max(z[k], C.least_z));
    const around = blurred(slopes, size, sigma);
    return slopes.map((slope, k) => around[k] + factor * (slope - around[k]));
  };
  const [across, up] = [more(x), more(y)];
  /** @type {Channels} */
  const result = [x.slice(), y.slice(), z.slice()];
  for (let k = 0; k < z.length; k++) {
    const length = Math.hypot(across[k], up[k], 1);
    // Where the surface turns away from the camera, its slope says nothing.
    const share = ramp(z[k], [C.least_z, 2 * C.least_z]);
    result[0][k] += share * (across[k] / length - x[k]);
    result[1][k] += share * (up[k] / length - y[k]);
    result[2][k] += share * (1 / length - z[k]);
  }
  normalize(result);
  return result;
}

/**
 * 1 on skin, 0 on hair, cloth, eyes, teeth and dark things, `[S, S]`.
 *
 * @param {FaceMaps} maps
 * @param {Float32Array} things  what `lost_light.things` gives
 */
export function skin(maps, things) {
  const { size, mask, albedo, region } = maps;
  const known = probability(maps, "skin");
  if (known) return known.map((value, k) => value * mask[k] * (1 - things[k]));
  const [r, g, b] = albedo.map((map) => map.map((value) => Math.max(value, 1e-3)));
  const level = r.map((value, k) =>
    Math.log(LUMINANCE[0] * value + LUMINANCE[1] * g[k] + LUMINANCE[2] * b[k]),
  );
  const [red, blue] = [r, b].map((map) => map.map((value, k) => Math.log(value / g[k])));
  const onFace = region.some(Boolean);
  const inside = onFace ? indicesAbove(region, 0) : indicesAbove(mask, 0.5);
  if (inside.length === 0) return new Float32Array(size * size);
  const [usualRed, usualBlue, usual] = [red, blue, level].map((map) =>
    median(inside.map((k) => map[k])),
  );
  const found = mask.map((value, k) => {
    const apart = Math.hypot(red[k] - usualRed, blue[k] - usualBlue);
    const like = (1 - ramp(apart, C.hue)) * (1 - ramp(Math.abs(level[k] - usual), C.brightness));
    return like * value * (1 - things[k]);
  });
  return gaussian(found, size, 0.004 * size);
}
