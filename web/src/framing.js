// @ts-check
// Windows on a photo: squares around faces, and the way back, as in tfrelight.faces.framing.

import { clamp, roundHalfEven } from "../../tfrelight/studio/static/numbers.js";
import { crop, padded, reduce, transformed } from "./images.js";
import constants from "./constants.json" with { type: "json" };

/** @import { Point } from "./crops.js" */
/** @import { Face } from "./find.js" */
/** @import { Box, Picture } from "./images.js" */

/** @typedef {[number, number, number, number]} Matrix two rows of two */

const { bar_tolerance: TOLERANCE, bar_edge: EDGE, bar_end: END, body: BODY, body_row: BODY_ROW } =
  constants.framing;

/** @type {(a: Matrix, x: number, y: number) => Point} */
export const times = ([a, b, c, d], x, y) => [a * x + b * y, c * x + d * y];

/** @type {(a: Matrix) => Matrix} */
export function inverse([a, b, c, d]) {
  const determinant = a * d - b * c;
  return [d / determinant, -b / determinant, -c / determinant, a / determinant];
}

/** A parallelogram of the photo that is cut out as a square. */
export class Window {
  /**
   * @param {Point} corner  its top left corner in the photo, pixels
   * @param {Matrix} axes  whose columns are its upper and its left edge, pixels of the photo
   */
  constructor(corner, axes) {
    this.corner = corner;
    this.axes = axes;
    this.inverse = inverse(axes);
  }

  /** Length of the longer of upper and left edge, pixels. */
  get side() {
    const [a, b, c, d] = this.axes;
    return Math.max(Math.hypot(a, c), Math.hypot(b, d));
  }

  /** In-plane rotation, radians, clockwise. */
  get roll() {
    return Math.atan2(this.axes[2], this.axes[0]);
  }

  /**
   * The window on the photo in another size.
   *
   * @param {number} across  factor of the photo's width
   * @param {number} down  factor of its height
   */
  scaled(across, down) {
    const { corner: [x, y], axes: [a, b, c, d] } = this;
    return new Window([x * across, y * down], [a * across, b * across, c * down, d * down]);
  }

  /** @returns {number[]} least x and y, most x and y of its corners */
  extent() {
    const corners = [[0, 0], [0, 1], [1, 0], [1, 1]].map(([u, v]) => this.point([u, v]));
    const [xs, ys] = [0, 1].map((c) => corners.map((corner) => corner[c]));
    return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  }

  /**
   * Its bounding box within a box of the photo.
   *
   * @param {Box} box
   * @returns {Box}
   */
  bounds([left, top, right, bottom]) {
    const [x0, y0, x1, y1] = this.extent();
    const low = [clamp(Math.floor(x0), left, right - 1), clamp(Math.floor(y0), top, bottom - 1)];
    return [
      low[0], low[1],
      clamp(Math.ceil(x1), low[0] + 1, right), clamp(Math.ceil(y1), low[1] + 1, bottom),
    ];
  }

  /**
   * The point of the photo at window coordinates: (0, 0) top left, (1, 1) the end.
   *
   * @param {Point} place
   * @returns {Point}
   */
  point([u, v]) {
    const [x, y] = times(this.axes, u, v);
    return [this.corner[0] + x, this.corner[1] + y];
  }

  /**
   * Window coordinates of a point of the photo: (0, 0) top left, (1, 1) the end.
   *
   * @param {Point} point
   */
  place([x, y]) {
    return times(this.inverse, x - this.corner[0], y - this.corner[1]);
  }

  /**
   * Cuts the window out as a square, antialiased.
   *
   * @param {Picture} photo
   * @param {number} size  of the result, pixels
   * @param {Box} box  of the picture in the photo; its border pixels are repeated outside
   */
  cut(photo, size, box) {
    const bounds = this.bounds(box);
    const factor = Math.max(1, Math.trunc(this.side / (2 * size)));
    const near = factor > 1 ? reduce(photo, factor, factor, bounds) : crop(photo, bounds);
    const margin = 2 + Math.ceil(this.side / factor);
    const [x0, y0, x1, y1] = this.extent();
    const beyond = [box[0] - x0, box[1] - y0, x1 - box[2], y1 - box[3]];
    const outside = /** @type {Box} */ (
      beyond.map((far) => clamp(Math.ceil(far / factor) + 2, 2, margin))
    );
    const [a, b, c, d] = this.axes.map((value) => value / (2 * size * factor));
    const x = (this.corner[0] - bounds[0]) / factor + outside[0];
    const y = (this.corner[1] - bounds[1]) / factor + outside[1];
    const source = padded(near, outside);
    return reduce(transformed(source, 2 * size, 2 * size, [a, b, x, c, d, y], "bicubic"), 2);
  }

  /**
   * Resamples maps of the window to the pixels of another one; see `uncut`.
   *
   * @param {Float32Array[]} maps  each `[side, side]`
   * @param {number} side
   * @param {Window} other
   * @param {number} size  of the result
   */
  onto(maps, side, other, size) {
    const [a, b, c, d] = this.axes;
    const [x, y] = other.place(this.corner);
    const [p, r] = times(other.inverse, a, c);
    const [q, s] = times(other.inverse, b, d);
    const place = new Window([x * size, y * size], [p * size, q * size, r * size, s * size]);
    return place.uncut(maps, side, [0, 0, size, size]);
  }

