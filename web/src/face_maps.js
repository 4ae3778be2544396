// @ts-check
// Maps of people from the network, fused over several crops, with the edges of the photo, as in
// tfrelight.relighting.face_maps.

import { LUMINANCE, toLinear } from "../../tfrelight/studio/static/color.js";
import { clamp, indicesAbove, median, roundHalfEven, tabulated } from
  "../../tfrelight/studio/static/numbers.js";
import { channels, shade } from "../../tfrelight/studio/static/shading.js";
import { around, body, content, whole } from "./framing.js";
import { filterOf } from "./guided_filter.js";
import { gain, predict } from "./inference.js";
import { luma, luminance, rolled } from "./light.js";
import { head, turn } from "./segmentation.js";
import { centre, edgeFade, faceFade, feather, headFade, oval } from "./window_weights.js";
import constants from "./constants.json" with { type: "json" };

/** @import { Coefficients } from "../../tfrelight/studio/static/harmonics.js" */
/** @import { Face } from "./find.js" */
/** @import { Window } from "./framing.js" */
/** @import { GuidedFilter } from "./guided_filter.js" */
/** @import { Box, Picture } from "./images.js" */
/** @import { Network, Output } from "./inference.js" */
/** @import { Steps } from "./steps.js" */
/** @import { What } from "../../tfrelight/studio/static/photo_data.js" */
/** @import { Channels } from "../../tfrelight/studio/static/shading.js" */

/**
 * The maps of one head, or of a body, `[S, S]` each; see `FaceMaps` in Python.
 *
 * @typedef {object} FaceMaps
 * @property {Window} window
 * @property {Box} box
 * @property {Face | null} face
 * @property {number} size  S
 * @property {Channels} photo  linear RGB
 * @property {Float32Array} guide
 * @property {Channels} albedo
 * @property {Channels} normals
 * @property {Float32Array} mask
 * @property {Uint8Array} region
 * @property {Float32Array} residual
 * @property {Coefficients} light
 * @property {Float32Array[] | null} parts
 * @property {FaceMaps | null} body
 * @property {Window | null} headWindow
 */

const C = constants.face_maps;
const { framing, parts: PARTS } = constants;
// Of the maps that the network gives.
const [MASK, FIRST_PART] = [6, 7];
const DECODED = tabulated(256, (k) => toLinear(k / 255));

/** @type {(window: Window) => number} of its maps, pixels */
const sideOf = ({ side }) => clamp(roundHalfEven(side), C.smallest, C.largest);

/**
 * What of a crop's mask counts: all of it if the network knows no parts.
 *
 * @param {Float32Array} mask
 * @param {Float32Array[]} maps
 * @param {What} what
 */
function counted(mask, maps, what) {
  if (what === "person" || maps.length <= FIRST_PART) return mask;
  /** @type {(name: string) => Float32Array} */
  const part = (name) => maps[FIRST_PART + PARTS.indexOf(name)];
  const [skin, eyes, mouth, cloth] = ["skin", "eyes", "mouth", "cloth"].map(part);
  return mask.map((value, k) =>
    value * (what === "head" ? 1 - cloth[k] : skin[k] + eyes[k] + mouth[k]),
  );
}

/**
 * The probability that a pixel shows one of some parts, or null if they are not known.
 *
 * @param {FaceMaps} maps
 * @param {...string} names  of `constants.parts`
 */
export function probability({ parts }, ...names) {
  if (!parts) return null;
  const [first, ...others] = names.map((name) => parts[PARTS.indexOf(name)]);
  return first.map((value, k) => others.reduce((sum, part) => sum + part[k], value));
}

/**
 * The maps of all faces of a photo.
 *
 * @param {Network} network
 * @param {Steps} steps  for bodies
 * @param {Picture} photo
 * @param {(Face | null)[]} faces  [null] if the photo is a crop of one face
 * @param {(share: number) => void} [report]  gets the share of the work that is done
 * @param {{ mirror?: boolean, what?: What }} [options]  whether the network sees mirror images,
 *   too; what of each person counts
 * @returns {Promise<FaceMaps[]>} of their heads, in their order
 */
