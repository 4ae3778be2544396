// @ts-check
// A head or body under another light, as in tfrelight.relighting.ratio_image: the part on the grid
// of the maps. The shader applies the result to the photo's pixels.

import { BoxFilter } from "./box_filter.js";
import { LUMINANCE } from "./color.js";
import { halved } from "./face_maps.js";
import { even, mix, scale, shadingPolynomial } from "./harmonics.js";
import { percentile } from "./numbers.js";

/** @import { FaceFacts, Planes, RelightSettings } from "./face_maps.js" */
/** @import { Coefficients } from "./harmonics.js" */
/** @import { Light } from "./lighting.js" */

/** @typedef {[Float32Array, Float32Array, Float32Array]} Channels red, green, blue */

const [LR, LG, LB] = LUMINANCE;
// Probability of hair below which sheen changes less than 8 bits hold.
const LEAST_HAIR = 0.002;

/** An even white light: a photo under it is its albedo. */
export const WHITE_LIGHT = even([1, 1, 1]);

/** @type {(count: number) => Channels} */
export const channels = (count) => [
  new Float32Array(count), new Float32Array(count), new Float32Array(count),
];

/** @type {(values: Channels, k: number) => number} */
const luminance = ([r, g, b], k) => LR * r[k] + LG * g[k] + LB * b[k];

/**
 * Shading of normals; it can ring below 0.
 *
 * @param {Channels} normals  x, y, z
 * @param {Coefficients} light
 * @param {Channels} target
 */
export function shade([nx, ny, nz], light, target) {
  shadingPolynomial(light).forEach(([p0, p1, p2, p3, p4, p5, p6, p7, p8], c) => {
    const values = target[c];
    for (let k = 0; k < values.length; k++) {
      const x = nx[k];
      const y = ny[k];
      const z = nz[k];
      // `shadeAt`, with x, y and z factored out: this loop is most of the time.
      values[k] =
        p0 - p6 + x * (p3 + p4 * y + p7 * z + p8 * x) + y * (p1 + p5 * z - p8 * y) +
        z * (p2 + 3 * p6 * z);
    }
  });
}

/**
 * Raises shading to at least a small share of the brightest, with a soft knee.
 *
 * @param {Channels} values  they are changed
 * @param {number} share
 */
export function raiseToFloor(values, share) {
  let most = 1e-3;
  for (const channel of values) {
    for (let k = 0; k < channel.length; k++) most = Math.max(most, channel[k]);
  }
  const knee = 4 * (share * most) ** 2;
  for (const channel of values) {
    for (let k = 0; k < channel.length; k++) {
      channel[k] = 0.5 * (channel[k] + Math.sqrt(channel[k] * channel[k] + knee));
    }
  }
}

export class Face {
  /**
   * @param {FaceFacts} facts
   * @param {Planes} planes
   * @param {RelightSettings} settings
   */
  constructor(facts, planes, settings) {
    const count = facts.size * facts.size;
    this.facts = facts;
    this.planes = planes;
    this.settings = settings;
    this.count = count;
    this.light = facts.light;
    this.filter = new BoxFilter(facts.size, facts.radius);
    // Buffers that every new light fills again.
    this.new = channels(count);
    this.ratio = channels(count);
    this.slopes = channels(count);
    this.work = new Float32Array(count);
    /** Input of the shader, `[S, S, 4]`: factor of each channel, and slope over the guide. */
    this.changeTexture = new Float32Array(4 * count);
    /** Input of the shader, `[S, S, 4]`: linear RGB that takes the photo's place, and its share. */
    this.fillTexture = new Float32Array(4 * count);
    /** What `sameness` gave for the last light. */
    this.same = 1;
    /** Whether any of `fillTexture` is visible. */
    this.lossy = false;

    // Log of the old shading.
    this.old = channels(count);
    this.shade(this.light, this.old);
    this.oldLuminance = this.old[0].map((_, k) => luminance(this.old, k));
    for (const channel of this.old) channel.forEach((value, k) => (channel[k] = Math.log(value)));
    // Log of the photo without its detail.
    this.around = [planes.photo_r, planes.photo_g, planes.photo_b].map((channel) => {
      const around = new Float32Array(count);
      this.filter.mean(channel, around);
      return around.map((value) => Math.log(Math.max(value, 1e-4)));
    });
    this.meanGuide = new Float32Array(count);
    this.filter.mean(planes.guide, this.meanGuide);
    this.filter.mean(planes.guide.map((value) => value * value), this.work);
    // 1 / (variance + epsilon) of the guided filter.
    this.flatness = this.work.map(
      (square, k) => 1 / (Math.max(square - this.meanGuide[k] ** 2, 0) + planes.epsilon[k]),
    );
    /** @type {(plane: Float32Array, least?: number) => Uint32Array} */
    const where = (plane, least = 0.5) =>
      Uint32Array.from(plane.keys()).filter((k) => plane[k] > least);
    this.inside = where(planes.mask);
    this.region = where(planes.region);
    this.hair = where(planes.hair, LEAST_HAIR);
    const photo = [planes.photo_r, planes.photo_g, planes.photo_b];
    this.metered = this.meter((k, c) => photo[c][k]);
    /** Largest factor of `exposure`. */
    this.mostExposure = settings.max_exposure * this.meter((k, c) => Math.exp(this.old[c][k]));
  }

