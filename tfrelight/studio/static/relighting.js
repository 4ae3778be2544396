// A face under another light, as tfrelight.faces.relighting has it: the part that needs no pixel
// of the photo at full size. Maps are size x size; `change` fills the two textures of the shader.

import { Boxes } from "./boxes.js";
import { LUMINANCE } from "./color.js";
import { even, mix, polynomial, scale } from "./harmonics.js";

const [LR, LG, LB] = LUMINANCE;

export class Face {
  // facts: of the header; planes: name to Float32Array; settings: of the header.
  constructor(facts, planes, settings) {
    const count = facts.size * facts.size;
    const plane = () => new Float32Array(count);
    Object.assign(this, { facts, planes, settings, count });
    this.light = facts.light;
    this.boxes = new Boxes(facts.size, facts.radius);
    this.own = [plane(), plane(), plane()];
    this.new = [plane(), plane(), plane()];
    this.ratio = [plane(), plane(), plane()];
    this.slopes = [plane(), plane(), plane()];
    this.work = plane();
    this.old = [plane(), plane(), plane()];
    this.shade(this.light, this.own);
    this.own.forEach((values, c) => this.old[c].set(values));
    this.floor(this.old);
    this.oldLuminance = this.old[0].map((_, k) => this.luminance(this.old, k));
    this.old.forEach((values) => values.forEach((value, k) => (values[k] = Math.log(value))));
    this.around = ["photo_r", "photo_g", "photo_b"].map((name) => {
      const around = plane();
      this.boxes.mean(planes[name], around);
      return around.map((value) => Math.log(Math.max(value, 1e-4)));
    });
    this.meanGuide = plane();
    this.boxes.mean(planes.guide, this.meanGuide);
    this.boxes.mean(planes.guide.map((value) => value * value), this.work);
    // 1 / (variance + epsilon).
    this.flatness = this.work.map(
      (square, k) => 1 / (Math.max(square - this.meanGuide[k] ** 2, 0) + planes.epsilon[k]),
    );
    const where = (test) => Uint32Array.from([...Array(count).keys()].filter(test));
    this.inside = where((k) => planes.mask[k] > 0.5);
    this.region = where((k) => planes.region[k] > 0.5);
    this.metered = this.meter(null, 0);
    this.changeTexture = new Float32Array(4 * count);
    this.fillTexture = new Float32Array(4 * count);
    this.lossy = false;
  }

  // Means of 2 x 2 pixels: the same face for a quarter of the work.
  halved() {
    const { size } = this.facts;
    const half = size >> 1;
    const planes = Object.fromEntries(
      Object.entries(this.planes).map(([name, values]) => {
        const small = new Float32Array(half * half);
        for (let y = 0; y < half; y++) {
          for (let x = 0; x < half; x++) {
            const k = 2 * y * size + 2 * x;
            small[y * half + x] = (values[k] + values[k + 1] + values[k + size] + values[k + size + 1]) / 4;
          }
        }
        return [name, small];
      }),
    );
    const { normal_x: nx, normal_y: ny, normal_z: nz } = planes;
    for (let k = 0; k < half * half; k++) {
      const length = Math.max(Math.hypot(nx[k], ny[k], nz[k]), 1e-6);
      nx[k] /= length;
      ny[k] /= length;
      nz[k] /= length;
    }
    const facts = { ...this.facts, size: half, radius: Math.max(1, Math.round(this.facts.radius / 2)) };
    return new Face(facts, planes, this.settings);
  }

  luminance(values, k) {
    return LR * values[0][k] + LG * values[1][k] + LB * values[2][k];
  }

  shade(light, target) {
    const { normal_x: nx, normal_y: ny, normal_z: nz } = this.planes;
    polynomial(light).forEach(([p0, p1, p2, p3, p4, p5, p6, p7, p8], c) => {
      const values = target[c];
      for (let k = 0; k < values.length; k++) {
        const x = nx[k];
        const y = ny[k];
        const z = nz[k];
        values[k] = p0 - p6 + x * (p3 + p4 * y + p7 * z + p8 * x) + y * (p1 + p5 * z - p8 * y) +
          z * (p2 + 3 * p6 * z);
      }
    });
  }

  // Not below a small share of the brightest, with a soft knee.
  floor(values) {
    let most = 1e-3;
    for (const channel of values) for (let k = 0; k < channel.length; k++) if (channel[k] > most) most = channel[k];
    const knee = 4 * (this.settings.floor * most) ** 2;
    for (const channel of values) {
      for (let k = 0; k < channel.length; k++) {
        channel[k] = 0.5 * (channel[k] + Math.sqrt(channel[k] * channel[k] + knee));
      }
    }
  }

