// @ts-check
// Segmentation of a head or a person, as in tfrelight.faces.segmentation.

import { clamp, ramp, roundHalfEven } from "../../tfrelight/studio/static/numbers.js";
import { box, eroded, gaussianAlong, square } from "./filters.js";
import { filterOf } from "./guided_filter.js";
import { luma } from "./light.js";
import constants from "./constants.json" with { type: "json" };

/** @import { Picture } from "./images.js" */
/** @import { Face } from "./find.js" */
/** @import { Window } from "./framing.js" */

const S = constants.segmentation;
const HEAD = constants.framing.head;
const COLOURS = S.bins ** 3;

/** @type {(network: Float32Array) => Float32Array} */
const logOdds = (network) =>
  network.map((value) => {
    const p = clamp(value, S.network_bound, 1 - S.network_bound);
    return S.network * Math.log(p / (1 - p));
  });

/**
 * Segments the head, or the person, in a window of the framing `head`.
 *
 * @param {Picture} photo  the window, S x S pixels
 * @param {Float32Array} network  `[S, S]` in [0, 1], the network's mask
 * @param {Uint8Array} oval  `[S, S]` 1 inside the outline of the face
 * @param {Uint8Array} inside  `[S, S]` 1 for pixels inside the photo
 * @param {number} turned  what `turn` gives
 * @param {boolean} withBody  whether the network's mask and the result hold the body, too
 * @returns {Float32Array} `[S, S]` in [0, 1], 1 on the head
 */
export function head(photo, network, oval, inside, turned, withBody) {
  const size = photo.width;
  const certain = ramp(Math.abs(turned), S.frontal);
  const ahead = certain > 0 ? inFront(oval, size, turned) : null;
  const shape = shapeOdds(size, turned, withBody);
  // Below the chin shoulders and hands may be anywhere.
  /** @type {(k: number) => boolean} */
  const isBody = (k) => withBody && offset(size, k % size, Math.floor(k / size))[1] > S.chin;
  const prior = logOdds(network).map((value, k) => {
    const odds = shape[k] + value;
    return ahead?.[k] && !isBody(k) ? odds + certain * (-2 * S.face_odds - odds) : odds;
  });
  return refined(photo, prior, sure(oval, network, turned), inside, S.colour);
}

/**
 * Segments a person in a window of any framing, as `head` without its usual shape.
 *
 * @param {Picture} photo
 * @param {Float32Array} network
 * @param {Uint8Array} oval
 * @param {Uint8Array} inside
 * @param {number} turned
 * @returns {Float32Array} `[S, S]` in [0, 1], 1 on the person
 */
export function person(photo, network, oval, inside, turned) {
  const here = sure(oval, network, turned);
  return refined(photo, logOdds(network), here, inside, S.colour_of_clothes);
}

/**
 * Where the outline of the face decides alone. That of a turned head may reach past its forehead
 * and nose, where the network knows better.
 *
 * @param {Uint8Array} oval
 * @param {Float32Array} network
 * @param {number} turned
 */
function sure(oval, network, turned) {
  const least = 0.5 * ramp(Math.abs(turned), S.frontal);
  return oval.map((value, k) => (value && network[k] >= least ? 1 : 0));
}

/**
 * A mask from log odds, and from colours that the mask itself tells.
 *
 * @param {Picture} photo
 * @param {Float32Array} prior  the log odds
 * @param {Uint8Array} face  `[S, S]` 1 where it is in the mask whatever else is said
 * @param {Uint8Array} inside
 * @param {number} weight  of the colours
 */
function refined(photo, prior, face, inside, weight) {
  const size = photo.width;
  const guide = luma(photo);
  const bins = binsOf(photo);
  const inRound = filterOf(guide, size, S.round_filter);
  /** @type {(odds: Float32Array) => Float32Array} */
  const certainFace = (odds) => odds.map((value, k) => (face[k] ? S.face_odds : value));
  let odds = certainFace(prior);
  const [ours, others] = [new Float32Array(size * size), new Float32Array(size * size)];
  for (let round = 0; round < S.rounds; round++) {
    for (let k = 0; k < odds.length; k++) {
      ours[k] = inside[k] / (1 + Math.exp(-odds[k]));
      others[k] = inside[k] - ours[k];
    }
    const [own, other] = [histograms(bins, ours), histograms(bins, others)];
    const colours = own.map((value, k) =>
      weight * clamp(Math.log(value / other[k]), -S.colour_bound, S.colour_bound),
    );
    odds = certainFace(inRound.filtered(prior.map((value, k) => value + colours[bins[k]])));
  }
  const mask = filterOf(guide, size, S.final_filter).filtered(
    odds.map((value) => 1 / (1 + Math.exp(-value))),
  );
  const clamped = mask.map((value) => clamp(value, 0, 1));
  return matted(photo, clamped, inside).map((value, k) => (face[k] ? clamped[k] : value));
}

