// @ts-check
// Where eyes are wet, and what the photo's own lamps left on them, as in tfrelight.relighting.eyes.

import { LUMINANCE } from "../../tfrelight/studio/static/color.js";
import { indicesAbove, ramp } from "../../tfrelight/studio/static/numbers.js";
import { probability } from "./face_maps.js";
import { dilated, disc, eroded } from "./filters.js";
import constants from "./constants.json" with { type: "json" };

/** @import { Eyes, OldCatchlights } from "../../tfrelight/studio/static/eyes.js" */
/** @import { FaceMaps } from "./face_maps.js" */

const C = constants.eyes;
const { rendering } = constants.settings;

/**
 * The eyes of a face and the catchlights of the photo in them, if they are known.
 *
 * @param {FaceMaps} maps
 * @param {Float32Array} things  what `lost_light.things` gives
 * @param {number} head  height of the head, pixels of the maps
 * @param {number} metered  brightness of the lit part of the face, linear
 * @returns {{ eyes: Eyes | null, old: OldCatchlights | null }}
 */
export function find(maps, things, head, metered) {
  const known = probability(maps, "eyes");
  if (!known || maps.headWindow) return { eyes: null, old: null };
  const { size, mask } = maps;
  const sure = known.map((value, k) => ramp(value, C.certain) * mask[k] * (1 - things[k]));
  const radius = (constants.catchlights.cornea * head) / rendering.head;
  const middles = [0, 1].flatMap((number) => middle(maps, sure, number, head / rendering.head));
  /** @type {(k: number) => number[]} to the right and down of the nearest middle */
  const away = (k) => {
    const steps = middles.map(([x, y]) => [(k % size) - x, Math.floor(k / size) - y]);
    return steps.reduce(
      (best, one) => (Math.hypot(...one) < Math.hypot(...best) ? one : best), [Infinity, Infinity],
    ).map((step) => step / radius);
  };
  /** @type {(edge: number[]) => Float32Array} */
  const within = (edge) =>
    sure.map((value, k) => value && value * ramp(Math.hypot(...away(k)), edge));
  const wet = within(C.edge);
  const places = indicesAbove(wet, 1e-3);
  if (places.length === 0) return { eyes: null, old: null };
  const eyes = {
    places,
    reflected: places.map((k) => {
      const [x, down] = away(k);
      const y = -down;
      const z = Math.sqrt(Math.max(1 - x * x - y * y, 0));
      return [2 * z * x, 2 * z * y, 2 * z * z - 1];
    }),
    wet: places.map((k) => wet[k]),
    blur: (2 * C.smallest) / radius,
  };
  return { eyes, old: oldCatchlights(maps, within(C.old), metered) };
}

/** @type {(maps: FaceMaps, sure: Float32Array, number: number, millimetre: number) => number[][]}
 *   the middle of an iris, left or right: none, or one */
function middle({ size, face, window, guide }, sure, number, millimetre) {
  /** @type {(point: import("./crops.js").Point) => number[]} */
  const place = (point) => window.place(point).map((value) => value * size - 0.5);
  const between = face ? place(face.between)[0] : (size - 1) / 2;
  const eye = face ? place(face.eyes[number]) : null;
  const weight = sure.map((value, k) => {
    const [x, y] = [k % size, Math.floor(k / size)];
    if ((x < between) === (number === 1)) return 0;
    if (!eye) return value;
    const near = ((x - eye[0]) ** 2 + (y - eye[1]) ** 2) / (C.detected * millimetre) ** 2;
    return value * Math.exp(-0.5 * near);
  });
  const area = weight.reduce((sum, value) => sum + value, 0);
  if (area < C.least_area * millimetre ** 2) return [];
  const mean = weight.reduce((sum, value, k) => sum + value * guide[k], 0) / area;
  // Iris and pupil are the dark part of an eye.
  const dark = weight.map((value, k) => value * Math.max(mean - guide[k], 0));
  let [total, x, y] = [1e-9, 0, 0];
  dark.forEach((value, k) => {
    total += value;
    x += value * (k % size);
    y += value * Math.floor(k / size);
  });
  return [[x / total, y / total]];
}

/** @type {(maps: FaceMaps, where: Float32Array, metered: number) => OldCatchlights | null} */
function oldCatchlights({ size, photo }, where, metered) {
  const inside = indicesAbove(where, 0);
  if (inside.length === 0) return null;
  const spot = disc(C.spot);
  const below = photo.map((map) => dilated(eroded(map, size, spot), size, spot));
  /** @type {(maps: Float32Array[], k: number) => number} */
  const bright = (maps, k) => LUMINANCE.reduce((sum, share, c) => sum + share * maps[c][k], 0);
  const spots = dilated(
    where.map((_, k) => {
      const here = bright(photo, k);
      return ramp(here / Math.max(bright(below, k), 1e-3), C.brighter) *
        ramp(here / Math.max(metered, 1e-6), C.bright);
    }),
    size, disc(1),
  );
  const places = inside.filter((k) => spots[k] * where[k] > 1e-3);
  if (!places.some((k) => spots[k] * where[k] > 0.01)) return null;
  return {
    places,
    share: places.map((k) => spots[k] * where[k]),
    below: places.map((k) => below.map((map) => map[k])),
  };
}
