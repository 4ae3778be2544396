// @ts-check
// What the studio measured on a head or a body, as in tfrelight.relighting.face_maps.

import { halvedCatchlights, halvedEyes } from "./eyes.js";

/** @import { Rgb } from "./color.js" */
/** @import { Eyes, OldCatchlights } from "./eyes.js" */
/** @import { Coefficients } from "./harmonics.js" */
/** @import { Channels } from "./shading.js" */

/**
 * Names of the maps, `[S, S]` each, row by row. `photo_*`, `albedo_*`: linear RGB. `normal_*`: unit
 * vectors. `guide`: luma of the photo, sRGB-encoded. `mask`: person against the rest, 0 to 1.
 * `region`: 1 in the face itself, where brightness is measured. `residual_*`: log of the light that
 * the shading leaves out. `epsilon`: variance of the guide below which it counts as flat. `black`:
 * 1 where a shadow is black. `max_log_factor`: log of the largest factor. `hair`: the probability
 * of hair. `surface_*`: colour of the surface under its own light; the largest channel is 1.
 * `skin`: the probability of skin. `relief`: height of the surface that casts shadows, pixels of
 * the maps. `steep_*`: its normals, in the frame of the maps. `part_*`: the probabilities of the
 * other parts, 0 if they are not known; `skin` has no dark things. `outline_slope`,
 * `outline_offset`: the mask as a linear function of the guide. `share`: how much of a pixel
 * belongs to this head or body rather than to another one, 0 to 1.
 *
 * @typedef {"normal_x" | "normal_y" | "normal_z" | "photo_r" | "photo_g" | "photo_b" | "albedo_r"
 *   | "albedo_g" | "albedo_b" | "guide" | "mask" | "region" | "residual_r" | "residual_g" |
 *   "residual_b" | "epsilon" | "black" | "max_log_factor" | "hair" | "surface_r" | "surface_g" |
 *   "surface_b" | "skin" | "relief" | "steep_x" | "steep_y" | "steep_z" | "part_skin" |
 *   "part_eyes" | "part_mouth" | "part_cloth" | "part_things" | "outline_slope" |
 *   "outline_offset" | "share"} PlaneName
 */

/** @typedef {"skin" | "hair" | "eyes" | "mouth" | "cloth" | "things"} PartName */

/** @typedef {Record<PlaneName, Float32Array>} Planes */

/**
 * Where a head or a body lies; boxes are left, top, right, bottom in pixels of the preview.
 *
 * @typedef {object} FaceFacts
 * @property {number} size  S, side of the maps, pixels
 * @property {[number, number]} corner  x, y of the maps' corner in the preview, pixels
 * @property {[[number, number], [number, number]]} inverse  matrix from pixels of the preview,
 *   relative to `corner`, to [0, 1] across the maps
 * @property {number[]} box  what belongs to the photo, not to bars beside it
 * @property {number[]} bounds  what the maps cover
 * @property {number[]} head  what a new light may change
 * @property {Coefficients} light  on the face in the photo
 * @property {Rgb} white  colour of that light, of luminance 1
 * @property {number} [above]  index of the head of a body, or of a head itself
 * @property {number} legibility  1, or less if the face is nearly black and is relit by less
 * @property {number} radius  of the guided filter, pixels of the maps
 * @property {number} head_height  of the head, pixels of the maps
 * @property {[[number, number], [number, number]]} rotation  matrix from the frame of the maps to
 *   that of the photo
 * @property {Eyes | null} eyes  of a head
 * @property {OldCatchlights | null} old_catchlights
 */

/**
 * Constants of `ratio_image.SETTINGS` in Python.
 *
 * @typedef {object} RelightSettings
 * @property {number} min_shading  least shading, as a share of the brightest
 * @property {number} fade_distance  relative squared distance between two shadings over which old
 *   shadows fade
 * @property {number} shoulder  linear value above which pixels approach 1 slowly
 * @property {number} metered_percentile  percentile of the brightness that exposure keeps
 * @property {number} sheen  share of the light that hair gains without taking on its colour
 * @property {number} own_white  share of a bluer colour of the light that eyes and mouths leave out
 * @property {number[]} bluer  the difference between the logarithms of blue and red between which
 *   they do
 * @property {number} max_exposure  largest factor of exposure, if the own light is of brightness 1
 * @property {RenderingSettings} rendering
 */

/**
 * Constants of `rendering` in Python; angles in radians.
 *
 * @typedef {object} RenderingSettings
 * @property {number} narrow  radius up to which a lamp is marched towards
 * @property {number} penumbra  least radius of a penumbra
 * @property {number} points  of a wide lamp
 * @property {number} around  directions in which the horizon is known for wide lamps
 * @property {number} coarse  longest side of the surface there, pixels
 * @property {number} f0  reflectance of skin at normal incidence
 * @property {[number, number][]} lobes  roughness and share of each lobe of its highlights
 * @property {number} tears  reflectance of tears at normal incidence
 * @property {number} head  height of a head, millimetres
 * @property {number[]} spread  of red, green and blue light in skin, millimetres
 */

/**
 * The facts of a face in a part of the preview, or in another size of it.
 *
 * @param {FaceFacts} facts
 * @param {number} left  of the part, pixels of the preview
 * @param {number} top
 * @param {number} [factor]  of the size
 * @returns {FaceFacts} with `box` and `head` as they were
 */
export function moved(facts, left, top, factor = 1) {
  const { corner: [x, y], inverse: [[a, b], [c, d]], bounds } = facts;
  return {
    ...facts,
    corner: [(x - left) * factor, (y - top) * factor],
    inverse: [[a / factor, b / factor], [c / factor, d / factor]],
    bounds: bounds.map((side, k) => (side - (k % 2 ? top : left)) * factor),
  };
}

/**
 * The maps of a face at half the size.
 *
 * @param {FaceFacts} facts
 * @param {Planes} planes
 * @returns {[FaceFacts, Planes]}
 */
export function halved(facts, planes) {
  const { size, radius } = facts;
  const half = size >> 1;
  /** @type {(values: Float32Array) => Float32Array} */
  const means = (values) => {
    const small = new Float32Array(half * half);
    for (let y = 0; y < half; y++) {
      for (let x = 0; x < half; x++) {
        const k = 2 * y * size + 2 * x;
        small[y * half + x] =
          (values[k] + values[k + 1] + values[k + size] + values[k + size + 1]) / 4;
      }
    }
    return small;
  };
  const small = /** @type {Planes} */ (Object.fromEntries(
    Object.entries(planes).map(([name, values]) => [name, means(values)]),
  ));
  normalize([small.normal_x, small.normal_y, small.normal_z]);
  normalize([small.steep_x, small.steep_y, small.steep_z]);
  small.relief.forEach((value, k) => (small.relief[k] = value / 2));
  return [
    {
      ...facts, size: half, radius: Math.max(1, Math.round(radius / 2)),
      head_height: facts.head_height / 2, eyes: halvedEyes(facts.eyes, size),
      old_catchlights: halvedCatchlights(facts.old_catchlights, size),
    },
    small,
  ];
}

/**
 * Gives vectors the length 1.
 *
 * @param {Channels} vectors  x, y, z; they are changed
 */
export function normalize([x, y, z]) {
  for (let k = 0; k < x.length; k++) {
    const length = Math.max(Math.hypot(x[k], y[k], z[k]), 1e-6);
    x[k] /= length;
    y[k] /= length;
    z[k] /= length;
  }
}
