// @ts-check
// The layers of the networks that find faces, as in tfrelight.faces.mtcnn.

import { inJavaScript } from "./multiply.js";

/** @import { Multiplier } from "./multiply.js" */

/**
 * A stack of pictures or vectors, `[count, height, width, channels]`.
 *
 * @typedef {object} Tensor
 * @property {number} count
 * @property {number} height
 * @property {number} width
 * @property {number} channels
 * @property {Float32Array} data
 */

/** @typedef {{ shape: number[], data: Float32Array }} Weights */

/** @type {(count: number, height: number, width: number, channels: number) => Tensor} */
export const tensor = (count, height, width, channels) => ({
  count, height, width, channels, data: new Float32Array(count * height * width * channels),
});

let multiplier = inJavaScript;

/**
 * Chooses what multiplies.
 *
 * @param {Multiplier} other
 */
export function multiplyBy(other) {
  multiplier = other;
}

/**
 * Convolution without a border.
 *
 * @param {Tensor} x
 * @param {Weights} kernel  `[h, w, in, out]`
 * @param {Weights} bias  `[out]`
 */
export function convolve(x, kernel, bias) {
  const [tall, wide, , outer] = kernel.shape;
  const inner = tall * wide * x.channels;
  const result = tensor(x.count, x.height - tall + 1, x.width - wide + 1, outer);
  const { rows, run } = multiplier(kernel.data, inner, outer);
  const pixels = result.count * result.height * result.width;
  const line = wide * x.channels;
  for (let first = 0; first < pixels; first += 4) {
    const most = Math.min(4, pixels - first);
    for (let r = 0; r < most; r++) {
      const column = (first + r) % result.width;
      const upper = Math.floor((first + r) / result.width);
      const image = Math.floor(upper / result.height);
      const top = image * x.height + (upper % result.height);
      for (let y = 0; y < tall; y++) {
        const from = ((top + y) * x.width + column) * x.channels;
        const to = r * inner + y * line;
        for (let k = 0; k < line; k++) rows[to + k] = x.data[from + k];
      }
    }
    const sums = run();
    for (let r = 0, to = first * outer; r < most; r++) {
      for (let o = 0; o < outer; o++, to++) {
        result.data[to] = sums[16 * (o >> 2) + 4 * r + (o & 3)] + bias.data[o];
      }
    }
  }
  return result;
}

/**
 * A layer of vectors, `[count, 1, 1, channels]`.
 *
 * @param {Tensor} x
 * @param {Weights} kernel  `[in, out]`
 * @param {Weights} bias  `[out]`
 */
export function dense(x, kernel, bias) {
  const inner = x.height * x.width * x.channels;
  const { data } = convolve(
    { count: 1, height: x.count, width: 1, channels: inner, data: x.data },
    { shape: [1, 1, ...kernel.shape], data: kernel.data }, bias,
  );
  return { count: x.count, height: 1, width: 1, channels: bias.data.length, data };
}

/**
 * The product of two matrices `[S, S]`.
 *
 * @param {Float32Array} values
 * @param {Float32Array} kernel
 * @param {number} size  S
 */
export const products = (values, kernel, size) =>
  dense(
    { count: size, height: 1, width: 1, channels: size, data: values },
    { shape: [size, size], data: kernel }, { shape: [size], data: new Float32Array(size) },
  ).data;

/**
 * PReLU, in place.
 *
 * @param {Tensor} x
 * @param {Weights} slopes  one for each channel
 */
export function slope(x, slopes) {
  const { data, channels } = x;
  for (let k = 0; k < data.length; k += channels) {
    for (let c = 0; c < channels; c++) if (data[k + c] < 0) data[k + c] *= slopes.data[c];
  }
  return x;
}

/**
 * The largest of each square, every second one.
 *
 * @param {Tensor} x
 * @param {number} side  of the squares, pixels
 * @param {boolean} [within]  of whole squares only
 */
export function pool(x, side, within = false) {
  /** @type {(length: number) => [number, number]} length of the result, and where it begins */
  const measures = (length) => {
    if (within) return [Math.floor((length - side) / 2) + 1, 0];
    const missing = Math.max(2 * (Math.ceil(length / 2) - 1) + side - length, 0);
    return [Math.ceil(length / 2), -Math.floor(missing / 2)];
  };
  const [height, top] = measures(x.height);
  const [width, left] = measures(x.width);
  const { channels } = x;
  const result = tensor(x.count, height, width, channels);
  result.data.fill(-Infinity);
  for (let n = 0, at = 0; n < x.count; n++) {
    for (let y = 0; y < height; y++) {
      for (let column = 0; column < width; column++, at += channels) {
        const x0 = Math.max(0, 2 * column + left);
        const x1 = Math.min(x.width, 2 * column + left + side);
        const y1 = Math.min(x.height, 2 * y + top + side);
        for (let v = Math.max(0, 2 * y + top); v < y1; v++) {
          for (let u = x0; u < x1; u++) {
            const from = ((n * x.height + v) * x.width + u) * channels;
            for (let c = 0; c < channels; c++) {
              const value = x.data[from + c];
              if (value > result.data[at + c]) result.data[at + c] = value;
            }
          }
        }
      }
    }
  }
  return result;
}

/**
 * Pictures as vectors, column by column.
 *
 * @param {Tensor} x
 */
export function flat(x) {
  const { count, height, width, channels } = x;
  const result = tensor(count, 1, 1, height * width * channels);
  for (let n = 0, at = 0; n < count; n++) {
    for (let u = 0; u < width; u++) {
      for (let v = 0; v < height; v++, at += channels) {
        const from = ((n * height + v) * width + u) * channels;
        result.data.set(x.data.subarray(from, from + channels), at);
      }
    }
  }
  return result;
}

/**
 * Probabilities of the second of two classes.
 *
 * @param {Tensor} logits  two channels
 */
export const probability = ({ data }) =>
  Float64Array.from({ length: data.length / 2 }, (_, k) =>
    1 / (1 + Math.exp(data[2 * k] - data[2 * k + 1])),
  );
