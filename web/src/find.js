// @ts-check
// Faces and their landmarks, as in tfrelight.faces.find.

import { roundHalfEven } from "../../tfrelight/studio/static/numbers.js";
import { turnedSquare } from "./crops.js";
import { resized } from "./images.js";
import constants from "./constants.json" with { type: "json" };

/** @import { Point } from "./crops.js" */
/** @import { Picture } from "./images.js" */
/** @import { Detection, Mtcnn } from "./mtcnn.js" */

const { large, smallest, smallest_in_large: smallestInLarge, smallest_turned: smallestTurned, white,
  lift, min_interocular_distance: minDistance, refits, small_turn: smallTurn } = constants.find;
const { cell, min_score: minScore, min_upright_score: minUprightScore } = constants.mtcnn;

/** A face, in pixels of the upright photo. */
export class Face {
  /**
   * @param {Point[]} eyes  centres, first the one on the left when the face is upright
   * @param {number} distance  of the eyes in space, pixels
   * @param {Point[]} oval  outline, clockwise from the forehead
   * @param {number} score  of the detector, 0 to 1
   */
  constructor(eyes, distance, oval, score) {
    this.eyes = eyes;
    this.distance = distance;
    this.oval = oval;
    this.score = score;
  }

  /** In-plane rotation, radians, clockwise. */
  get roll() {
    return rollOf(this.eyes);
  }

  /** @returns {Point} the middle between the eyes */
  get between() {
    return mean(this.eyes);
  }

  /** @returns {Point} the middle of the outline */
  get middle() {
    return mean(this.oval);
  }

  /** Left, top, right, bottom of the outline. */
  get box() {
    return extent(this.oval);
  }

  /**
   * The face in a photo of another size.
   *
   * @param {number} across  factor of the width
   * @param {number} down  factor of the height
   */
  scaled(across, down) {
    /** @type {(points: Point[]) => Point[]} */
    const moved = (points) => points.map(([x, y]) => [x * across, y * down]);
    const distance = this.distance * ((across + down) / 2);
    return new Face(moved(this.eyes), distance, moved(this.oval), this.score);
  }
}

/** @type {(points: Point[]) => Point} */
function mean(points) {
  const [x, y] = points.reduce(([u, v], point) => [u + point[0], v + point[1]], [0, 0]);
  return [x / points.length, y / points.length];
}

/** @type {(eyes: Point[]) => number} */
function rollOf([left, right]) {
  return Math.atan2(right[1] - left[1], right[0] - left[0]);
}