  // 1 if the new shading is the old one up to brightness, falling to 0 as they differ.
  sameness() {
    if (this.inside.length === 0) return 1;
    let [both, olds, news] = [0, 0, 0];
    for (const k of this.inside) {
      const before = this.oldLuminance[k];
      const after = this.luminance(this.new, k);
      both += before * after;
      olds += before * before;
      news += after * after;
    }
    // |new - old (old.new / old.old)|² = new.new - (old.new)² / old.old
    const apart = Math.max(0, 1 - (both * both) / (olds * news));
    return Math.exp(-apart / this.settings.apart);
  }

  // Brightness of the lit part of the face under the new shading, or of the photo (null).
  meter(shading, sameness) {
    const { photo_r: r, photo_g: g, photo_b: b, residual } = this.planes;
    const photo = [r, g, b];
    const values = Float64Array.from(this.region, (k) => {
      let square = 0;
      for (let c = 0; c < 3; c++) {
        const factor = shading === null ? 1
          : (shading[c][k] / Math.exp(this.old[c][k])) * Math.exp((sameness - 1) * residual[k]);
        square += (photo[c][k] * factor) ** 2;
      }
      return Math.sqrt(square / 3);
    }).sort();
    if (values.length === 0) return NaN;
    const place = (this.settings.metered / 100) * (values.length - 1);
    const below = Math.floor(place);
    const above = Math.min(below + 1, values.length - 1);
    return values[below] + (place - below) * (values[above] - values[below]);
  }

  // The factor for a light that leaves the lit part of the face as bright as it is in the photo.
  exposure(light) {
    this.shade(light, this.new);
    this.floor(this.new);
    const ratio = this.metered / Math.max(this.meter(this.new, this.sameness()), 1e-6);
    const [least, most] = this.settings.turned;
    return Math.min(most, Math.max(least, ratio));
  }

  change(light) {
    this.shade(light, this.new);
    this.floor(this.new);
    const sameness = this.sameness();
    this.logRatio(sameness);
    this.fill(sameness);
    this.guide();
  }

  logRatio(sameness) {
    const { residual } = this.planes;
    const { most, shoulder } = this.settings;
    const [r, g, b] = this.ratio;
    const [ar, ag, ab] = this.around;
    const room = 1 - shoulder;
    const bright = Math.log(shoulder);
    for (let k = 0; k < this.count; k++) {
      const left = (sameness - 1) * residual[k];
      r[k] = Math.min(most, Math.log(this.new[0][k]) - this.old[0][k] + left);
      g[k] = Math.min(most, Math.log(this.new[1][k]) - this.old[1][k] + left);
      b[k] = Math.min(most, Math.log(this.new[2][k]) - this.old[2][k] + left);
      // Less where it would push the strongest channel past white.
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

  // What takes the photo's place where it is black or burnt out.
  fill(sameness) {
    const { albedo_r: r, albedo_g: g, albedo_b: b, black, burnt, mask } = this.planes;
    const target = this.fillTexture;
    this.lossy = false;
    for (let k = 0; k < this.count; k++) {
      let lost = black[k];
      if (burnt[k] > 0) {
        const darkened = Math.min(1, Math.max(0, -this.luminance(this.ratio, k)));
        lost = Math.max(lost, burnt[k] * darkened);
      }
      lost *= 1 - sameness;
      target[4 * k] = r[k] * this.new[0][k];
      target[4 * k + 1] = g[k] * this.new[1][k];
      target[4 * k + 2] = b[k] * this.new[2][k];
      target[4 * k + 3] = lost;
      if (lost * mask[k] > 0.01) this.lossy = true;
    }
  }

  // The guided filter of the ratio: what follows the photo's edges, and the rest.
  guide() {
    const { guide } = this.planes;
    const { count, work, boxes, meanGuide, flatness, changeTexture: target } = this;
    for (let c = 0; c < 3; c++) {
      const ratio = this.ratio[c];
      const slope = this.slopes[c];
      for (let k = 0; k < count; k++) work[k] = ratio[k] * guide[k];
      boxes.mean(work, work);
      boxes.mean(ratio, ratio);
      for (let k = 0; k < count; k++) {
        slope[k] = (work[k] - meanGuide[k] * ratio[k]) * flatness[k];
        ratio[k] -= slope[k] * meanGuide[k];
      }
      boxes.mean(slope, slope);
      boxes.mean(ratio, ratio);
    }
    for (let k = 0; k < count; k++) {
      const shared = this.luminance(this.slopes, k);
      for (let c = 0; c < 3; c++) {
        target[4 * k + c] = Math.exp(this.ratio[c][k] + (this.slopes[c][k] - shared) * guide[k]);
      }
      target[4 * k + 3] = shared;
    }
  }
}

// Lights every face as tfrelight.relight does. Returns the light of each face.
export function relight(faces, light, strength, stops) {
  const exposed = scale(light, faces[0].exposure(light) * 2 ** stops);
  const lights = faces.map((face) => mix(face.light, exposed, strength));
  faces.forEach((face, k) => face.change(lights[k]));
  return lights;
}

export const WHITE_LIGHT = even([1, 1, 1]);
