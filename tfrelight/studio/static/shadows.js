// @ts-check
// Cast shadows, as in tfrelight.rendering.horizon and tfrelight.rendering.shadows: how much of each
// lamp a point of a surface sees over the horizon around it.

import { discPoints } from "./lamps.js";

/** @import { RenderingSettings } from "./face_maps.js" */
/** @import { DistantLamp } from "./harmonics.js" */
/** @import { Channels } from "./shading.js" */

/**
 * A surface that is lit and casts shadows.
 *
 * @typedef {object} LitSurface
 * @property {number} size  S
 * @property {Channels} normals  `[S, S]` each, in the frame of the maps
 * @property {Heights} heights
 * @property {number[]} where  the pixels that count
 * @property {number} range  between lowest and highest, pixels; below 0 without a surface
 * @property {Float32Array} work  `[S, S]`, free to use
 * @property {RenderingSettings} settings
 * @property {() => Around} allAround
 */

/**
 * The surface in cells of `step` pixels, and the angle of the horizon in each direction.
 *
 * @typedef {object} Around
 * @property {{ size: number, normals: Channels, where: number[] }} small
 * @property {Float32Array[]} horizons  radians
 * @property {Float32Array[]} tangents  of them
 * @property {number} step
 */

// Height of what is behind a head, pixels: no ray reaches it.
const FAR_BELOW = -1e4;

/**
 * The distances, 1 to `count` pixels, at which a horizon is looked for; far steps are longer.
 *
 * @param {number} count
 */
function* distances(count) {
  for (let number = 1; number <= count; number += Math.max(1, Math.floor(number / 24))) {
    yield number;
  }
}

/**
 * Heights row by row and column by column, each `[S + 1, S]`: the last line is far below.
 * `inRows`, `inColumns`: the first pixel that counts in each line, and the one behind the last.
 *
 * @typedef {object} Heights
 * @property {Float32Array} rows
 * @property {Float32Array} columns
 * @property {[Int32Array, Int32Array]} inRows
 * @property {[Int32Array, Int32Array]} inColumns
 */

/**
 * @param {Float32Array} relief  `[S, S]` pixels
 * @param {Float32Array} mask  `[S, S]` in [0, 1], 1 on the surface
 * @param {number} size  S
 * @param {number[]} where  the pixels that count
 * @returns {Heights}
 */
export function heightsOf(relief, mask, size, where) {
  const rows = new Float32Array(size * (size + 1)).fill(FAR_BELOW);
  relief.forEach((value, k) => {
    if (mask[k] > 0.5) rows[k] = value;
  });
  const columns = rows.slice();
  transpose(columns, size);
  /** @type {() => [Int32Array, Int32Array]} */
  const nothing = () => [new Int32Array(size).fill(size), new Int32Array(size)];
  const [inRows, inColumns] = [nothing(), nothing()];
  for (const k of where) {
    const [row, column] = [Math.floor(k / size), k % size];
    for (const [[firsts, ends], line, place] of /** @type {const} */ ([
      [inRows, row, column], [inColumns, column, row],
    ])) {
      firsts[line] = Math.min(firsts[line], place);
      ends[line] = Math.max(ends[line], place + 1);
    }
  }
  return { rows, columns, inRows, inColumns };
}

/** @type {(values: Float32Array, size: number) => void} swaps rows and columns, in place */
function transpose(values, size) {
  for (let row = 1; row < size; row++) {
    for (let column = 0; column < row; column++) {
      const [here, there] = [row * size + column, column * size + row];
      const value = values[here];
      values[here] = values[there];
      values[there] = value;
    }
  }
}

/**
 * Tangent of the steepest angle above the image's plane, in a direction of the image.
 *
 * @param {Heights} heights
 * @param {number} size  S
 * @param {[number, number]} direction  right and up, a unit vector
 * @param {number} farthest  distance up to which to look, pixels
 * @param {Float32Array} found  `[S, S]`, filled
 */
export function horizon({ rows, columns, inRows, inColumns }, size, [right, up], farthest, found) {
  const turned = Math.abs(up) > Math.abs(right);
  const [height, [firsts, ends]] = turned ? [columns, inColumns] : [rows, inRows];
  const [major, minor] = turned ? [-up, right] : [right, -up];
  const sign = major < 0 ? -1 : 1;
  const slope = minor / Math.abs(major);
  // Along the longer axis each step is a pixel, so that only the other one is interpolated.
  const stride = Math.hypot(1, slope);
  const count = Math.min(size - 1, Math.floor(farthest / stride) + 1);
  /** @type {(line: number) => number} where it begins */
  const start = (line) => (line >= 0 && line < size ? line : size) * size;
  found.fill(FAR_BELOW);
  for (const number of distances(count)) {
    const moved = slope * number;
    const whole = Math.floor(moved);
    const share = moved - whole;
    const inverse = 1 / (number * stride);
    const shift = sign * number;
    for (let line = 0; line < size; line++) {
      const first = Math.max(firsts[line], -shift);
      let here = line * size + first;
      let upper = start(line + whole) + first + shift;
      let lower = start(line + whole + 1) + first + shift;
      const end = line * size + Math.min(ends[line], size - shift);
      for (; here < end; here++, upper++, lower++) {
        const near = height[upper];
        const rise = (near + share * (height[lower] - near) - height[here]) * inverse;
        if (rise > found[here]) found[here] = rise;
      }
    }
  }
  if (turned) transpose(found, size);
}