export async function decompose(network, steps, photo, faces, report = () => {}, options = {}) {
  const { mirror = true, what = "person" } = options;
  // Letterbox bars are not background. Crops have no bars, but may be as dark around the face.
  const box = faces.includes(null)
    ? /** @type {Box} */ ([0, 0, photo.width, photo.height]) : content(photo);
  const results = [];
  for (const [number, face] of faces.entries()) {
    const windows = windowsOf(face, photo, box, what);
    const cuts = windows.map((window) => window.cut(photo, network.size, box));
    // The second crop sees the face best.
    const best = Math.min(C.face, cuts.length - 1);
    const factor = gain(cuts[best], oval(face, windows[best], network.size));
    let done = 0;
    const outputs = await Promise.all(cuts.map(async (cut, k) => {
      const output = await (k < C.wide
        ? predict(network, cut, factor, mirror) : steps.predict(cut, factor, mirror));
      report((number + ++done / cuts.length) / faces.length);
      return output;
    }));
    results.push(await person(steps, photo, box, face, windows, outputs, network.size, what));
  }
  return results;
}

/** @type {(face: Face | null, photo: Picture, box: Box, what: What) => Window[]} */
function windowsOf(face, photo, box, what) {
  if (!face) return [whole(photo)];
  const framings = [framing.head, framing.face, framing.wide];
  const windows = framings.map((one) => around(face, one));
  return what === "person" ? [...windows, body(face, box)] : windows;
}

/**
 * Maps of a head, and with it of its body if the network tells parts apart.
 *
 * @param {Steps} steps
 * @param {Picture} photo
 * @param {Box} box
 * @param {Face | null} face
 * @param {Window[]} windows
 * @param {Output[]} outputs
 * @param {number} cutSize  side of the network's maps
 * @param {What} what
 * @returns {Promise<FaceMaps>}
 */
async function person(steps, photo, box, face, windows, outputs, cutSize, what) {
  const ofHead = () => headMaps(photo, box, face, windows, outputs, cutSize, what);
  if (windows.length <= C.body || outputs[C.body].maps.length <= FIRST_PART) return ofHead();
  const window = windows[C.body];
  const size = sideOf(window);
  const maps = window.onto(outputs[C.body].maps, cutSize, window, size);
  const cut = window.cut(photo, size, box);
  const region = oval(face, window, size);
  const within = insideOf(window, box, size);
  const turned = turn(/** @type {Face} */ (face), window);
  const [found, above] = await Promise.all([
    steps.segment(cut, maps[MASK], region, within, turned), Promise.resolve().then(ofHead),
  ]);
  if (region.includes(1) && above.region.includes(1)) {
    // Albedo x light is known better than either, and the light is that on the face.
    rescale(maps, above.albedo, indicesAbove(above.region, 0), indicesAbove(region, 0));
  }
  const fade = edgeFade(window, box, size);
  const mask = found.map((value, k) => value * fade[k]);
  const below = refined(cut, box, face, window, maps, above.light, mask);
  return { ...above, body: { ...below, headWindow: above.window } };
}

/**
 * Multiplies albedo so that its median is that of another, within limits.
 *
 * @param {Float32Array[]} maps  of which the first three are changed
 * @param {Float32Array[]} wanted
 * @param {number[]} there  where the wanted albedo is measured
 * @param {number[]} here  where the maps' is
 */
function rescale(maps, wanted, there, here) {
  for (let c = 0; c < 3; c++) {
    const aim = median(there.map((k) => wanted[c][k]));
    const factor = clamp(aim / Math.max(median(here.map((k) => maps[c][k])), 1e-3), 0.5, 2);
    maps[c] = maps[c].map((value) => value * factor);
  }
}

/**
 * @param {Picture} photo
 * @param {Box} box
 * @param {Face | null} face
 * @param {Window[]} windows
 * @param {Output[]} outputs
 * @param {number} cutSize
 * @param {What} what
 */
