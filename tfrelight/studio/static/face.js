// @ts-check
// A head or body under another light, as in tfrelight.relighting.ratio_image: the part on the grid
// of the maps. The shader applies the result to the photo's pixels.

import { BoxFilter } from "./box_filter.js";
import { LUMINANCE } from "./color.js";
import { layOver } from "./eyes.js";
import { halved } from "./face_maps.js";
import { even, mix, scale } from "./harmonics.js";
import { indicesAbove, percentile, ramp, scaled } from "./numbers.js";
import { channels, raiseToFloor, shade } from "./shading.js";
import { LEAST_SKIN, Surface } from "./surface.js";

/** @import { FaceFacts, Planes, RelightSettings } from "./face_maps.js" */
/** @import { Coefficients, DistantLamp } from "./harmonics.js" */
/** @import { Channels } from "./shading.js" */

const [LR, LG, LB] = LUMINANCE;
// Probability of hair, of an eye or a mouth below which less changes than 8 bits hold.
const LEAST_HAIR = 0.002;

// Highlights that change nothing.
const LEAST_SHINE = 1e-6;

/**
 * A light on a face, in absolute colours: lamps, and harmonics for what is known no better.
 *
 * @typedef {{ harmonics: Coefficients, lamps: DistantLamp[] }} FaceLight
 */

/** @typedef {{ share: number, gain: number }} Blend the new light's share, 0 to 1, and factor */

/** @type {Blend} the new light as it is */
export const WHOLE = { share: 1, gain: 1 };

/** @type {FaceLight} under which a photo is its albedo */
export const WHITE_LIGHT = { harmonics: even([1, 1, 1]), lamps: [] };