/**
 * The part of a disc of radius 1 above a line at `-height` from its centre; see `shadows._above`.
 *
 * @param {number} height
 */
function above(height) {
  const h = Math.min(1, Math.max(-1, height));
  const square = h * h;
  return 0.5 + h * (0.6366 - square * (0.0232 + 0.1134 * square));
}

/**
 * The part of a disc above the horizon, of that above the point's own tangent plane.
 *
 * @param {number} elevation  of its centre above the image's plane, radians
 * @param {number} over  angle of the horizon
 * @param {number} tangent  angle of the tangent plane
 * @param {number} radius
 */
function seen(elevation, over, tangent, radius) {
  const whole = above((elevation - tangent) / radius);
  // Where the tangent plane hides the lamp, nothing is left to be in shadow.
  return whole > 1e-3 ? Math.min(above((elevation - over) / radius) / whole, 1) : 1;
}

/**
 * The part of a lamp that each point sees.
 *
 * @param {LitSurface} surface
 * @param {DistantLamp} lamp
 * @param {Float32Array} target  `[S, S]`, filled with values in [0, 1]
 * @returns {boolean} whether any of it is below 1
 */
export function ofLamp(surface, lamp, target) {
  const { settings: { narrow, points }, size } = surface;
  if (lamp.radius > narrow) {
    lookedUp(surface, discPoints(lamp, points), lamp.radius / 4, target);
    return true;
  }
  const [x, y, z] = lamp.direction;
  const flat = Math.hypot(x, y);
  if (flat < 1e-3 || surface.range < 0) {
    target.fill(1);
    return false;
  }
  const elevation = Math.atan2(z, flat);
  const radius = Math.max(lamp.radius, surface.settings.penumbra);
  const lowest = Math.tan(Math.max(elevation - radius, (2 * Math.PI) / 180));
  /** @type {[number, number]} */
  const towards = [x / flat, y / flat];
  const { where, work, normals: [nx, ny, nz] } = surface;
  horizon(surface.heights, size, towards, Math.min(surface.range / lowest, size), work);
  target.fill(1);
  for (let j = 0; j < where.length; j++) {
    const k = where[j];
    const tangent = -(nx[k] * towards[0] + ny[k] * towards[1]) / Math.max(nz[k], 1e-3);
    if (work[k] <= tangent) continue;
    target[k] = seen(elevation, Math.atan(work[k]), Math.atan(tangent), radius);
  }
  return true;
}

/**
 * The part of the light of discs that each point sees, from the horizon all around.
 *
 * @param {LitSurface} surface
 * @param {number[][]} directions  unit vectors
 * @param {number} radius  of each disc, radians
 * @param {Float32Array} target  `[S, S]`, filled
 */
function lookedUp(surface, directions, radius, target) {
  const { small, horizons, tangents, step } = surface.allAround();
  const { around } = surface.settings;
  const { where, normals: [nx, ny, nz] } = small;
  const count = nx.length;
  const lit = new Float32Array(count);
  const reached = new Float32Array(count);
  for (const [x, y, z] of directions) {
    const turn = (Math.atan2(y, x) / (2 * Math.PI)) * around;
    const first = Math.floor(turn);
    const share = turn - first;
    const [here, next] = [(first + around) % around, (first + 1 + around) % around];
    const [before, after] = [horizons[here], horizons[next]];
    const [steepBefore, steepAfter] = [tangents[here], tangents[next]];
    const flat = Math.hypot(x, y);
    const elevation = Math.atan2(z, flat);
    const [across, up] = [x / Math.max(flat, 1e-6), y / Math.max(flat, 1e-6)];
    for (let j = 0; j < where.length; j++) {
      const k = where[j];
      const cosine = nx[k] * x + ny[k] * y + nz[k] * z;
      if (cosine <= 0) continue;
      lit[k] += cosine;
      const rise = -(nx[k] * across + ny[k] * up) / Math.max(nz[k], 1e-3);
      if (steepBefore[k] <= rise && steepAfter[k] <= rise) {
        reached[k] += cosine;
        continue;
      }
      const over = before[k] + share * (after[k] - before[k]);
      const tangent = Math.atan(rise);
      reached[k] += over <= tangent ? cosine : cosine * seen(elevation, over, tangent, radius);
    }
  }
  for (let k = 0; k < count; k++) reached[k] = lit[k] > 1e-6 ? reached[k] / lit[k] : 1;
  if (step === 1) target.set(reached);
  else enlarge(reached, small.size, step, target, surface.size);
}

/** @type {(values: Float32Array, from: number, step: number, target: Float32Array, size: number) =>
 *   void} cells of `step` pixels as pixels, bilinearly */
function enlarge(values, from, step, target, size) {
  const last = from - 1;
  const places = Float32Array.from({ length: size }, (_, k) =>
    Math.min(last, Math.max(0, (k + 0.5) / step - 0.5)),
  );
  for (let y = 0, k = 0; y < size; y++) {
    const top = Math.floor(places[y]);
    const down = places[y] - top;
    const upper = top * from;
    const lower = Math.min(top + 1, last) * from;
    for (let x = 0; x < size; x++, k++) {
      const left = Math.floor(places[x]);
      const right = Math.min(left + 1, last);
      const across = places[x] - left;
      const above_ = values[upper + left] + across * (values[upper + right] - values[upper + left]);
      const below = values[lower + left] + across * (values[lower + right] - values[lower + left]);
      target[k] = above_ + down * (below - above_);
    }
  }
}
