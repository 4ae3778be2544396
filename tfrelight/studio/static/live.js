// Keeps the picture up to date: as sharp as fits into a frame while something moves, fully after.

import { lightOf } from "./lighting.js";
import { seen } from "./harmonics.js";
import { relight } from "./relighting.js";

// Milliseconds that a frame may take while one drags, and from which on it may be sharper.
const MOST = 26;
const LEAST = 13;
// Milliseconds without movement after which the picture is drawn in full.
const STILL = 250;
// Milliseconds after a photo came in which it is not disturbed.
const SETTLED = 400;

export class Live {
  constructor(renderer) {
    Object.assign(this, {
      renderer, scene: null, state: null, view: "relit", split: 0.5,
      scale: 1, half: false, pending: false, since: 0, frames: [], lights: [],
    });
  }

  load(scene) {
    this.renderer.load(scene);
    this.renderer.canvas.onwebglcontextrestored = () => {
      this.load(scene);
      this.show(this.state);
    };
    this.scene = scene;
    this.drawn = null;
    this.halved = null;
    this.scale = 1;
    this.half = false;
    setTimeout(() => this.measure(), SETTLED);
  }

  // Finds out how sharp a moving picture may be, before one moves it.
  measure() {
    if (!this.scene || this.moving) return;
    for (let k = 0; k < 6; k++) {
      const began = performance.now();
      this.draw(true);
      this.renderer.finish();
      if (this.steady) this.adapt(performance.now() - began);
    }
    this.draw(false);
  }

  // moving: more is to come at once, so this picture may be less sharp. since: of the event.
  show(state, moving = false, since = performance.now()) {
    this.state = state;
    if (!this.scene) return;
    clearTimeout(this.still);
    this.moving = moving;
    if (moving) this.still = setTimeout(() => this.show(this.state), STILL);
    if (this.pending) return;
    this.pending = true;
    this.since = since;
    requestAnimationFrame(() => this.frame());
  }

  frame() {
    this.pending = false;
    const began = performance.now();
    this.draw(this.moving);
    if (!this.moving) return;
    this.renderer.finish();
    const now = performance.now();
    if (this.steady) this.adapt(now - began);
    this.frames.push({ latency: now - this.since, cost: now - began, scale: this.scale, half: this.half });
    if (this.frames.length > 600) this.frames.shift();
  }

  draw(rough) {
    const { renderer, scene, state } = this;
    const faces = rough && this.half ? this.small() : scene.faces;
    this.lights = relight(faces, lightOf(state), state.strength, state.brightness);
    renderer.update(faces, this.lights);
    const { width, height } = scene.header.view;
    const scale = rough ? this.scale : 1;
    const size = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
    const behind = this.behind();
    const key = JSON.stringify([this.view, size, behind, this.split]);
    // The rest of the picture stays as it is; what is drawn in full is drawn whole.
    renderer.draw(this.view, size, behind, this.split, rough && key === this.drawn ? this.heads() : null);
    // The first picture of another size is drawn whole, which says nothing of the next.
    this.steady = this.size === size.width;
    this.size = size.width;
    this.drawn = key;
  }

  // The box around all heads.
  heads() {
    const boxes = this.scene.faces.map((face) => face.facts.head);
    return [0, 1, 2, 3].map((k) => (k < 2 ? Math.min : Math.max)(...boxes.map((box) => box[k])));
  }

  small() {
    this.halved ??= this.scene.faces.map((face) => (face.facts.size >= 128 ? face.halved() : face));
    return this.halved;
  }

  // Factors of what is no person, as --background has them.
  behind() {
    if (!this.state.background) return [1, 1, 1];
    const [old, now] = [seen(this.scene.faces[0].light), seen(this.lights[0])];
    const most = this.scene.header.settings.behind;
    return now.map((value, c) => Math.min(most, Math.max(1 / most, value / Math.max(old[c], 1e-3))));
  }

  adapt(cost) {
    if (cost > MOST) {
      if (!this.half) this.half = true;
      else this.scale = Math.max(0.2, this.scale * Math.max(0.6, Math.sqrt(MOST / cost)));
    } else if (cost < LEAST && this.scale < 1) {
      this.scale = Math.min(1, this.scale * 1.1);
    } else if (cost < LEAST / 3 && this.half) {
      this.half = false;
    }
  }
}
