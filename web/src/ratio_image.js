// @ts-check
// What relighting a face needs, whatever the new light, as `ratio_image.prepare` in Python.

import { LUMINANCE } from "../../tfrelight/studio/static/color.js";
import { indicesAbove, percentile, roundHalfEven, tabulated } from
  "../../tfrelight/studio/static/numbers.js";
import { channels, raiseToFloor, shade } from "../../tfrelight/studio/static/shading.js";
import { find as findEyes } from "./eyes.js";
import { gaussian } from "./filters.js";
import * as gloss from "./gloss.js";
import * as lostLight from "./lost_light.js";
import * as materials from "./materials.js";
import constants from "./constants.json" with { type: "json" };

/** @import { FaceMaps } from "./face_maps.js" */
/** @import { Relief } from "./materials.js" */
/** @import { Eyes, OldCatchlights } from "../../tfrelight/studio/static/eyes.js" */
/** @import { Channels } from "../../tfrelight/studio/static/shading.js" */

const C = constants.ratio_image;
const { settings } = constants;

/**
 * @typedef {object} Relightable
 * @property {number[]} white  `[3]`, colour of its own light on the face, of luminance 1
 * @property {number} legibility  1, or less if the face is nearly black
 * @property {number} radius  of the guided filter, pixels
 * @property {Float32Array} epsilon  variance of the guide below which it counts as flat
 * @property {Float32Array} maxLogFactor
 * @property {Channels} residual
 * @property {Float32Array} black
 * @property {Channels} surface  highlights included
 * @property {Float32Array} skin
 * @property {Relief} relief
 * @property {Eyes | null} eyes
 * @property {OldCatchlights | null} old  catchlights of the photo
 */

/**
 * Prepares a face for any number of new lights.
 *
 * @param {FaceMaps} maps
 * @returns {Relightable}
 */
export function prepare(maps) {
  const { size, region } = maps;
  const radius = Math.max(1, roundHalfEven(C.gain[0] * size));
  const logs = tabulated(size * size, (k) => Math.log(C.gain[region[k] ? 2 : 1]));
  const shading = channels(size * size);
  shade(maps.normals, maps.light, shading);
  raiseToFloor(shading, settings.min_shading);
  const inside = indicesAbove(region, 0);
  const metered = percentile(
    inside.map((k) => Math.sqrt(maps.photo.reduce((sum, map) => sum + map[k] ** 2, 0) / 3)),
    settings.metered_percentile,
  );
  const evidence = lostLight.shadows(maps, shading);
  const things = lostLight.things(maps, evidence);
  const onFace = lostLight.onFace(maps);
  const means = shading.map((map) => inside.reduce((sum, k) => sum + map[k], 0) / inside.length);
  const relief = materials.relief(maps);
  const skin = materials.skin(maps, things);
  const { surface, faded } = gloss.separated(maps, shading, skin);
  const residual = lostLight.residual(maps, evidence, things);
  const luminance = LUMINANCE.reduce((sum, share, c) => sum + share * means[c], 0);
  return {
    white: means.map((value) => value / luminance),
    legibility: Math.min(1, metered / C.legible),
    radius,
    epsilon: gaussian(logs, size, radius).map(Math.exp),
    maxLogFactor: things.map((thing, k) => {
      // Beside the face nothing is filled, and so much would show the noise of black.
      const known = evidence[k] * onFace[k];
      const most = C.max_log_factor + known * (C.in_shadow - C.max_log_factor);
      return most + thing * (C.of_things - most);
    }),
    // In hair most of the residual is strands.
    residual: /** @type {Channels} */ (faded.map((map) => map.map((value, k) =>
      value + residual[k] * (C.strands + (1 - C.strands) * onFace[k]),
    ))),
    black: lostLight.black(maps, evidence, metered),
    surface,
    skin,
    relief,
    ...findEyes(maps, things, relief.head, metered),
  };
}