/** @type {(points: Point[]) => number[]} */
function extent(points) {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/**
 * The faces in a photo, the largest first. Where there are none, it is searched brighter and at
 * other rolls.
 *
 * @param {Picture} photo
 * @param {Mtcnn} mtcnn
 * @returns {Face[]}
 */
export function find(photo, mtcnn) {
  const { width, height } = photo;
  const longer = Math.max(width, height);
  const least = longer * (longer > large ? smallestInLarge : smallest);
  for (const seen of [() => photo, () => brighter(photo)]) {
    const picture = seen();
    const faces = placed(picture, mtcnn.detect(picture, least), mtcnn);
    if (faces.length > 0 || Math.min(width, height) < minDistance) return faces;
  }
  // No larger than what the smallest faces need.
  const scale = Math.min(1, cell / smallestTurned / longer);
  const small = resized(
    photo, Math.max(1, roundHalfEven(width * scale)), Math.max(1, roundHalfEven(height * scale)),
    "bicubic",
  );
  const [across, down] = [width / small.width, height / small.height];
  /** @type {(point: Point) => Point} */
  const back = ([x, y]) => [x * across, y * down];
  const turned = [1, 2, 3, 4, 5, 6, 7].flatMap((eighth) =>
    detectedTurned(small, (eighth * Math.PI) / 4, mtcnn).map(({ score, box, eyes }) => ({
      score, box: box.map((side, k) => side * (k % 2 ? down : across)), eyes: eyes.map(back),
    })),
  );
  return placed(photo, turned, mtcnn);
}

// Height of the smallest face that a frame of a video is searched for, as a share of its longer
// side; after how many frames it is searched for more faces.
const SMALLEST_IN_VIDEO = 0.12;
const SEARCHED = 8;

/**
 * The faces on a frame of a video, the largest first.
 *
 * @param {Picture} photo
 * @param {Face[]} before  those of the frame before
 * @param {Mtcnn} mtcnn
 * @param {number} frames  number of the frame
 * @returns {Face[]}
 */
export function findAgain(photo, before, mtcnn, frames) {
  const faces = before.flatMap(({ score, box, eyes }) =>
    fitted(photo, mtcnn, score, box, eyes) ?? [],
  );
  const isKnown = faces.length > 0 && faces.length === before.length;
  if (isKnown && frames % SEARCHED !== 0) return faces.sort((a, b) => b.distance - a.distance);
  const height = SMALLEST_IN_VIDEO * Math.max(photo.width, photo.height);
  return placed(photo, mtcnn.detect(photo, height), mtcnn);
}

/**
 * A photo whose shadows are lifted, as faces in the dark need it.
 *
 * @param {Picture} photo
 */
function brighter(photo) {
  const counts = new Float64Array(256);
  for (const value of photo.data) counts[value]++;
  const wanted = white * photo.data.length;
  let brightest = 0;
  for (let sum = counts[0]; sum < wanted; sum += counts[brightest]) brightest++;
  const most = Math.max(brightest, 1);
  const curve = Uint8Array.from({ length: 256 }, (_, value) =>
    roundHalfEven(Math.min(value / most, 1) ** lift * 255),
  );
  return { ...photo, data: photo.data.map((value) => curve[value]) };
}

/**
 * The faces in a photo that have a roll, in pixels of the photo as it is.
 *
 * @param {Picture} photo
 * @param {number} roll  radians
 * @param {Mtcnn} mtcnn
 * @returns {Detection[]}
 */
function detectedTurned(photo, roll, mtcnn) {
  const { width, height } = photo;
  const side = Math.ceil(Math.hypot(width, height));
  const { crop: turned, turn: [a, b, c, d], corner: [left, top] } =
    turnedSquare(photo, [width / 2, height / 2], side, roll, side);
  /** @type {(point: Point) => Point} */
  const back = ([x, y]) => [a * x + b * y + left, c * x + d * y + top];
  return mtcnn.detect(turned, cell).map(({ score, box: [x0, y0, x1, y1], eyes }) => {
    const [x, y] = back([(x0 + x1) / 2, (y0 + y1) / 2]);
    const [w, h] = [(x1 - x0) / 2, (y1 - y0) / 2];
    return { score, box: [x - w, y - h, x + w, y + h], eyes: eyes.map(back) };
  });
}

/**
 * The faces at detections, the largest first.
 *
 * @param {Picture} photo
 * @param {Detection[]} detections
 * @param {Mtcnn} mtcnn
 */
function placed(photo, detections, mtcnn) {
  /** @type {Face[]} */
  const faces = [];
  // By falling score, so that the best of several detections of one face stays.
  for (const { score, box, eyes } of [...detections].sort((a, b) => b.score - a.score)) {
    const middle = /** @type {Point} */ ([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]);
    if (faces.some((face) => isInside(face, middle))) continue;
    const face = fitted(photo, mtcnn, score, box, eyes);
    if (face && !faces.some((other) => isInside(other, face.middle))) faces.push(face);
  }
  return faces.sort((a, b) => b.distance - a.distance);
}

/** @type {(face: Face, point: Point) => boolean} */
function isInside(face, [x, y]) {
  const [left, top, right, bottom] = face.box;
  return left < x && x < right && top < y && y < bottom;
}

/**
 * The face at a detection, or null if the networks reject it.
 *
 * @param {Picture} photo
 * @param {Mtcnn} mtcnn
 * @param {number} score
 * @param {number[]} box
 * @param {Point[]} eyes
 */
function fitted(photo, mtcnn, score, [left, top, right, bottom], eyes) {
  let roll = rollOf(eyes);
  /** @type {Point} */
  const middle = [(left + right) / 2, (top + bottom) / 2];
  const side = Math.max(right - left, bottom - top);
  let best = mtcnn.fit(photo, middle, side, roll);
  if (best.score < minUprightScore) {
    // Detectors report some faces of any roll as upright.
    for (const turn of [1, 2, 3]) {
      const other = mtcnn.fit(photo, middle, side, roll + (turn * Math.PI) / 2);
      if (other.score > best.score) best = other;
    }
  }
  // Exact only on upright faces in the middle, so it is fitted again where it was found.
  for (let k = 0; k < refits; k++) {
    if (best.score < minScore) return null;
    const before = roll;
    roll = rollOf(best.eyes);
    const [x0, y0, x1, y1] = extent(best.oval);
    const longer = Math.max(x1 - x0, y1 - y0);
    best = mtcnn.fit(photo, [(x0 + x1) / 2, (y0 + y1) / 2], longer, roll);
    if (Math.abs(Math.sin(roll - before)) < smallTurn) break;
  }
  if (best.score < minScore || !(best.distance >= minDistance)) return null;
  return new Face(best.eyes, best.distance, best.oval, score);
}