  /** The same face at half the size, for a quarter of the work. */
  halved() {
    return new Face(...halved(this.facts, this.planes), this.settings);
  }

  /**
   * Shading of the normals, above 0.
   *
   * @param {Coefficients} light
   * @param {Channels} target
   */
  shade(light, target) {
    const { normal_x: x, normal_y: y, normal_z: z } = this.planes;
    shade([x, y, z], light, target);
    raiseToFloor(target, this.settings.min_shading);
  }

  /** 1 if the new shading is a multiple of the old one, falling to 0 as they differ. */
  sameness() {
    if (this.inside.length === 0) return 1;
    let [both, olds, news] = [0, 0, 0];
    for (const k of this.inside) {
      const before = this.oldLuminance[k];
      const after = luminance(this.new, k);
      both += before * after;
      olds += before * before;
      news += after * after;
    }
    // |new - old (old.new / old.old)|² = new.new - (old.new)² / old.old
    const apart = Math.max(0, 1 - (both * both) / (olds * news));
    return Math.exp(-apart / this.settings.fade_distance);
  }

  /**
   * Brightness of the lit part of the face.
   *
   * @param {(k: number, c: number) => number} value  linear, of a pixel's channel
   * @returns {number} linear; NaN if the photo has no face region
   */
  meter(value) {
    const values = Float64Array.from(this.region, (k) =>
      Math.sqrt((value(k, 0) ** 2 + value(k, 1) ** 2 + value(k, 2) ** 2) / 3),
    );
    return percentile(values, this.settings.metered_percentile);
  }

  /**
   * The factor for a light that leaves the lit part of the face as bright as it is in the photo.
   *
   * @param {Coefficients} light
   */
  exposure(light) {
    const { photo_r: r, photo_g: g, photo_b: b, residual } = this.planes;
    const photo = [r, g, b];
    this.shade(light, this.new);
    const left = this.sameness() - 1;
    const after = this.meter((k, c) => {
      const factor = this.new[c][k] / Math.exp(this.old[c][k]);
      return photo[c][k] * factor * Math.exp(left * residual[k]);
    });
    return Math.min(this.metered / Math.max(after, 1e-6), this.mostExposure);
  }

  /**
   * Fills the textures for a new light.
   *
   * @param {Coefficients} light
   * @param {Face} [head]  of a body the head above it, changed before: old shadows stay as there
   */
  change(light, head = this) {
    this.shade(light, this.new);
    this.same = head === this ? this.sameness() : head.same;
    this.logRatio(this.same);
    this.limit();
    this.sheen();
    this.fill(this.same);
    this.guide();
  }

  /**
   * Log of the factor of each pixel.
   *
   * @param {number} sameness
   */
  logRatio(sameness) {
    const { residual } = this.planes;
    this.ratio.forEach((ratio, c) => {
      const [before, after] = [this.old[c], this.new[c]];
      for (let k = 0; k < this.count; k++) {
        ratio[k] = Math.log(after[k]) - before[k] + (sameness - 1) * residual[k];
      }
    });
  }

  /** Gives a share of what hair gains the colour of the light, which strands reflect at once. */
  sheen() {
    const { hair } = this.planes;
    /** @type {number[]} */
    const white = this.new.map((channel) =>
      this.region.length > 0
        ? this.region.reduce((sum, k) => sum + channel[k], 0)
        : channel.reduce((sum, value) => sum + value, 0),
    );
    const level = LR * white[0] + LG * white[1] + LB * white[2];
    const [around, factor, gained] = [[0, 0, 0], [0, 0, 0], [0, 0, 0]];
    for (const k of this.hair) {
      for (let c = 0; c < 3; c++) {
        around[c] = Math.exp(this.around[c][k]);
        factor[c] = Math.exp(this.ratio[c][k]);
        gained[c] = around[c] * Math.max(factor[c] - 1, 0);
      }
      const all = LR * gained[0] + LG * gained[1] + LB * gained[2];
      if (all === 0) continue;
      const share = this.settings.sheen * hair[k];
      for (let c = 0; c < 3; c++) {
        const sheen = share * ((all * white[c]) / level - gained[c]);
        this.ratio[c][k] = Math.log(factor[c] + sheen / around[c]);
      }
    }
  }

