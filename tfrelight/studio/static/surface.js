// @ts-check
// The surface of a head or body under lamps, as in tfrelight.rendering.

import { catchlights } from "./eyes.js";
import { normalize } from "./face_maps.js";
import { highlightOf, irradianceOf } from "./lamps.js";
import { indicesAbove } from "./numbers.js";
import { channels } from "./shading.js";
import { heightsOf, horizon, ofLamp } from "./shadows.js";

/** @import { Rgb } from "./color.js" */
/** @import { FaceFacts, Planes, RenderingSettings } from "./face_maps.js" */
/** @import { DistantLamp } from "./harmonics.js" */
/** @import { Channels } from "./shading.js" */
/** @import { Around } from "./shadows.js" */

// Mask, and pixels around it, beyond which nothing that is rendered shows.
const LEAST_MASK = 0.02;
const MARGIN = 6;
/** Probability of skin below which its highlights change nothing. */
export const LEAST_SKIN = 1e-4;
// A Gaussian ends at this many standard deviations.
const REACH = 4;

/**
 * A lamp in colour 1: shading with cast shadows in red, green and blue, highlights and catchlights.
 *
 * @typedef {{ levels: Channels, lobes: Float32Array, glints: Float32Array }} Rendered
 */

/** A surface of which nothing but the lamps changes. */
export class Surface {
  /**
   * @param {FaceFacts} facts
   * @param {Planes} planes
   * @param {RenderingSettings} settings
   */
  constructor({ size, rotation, head_height: head, eyes }, planes, settings) {
    const { steep_x: x, steep_y: y, steep_z: z, relief, mask, skin } = planes;
    this.size = size;
    this.rotation = rotation;
    this.settings = settings;
    /** @type {Channels} */
    this.normals = [x, y, z];
    this.relief = relief;
    this.mask = mask;
    this.skin = skin;
    /** The pixels that a light may change. */
    this.where = around(mask, size);
    this.heights = heightsOf(relief, mask, size, this.where);
    let [lowest, highest] = [Infinity, -Infinity];
    relief.forEach((value, k) => {
      if (mask[k] <= 0.5) return;
      lowest = Math.min(lowest, value);
      highest = Math.max(highest, value);
    });
    this.range = highest - lowest;
    this.blurs = settings.spread.map((spread) =>
      gaussianWeights((spread * head) / settings.head),
    );
    /** Shading by the lamps of `render`, with cast shadows. */
    this.lit = channels(size * size);
    /** Their highlights. */
    this.shine = channels(size * size);
    this.eyes = eyes;
    /** The lamps in wet eyes, `[N]` each. */
    this.glints = channels(eyes?.places.length ?? 0);
    this.seen = new Float32Array(size * size);
    /** @type {Map<string, Rendered>} lamps in colour 1, by direction and radius */
    this.known = new Map();
    this.work = new Float32Array(size * size);
    /** @type {Around | null} */
    this.around = null;
  }

  /**
   * Fills `lit`, `shine` and `glints` for lamps. Those that have not moved since the last time are
   * only added up.
   *
   * @param {DistantLamp[]} lamps  in the frame of the photo
   */
  render(lamps) {
    for (const channel of [...this.lit, ...this.shine, ...this.glints]) channel.fill(0);
    const keys = lamps.map(({ direction, radius }) => `${direction} ${radius}`);
    const before = this.known;
    const spare = [...before.keys()].filter((key) => !keys.includes(key));
    this.known = new Map();
    lamps.forEach((lamp, k) => {
      let found = before.get(keys[k]) ?? this.known.get(keys[k]);
      if (!found) {
        found = before.get(spare.pop() ?? "") ?? this.unrendered();
        this.renderOne(lamp, found);
      }
      this.known.set(keys[k], found);
      this.add(found, lamp.color);
    });
  }

  /** @returns {Rendered} */
  unrendered() {
    const count = this.size * this.size;
    return {
      levels: channels(count), lobes: new Float32Array(count),
      glints: new Float32Array(this.glints[0].length),
    };
  }

  /**
   * @param {DistantLamp} lamp
   * @param {Rendered} target  filled
   */
  renderOne({ direction: [dx, dy, z], radius, color }, { levels, lobes, glints }) {
    const [[a, b], [c, d]] = this.rotation;
    // Shadows fall along the rows and columns of the maps.
    const [x, y] = [a * dx + c * dy, b * dx + d * dy];
    const { settings, normals: [nx, ny, nz], skin, where } = this;
    /** @type {DistantLamp} */
    const lamp = { direction: [x, y, z], radius, color };
    const shadowed = ofLamp(this, lamp, this.seen);
    levels.forEach((level, channel) => {
      if (shadowed) this.blur(this.blurs[channel], level);
      else level.fill(1);
    });
    if (this.eyes) catchlights(this.eyes, lamp, settings.tears, levels[2], glints);
    const irradiance = irradianceOf(radius);
    const highlight = highlightOf([x, y, z], radius, settings.lobes, settings.f0);
    const [red, green, blue] = levels;
    for (let j = 0; j < where.length; j++) {
      const k = where[j];
      const cosine = nx[k] * x + ny[k] * y + nz[k] * z;
      lobes[k] = skin[k] < LEAST_SKIN ? 0 : highlight(nz[k], cosine) * blue[k] * skin[k];
      const level = irradiance(cosine);
      red[k] *= level;
      green[k] *= level;
      blue[k] *= level;
    }
  }