  /**
   * Resamples maps of the window to pixels of the photo, bilinearly. The border of the maps is
   * repeated for a pixel outside; beyond that they are 0.
   *
   * @param {Float32Array[]} maps  each `[S, S]`
   * @param {number} size  S
   * @param {Box} box  of the part of the photo to fill
   * @returns {Float32Array[]} each `[bottom - top, right - left]`
   */
  uncut(maps, size, [left, top, right, bottom]) {
    const [width, height] = [right - left, bottom - top];
    const [a, b, c, d] = this.inverse.map((value) => value * size);
    const [x0, y0] = times(this.inverse, left - this.corner[0], top - this.corner[1]);
    const results = maps.map(() => new Float32Array(width * height));
    const last = size - 1;
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) {
        // Places of the maps' pixels, whose middles are at whole numbers.
        const u = a * (x + 0.5) + b * (y + 0.5) + x0 * size - 0.5;
        const v = c * (x + 0.5) + d * (y + 0.5) + y0 * size - 0.5;
        if (u < -1.5 || v < -1.5 || u >= size + 0.5 || v >= size + 0.5) continue;
        const [column, row] = [clamp(u, 0, last), clamp(v, 0, last)];
        const [i, j] = [Math.floor(column), Math.floor(row)];
        const [across, down] = [column - i, row - j];
        const k = j * size + i;
        const right1 = i < last ? 1 : 0;
        const below = j < last ? size : 0;
        for (let m = 0; m < maps.length; m++) {
          const map = maps[m];
          const upper = map[k] + (map[k + right1] - map[k]) * across;
          const lower = map[k + below] + (map[k + below + right1] - map[k + below]) * across;
          results[m][at] = upper + (lower - upper) * down;
        }
      }
    }
    return results;
  }
}

/**
 * The window around a face, with the face's roll.
 *
 * @param {Face} face
 * @param {number[]} framing  distance and row of the eyes, as shares of the window's side
 */
export function around(face, [share, row]) {
  const side = face.distance / share;
  const [cosine, sine] = [Math.cos(face.roll) * side, Math.sin(face.roll) * side];
  /** @type {Matrix} */
  const axes = [cosine, -sine, sine, cosine];
  const [x, y] = times(axes, 0.5, row);
  const [middleX, middleY] = face.between;
  return new Window([middleX - x, middleY - y], axes);
}

/**
 * The upright window of the upper body of a person, not much larger than the photo.
 *
 * @param {Face} face  of the person
 * @param {Box} box  of the picture in the photo
 */
export function body(face, [left, top, right, bottom]) {
  const [eyeX, eyeY] = face.between;
  // A person lies or stands, but rarely leans by more than the head.
  const turn = roundHalfEven(face.roll / (Math.PI / 2)) * (Math.PI / 2);
  const [cosine, sine] = [Math.round(Math.cos(turn)), Math.round(Math.sin(turn))];
  const corners = [[left, top], [left, bottom], [right, top], [right, bottom]].map(([x, y]) =>
    times([cosine, sine, -sine, cosine], x - eyeX, y - eyeY),
  );
  const across = Math.max(...corners.map(([x]) => Math.abs(x)));
  const down = Math.max(...corners.map(([, y]) => y));
  const reach = Math.max(2 * across, down / (1 - BODY_ROW));
  const side = clamp(reach, face.distance / BODY[1], face.distance / BODY[0]);
  /** @type {Matrix} */
  const axes = [side * cosine, -side * sine, side * sine, side * cosine];
  const [x, y] = times(axes, 0.5, BODY_ROW);
  return new Window([eyeX - x, eyeY - y], axes);
}

/**
 * The part of a photo inside single-coloured bars, as of letterboxed films and scans.
 *
 * @param {Picture} photo
 * @returns {Box} the whole photo if it has no bars or is all of one colour
 */
export function content({ width, height, data }) {
  /** @type {(k: number, count: number, step: number, first: number[]) => number} */
  const others = (k, count, step, first) => {
    let found = 0;
    for (let n = 0; n < count; n++, k += step) {
      if (first.some((value, c) => Math.abs(data[k + c] - value) > TOLERANCE)) found++;
    }
    return found;
  };
  /** @type {(start: number, next: number, lines: number, count: number, step: number) => number} */
  const bar = (start, next, lines, count, step) => {
    const first = [data[start], data[start + 1], data[start + 2]];
    let line = 0;
    while (line < lines && !others(start + line * next, count, step, first)) line++;
    if (line === 0 || line === lines) return line;
    const shown = line + EDGE;
    if (shown >= lines) return 0;
    return others(start + shown * next, count, step, first) < END * count ? 0 : shown;
  };
  const row = 3 * width;
  const top = bar(0, row, height, width, 3);
  const bottom = height - bar((height - 1) * row, -row, height, width, 3);
  if (top < bottom) {
    const left = bar(top * row, 3, width, bottom - top, row);
    const right = width - bar(top * row + row - 3, -3, width, bottom - top, row);
    if (left < right) return [left, top, right, bottom];
  }
  return [0, 0, width, height];
}

/** @type {(photo: Picture) => Window} the window that is the whole photo */
export const whole = ({ width, height }) => new Window([0, 0], [width, 0, 0, height]);
