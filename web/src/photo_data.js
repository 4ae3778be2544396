// @ts-check
// A decomposed photo as the page shows it, as tfrelight.studio.photo_data encodes it.

import { roundHalfEven } from "../../tfrelight/studio/static/numbers.js";
import { dilatedBySquare } from "./filters.js";
import { Window, times } from "./framing.js";
import { filterOf } from "./guided_filter.js";
import { shrunk } from "./images.js";
import { prepare } from "./ratio_image.js";
import constants from "./constants.json" with { type: "json" };

/** @import { FaceFacts, Planes } from "../../tfrelight/studio/static/face_maps.js" */
/** @import { PhotoHeader } from "../../tfrelight/studio/static/photo_data.js" */
/** @import { FaceMaps } from "./face_maps.js" */
/** @import { Box, Picture } from "./images.js" */

/**
 * Where the maps of a face lie in the photo at its full size.
 *
 * @typedef {Pick<FaceFacts, "corner" | "inverse" | "bounds">} Place
 */

/**
 * What the worker sends to the page: `pixels` are `[height, width, 4]` RGBA of the preview.
 *
 * @typedef {object} PreparedPhoto
 * @property {PhotoHeader} header
 * @property {Uint8Array} pixels
 * @property {Planes[]} planes  of each face
 * @property {Place[]} places  of each face
 */

const { compositing, settings, longest } = constants;

/**
 * @param {Picture} photo
 * @param {FaceMaps[]} faces
 * @param {{ found: number, whole_image: boolean, grey: PhotoHeader["grey"] }} fields
 * @returns {PreparedPhoto}
 */
export function preparedPhoto(photo, faces, fields) {
  const small = shrunk(photo, longest);
  const factors = [small.width / photo.width, small.height / photo.height];
  const pixels = new Uint8Array(4 * small.width * small.height).fill(255);
  for (let k = 0, at = 0; k < small.data.length; k += 3, at += 4) {
    pixels[at] = small.data[k];
    pixels[at + 1] = small.data[k + 1];
    pixels[at + 2] = small.data[k + 2];
  }
  const views = faces.map((maps) => viewed(maps, factors[0], factors[1]));
  const prepared = faces.map((maps, k) => planesOf(maps, views, k));
  const header = /** @type {PhotoHeader} */ (/** @type {unknown} */ ({
    ...fields,
    height: photo.height,
    width: photo.width,
    view: { height: small.height, width: small.width },
    faces: prepared.map(({ facts }) => facts),
    settings,
  }));
  const places = faces.map(({ window, box }) => placeOf(window, box));
  return { header, pixels, planes: prepared.map(({ planes }) => planes), places };
}

/** @type {(window: Window, box: Box) => Place} */
function placeOf(window, box) {
  const [a, b, c, d] = window.inverse;
  return { corner: window.corner, inverse: [[a, b], [c, d]], bounds: window.bounds(box) };
}

/**
 * A face's place in the preview.
 *
 * @typedef {{ window: Window, box: Box, middle: number[] | null, distance: number }} View
 */

/** @type {(maps: FaceMaps, across: number, down: number) => View} */
function viewed({ window, box, face }, across, down) {
  const { corner: [x, y], axes: [a, b, c, d] } = window;
  const scaled = face?.scaled(across, down);
  return {
    window: new Window([x * across, y * down], [a * across, b * across, c * down, d * down]),
    box: /** @type {Box} */ (
      box.map((side, k) => Math.trunc(roundHalfEven(side * (k % 2 ? down : across))))
    ),
    middle: scaled ? scaled.middle : null,
    distance: scaled?.distance ?? 1,
  };
}

/**
 * @param {FaceMaps} maps
 * @param {View[]} views
 * @param {number} number
 * @returns {{ facts: FaceFacts, planes: Planes }}
 */
function planesOf(maps, views, number) {
  const { size } = maps;
  const { window, box } = views[number];
  const ready = prepare(maps);
  const [slope, offset] = filterOf(maps.guide, size, compositing.mask).coefficients(maps.mask);
  return {
    facts: {
      size,
      ...placeOf(window, box),
      box,
      head: headBox(maps, window, box),
      light: maps.light,
      white: ready.white,
      legibility: ready.legibility,
      radius: ready.radius,
    },
    planes: {
      normal_x: maps.normals[0], normal_y: maps.normals[1], normal_z: maps.normals[2],
      photo_r: maps.photo[0], photo_g: maps.photo[1], photo_b: maps.photo[2],
      albedo_r: maps.albedo[0], albedo_g: maps.albedo[1], albedo_b: maps.albedo[2],
      guide: maps.guide, mask: maps.mask, region: Float32Array.from(maps.region),
      residual: ready.residual, epsilon: ready.epsilon, black: ready.black,
      max_log_factor: ready.maxLogFactor,
      surface_r: ready.surface[0], surface_g: ready.surface[1], surface_b: ready.surface[2],
      outline_slope: slope, outline_offset: offset, share: shareOf(views, number, size),
    },
  };
}

/**
 * The share of each pixel that belongs to a face and not to its neighbours, `[S, S]`.
 *
 * @param {View[]} views
 * @param {number} number
 * @param {number} size
 */
function shareOf(views, number, size) {
  const share = new Float32Array(size * size).fill(1);
  if (views.length === 1) return share;
  const { corner, axes } = views[number].window;
  return share.map((_, k) => {
    const place = times(axes, ((k % size) + 0.5) / size, (Math.floor(k / size) + 0.5) / size);
    const nearness = views.map(({ middle, distance }) => {
      const [x, y] = middle ?? [0, 0];
      const apart = Math.hypot(corner[0] + place[0] - x, corner[1] + place[1] - y);
      return (apart / distance + 1e-3) ** -compositing.sharpness;
    });
    return nearness[number] / nearness.reduce((sum, value) => sum + value, 0);
  });
}

/**
 * The part of the preview that a new light may change.
 *
 * @param {FaceMaps} maps
 * @param {Window} window
 * @param {Box} box
 * @returns {number[]}
 */
function headBox({ mask, size }, { corner, axes }, box) {
  // Nothing changes below a mask of 0.45; its edges move a little with the photo's.
  const around = dilatedBySquare(mask, size, 4);
  const head = [...around.keys()].filter((k) => around[k] > 0.1);
  if (head.length === 0) return [0, 0, 0, 0];
  let [left, top, right, bottom] = [size, size, 0, 0];
  for (const k of head) {
    const [x, y] = [k % size, Math.floor(k / size)];
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x + 1);
    bottom = Math.max(bottom, y + 1);
  }
  const [x, y] = times(axes, left / size, top / size);
  const [a, b, c, d] = axes;
  const [across, down] = [(right - left) / size, (bottom - top) / size];
  const part = new Window(
    [corner[0] + x, corner[1] + y], [a * across, b * down, c * across, d * down],
  );
  return part.bounds(box);
}