  /** @type {(rendered: Rendered, color: Rgb) => void} */
  add({ levels, lobes, glints }, color) {
    const { where } = this;
    color.forEach((value, c) => {
      const [lit, shine, level] = [this.lit[c], this.shine[c], levels[c]];
      for (let j = 0; j < where.length; j++) {
        const k = where[j];
        lit[k] += value * level[k];
        shine[k] += value * lobes[k];
      }
      for (let k = 0; k < glints.length; k++) this.glints[c][k] += value * glints[k];
    });
  }

  /**
   * `seen`, averaged with the weights of a Gaussian; the border is reflected.
   *
   * @param {Float64Array} weights
   * @param {Float32Array} target
   */
  blur(weights, target) {
    const { size, seen, work } = this;
    const reach = (weights.length - 1) / 2;
    if (reach === 0) {
      target.set(seen);
      return;
    }
    /** @type {(k: number) => number} */
    const inside = (k) => Math.min(k < 0 ? -1 - k : k, 2 * size - 1 - k);
    work.fill(0);
    for (let y = 0; y < size; y++) {
      for (let j = -reach; j <= reach; j++) {
        const from = size * inside(y + j);
        const weight = weights[j + reach];
        for (let x = 0, k = y * size; x < size; x++, k++) work[k] += weight * seen[from + x];
      }
    }
    for (let y = 0; y < size; y++) {
      const row = y * size;
      for (let x = 0; x < size; x++) {
        let total = 0;
        const plain = x >= reach && x < size - reach;
        for (let j = -reach; j <= reach; j++) {
          total += weights[j + reach] * work[row + (plain ? x + j : inside(x + j))];
        }
        target[row + x] = total;
      }
    }
  }

  /** @returns {Around} what is looked up for wide lamps, computed once */
  allAround() {
    this.around ??= horizonsOf(this);
    return this.around;
  }
}

/** @type {(mask: Float32Array, size: number) => number[]} the pixels in and near a mask */
function around(mask, size) {
  let near = mask.map((value) => Number(value > LEAST_MASK));
  for (const step of [1, size]) {
    const wider = near.slice();
    near.forEach((value, k) => {
      if (!value) return;
      // Columns do not go on in the next row.
      const line = step === 1 ? k % size : Math.floor(k / size);
      const [back, forth] = [Math.min(MARGIN, line), Math.min(MARGIN, size - 1 - line)];
      for (let j = -back; j <= forth; j++) wider[k + j * step] = 1;
    });
    near = wider;
  }
  return indicesAbove(near, 0);
}

/** @type {(sigma: number) => Float64Array} */
function gaussianWeights(sigma) {
  const reach = Math.trunc(REACH * sigma + 0.5);
  const raw = Array.from({ length: 2 * reach + 1 }, (_, k) =>
    Math.exp(-0.5 * ((k - reach) / sigma) ** 2),
  );
  const sum = raw.reduce((a, b) => a + b, 0);
  return Float64Array.from(raw, (weight) => weight / sum);
}

/** @type {(surface: Surface) => Around} */
function horizonsOf({ size, relief, mask, normals, where, settings: { coarse, around: count } }) {
  const step = Math.ceil(size / coarse);
  const cells = Math.ceil(size / step);
  /** @type {(values: Float32Array) => Float32Array} */
  const reduced = (values) => {
    const result = new Float32Array(cells * cells);
    for (let y = 0; y < cells * step; y++) {
      const row = Math.min(y, size - 1) * size;
      const to = Math.floor(y / step) * cells;
      for (let x = 0; x < cells * step; x++) {
        result[to + Math.floor(x / step)] += values[row + Math.min(x, size - 1)] / (step * step);
      }
    }
    return result;
  };
  const [nx, ny, nz] = normals.map(reduced);
  normalize([nx, ny, nz]);
  const small = reduced(relief).map((value) => value / step);
  const counted = new Float32Array(size * size);
  for (const k of where) counted[k] = 1;
  const kept = reduced(counted);
  const inside = indicesAbove(kept, 0);
  const heights = heightsOf(small, reduced(mask), cells, inside);
  const tangents = Array.from({ length: count }, (_, k) => {
    const angle = (2 * Math.PI * k) / count;
    const found = new Float32Array(cells * cells);
    horizon(heights, cells, [Math.cos(angle), Math.sin(angle)], cells, found);
    return found;
  });
  const horizons = tangents.map((one) => one.map(Math.atan));
  return {
    small: { size: cells, normals: [nx, ny, nz], where: inside }, horizons, tangents, step,
  };
}