function headMaps(photo, box, face, windows, outputs, cutSize, what) {
  const [outer] = windows;
  const size = sideOf(outer);
  const cut = outer.cut(photo, size, box);
  const maps = outer.onto(outputs[0].maps, cutSize, outer, size);
  const light = rolled(outputs[Math.min(C.face, outputs.length - 1)].light, outer.roll);
  if (!face) {
    maps[MASK] = counted(maps[MASK], maps, what);
    return refined(cut, box, face, outer, maps, light);
  }
  const inner = windows[C.face].onto(outputs[C.face].maps, cutSize, outer, size);
  const [weight] = windows[C.face].onto([feather(cutSize)], cutSize, outer, size);
  // A face that fills the inner crop leaves no background to compare, except in front of a turned
  // head; there the inner crop sees the profile best.
  const turned = turn(face, outer);
  const profile = Math.min(1, 2 * Math.abs(turned));
  inner[MASK] = inner[MASK].map((value, k) => {
    const before = maps[MASK][k];
    return before + profile * Math.min(value - before, 0);
  });
  // The network knows albedo x light better than either, so the outer albedo may differ from the
  // inner one by a factor, which is removed.
  const inside = indicesAbove(weight, 0.9);
  rescale(maps, inner, inside, inside);
  maps.forEach((map, m) => {
    map.forEach((value, k) => (map[k] = value + weight[k] * (inner[m][k] - value)));
  });
  const [widest] =
    windows[C.wide].onto([outputs[C.wide].maps[MASK]], cutSize, outer, size);
  const seen = maps[MASK].map((value, k) => Math.min(value, widest[k]));
  const withBody = what === "person" && maps.length > FIRST_PART;
  // The outline says what the face is.
  const counting = counted(seen, maps, what === "face" ? "head" : what);
  const within = insideOf(outer, box, size);
  let mask = head(cut, counting, oval(face, outer, size), within, turned, withBody);
  if (!withBody) mask = mask.map((value, k) => value * headFade(centre(k, size)));
  if (what === "face") {
    const fade = faceFade(face, outer, size);
    mask = mask.map((value, k) => value * fade[k]);
  }
  return refined(cut, box, face, outer, maps, light, mask);
}

/**
 * Maps in the photo's frame, with the photo's edges, and their residual.
 *
 * @param {Picture} cut  of the window
 * @param {Box} box
 * @param {Face | null} face
 * @param {Window} window
 * @param {Float32Array[]} maps
 * @param {Coefficients} light  in the photo's frame
 * @param {Float32Array} [mask]  the network's by default
 * @returns {FaceMaps}
 */
function refined(cut, box, face, window, maps, light, mask) {
  const { width: size, data } = cut;
  const count = size * size;
  const linear = /** @type {Channels} */ (
    [0, 1, 2].map((c) => tabulated(count, (k) => DECODED[data[3 * k + c]]))
  );
  const guide = luma(cut);
  /** @type {(settings: number[]) => GuidedFilter} */
  const filter = (given) => filterOf(guide, size, given);
  /** @type {(map: Float32Array) => Float32Array} */
  const clipped = (map) => map.map((value) => clamp(value, 0, 1));
  const [cosine, sine] = [Math.cos(window.roll), Math.sin(window.roll)];
  const smooth = filter(C.normals);
  const [mx, my, mz] = maps.slice(3, 6);
  const normals = /** @type {Channels} */ ([
    smooth.filtered(mx.map((value, k) => cosine * value + sine * my[k])),
    smooth.filtered(my.map((value, k) => cosine * value - sine * mx[k])),
    smooth.filtered(mz),
  ]);
  for (let k = 0; k < count; k++) {
    const length = Math.max(Math.hypot(normals[0][k], normals[1][k], normals[2][k]), 1e-6);
    for (const axis of normals) axis[k] /= length;
  }
  const albedo = /** @type {Channels} */ (maps.slice(0, 3).map(clipped));
  const shading = channels(count);
  shade(normals, light, shading);
  const unexplained = luminance(linear).map((value, k) => {
    const explained = LUMINANCE.reduce(
      (sum, share, c) => sum + share * albedo[c][k] * Math.max(shading[c][k], 0), 0,
    );
    return Math.log((value + C.noise) / (explained + C.noise));
  });
  const inParts = filter(C.of_parts);
  return {
    window, box, face, size, photo: linear, guide, albedo, normals, light,
    mask: mask ?? clipped(filter(C.mask).filtered(maps[MASK])),
    region: oval(face, window, size),
    residual: filter(C.residual).filtered(unexplained),
    parts: maps.length > FIRST_PART
      ? maps.slice(FIRST_PART).map((map) => clipped(inParts.filtered(map))) : null,
    body: null,
    headWindow: null,
  };
}

/** @type {(window: Window, box: Box, size: number) => Uint8Array} 1 for pixels in the photo */
function insideOf(window, [left, top, right, bottom], size) {
  const result = new Uint8Array(size * size);
  for (let k = 0; k < result.length; k++) {
    const [x, y] = window.point(centre(k, size));
    result[k] = Number(x >= left && x < right && y >= top && y < bottom);
  }
  return result;
}
