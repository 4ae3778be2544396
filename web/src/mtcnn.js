// @ts-check
// Finds faces by the three networks of MTCNN, as in tfrelight.faces.mtcnn.

import { roundHalfEven } from "../../tfrelight/studio/static/numbers.js";
import { best, squares } from "./boxes.js";
import { around, features, mirrorImage, turnedSquare } from "./crops.js";
import { crop, resized } from "./images.js";
import { convolve, dense, flat, pool, probability, slope, tensor } from "./layers.js";
import constants from "./constants.json" with { type: "json" };

/** @import { Point } from "./crops.js" */
/** @import { Picture } from "./images.js" */
/** @import { Tensor, Weights } from "./layers.js" */

/**
 * `box`: left, top, right, bottom.
 *
 * @typedef {{ score: number, box: number[], eyes: Point[] }} Detection
 */

/**
 * `eyes`: two centres; `oval`: outline, clockwise from the forehead; `distance`: of the eyes in
 * space, pixels.
 *
 * @typedef {{ score: number, eyes: Point[], oval: Point[], distance: number }} Placed
 */

/** @typedef {Record<"pnet" | "rnet" | "onet" | "outline", Weights[]>} FinderWeights */

/** @typedef {{ boxes: number[][], scores: number[], points: Point[][] }} Found */

const { cell, refined, last, least, stride, step, overlap_level: overlapLevel, overlap,
  mirrored: MIRRORED } = constants.mtcnn;

/**
 * The weights in the file that `tools/page_assets.py` writes: the length of a JSON header (uint32),
 * the header, padded to a multiple of 4, and the arrays that it lists, float32.
 *
 * @param {ArrayBuffer} buffer
 * @returns {FinderWeights}
 */
export function parseWeights(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let offset = 4 + length;
  const networks = Object.entries(header).map(([name, shapes]) => [
    name,
    shapes.map((/** @type {number[]} */ shape) => {
      const count = shape.reduce((product, side) => product * side, 1);
      const data = new Float32Array(buffer, offset, count);
      offset += 4 * count;
      return { shape, data };
    }),
  ]);
  return Object.fromEntries(networks);
}

export class Mtcnn {
  /** @param {FinderWeights} weights */
  constructor(weights) {
    this.weights = weights;
  }

  /**
   * The faces in a photo.
   *
   * @param {Picture} photo
   * @param {number} smallest  height of the smallest to find, pixels
   * @returns {Detection[]}
   */
  detect(photo, smallest) {
    let boxes = squares(this.proposals(photo, Math.max(smallest, cell)));
    /** @type {Found} */
    let found = { boxes, scores: [], points: [] };
    for (const [size, limit] of [[refined, least[1]], [last, least[2]]]) {
      if (boxes.length === 0) return [];
      const seen = this.seen(photo, boxes, size);
      found = better(boxes, size === last ? this.onet(seen) : this.rnet(seen), limit);
      const kept = best(found.boxes, found.scores, overlap, size === last);
      found = {
        boxes: kept.map((k) => found.boxes[k]),
        scores: kept.map((k) => found.scores[k]),
        points: kept.map((k) => found.points[k]),
      };
      boxes = size === refined ? squares(found.boxes) : found.boxes;
    }
    return found.scores.map((score, k) => ({ score, box: boxes[k], eyes: found.points[k] }));
  }

  /**
   * Boxes that the first network proposes at any size.
   *
   * @param {Picture} photo
   * @param {number} smallest
   */
  proposals(photo, smallest) {
    /** @type {number[][]} */
    const boxes = [];
    /** @type {number[]} */
    const scores = [];
    // Every level from the largest, which is small already.
    let largest = null;
    for (
      let scale = cell / smallest;
      Math.min(photo.width, photo.height) * scale >= cell;
      scale *= step
    ) {
      const [width, height] = [Math.ceil(photo.width * scale), Math.ceil(photo.height * scale)];
      largest ??= resized(photo, width, height, "bilinear", 2);
      const level = resized(largest, width, height, "bilinear");
      const { offsets, probabilities } = this.pnet(normalized([level]));
      /** @type {number[][]} */
      const here = [];
      /** @type {number[]} */
      const scoresHere = [];
      probabilities.forEach((score, k) => {
        if (!(score > least[0])) return;
        const corner = [k % offsets.width, Math.floor(k / offsets.width)];
        const [sx, sy] = [photo.width / width, photo.height / height];
        here.push([0, 1, 2, 3].map((side) => {
          const place = stride * corner[side % 2] + 1 + (side > 1 ? cell : 0);
          return (place + cell * offsets.data[4 * k + side]) * (side % 2 ? sy : sx);
        }));
        scoresHere.push(score);
      });
      for (const k of best(here, scoresHere, overlapLevel)) {
        boxes.push(here[k]);
        scores.push(scoresHere[k]);
      }
    }
    return best(boxes, scores, overlap).map((k) => boxes[k]);
  }

  /** @type {(photo: Picture, boxes: number[][], size: number) => Tensor} black beyond the photo */
  seen(photo, boxes, size) {
    return normalized(boxes.map((box) => {
      const [left, top, right, bottom] = box.map(roundHalfEven);
      const near = crop(photo, [
        left, top, Math.max(right, left + 1), Math.max(bottom, top + 1),
      ]);
      return resized(near, size, size, "bilinear");
    }));
  }

