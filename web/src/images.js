// @ts-check
// 8-bit pictures, resampled step by step as Pillow does, so that the networks see what they see in
// Python. A canvas resamples in another way in every browser.

import { clamp, roundHalfEven } from "../../tfrelight/studio/static/numbers.js";

/**
 * @typedef {object} Picture
 * @property {number} width  pixels
 * @property {number} height  pixels
 * @property {Uint8Array} data  `[height, width, 3]` sRGB-encoded
 */

/** @typedef {[number, number, number, number]} Box left, top, right, bottom, pixels */

/**
 * Six numbers of an affine map, row by row: from places in the result to places in the source.
 *
 * @typedef {[number, number, number, number, number, number]} Affine
 */

/** @type {(width: number, height: number) => Picture} all black */
export const picture = (width, height) => ({
  width, height, data: new Uint8Array(3 * width * height),
});

/** @type {(source: Picture) => Box} */
const whole = ({ width, height }) => [0, 0, width, height];

/**
 * A part of a picture, black where it lies outside.
 *
 * @param {Picture} source
 * @param {Box} box
 */
export function crop({ width, height, data }, [left, top, right, bottom]) {
  const result = picture(right - left, bottom - top);
  const first = Math.max(left, 0);
  const last = Math.min(right, width);
  if (first >= last) return result;
  for (let y = Math.max(top, 0); y < Math.min(bottom, height); y++) {
    const row = data.subarray(3 * (y * width + first), 3 * (y * width + last));
    result.data.set(row, 3 * ((y - top) * result.width + first - left));
  }
  return result;
}

/**
 * Averages blocks of pixels; those at the right and at the bottom may be smaller.
 *
 * @param {Picture} source
 * @param {number} across  width of a block, pixels
 * @param {number} [down]  its height
 * @param {Box} [box]  the part to reduce
 */
export function reduce(source, across, down = across, box = whole(source)) {
  const [left, top, right, bottom] = box;
  const result = picture(Math.ceil((right - left) / across), Math.ceil((bottom - top) / down));
  for (let y = 0, at = 0; y < result.height; y++) {
    const y0 = top + y * down;
    const y1 = Math.min(y0 + down, bottom);
    for (let x = 0; x < result.width; x++, at += 3) {
      const x0 = left + x * across;
      const x1 = Math.min(x0 + across, right);
      const count = (x1 - x0) * (y1 - y0);
      // Pillow multiplies by the inverse in 24 bits, and rounds half of the way up.
      const inverse = Math.trunc(Math.fround(2 ** 24 / count));
      let [r, g, b] = [count >> 1, count >> 1, count >> 1];
      for (let v = y0; v < y1; v++) {
        for (let k = 3 * (v * source.width + x0); k < 3 * (v * source.width + x1); k += 3) {
          r += source.data[k];
          g += source.data[k + 1];
          b += source.data[k + 2];
        }
      }
      result.data[at] = (r * inverse) / 2 ** 24;
      result.data[at + 1] = (g * inverse) / 2 ** 24;
      result.data[at + 2] = (b * inverse) / 2 ** 24;
    }
  }
  return result;
}

/** @type {Record<string, { reach: number, at: (x: number) => number }>} */
const KERNELS = {
  bilinear: { reach: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    reach: 1,
    at: (x) => {
      const a = Math.PI * Math.abs(x);
      if (a === 0) return 1;
      return a >= Math.PI ? 0 : (Math.sin(a) / a) * (0.54 + 0.46 * Math.cos(a));
    },
  },
  // a = -0.5, unlike that of `transformed`.
  bicubic: {
    reach: 2,
    at: (x) => {
      const a = Math.abs(x);
      if (a < 1) return (1.5 * a - 2.5) * a * a + 1;
      return a < 2 ? ((-0.5 * a + 2.5) * a - 4) * a + 2 : 0;
    },
  },
};

// Bits behind the point of the weights.
const PRECISION = 22;

/**
 * For each pixel of an axis the first pixel that it is made of, and their weights.
 *
 * @param {number} before  length of the axis, pixels
 * @param {number} start  where the part begins that is resized
 * @param {number} length  of the part
 * @param {number} after  pixels of the result
 * @param {keyof typeof KERNELS} kernel
 * @returns {{ first: number, weights: Int32Array }[]}
 */