/**
 * The mask, along its edge told by the colours on both sides, where these differ.
 *
 * @param {Picture} photo
 * @param {Float32Array} mask
 * @param {Uint8Array} inside
 */
function matted({ width: size, data }, mask, inside) {
  const edge = Math.max(1, roundHalfEven(S.edge * size));
  const side = 2 * Math.max(1, roundHalfEven(S.beside * size)) + 1;
  const ownSide = mask.map((value) => ramp(value, S.sides));
  // Pixels whose whole surroundings are on one side.
  const [within, without] = [ownSide, ownSide.map((value) => 1 - value)].map((where) =>
    eroded(where, size, square(edge)),
  );
  const [own, other] = [within, without].map((weight) =>
    coloursOf(data, weight.map((value, k) => value * inside[k]), size, side),
  );
  const result = mask.slice();
  for (let k = 0; k < mask.length; k++) {
    const known = ramp(Math.min(own[9][k], other[9][k]), S.least) *
      (1 - within[k]) * (1 - without[k]);
    if (known === 0) continue;
    const [mean, away] = [own, other].map((sums) =>
      [0, 1, 2].map((c) => sums[c][k] / sums[9][k]),
    );
    const apart = mean.map((value, c) => value - away[c]);
    const spread = S.products.map(([a, b], j) =>
      own[3 + j][k] / own[9][k] - mean[a] * mean[b] +
      other[3 + j][k] / other[9][k] - away[a] * away[b] + (a === b ? S.spread : 0),
    );
    const weights = solved(spread, apart);
    const distance = weights.reduce((sum, value, c) => sum + value * apart[c], 0);
    const share = weights.reduce(
      (sum, value, c) => sum + value * (data[3 * k + c] / 255 - away[c]), 0,
    ) / Math.max(distance, 1e-6);
    result[k] += known * ramp(distance, S.clear) * (clamp(share, 0, 1) - mask[k]);
  }
  return result;
}

/**
 * Averages of weighted pixels: of their channels, of the products of channels, and of the weights.
 *
 * @param {Uint8Array | Uint8ClampedArray} data
 * @param {Float32Array} weight
 * @param {number} size
 * @param {number} side
 */
function coloursOf(data, weight, size, side) {
  /** @type {(value: (k: number) => number) => Float32Array} */
  const average = (value) =>
    box(weight.map((one, k) => (one > 0 ? one * value(k) : 0)), size, side);
  /** @type {(c: number) => (k: number) => number} */
  const channel = (c) => (k) => data[3 * k + c] / 255;
  return [
    ...[0, 1, 2].map((c) => average(channel(c))),
    ...S.products.map(([a, b]) => average((k) => channel(a)(k) * channel(b)(k))),
    average(() => 1),
  ];
}

/**
 * Solves a symmetric system of three equations, whose matrix is given as `constants` order it.
 *
 * @param {number[]} matrix  of rows and columns 00, 11, 22, 01, 02, 12
 * @param {number[]} right
 */
function solved([a, b, c, d, e, f], [x, y, z]) {
  const [p, q, r] = [b * c - f * f, e * f - d * c, d * f - b * e];
  const determinant = a * p + d * q + e * r;
  return [
    (p * x + q * y + r * z) / determinant,
    (q * x + (a * c - e * e) * y + (d * e - a * f) * z) / determinant,
    (r * x + (d * e - a * f) * y + (a * b - d * d) * z) / determinant,
  ];
}

/**
 * Where it is further in front of a turned head than its nose reaches.
 *
 * @param {Uint8Array} oval
 * @param {number} size
 * @param {number} turned
 */
function inFront(oval, size, turned) {
  // Of a head that is turned a little, hair on the far side reaches further than the nose.
  const hair = S.far_hair[0] - S.far_hair[1] * Math.abs(turned);
  const reach = HEAD[0] * size * Math.max(S.nose * Math.abs(turned), hair);
  const toRight = turned > 0;
  const rows = Array.from({ length: size }, (_, y) => oval.subarray(y * size, (y + 1) * size));
  const edges = rows.map((row) => (toRight ? row.lastIndexOf(1) : row.indexOf(1)));
  const known = edges.filter((edge) => edge >= 0);
  const furthest = toRight ? Math.max(0, ...known) : Math.min(size, ...known);
  const result = new Uint8Array(size * size);
  edges.forEach((edge, y) => {
    const from = edge >= 0 ? edge : furthest;
    for (let x = 0; x < size; x++) {
      if ((x - from) * Math.sign(turned) > reach) result[y * size + x] = 1;
    }
  });
  return result;
}

