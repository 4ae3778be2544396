// @ts-check
// Maps of faces from the network, fused over several crops, with the edges of the photo, as in
// tfrelight.relighting.face_maps.

import { LUMINANCE, toLinear, toSrgb } from "../../tfrelight/studio/static/color.js";
import { clamp, median, percentile, roundHalfEven, smoothstep } from
  "../../tfrelight/studio/static/numbers.js";
import { channels, shade } from "../../tfrelight/studio/static/relighting.js";
import { Window, around, content, times, whole } from "./framing.js";
import { filterOf } from "./guided_filter.js";
import { luminance, mirrored, rolled } from "./light.js";
import { ellipse, polygon } from "./polygon.js";
import { head, turn } from "./segmentation.js";
import constants from "./constants.json" with { type: "json" };

/** @import { Coefficients } from "../../tfrelight/studio/static/harmonics.js" */
/** @import { Point } from "./crops.js" */
/** @import { Face } from "./find.js" */
/** @import { GuidedFilter } from "./guided_filter.js" */
/** @import { Box, Picture } from "./images.js" */
/** @import { Channels } from "../../tfrelight/studio/static/relighting.js" */

/**
 * What the network gives for one crop: `maps` are albedo (red, green, blue), normal (x, y, z) and
 * mask, `[S, S]` each.
 *
 * @typedef {{ maps: Float32Array[], light: Coefficients }} Output
 */

/**
 * The network: a function of a crop `[S, S, 3]`, sRGB-encoded in [0, 1].
 *
 * @typedef {{ size: number, run: (crop: Float32Array) => Promise<Output> | Output }} Network
 */

/**
 * The maps of one face, `[S, S]` each; see `FaceMaps` in Python.
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
 */

const C = constants.face_maps;
const { framing } = constants;
const DECODED = Float32Array.from({ length: 256 }, (_, k) => toLinear(k / 255));

/**
 * The maps of all faces of a photo.
 *
 * @param {Network} network
 * @param {Picture} photo
 * @param {(Face | null)[]} faces  [null] if the photo is a crop of one face
 * @param {(share: number) => void} [report]  gets the share of the work that is done
 * @returns {Promise<FaceMaps[]>} in their order
 */
export async function decompose(network, photo, faces, report = () => {}) {
  // Letterbox bars are not background. Crops have no bars, but may be as dark around the face.
  const box = faces.includes(null)
    ? /** @type {Box} */ ([0, 0, photo.width, photo.height]) : content(photo);
  const results = [];
  for (const [number, face] of faces.entries()) {
    const windows = face
      ? [framing.head, framing.face, framing.wide].map((one) => around(face, one))
      : [whole(photo)];
    const cuts = windows.map((window) => window.cut(photo, network.size, box));
    // The last crop but one sees the face best.
    const seen = Math.max(0, cuts.length - 2);
    const gain = gainOf(cuts[seen], face, windows[seen]);
    const outputs = [];
    for (const cut of cuts) {
      outputs.push(await predict(network, brightened(cut, gain), gain));
      report((number + outputs.length / cuts.length) / faces.length);
    }
    results.push(fuse(photo, box, face, windows, outputs, network.size));
  }
  return results;
}

/**
 * The factor in linear RGB that makes a dark face as bright as those that networks know.
 *
 * @param {Picture} cut
 * @param {Face | null} face
 * @param {Window} window
 */
function gainOf({ width, data }, face, window) {
  const inside = outline(face, window, width);
  const brightest = [];
  for (let k = 0; k < inside.length; k++) {
    if (inside[k]) brightest.push(Math.max(data[3 * k], data[3 * k + 1], data[3 * k + 2]));
  }
  // A face that the photo shows only a sliver of has no brightness of its own.
  const bright = brightest.length > 0 ? percentile(brightest, 90) : 255;
  return Math.max(1, C.dark_face / Math.max(toLinear(bright / 255), 1e-3));
}