function weightsOf(before, start, length, after, kernel) {
  const scale = length / after;
  const spread = Math.max(scale, 1);
  const { reach, at } = KERNELS[kernel];
  return Array.from({ length: after }, (_, k) => {
    const centre = start + (k + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach * spread + 0.5));
    const last = Math.min(before, Math.trunc(centre + reach * spread + 0.5));
    const shares = Array.from({ length: last - first }, (__, j) =>
      at((first + j - centre + 0.5) / spread),
    );
    const total = shares.reduce((sum, share) => sum + share, 0);
    const weights = Int32Array.from(shares, (share) => {
      const scaled = (share / total) * 2 ** PRECISION;
      return Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    });
    return { first, weights };
  });
}

/**
 * Resizes a picture: Pillow's `Image.resize`.
 *
 * @param {Picture} source
 * @param {number} width  pixels of the result
 * @param {number} height
 * @param {keyof typeof KERNELS} kernel
 * @param {number} [gap]  Pillow's `reducing_gap`: averages first, to at least this many times the
 *   size
 */
export function resized(source, width, height, kernel, gap = 0) {
  const across = gap ? Math.trunc(source.width / width / gap) || 1 : 1;
  const down = gap ? Math.trunc(source.height / height / gap) || 1 : 1;
  const small = across > 1 || down > 1 ? reduce(source, across, down) : source;
  // Pillow keeps lengths of parts in single precision.
  const rows = resizedRows(small, Math.fround(source.width / across), width, kernel);
  return resizedColumns(rows, Math.fround(source.height / down), height, kernel);
}

/** @type {(source: Picture, part: number, width: number, kernel: string) => Picture} */
function resizedRows(source, part, width, kernel) {
  if (width === source.width && part === width) return source;
  const result = picture(width, source.height);
  const steps = weightsOf(source.width, 0, part, width, kernel);
  for (let y = 0; y < source.height; y++) {
    for (let x = 0; x < width; x++) {
      const { first, weights } = steps[x];
      const [from, to] = [3 * (y * source.width + first), 3 * (y * width + x)];
      mix(source.data, from, 3, weights, result.data, to);
    }
  }
  return result;
}

/** @type {(source: Picture, part: number, height: number, kernel: string) => Picture} */
function resizedColumns(source, part, height, kernel) {
  if (height === source.height && part === height) return source;
  const { width } = source;
  const result = picture(width, height);
  const steps = weightsOf(source.height, 0, part, height, kernel);
  for (let y = 0; y < height; y++) {
    const { first, weights } = steps[y];
    for (let x = 0; x < width; x++) {
      const [from, to] = [3 * (first * width + x), 3 * (y * width + x)];
      mix(source.data, from, 3 * width, weights, result.data, to);
    }
  }
  return result;
}

/**
 * Writes the weighted sum of pixels, rounded.
 *
 * @param {Uint8Array} source
 * @param {number} from  index of the first
 * @param {number} step  from each to the next
 * @param {Int32Array} weights
 * @param {Uint8Array} target
 * @param {number} to
 */
function mix(source, from, step, weights, target, to) {
  let [r, g, b] = [2 ** (PRECISION - 1), 2 ** (PRECISION - 1), 2 ** (PRECISION - 1)];
  for (let j = 0, k = from; j < weights.length; j++, k += step) {
    const weight = weights[j];
    r += source[k] * weight;
    g += source[k + 1] * weight;
    b += source[k + 2] * weight;
  }
  target[to] = Math.min(255, Math.max(0, r >> PRECISION));
  target[to + 1] = Math.min(255, Math.max(0, g >> PRECISION));
  target[to + 2] = Math.min(255, Math.max(0, b >> PRECISION));
}

/** @type {(value: number) => number} a byte, cut off rather than rounded */
const byte = (value) => Math.trunc(clamp(value, 0, 255));

/**
 * Samples a picture through an affine map: Pillow's `Image.transform`. Black outside.
 *
 * @param {Picture} source
 * @param {number} width  of the result, pixels
 * @param {number} height
 * @param {Affine} map
 * @param {"bilinear" | "bicubic"} kernel
 */
