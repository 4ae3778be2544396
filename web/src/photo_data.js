// @ts-check
// A decomposed photo as the page shows it, as tfrelight.studio.photo_data encodes it.

import { indicesAbove, roundHalfEven, tabulated } from "../../tfrelight/studio/static/numbers.js";
import { probability } from "./face_maps.js";
import { dilated, square } from "./filters.js";
import { Window } from "./framing.js";
import { filterOf } from "./guided_filter.js";
import { shrunk } from "./images.js";
import { prepare } from "./ratio_image.js";
import { centre, headFade } from "./window_weights.js";
import constants from "./constants.json" with { type: "json" };

/** @import { FaceFacts, PartName, Planes } from "../../tfrelight/studio/static/face_maps.js" */
/** @import { PhotoHeader } from "../../tfrelight/studio/static/photo_data.js" */
/** @import { FaceMaps } from "./face_maps.js" */
/** @import { Box, Picture } from "./images.js" */
/** @import { Relightable } from "./ratio_image.js" */
/** @import { Steps } from "./steps.js" */

/**
 * Where the maps of a head or a body lie in the photo at its full size.
 *
 * @typedef {Pick<FaceFacts, "corner" | "inverse" | "bounds">} Place
 */

/**
 * What the worker sends to the page: `pixels` are `[height, width, 4]` RGBA of the preview.
 *
 * @typedef {object} PreparedPhoto
 * @property {PhotoHeader} header
 * @property {Uint8Array} pixels
 * @property {Planes[]} planes  of each head and each body
 * @property {Place[]} places  of each head and each body
 */

const { compositing, settings, longest } = constants;
const [, ...PART_NAMES] = /** @type {["background", ...PartName[]]} */ (constants.parts);

/**
 * @param {Picture} photo
 * @param {FaceMaps[]} faces
 * @param {Pick<PhotoHeader, "found" | "whole_image" | "what" | "grey">} fields
 * @param {Pick<Steps, "prepare">} steps  for bodies
 * @returns {Promise<PreparedPhoto>}
 */
export async function preparedPhoto(photo, faces, fields, steps) {
  const small = shrunk(photo, longest);
  const factors = [small.width / photo.width, small.height / photo.height];
  const pixels = new Uint8Array(4 * small.width * small.height).fill(255);
  for (let k = 0, at = 0; k < small.data.length; k += 3, at += 4) {
    pixels[at] = small.data[k];
    pixels[at + 1] = small.data[k + 1];
    pixels[at + 2] = small.data[k + 2];
  }
  const bodies = faces.flatMap(({ body }) => body ?? []);
  const surfaces = [...faces, ...bodies];
  const [preparedBodies, heads] = await Promise.all([
    Promise.all(bodies.map((maps) => steps.prepare(maps))),
    Promise.resolve().then(() => faces.map(prepare)),
  ]);
  // Head and body have one white, and are relit by as much.
  const shared = faces.flatMap(({ body }, k) =>
    body ? [{ white: heads[k].white, legibility: heads[k].legibility }] : [],
  );
  const ready = [...heads, ...preparedBodies.map((one, k) => ({ ...one, ...shared[k] }))];
  const views = surfaces.map((maps) => viewed(maps, factors[0], factors[1]));
  const above = faces.flatMap(({ body }, k) => (body ? [k] : []));
  const prepared = surfaces.map((maps, k) => {
    const head = k < faces.length ? k : above[k - faces.length];
    return planesOf(maps, ready[k], views[k], head, faces, views);
  });
  const header = /** @type {PhotoHeader} */ (/** @type {unknown} */ ({
    ...fields,
    height: photo.height,
    width: photo.width,
    view: { height: small.height, width: small.width },
    relit: faces.length,
    parts: faces.every(({ parts }) => parts) ? PART_NAMES : [],
    surfaces: prepared.map(({ facts }) => facts),
    settings,
  }));
  const places = surfaces.map(({ window, box }) => placeOf(window, box));
  return { header, pixels, planes: prepared.map(({ planes }) => planes), places };
}

/** @type {(window: Window, box: Box) => Place} */
function placeOf(window, box) {
  const [a, b, c, d] = window.inverse;
  return { corner: window.corner, inverse: [[a, b], [c, d]], bounds: window.bounds(box) };
}

/**
 * Where a head or a body is in the preview; and the middle of its face, and its size.
 *
 * @typedef {{ window: Window, box: Box, middle: number[], distance: number }} View
 */

/** @type {(maps: FaceMaps, across: number, down: number) => View} */
function viewed({ window, box, face }, across, down) {
  const scaled = face?.scaled(across, down);
  return {
    window: window.scaled(across, down),
    box: /** @type {Box} */ (
      box.map((side, k) => Math.trunc(roundHalfEven(side * (k % 2 ? down : across))))
    ),
    middle: scaled?.middle ?? [0, 0],
    distance: scaled?.distance ?? 1,
  };
}

