// @ts-check
// What a photo did not record, as in tfrelight.relighting.lost_light.

import { clamp, indicesAbove, median, percentile, ramp, roundHalfEven, tabulated } from
  "../../tfrelight/studio/static/numbers.js";
import { probability } from "./face_maps.js";
import { box, dilated, disc, eroded, gaussian, sampled } from "./filters.js";
import { luminance } from "./light.js";
import constants from "./constants.json" with { type: "json" };

/** @import { FaceMaps } from "./face_maps.js" */
/** @import { Channels } from "../../tfrelight/studio/static/shading.js" */

const C = constants.lost_light;

/**
 * Evidence that what is dark lies in shadow, and is not a dark thing, `[S, S]` in [0, 1].
 *
 * @param {FaceMaps} maps
 * @param {Channels} shading  under its own light, above 0
 */
export function shadows(maps, shading) {
  const { size } = maps;
  const small = C.coarse;
  const [first, end] = columns(maps);
  const width = (inRegion(maps, first, end) * small) / size;
  let lit = coarse(maps.residual.map((value) => Math.exp(Math.min(value, 0))), size);
  // Nostrils, eyes and lips are dark and small. Things are large, and their edges count as well.
  const little = disc(C.small * width);
  lit = eroded(dilated(lit, small, little), small, little);
  lit = eroded(lit, small, disc(C.tolerance * width));
  const mirror = otherSide(maps);
  const across = Array.from({ length: small }, (_, k) => {
    const column = mirror[Math.floor(((2 * k + 1) * size) / (2 * small))];
    return Math.floor((column * small) / size);
  });
  // Noses have a lit and a dark side of their own.
  const shade = gaussian(coarse(luminance(shading), size), small, C.small * width);
  const brightest = shade.reduce((most, value) => Math.max(most, value), 0);
  const found = shade.map((here, k) => {
    const there = k - (k % small) + across[k % small];
    return ramp(lit[there], C.seen) * ramp(shade[there] / brightest, C.reached) *
      ramp(shade[there] / here, C.from_there);
  });
  const evidence = gaussian(found, small, (C.tolerance * width) / 2);
  /** @type {(k: number) => number} */
  const place = (k) => ((k + 0.5) * small) / size - 0.5;
  const flesh = probability(maps, "skin", "eyes", "mouth");
  return tabulated(size * size, (k) =>
    sampled(evidence, small, place(Math.floor(k / size)), place(k % size)) * (flesh?.[k] ?? 1),
  );
}

/** @type {(values: Float32Array, size: number) => Float32Array} `coarse` pixels a side */
function coarse(values, size) {
  const small = C.coarse;
  const smooth = box(values, size, Math.max(1, roundHalfEven(size / small)), "edge");
  /** @type {(k: number) => number} */
  const place = (k) => Math.trunc(((k + 0.5) * size) / small);
  return tabulated(small * small, (k) =>
    smooth[size * place(Math.floor(k / small)) + place(k % small)],
  );
}

/** @type {(maps: FaceMaps, column: number) => boolean} */
const touches = ({ region, size }, column) => {
  for (let k = column; k < region.length; k += size) if (region[k]) return true;
  return false;
};

/** @type {(maps: FaceMaps) => [number, number]} the first column of the face, and the one behind */
function columns(maps) {
  let [first, end] = [0, maps.size];
  while (first < end && !touches(maps, first)) first++;
  while (end > first && !touches(maps, end - 1)) end--;
  return [first, end];
}

/** @type {(maps: FaceMaps, first: number, end: number) => number} columns that the face touches */
function inRegion(maps, first, end) {
  let count = 0;
  for (let k = first; k < end; k++) if (touches(maps, k)) count++;
  return count;
}