export function transformed(source, width, height, [a, b, c, d, e, f], kernel) {
  const result = picture(width, height);
  const sample = kernel === "bicubic" ? cubicSample : linearSample;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const u = a * (x + 0.5) + b * (y + 0.5) + c;
      const v = d * (x + 0.5) + e * (y + 0.5) + f;
      if (u < 0 || v < 0 || u >= source.width || v >= source.height) continue;
      sample(source, u - 0.5, v - 0.5, result.data, at);
    }
  }
  return result;
}

/**
 * Writes a pixel that lies between those of a picture.
 *
 * @typedef {(source: Picture, u: number, v: number, target: Uint8Array, at: number) => void} Sample
 */

/** @type {Sample} */
function linearSample({ width, height, data }, u, v, target, at) {
  const [x, y] = [Math.floor(u), Math.floor(v)];
  const [right, down] = [u - x, v - y];
  const above = Math.max(y, 0) * width;
  const below = Math.min(y + 1, height - 1) * width;
  const x0 = Math.max(x, 0);
  const x1 = Math.min(x + 1, width - 1);
  for (let c = 0; c < 3; c++) {
    const top = data[3 * (above + x0) + c];
    const upper = top + (data[3 * (above + x1) + c] - top) * right;
    const bottom = data[3 * (below + x0) + c];
    const lower = bottom + (data[3 * (below + x1) + c] - bottom) * right;
    target[at + c] = byte(upper + (lower - upper) * down);
  }
}

/** @type {(a: number, b: number, c: number, d: number, t: number) => number} with a = -1 */
const cubic = (a, b, c, d, t) =>
  b + t * (c - a + t * (2 * (a - b) + c - d + t * (b - a - c + d)));

/** @type {(place: number, length: number) => number} the nearest pixel */
const inside = (place, length) => Math.min(Math.max(place, 0), length - 1);

/** @type {Sample} */
function cubicSample({ width, height, data }, u, v, target, at) {
  const x = Math.floor(u);
  const y = Math.floor(v);
  const k0 = 3 * inside(x - 1, width);
  const k1 = 3 * inside(x, width);
  const k2 = 3 * inside(x + 1, width);
  const k3 = 3 * inside(x + 2, width);
  const r0 = 3 * width * inside(y - 1, height);
  const r1 = 3 * width * inside(y, height);
  const r2 = 3 * width * inside(y + 1, height);
  const r3 = 3 * width * inside(y + 2, height);
  const t = u - x;
  for (let c = 0; c < 3; c++) {
    const a = cubic(data[r0 + k0 + c], data[r0 + k1 + c], data[r0 + k2 + c], data[r0 + k3 + c], t);
    const b = cubic(data[r1 + k0 + c], data[r1 + k1 + c], data[r1 + k2 + c], data[r1 + k3 + c], t);
    const d = cubic(data[r2 + k0 + c], data[r2 + k1 + c], data[r2 + k2 + c], data[r2 + k3 + c], t);
    const e = cubic(data[r3 + k0 + c], data[r3 + k1 + c], data[r3 + k2 + c], data[r3 + k3 + c], t);
    target[at + c] = byte(cubic(a, b, d, e, v - y));
  }
}

/**
 * A picture with its border pixels repeated.
 *
 * @param {Picture} source
 * @param {Box} widths  of the border, pixels
 */
export function padded({ width, height, data }, [left, top, right, bottom]) {
  const result = picture(left + width + right, top + height + bottom);
  for (let y = 0, at = 0; y < result.height; y++) {
    const row = width * Math.min(Math.max(y - top, 0), height - 1);
    for (let x = 0; x < result.width; x++, at += 3) {
      const k = 3 * (row + Math.min(Math.max(x - left, 0), width - 1));
      result.data[at] = data[k];
      result.data[at + 1] = data[k + 1];
      result.data[at + 2] = data[k + 2];
    }
  }
  return result;
}

/**
 * A picture whose longer side is at most so long.
 *
 * @param {Picture} source
 * @param {number} longest  pixels
 */
export function shrunk(source, longest) {
  const scale = Math.min(1, longest / Math.max(source.width, source.height));
  const width = Math.max(1, roundHalfEven(source.width * scale));
  const height = Math.max(1, roundHalfEven(source.height * scale));
  return resized(source, width, height, "hamming");
}