/** @type {(values: Channels, k: number) => number} */
const luminance = ([r, g, b], k) => LR * r[k] + LG * g[k] + LB * b[k];

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
    this.surface = new Surface(facts, planes, settings.rendering);
    /** @type {FaceLight} of `render` */
    this.rendered = WHITE_LIGHT;
    /** @type {Blend} of the last light that `relight` rendered */
    this.blend = WHOLE;
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
    this.shade(this.light, 0, this.old);
    this.oldLuminance = this.old[0].map((_, k) => luminance(this.old, k));
    for (const channel of this.old) channel.forEach((value, k) => (channel[k] = Math.log(value)));
    // Log of the photo without its detail.
    this.around = [planes.photo_r, planes.photo_g, planes.photo_b].map((channel) => {
      const around = new Float32Array(count);
      this.filter.mean(channel, around);
      return around.map((value) => Math.log(Math.max(value, 1e-4)));
    });
    const [r, g, b] = this.around;
    /** How much of a highlight a pixel has room for: none where it is burnt out. */
    this.room = r.map((value, k) =>
      1 - ramp(Math.exp(Math.max(value, g[k], b[k])), [settings.shoulder, 1]),
    );
    this.meanGuide = new Float32Array(count);
    this.filter.mean(planes.guide, this.meanGuide);
    this.filter.mean(planes.guide.map((value) => value * value), this.work);
    // 1 / (variance + epsilon) of the guided filter.
    this.flatness = this.work.map(
      (square, k) => 1 / (Math.max(square - this.meanGuide[k] ** 2, 0) + planes.epsilon[k]),
    );
    this.inside = indicesAbove(planes.mask, 0.5);
    this.region = indicesAbove(planes.region, 0.5);
    this.hair = indicesAbove(planes.hair, LEAST_HAIR);
    this.skin = indicesAbove(planes.skin, LEAST_SKIN);
    /** The probability of eyes and mouth. */
    this.whiteness = planes.part_eyes.map((value, k) => value + planes.part_mouth[k]);
    this.white = indicesAbove(this.whiteness, LEAST_HAIR);
    const photo = [planes.photo_r, planes.photo_g, planes.photo_b];
    this.residual = [planes.residual_r, planes.residual_g, planes.residual_b];
    /** The photo over its shading. */
    this.unlit = photo.map((channel, c) =>
      channel.map((value, k) => value / Math.exp(this.old[c][k])),
    );
    this.metered = this.meter((k, c) => photo[c][k]);
    /** Largest factor of `exposure`. */
    this.mostExposure = settings.max_exposure * this.meter((k, c) => Math.exp(this.old[c][k]));
  }

  /** The same face at half the size, for a quarter of the work. */
  halved() {
    return new Face(...halved(this.facts, this.planes), this.settings);
  }

  /**
   * Renders a light, for `exposure` and `change`.
   *
   * @param {FaceLight} light
   */
  render(light) {
    this.rendered = light;
    this.surface.render(light.lamps);
  }

  /**
   * Shading of the normals, above 0.
   *
   * @param {Coefficients} light
   * @param {number} share  of what the lamps of `render` add
   * @param {Channels} target
   */
  shade(light, share, target) {
    const { normal_x: x, normal_y: y, normal_z: z } = this.planes;
    shade([x, y, z], light, target);
    if (share > 0 && this.rendered.lamps.length > 0) {
      target.forEach((channel, c) => {
        const lit = this.surface.lit[c];
        for (let k = 0; k < channel.length; k++) channel[k] += share * lit[k];
      });
    }
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
    const values = new Float64Array(this.region.length);
    for (let j = 0; j < values.length; j++) {
      const k = this.region[j];
      values[j] = Math.sqrt((value(k, 0) ** 2 + value(k, 1) ** 2 + value(k, 2) ** 2) / 3);
    }
    return percentile(values, this.settings.metered_percentile);
  }

  /** The factor for the light of `render` that leaves the lit part of the face as bright. */
  exposure() {
    const { surface: { shine }, residual, unlit, room } = this;
    this.shade(this.rendered.harmonics, 1, this.new);
    const left = this.sameness() - 1;
    const after = this.meter((k, c) => {
      const faded = Math.exp(left * residual[c][k]);
      return unlit[c][k] * this.new[c][k] * faded + room[k] * shine[c][k];
    });
    return Math.min(this.metered / Math.max(after, 1e-6), this.mostExposure);
  }

  /**
   * Fills the textures for a blend of the face's own light with that of `render`.
   *
   * @param {Blend} blend
   * @param {Face} [head]  of a body the head above it, changed before: old shadows stay as there
   */
  change({ share, gain }, head = this) {
    const light = mix(this.light, scale(this.rendered.harmonics, gain), share);
    this.shade(light, share * gain, this.new);
    this.same = head === this ? this.sameness() : head.same;
    this.logRatio(this.same);
    if (share * gain > 0 && this.rendered.lamps.length > 0) this.addShine(share * gain);
    this.limit();
    this.sheen();
    this.ownWhite();
    this.fill(this.same, share * gain);
    this.guide();
  }

  /** Fills the textures for an even white light. */
  changeToAlbedo() {
    const { rendered } = this;
    this.rendered = WHITE_LIGHT;
    this.change(WHOLE);
    this.rendered = rendered;
  }

  /**
   * Log of the factor of each pixel.
   *
   * @param {number} sameness
   */
  logRatio(sameness) {
    this.ratio.forEach((ratio, c) => {
      const [before, after, residual] = [this.old[c], this.new[c], this.residual[c]];
      for (let k = 0; k < this.count; k++) {
        ratio[k] = Math.log(after[k]) - before[k] + (sameness - 1) * residual[k];
      }
    });
  }

  /**
   * Adds highlights, as a factor, so that pores and wrinkles show in them.
   *
   * @param {number} gain
   */
  addShine(gain) {
    this.ratio.forEach((ratio, c) => {
      const [shine, around] = [this.surface.shine[c], this.around[c]];
      for (let j = 0; j < this.skin.length; j++) {
        const k = this.skin[j];
        const more = gain * shine[k] * this.room[k];
        if (more < LEAST_SHINE) continue;
        ratio[k] = Math.log(Math.exp(ratio[k]) + more / Math.exp(around[k]));
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

  /** Makes eyes and teeth less blue than the light. */
  ownWhite() {
    const { own_white: most, bluer } = this.settings;
    const [r, g, b] = this.ratio;
    for (const k of this.white) {
      const share = most * this.whiteness[k] * ramp(b[k] - r[k], bluer);
      if (share === 0) continue;
      const brightness = luminance(this.ratio, k);
      r[k] += share * (brightness - r[k]);
      g[k] += share * (brightness - g[k]);
      b[k] += share * (brightness - b[k]);
    }
  }

  /**
   * Albedo x shading, which replaces the photo where a shadow is black; and eyes, with old
   * catchlights out and new ones in.
   *
   * @param {number} sameness
   * @param {number} gain  of the catchlights
   */
  fill(sameness, gain) {
    const { albedo_r: r, albedo_g: g, albedo_b: b, black, mask } = this.planes;
    const target = this.fillTexture;
    for (let k = 0; k < this.count; k++) {
      target[4 * k] = r[k] * this.new[0][k];
      target[4 * k + 1] = g[k] * this.new[1][k];
      target[4 * k + 2] = b[k] * this.new[2][k];
      target[4 * k + 3] = black[k] * (1 - sameness);
    }
    const { eyes, old_catchlights: old } = this.facts;
    old?.places.forEach((place, k) => {
      const below = old.below[k].map((value, c) => value * Math.exp(this.ratio[c][place]));
      layOver(target, place, old.share[k] * (1 - sameness), below);
    });
    const wet = this.rendered.lamps.length > 0 ? eyes?.places ?? [] : [];
    wet.forEach((place, k) => {
      const glint = this.surface.glints.map((channel) => gain * channel[k]);
      const most = Math.max(...glint);
      // What is added up to white leaves as much less of what is below.
      if (most > 0) layOver(target, place, Math.min(most, 1), scaled(glint, 1 / most));
    });
    this.lossy = mask.some((value, k) => target[4 * k + 3] * value > 0.01);
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