/**
 * The sine of the angle by which a head is turned to the right of its window, -1 to 1.
 *
 * @param {Face} face
 * @param {Window} window
 */
export function turn(face, window) {
  const [[x0, y0], [x1, y1]] = face.eyes;
  // Eyes are apart in space, and less so in the picture of a head that is turned.
  const apart = Math.min(Math.hypot(x1 - x0, y1 - y0) / face.distance, 1);
  const sine = Math.sqrt(1 - apart ** 2);
  const towards = window.place(face.between)[0] - window.place(face.middle)[0];
  return towards < 0 ? -sine : sine;
}

/**
 * The bin of each pixel's colour and direction.
 *
 * @param {Picture} photo
 */
function binsOf({ width: size, data }) {
  const bins = new Uint16Array(size * size);
  /** @type {(value: number) => number} */
  const bin = (value) => Math.min(Math.trunc((value / 255) * S.bins), S.bins - 1);
  for (let y = 0, k = 0; y < size; y++) {
    for (let x = 0; x < size; x++, k++) {
      const [across, down] = offset(size, x, y);
      const turned = Math.atan2(down - 0.3, across) / (2 * Math.PI) + 0.5;
      const sector = Math.min(Math.trunc(turned * S.sectors), S.sectors - 1);
      const colour =
        (bin(data[3 * k]) * S.bins + bin(data[3 * k + 1])) * S.bins + bin(data[3 * k + 2]);
      bins[k] = sector * COLOURS + colour;
    }
  }
  return bins;
}

/**
 * Where a pixel lies from between the eyes, to the right and down, in interocular distances.
 *
 * @param {number} size
 * @param {number} x
 * @param {number} y
 * @returns {[number, number]}
 */
function offset(size, x, y) {
  return [((x + 0.5) / size - 0.5) / HEAD[0], ((y + 0.5) / size - HEAD[1]) / HEAD[0]];
}

/**
 * Probabilities of colours by direction, all above 0.
 *
 * @param {Uint16Array} bins
 * @param {Float32Array} weights
 */
function histograms(bins, weights) {
  const totals = new Float64Array(S.sectors * COLOURS);
  for (let k = 0; k < bins.length; k++) totals[bins[k]] += weights[k];
  /** @type {Float32Array} */
  let counts = Float32Array.from(totals);
  for (const inner of [S.bins ** 2, S.bins, 1]) {
    counts = gaussianAlong(counts, S.bins, inner, S.blur);
  }
  const blended = gaussianAlong(counts, S.sectors, COLOURS, S.sector_blur, "wrap");
  const all = new Float32Array(COLOURS);
  for (let k = 0; k < counts.length; k++) all[k % COLOURS] += counts[k];
  const everywhere = shares(all);
  const result = new Float32Array(counts.length);
  for (let start = 0; start < counts.length; start += COLOURS) {
    const own = shares(blended.subarray(start, start + COLOURS));
    for (let k = 0; k < COLOURS; k++) {
      result[start + k] = (1 - S.all_sectors) * own[k] + S.all_sectors * everywhere[k];
    }
  }
  return result;
}

/**
 * Counts as shares of their sum, after spreading a thousandth of it over all of them.
 *
 * @param {Float32Array} counts
 */
function shares(counts) {
  const sum = counts.reduce((total, value) => total + value, 0);
  const more = (1e-3 * Math.max(sum, 1)) / counts.length;
  const all = sum + more * counts.length;
  return counts.map((value) => (value + more) / all);
}

/**
 * Log odds of a head with hair and a neck, by position in the window.
 *
 * @param {number} size
 * @param {number} turned
 * @param {boolean} withBody
 */
function shapeOdds(size, turned, withBody) {
  const odds = new Float32Array(size * size);
  for (let y = 0, k = 0; y < size; y++) {
    for (let x = 0; x < size; x++, k++) {
      const [right, down] = offset(size, x, y);
      // The middle of a head is behind its eyes.
      const across = right + S.behind_eyes * turned;
      // Adults have 63 mm between the eyes, and heads 155 mm wide and 230 mm high; hair adds to it.
      const skull = 12 * (1 - Math.hypot(across / 1.5, down / 2.15));
      const neck = down > S.chin ? Math.min(6 * (0.95 - Math.abs(across)), 1) : -4;
      // Below the chin is a neck, but shoulders may be anywhere.
      const least = withBody && down > S.chin ? 0 : -4;
      odds[k] = Math.max(clamp(skull, -4, 4), neck, least);
    }
  }
  return odds;
}