  /** @param {Tensor} images */
  pnet(images) {
    const w = this.weights.pnet;
    let x = pool(slope(convolve(images, w[0], w[1]), w[2]), 2);
    x = slope(convolve(x, w[3], w[4]), w[5]);
    x = slope(convolve(x, w[6], w[7]), w[8]);
    return {
      offsets: convolve(x, w[9], w[10]), probabilities: probability(convolve(x, w[11], w[12])),
    };
  }

  /** @param {Tensor} images */
  rnet(images) {
    const w = this.weights.rnet;
    let x = pool(slope(convolve(images, w[0], w[1]), w[2]), 3);
    x = pool(slope(convolve(x, w[3], w[4]), w[5]), 3, true);
    x = flat(slope(convolve(x, w[6], w[7]), w[8]));
    x = slope(dense(x, w[9], w[10]), w[11]);
    const points = null;
    return { offsets: dense(x, w[12], w[13]), points, scores: probability(dense(x, w[14], w[15])) };
  }

  /** @param {Tensor} images */
  onet(images) {
    const w = this.weights.onet;
    let x = pool(slope(convolve(images, w[0], w[1]), w[2]), 3);
    x = pool(slope(convolve(x, w[3], w[4]), w[5]), 3, true);
    x = pool(slope(convolve(x, w[6], w[7]), w[8]), 2);
    x = flat(slope(convolve(x, w[9], w[10]), w[11]));
    x = slope(dense(x, w[12], w[13]), w[14]);
    return {
      offsets: dense(x, w[15], w[16]),
      points: dense(x, w[17], w[18]),
      scores: probability(dense(x, w[19], w[20])),
    };
  }

  /**
   * Places eyes and outline of a face.
   *
   * @param {Picture} photo
   * @param {Point} middle  of the face
   * @param {number} side  longer side of its box, pixels
   * @param {number} roll  radians, clockwise
   * @returns {Placed}
   */
  fit(photo, middle, side, roll) {
    const first = this.points(photo, middle, side, roll).points;
    // Again where all faces lie alike.
    const again = around(first);
    const { points, score } = this.points(photo, again.middle, again.side, again.roll);
    const { inside, frame, centre } = features(points);
    const [mean, weights] = this.weights.outline;
    const given = [...inside, 1].map((value, k) => value - mean.data[k]);
    const outputs = weights.shape[1];
    const values = Array.from({ length: outputs }, (_, o) =>
      given.reduce((sum, value, k) => sum + value * weights.data[k * outputs + o], 0),
    );
    const [a, b, c, d] = frame;
    /** @type {Point[]} */
    const oval = [];
    for (let k = 0; k + 1 < outputs; k += 2) {
      const [u, v] = [values[k], values[k + 1]];
      oval.push([a * u + b * v + centre[0], c * u + d * v + centre[1]]);
    }
    const distance = Math.exp(values[outputs - 1]) * Math.hypot(a, c);
    return { score, eyes: points.slice(0, 2), oval, distance };
  }

  /**
   * The five points of a face and its probability: means of a crop and its mirror image.
   *
   * @param {Picture} photo
   * @param {Point} middle
   * @param {number} side
   * @param {number} roll
   * @returns {{ points: Point[], score: number }}
   */
  points(photo, middle, side, roll) {
    const { crop: cut, turn: [a, b, c, d], corner } = turnedSquare(photo, middle, side, roll, last);
    const { points, scores } = this.onet(normalized([cut, mirrorImage(cut)]));
    const values = points.data;
    const found = MIRRORED.map((other, k) => {
      // Five x, then five y.
      const x = ((values[k] + 1 - values[10 + other]) / 2) * last;
      const y = ((values[5 + k] + values[15 + other]) / 2) * last;
      return /** @type {Point} */ ([a * x + b * y + corner[0], c * x + d * y + corner[1]]);
    });
    return { points: found, score: (scores[0] + scores[1]) / 2 };
  }
}

/**
 * What a network says of boxes, of those that it takes for faces.
 *
 * @param {number[][]} boxes
 * @param {{ offsets: Tensor, points: Tensor | null, scores: Float64Array }} output
 * @param {number} limit  least probability
 * @returns {Found}
 */
function better(boxes, { offsets, points, scores }, limit) {
  /** @type {Found} */
  const found = { boxes: [], scores: [], points: [] };
  boxes.forEach(([left, top, right, bottom], k) => {
    if (!(scores[k] > limit)) return;
    const [width, height] = [right - left, bottom - top];
    const [x0, y0, x1, y1] = offsets.data.subarray(4 * k, 4 * k + 4);
    found.boxes.push([
      left + x0 * width, top + y0 * height, right + x1 * width, bottom + y1 * height,
    ]);
    found.scores.push(scores[k]);
    const at = points?.data.subarray(10 * k, 10 * k + 10);
    found.points.push(at
      ? [[left + at[0] * width, top + at[5] * height], [left + at[1] * width, top + at[6] * height]]
      : []);
  });
  return found;
}

/** @type {(pictures: Picture[]) => Tensor} */
function normalized(pictures) {
  const [{ width, height }] = pictures;
  const result = tensor(pictures.length, height, width, 3);
  pictures.forEach(({ data }, n) => {
    const at = n * data.length;
    for (let k = 0; k < data.length; k++) result.data[at + k] = (data[k] - 127.5) / 128;
  });
  return result;
}