/** @type {(maps: FaceMaps) => number[]} for each column that of the face's other half */
function otherSide(maps) {
  const { size, face, window } = maps;
  const [left, right] = columns(maps);
  // Of a turned head one half looks narrower.
  const middle = face
    ? clamp(
      window.place(face.between)[0] * size,
      left + 0.2 * (right - left), right - 0.2 * (right - left),
    )
    : (left + right) / 2;
  const toRight = (right - middle) / (middle - left);
  return Array.from({ length: size }, (_, k) => {
    const place = k + 0.5 - middle;
    const mirrored = middle - place * (place < 0 ? toRight : 1 / toRight);
    return clamp(Math.floor(mirrored), 0, size - 1);
  });
}

/**
 * 1 on what is dark by itself, such as lenses and beards.
 *
 * @param {FaceMaps} maps
 * @param {Float32Array} evidence  what `shadows` gives
 */
export function things(maps, evidence) {
  const known = probability(maps, "things");
  return maps.residual.map((value, k) => Math.max(
    ramp(-value, C.dark_thing) * (1 - evidence[k]),
    known ? known[k] * ramp(-value, C.known_thing) : 0,
  ));
}

/**
 * The part of the residual that is light: shadows and highlights, not dark things.
 *
 * @param {FaceMaps} maps
 * @param {Float32Array} evidence
 * @param {Float32Array} darkThings  what `things` gives
 */
export const residual = (maps, evidence, darkThings) =>
  maps.residual.map((value, k) => {
    const lowest = -C.max_residual - (C.deepest_shadow - C.max_residual) * evidence[k];
    return clamp(value, lowest, C.max_residual) * (1 - darkThings[k]);
  });

/**
 * 1 where a shadow has no light left to multiply.
 *
 * @param {FaceMaps} maps
 * @param {Float32Array} evidence
 * @param {number} metered  brightness of the lit part of the face, linear
 */
export function black(maps, evidence, metered) {
  const { size, region } = maps;
  const bright = luminance(maps.photo);
  // An average of the surroundings, because a shadow is large; lashes and make-up are not.
  const side = 2 * Math.max(1, roundHalfEven(C.around * size)) + 1;
  const albedo = box(luminance(maps.albedo), size, side);
  const level = box(bright, size, side).map((value, k) => value / Math.max(albedo[k], 1e-3));
  const most = Math.max(percentile(level.filter((_, k) => region[k]), 90), 1e-6);
  const dark = Math.max(Math.min(C.dark_share * metered, C.dark), 1e-6);
  const inside = onFace(maps);
  // Networks give a black collar the albedo of the neck.
  return level.map((value, k) =>
    evidence[k] * ramp(value / most, [C.dim, C.black]) * ramp(bright[k], [dark, dark / 2]) *
    inside[k],
  );
}

/** @type {(maps: FaceMaps) => Float32Array} 1 inside the face's outline, 0 outside, soft between */
export function onFace({ region, size }) {
  return gaussian(Float32Array.from(region), size, 0.02 * size);
}

/**
 * The colour of the surface under its own light; the largest channel is 1.
 *
 * @param {FaceMaps} maps
 * @param {Channels} shading
 * @returns {Channels}
 */
export function surfaceColor({ albedo, photo, region }, shading) {
  const explained = albedo.map((map, c) =>
    map.map((value, k) => Math.max(value, 1e-3) * shading[c][k]),
  );
  // The network's colours are off by a little. The pixels that nothing clipped tell by how much.
  const [r, g, b] = photo;
  const known = indicesAbove(region, 0).filter((k) =>
    Math.max(r[k], g[k], b[k]) < 0.8 && Math.min(r[k], g[k], b[k]) > 0.01,
  );
  let error = [1, 1, 1];
  if (known.length > C.measured * region.reduce((sum, value) => sum + value, 0)) {
    error = photo.map((map, c) => median(known.map((k) => map[k] / explained[c][k])));
    const mean = (error[0] + error[1] + error[2]) / 3;
    error = error.map((value) => clamp(value / mean, 1 / C.color_error, C.color_error));
  }
  explained.forEach((map, c) => map.forEach((value, k) => (map[k] = value * error[c])));
  const most = explained[0].map((value, k) => Math.max(value, explained[1][k], explained[2][k]));
  return /** @type {Channels} */ (
    explained.map((map) => map.map((value, k) => value / most[k]))
  );
}