/** @type {(cut: Picture, gain: number) => Float32Array} in [0, 1], times a gain in linear RGB */
function brightened({ data }, gain) {
  const levels = Float32Array.from({ length: 256 }, (_, k) =>
    gain === 1 ? k / 255 : toSrgb(gain * toLinear(k / 255)),
  );
  return Float32Array.from(data, (value) => levels[value]);
}

/**
 * The network's output for a crop: the mean of it and its mirror image.
 *
 * @param {Network} network
 * @param {Float32Array} crop
 * @param {number} gain
 * @returns {Promise<Output>}
 */
async function predict(network, crop, gain) {
  const { size } = network;
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
      row.map((value, c) => (value + light[k][c]) / 2 / gain),
    ),
  };
}

/**
 * @param {Picture} photo
 * @param {Box} box
 * @param {Face | null} face
 * @param {Window[]} windows
 * @param {Output[]} outputs
 * @param {number} cutSize  side of the network's maps
 * @returns {FaceMaps}
 */
function fuse(photo, box, face, windows, outputs, cutSize) {
  const [outer] = windows;
  const size = clamp(roundHalfEven(outer.side), C.smallest, C.largest);
  /** @type {(number: number, maps: Float32Array[]) => Float32Array[]} on the outer crop's pixels */
  const resampled = (number, maps) => {
    const { corner, axes: [a, b, c, d] } = windows[number];
    const [x, y] = outer.place(corner);
    const [p, r] = times(outer.inverse, a, c);
    const [q, s] = times(outer.inverse, b, d);
    const place = new Window([x * size, y * size], [p * size, q * size, r * size, s * size]);
    return place.uncut(maps, cutSize, [0, 0, size, size]);
  };
  const maps = resampled(0, outputs[0].maps);
  if (!face) return refined(photo, box, face, outer, maps, outputs[0].light, size);
  const inner = resampled(1, outputs[1].maps);
  const [weight] = resampled(1, [feather(cutSize)]);
  // A face that fills the inner crop leaves no background to compare, except in front of a turned
  // head; there the inner crop sees the profile best.
  const profile = Math.min(1, 2 * Math.abs(turn(face, outer)));
  inner[6].forEach((value, k) => {
    inner[6][k] = maps[6][k] + profile * Math.min(value - maps[6][k], 0);
  });
  const inside = [...weight.keys()].filter((k) => weight[k] > 0.9);
  for (let m = 0; m < 3; m++) {
    // The network knows albedo x light better than either, so the outer albedo may differ from the
    // inner one by a factor, which is removed.
    const [near, far] = [inner, maps].map((layers) => median(inside.map((k) => layers[m][k])));
    const scale = clamp(near / Math.max(far, 1e-3), 0.5, 2);
    maps[m].forEach((value, k) => (maps[m][k] = value * scale));
  }
  maps.forEach((map, m) => {
    map.forEach((value, k) => (map[k] = value + weight[k] * (inner[m][k] - value)));
  });
  const [widest] = resampled(2, [outputs[2].maps[6]]);
  maps[6].forEach((value, k) => (maps[6][k] = Math.min(value, widest[k])));
  return refined(photo, box, face, outer, maps, outputs[1].light, size);
}

/**
 * Maps in the photo's frame, with the photo's edges, and their residual.
 *
 * @param {Picture} photo
 * @param {Box} box
 * @param {Face | null} face
 * @param {Window} window
 * @param {Float32Array[]} maps
 * @param {Coefficients} cutLight
 * @param {number} size
 * @returns {FaceMaps}
 */