/**
 * @param {FaceMaps} maps
 * @param {Relightable} ready
 * @param {View} view
 * @param {number} head  index of the head among those in the photo
 * @param {FaceMaps[]} heads
 * @param {View[]} views  of the heads, first
 * @returns {{ facts: FaceFacts, planes: Planes }}
 */
function planesOf(maps, ready, view, head, heads, views) {
  const { size } = maps;
  const { window, box } = view;
  /** @type {(name: PartName) => Float32Array} zeros if it is not known */
  const part = (name) => probability(maps, name) ?? new Float32Array(size * size);
  const [slope, offset] = filterOf(maps.guide, size, compositing.edge).coefficients(maps.mask);
  return {
    facts: {
      size,
      ...placeOf(window, box),
      box,
      head: headBox(maps, window, box),
      above: head,
      light: maps.light,
      white: ready.white,
      legibility: ready.legibility,
      radius: ready.radius,
      head_height: ready.relief.head,
      rotation: ready.relief.rotation,
      eyes: ready.eyes,
      old_catchlights: ready.old,
    },
    planes: {
      normal_x: maps.normals[0], normal_y: maps.normals[1], normal_z: maps.normals[2],
      photo_r: maps.photo[0], photo_g: maps.photo[1], photo_b: maps.photo[2],
      albedo_r: maps.albedo[0], albedo_g: maps.albedo[1], albedo_b: maps.albedo[2],
      guide: maps.guide, mask: maps.mask, region: Float32Array.from(maps.region),
      residual_r: ready.residual[0], residual_g: ready.residual[1],
      residual_b: ready.residual[2], epsilon: ready.epsilon, black: ready.black,
      max_log_factor: ready.maxLogFactor,
      hair: part("hair"),
      surface_r: ready.surface[0], surface_g: ready.surface[1], surface_b: ready.surface[2],
      skin: ready.skin, relief: ready.relief.height,
      steep_x: ready.relief.normals[0], steep_y: ready.relief.normals[1],
      steep_z: ready.relief.normals[2],
      part_skin: part("skin"), part_eyes: part("eyes"), part_mouth: part("mouth"),
      part_cloth: part("cloth"), part_things: part("things"),
      outline_slope: slope, outline_offset: offset, share: shareOf(maps, view, head, heads, views),
    },
  };
}

/**
 * The share of each pixel that belongs to a head and not to others, or to a body, `[S, S]`.
 *
 * @param {FaceMaps} maps
 * @param {View} view
 * @param {number} head  index of the head
 * @param {FaceMaps[]} heads
 * @param {View[]} views  of the heads, first
 */
function shareOf({ size, window, headWindow, body }, view, head, heads, views) {
  // Whoever is nearer counts only where they are: between them is the body of who stands behind.
  const present = heads.map((one, k) => (k === head ? null : presence(one, window, size)));
  return tabulated(size * size, (k) => {
    const place = centre(k, size);
    let share = 1;
    if (heads.length > 1) {
      const [x, y] = view.window.point(place);
      /** @type {(one: View) => number} */
      const nearness = ({ middle: [u, v], distance }) =>
        (Math.hypot(x - u, y - v) / distance + 1e-3) ** -compositing.sharpness;
      const own = nearness(view);
      share = own / present.reduce(
        (sum, there, number) => sum + (there ? nearness(views[number]) * there[k] : 0), own,
      );
    }
    if (!headWindow && !body) return share;
    // In the window of the head its maps count, and outside it those of the body.
    const fade = headFade((headWindow ?? window).place(window.point(place)));
    return share * (headWindow ? 1 - fade : fade);
  });
}

/**
 * 1 where a person is, on the pixels of a window, `[S, S]`.
 *
 * @param {FaceMaps} maps  of the head
 * @param {Window} window
 * @param {number} size
 */
function presence({ mask, body, size: side, window: own }, window, size) {
  if (!body) return own.onto([mask], side, window, size)[0];
  const faded = mask.map((value, k) => value * headFade(centre(k, side)));
  const [above] = own.onto([faded], side, window, size);
  const [below] = body.window.onto([body.mask], body.size, window, size);
  return above.map((value, k) => Math.max(value, below[k]));
}

/**
 * The part of the preview that a new light may change.
 *
 * @param {FaceMaps} maps
 * @param {Window} window
 * @param {Box} box
 * @returns {number[]}
 */
function headBox({ mask, size }, window, box) {
  // Nothing changes below a mask of 0.45; its edges move a little with the photo's.
  const around = dilated(mask, size, square(4));
  const head = indicesAbove(around, 0.1);
  if (head.length === 0) return [0, 0, 0, 0];
  let [left, top, right, bottom] = [size, size, 0, 0];
  for (const k of head) {
    const [x, y] = [k % size, Math.floor(k / size)];
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x + 1);
    bottom = Math.max(bottom, y + 1);
  }
  const [a, b, c, d] = window.axes;
  const [across, down] = [(right - left) / size, (bottom - top) / size];
  return new Window(
    window.point([left / size, top / size]), [a * across, b * down, c * across, d * down],
  ).bounds(box);
}