  /** Limits the factors: to the largest, and where a channel would pass white. */
  limit() {
    const { max_log_factor: most } = this.planes;
    const { shoulder } = this.settings;
    const [r, g, b] = this.ratio;
    const [ar, ag, ab] = this.around;
    const room = 1 - shoulder;
    const bright = Math.log(shoulder);
    for (let k = 0; k < this.count; k++) {
      const beyond = Math.max(0, Math.max(r[k], g[k], b[k]) - most[k]);
      r[k] -= beyond;
      g[k] -= beyond;
      b[k] -= beyond;
      // The shoulder: all channels get less where the strongest would pass white.
      let before = ar[k];
      let factor = r[k];
      if (ag[k] + g[k] > before + factor) [before, factor] = [ag[k], g[k]];
      if (ab[k] + b[k] > before + factor) [before, factor] = [ab[k], b[k]];
      if (before + factor <= bright) continue;
      const bent = shoulder + room * Math.tanh((Math.exp(before + factor) - shoulder) / room);
      const over = factor - Math.max(Math.log(bent) - before, 0);
      if (over <= 0) continue;
      r[k] -= over;
      g[k] -= over;
      b[k] -= over;
    }
  }

  /**
   * Albedo x shading, which replaces the photo where a shadow is black.
   *
   * @param {number} sameness
   */
  fill(sameness) {
    const { albedo_r: r, albedo_g: g, albedo_b: b, black, mask } = this.planes;
    const target = this.fillTexture;
    this.lossy = false;
    for (let k = 0; k < this.count; k++) {
      const lost = black[k] * (1 - sameness);
      target[4 * k] = r[k] * this.new[0][k];
      target[4 * k + 1] = g[k] * this.new[1][k];
      target[4 * k + 2] = b[k] * this.new[2][k];
      target[4 * k + 3] = lost;
      if (lost * mask[k] > 0.01) this.lossy = true;
    }
  }

  /** The guided filter of `ratio`: a slope over the guide, shared by the channels, and the rest. */
  guide() {
    const { guide } = this.planes;
    const { count, work, filter, meanGuide, flatness, changeTexture: target } = this;
    for (let c = 0; c < 3; c++) {
      const ratio = this.ratio[c];
      const slope = this.slopes[c];
      for (let k = 0; k < count; k++) work[k] = ratio[k] * guide[k];
      filter.mean(work, work);
      filter.mean(ratio, ratio);
      for (let k = 0; k < count; k++) {
        slope[k] = (work[k] - meanGuide[k] * ratio[k]) * flatness[k];
        ratio[k] -= slope[k] * meanGuide[k];
      }
      filter.mean(slope, slope);
      filter.mean(ratio, ratio);
    }
    for (let k = 0; k < count; k++) {
      const shared = luminance(this.slopes, k);
      for (let c = 0; c < 3; c++) {
        target[4 * k + c] = Math.exp(this.ratio[c][k] + (this.slopes[c][k] - shared) * guide[k]);
      }
      target[4 * k + 3] = shared;
    }
  }
}

/**
 * A light for a face whose white the relative part of the light takes on.
 *
 * @param {Light} light
 * @param {Face} face
 * @returns {Coefficients}
 */
const under = ({ coefficients, relative }, { facts: { white } }) =>
  coefficients.map((row, k) => row.map((value, c) => value + relative[k][c] * (white[c] - 1)));

/**
 * Relights every head and body as `tfrelight.relight` does, and fills their textures.
 *
 * @param {Face[]} faces  the first of them, a head, keeps its brightness
 * @param {Light} light
 * @param {number} strength  0 (each face's own light) to 1 (the new light)
 * @param {number} stops  by which the first face becomes brighter
 * @returns {Coefficients[]} the light of each face
 */
export function relight(faces, light, strength, stops) {
  const gain = faces[0].exposure(under(light, faces[0])) * 2 ** stops;
  const lights = faces.map((face) => {
    const share = strength * face.facts.legibility;
    return mix(face.light, scale(under(light, face), gain), share);
  });
  change(faces, lights);
  return lights;
}

/**
 * Fills the textures of every head and body.
 *
 * @param {Face[]} faces  all heads, and then all bodies
 * @param {Coefficients[]} lights  of each
 */
export function change(faces, lights) {
  faces.forEach((face, k) => face.change(lights[k], faces[face.facts.above ?? k]));
}