function refined(photo, box, face, window, maps, cutLight, size) {
  const cut = window.cut(photo, size, box);
  /** @type {(value: (byte: number) => number) => Channels} */
  const decoded = (value) => /** @type {Channels} */ (
    [0, 1, 2].map((c) => Float32Array.from({ length: size * size }, (_, k) =>
      value(cut.data[3 * k + c]),
    ))
  );
  const linear = decoded((byte) => DECODED[byte]);
  const guide = luminance(decoded((byte) => byte / 255));
  /** @type {(settings: number[]) => GuidedFilter} */
  const filter = (given) => filterOf(guide, size, given);
  const light = rolled(cutLight, window.roll);
  const [cosine, sine] = [Math.cos(window.roll), Math.sin(window.roll)];
  const smooth = filter(C.normals);
  const [mx, my, mz] = maps.slice(3, 6);
  const normals = /** @type {Channels} */ ([
    smooth.filtered(mx.map((value, k) => cosine * value + sine * my[k])),
    smooth.filtered(my.map((value, k) => cosine * value - sine * mx[k])),
    smooth.filtered(mz),
  ]);
  for (let k = 0; k < size * size; k++) {
    const length = Math.max(Math.hypot(normals[0][k], normals[1][k], normals[2][k]), 1e-6);
    for (const axis of normals) axis[k] /= length;
  }
  const albedo = /** @type {Channels} */ (
    maps.slice(0, 3).map((map) => map.map((value) => clamp(value, 0, 1)))
  );
  const region = outline(face, window, size);
  let mask;
  if (face) {
    const within = insideOf(window, box, size);
    const fade = windowFade(size);
    const found = head(cut, guide, maps[6], region, within, turn(face, window));
    mask = found.map((value, k) => value * fade[k]);
  } else {
    mask = filter(C.mask).filtered(maps[6]).map((value) => clamp(value, 0, 1));
  }
  const shading = channels(size * size);
  shade(normals, light, shading);
  const measured = luminance(linear);
  const unexplained = measured.map((value, k) => {
    const explained = LUMINANCE.reduce(
      (sum, share, c) => sum + share * albedo[c][k] * Math.max(shading[c][k], 0), 0,
    );
    return Math.log((value + C.noise) / (explained + C.noise));
  });
  const residual = filter(C.residual).filtered(unexplained);
  return {
    window, box, face, size, photo: linear, guide, albedo, normals, mask, region, residual, light,
  };
}

/** @type {(window: Window, box: Box, size: number) => Uint8Array} 1 for pixels in the photo */
function insideOf(window, [left, top, right, bottom], size) {
  const result = new Uint8Array(size * size);
  for (let k = 0; k < result.length; k++) {
    const place = [((k % size) + 0.5) / size, (Math.floor(k / size) + 0.5) / size];
    const [dx, dy] = times(window.axes, place[0], place[1]);
    const [x, y] = [window.corner[0] + dx, window.corner[1] + dy];
    result[k] = Number(x >= left && x < right && y >= top && y < bottom);
  }
  return result;
}

/** @type {(size: number) => Float32Array} `[size, size]`, 0 at the border, 1 inside */
function feather(size) {
  const steps = Array.from({ length: size }, (_, k) => {
    const inward = Math.min(k + 0.5, size - 0.5 - k) / size;
    return smoothstep((inward - C.border) / C.fade);
  });
  return Float32Array.from({ length: size * size }, (_, k) =>
    steps[Math.floor(k / size)] * steps[k % size],
  );
}

/**
 * 1 inside the face's outline, or in an ellipse without a face.
 *
 * @param {Face | null} face
 * @param {Window} window
 * @param {number} size
 */
function outline(face, window, size) {
  if (!face) return ellipse([0.1 * size, 0.05 * size, 0.9 * size, 0.95 * size], size);
  const [x, y] = face.middle;
  const points = face.oval.map(([u, v]) => {
    /** @type {Point} */
    const inset = [u + C.outline_inset * (x - u), v + C.outline_inset * (y - v)];
    const [across, down] = window.place(inset);
    return /** @type {Point} */ ([across * size, down * size]);
  });
  return polygon(points, size);
}

/** @type {(size: number) => Float32Array} 1 around the head, fading to 0 before the border */
function windowFade(size) {
  return Float32Array.from({ length: size * size }, (_, k) => {
    const [x, y] = [((k % size) + 0.5) / size - 0.5, (Math.floor(k / size) + 0.5) / size - 0.5];
    // The 4-norm makes it a square with round corners, to suit the square window.
    const distance = (x ** 4 + y ** 4) ** 0.25 / C.head_radius;
    return smoothstep((1 - distance) / 0.25);
  });
}
