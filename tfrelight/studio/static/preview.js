// @ts-check
// Keeps the picture up to date. While something moves it is as sharp as the time of a frame allows;
// at rest it is drawn in full.

import { isColourless, meanShading } from "./harmonics.js";
import { lightOf } from "./lighting.js";
import { clamp } from "./numbers.js";
import { relight } from "./relighting.js";

/** @import { Coefficients } from "./harmonics.js" */
/** @import { Light, State } from "./lighting.js" */
/** @import { Place } from "./loaded_photo.js" */
/** @import { PhotoData } from "./photo_data.js" */
/** @import { Face } from "./face.js" */
/** @import { Renderer } from "./renderer.js" */
/** @import { Mode } from "./shaders.js" */

// Above SLOW milliseconds of a frame the next gets less sharp. It gets sharper, by SHARPER, only if
// it should then stay below FAST.
const SLOW = 26;
const FAST = 20;
const SHARPER = 1.1;
// Maps of full size take so many times as long to compute as halved ones.
const WHOLE_MAPS = 4;
// Milliseconds below which clocks of browsers say nothing.
const TICK = 0.1;
// Milliseconds without movement after which the picture is drawn in full.
const REST = 250;
// Milliseconds from a photo's first picture to measuring its speed: until then the page is busy.
const SETTLED = 400;
// Sharpness at which it is measured.
const PROBED = 0.4;
// Least width of a moving picture, as a share of the full width; of the frames of a video, of which
// as much time goes into receiving them.
const COARSEST = 0.2;
const COARSEST_FRAME = 0.5;
// Maps with a smaller side are not halved: it would gain nothing.
const SMALLEST = 128;
/** Factors of a background that stays as it is. */
export const UNCHANGED = [1, 1, 1];
// Frames whose timings are kept.
const FRAMES = 600;

/**
 * Timing of a frame: milliseconds from the event to the picture, milliseconds of work, and the
 * sharpness.
 *
 * @typedef {{ latency: number, cost: number, scale: number, half: boolean }} Frame
 */

/**
 * The milliseconds of a frame that are left for drawing: half of them at least, since a coarser
 * picture does not speed up computing.
 *
 * @param {number} limit
 * @param {number} work  milliseconds of computing
 */
const left = (limit, work) => Math.max(limit - work, limit / 2);

export class Preview {
  /** @param {Renderer} renderer */
  constructor(renderer) {
    this.renderer = renderer;
    /** @type {PhotoData | null} */
    this.data = null;
    /** @type {State | null} */
    this.state = null;
    /** @type {Mode} */
    this.view = "relit";
    /** Share of the width that shows the photo in the view "split". */
    this.split = 0.5;
    /** Size of a moving picture, as a share of the full size. */
    this.scale = 1;
    /** Whether a moving picture uses maps of half the size. */
    this.half = false;
    /** Whether the speed of the photo is not known yet, and nobody is about to measure it. */
    this.isUnmeasured = false;
    /** @type {(data: PhotoData) => void} called with a photo once its speed is known */
    this.onMeasured = () => {};
    /** Whether a frame has been requested. */
    this.pending = false;
    this.moving = false;
    /** Time of the event that the requested frame answers, milliseconds. */
    this.since = 0;
    /** @type {Frame[]} */
    this.frames = [];
    /** @type {Coefficients[]} the light of each face */
    this.lights = [];
    /** @type {Face[] | null} the faces at half the size */
    this.halved = null;
    /** What the last picture was drawn with, except for the light. */
    this.drawn = "";
    /** Width of the last picture, pixels. */
    this.width = 0;
    /** Whether the last picture had the size of the one before. */
    this.steady = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.restTimer = undefined;
    /** Whether the frames of a video are shown, which `drawFrame` draws. */
    this.isLive = false;
    /** Whether the light, the view or the faces are others than those of the last frame. */
    this.isNew = false;
  }

  /** @param {PhotoData} data */
  load(data) {
    this.isLive = false;
    this.renderer.load(data);
    this.renderer.onRestored = () => {
      this.load(data);
      if (this.state) this.show(this.state);
    };
    this.data = data;
    this.drawn = "";
    this.halved = null;
    this.scale = 1;
    this.half = false;
    this.isUnmeasured = true;
  }

  /**
   * Takes what was found on a frame of a video, for the frames after it.
   *
   * @param {PhotoData} data
   */
  loadLive(data) {
    this.renderer.load(data);
    this.isUnmeasured = false;
    if (!this.isLive) this.scale = 1;
    this.isLive = true;
    clearTimeout(this.restTimer);
    this.renderer.onRestored = () => this.loadLive(data);
    this.data = data;
    this.halved = null;
    this.isNew = true;
  }

  /**
   * Draws a frame of a video.
   *
   * @param {HTMLCanvasElement} frame
   * @param {Place[]} places  of the heads and bodies on it; none: it is shown as it is
   * @param {boolean} isNewFrame  false: it is drawn again only under another light or view
   */
  drawFrame(frame, places, isNewFrame) {
    const { data, state, renderer } = this;
    if (!data || !state || !(isNewFrame || this.isNew)) return;
    const began = performance.now();
    renderer.take(frame, places);
    const { isNew } = this;
    if (isNew) this.relight(data, state, true);
    this.isNew = false;
    this.paint(data, state, true, places.length > 0 ? this.view : "photo");
    this.record(began, began, isNew);
  }

  /**
   * Finds how sharp a moving picture can be, before anybody moves it.
   *
   * @param {PhotoData} data  of the photo; if another one is open, that is measured by itself
   */
  measure(data) {
    const { state, renderer } = this;
    if (!state || data !== this.data || this.isLive) return;
    if (this.moving) {
      // After the next picture at rest.
      this.isUnmeasured = true;
      return;
    }
    [this.half, this.scale] = [true, PROBED];
    const probe = () => {
      this.relight(data, state, true);
      this.paint(data, state, true, "relit");
    };
    // The first picture of a size is drawn whole; its time says nothing about the next.
    probe();
    renderer.finish();
    const began = performance.now();
    probe();
    const { work, drawing } = this.timed(began);
    // Computing takes as long at every sharpness; drawing as long for every pixel.
    const whole = drawing / PROBED ** 2;
    this.half = WHOLE_MAPS * work + whole > FAST;
    this.scale = this.half ? clamp(Math.sqrt(left(FAST, work) / whole), COARSEST, 1) : 1;
    this.draw(data, state, false);
    this.onMeasured(data);
  }

  /**
   * Shows a state with the next frame.
   *
   * @param {State} state
   * @param {boolean} [moving]  more states follow at once, so the picture may be less sharp
   * @param {number} [since]  time of the event, milliseconds
   */
  show(state, moving = false, since = performance.now()) {
    this.state = state;
    if (!this.data) return;
    if (this.isLive) {
      this.isNew = true;
      return;
    }
    clearTimeout(this.restTimer);
    this.moving = moving;
    if (moving) this.restTimer = setTimeout(() => this.show(state), REST);
    if (this.pending) return;
    this.pending = true;
    this.since = since;
    requestAnimationFrame(() => this.frame());
  }

  frame() {
    this.pending = false;
    if (!this.data || !this.state || this.isLive) return;
    const began = performance.now();
    this.draw(this.data, this.state, this.moving);
    if (!this.moving) {
      this.measureSoon(this.data);
      return;
    }
    this.record(this.since, began);
  }

  /** @param {PhotoData} data */
  measureSoon(data) {
    if (!this.isUnmeasured) return;
    this.isUnmeasured = false;
    // The second frame from now begins once the picture is on the screen.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => setTimeout(() => this.measure(data), SETTLED)),
    );
  }

  /**
   * Waits until a picture is drawn.
   *
   * @param {number} began  time, milliseconds
   * @returns milliseconds of computing, and of drawing
   */
  timed(began) {
    const computed = performance.now();
    this.renderer.finish();
    return { work: computed - began, drawing: Math.max(performance.now() - computed, TICK) };
  }

  /**
   * Notes the last frame, to which it adapts.
   *
   * @param {number} since  time of the event that it answers, milliseconds
   * @param {number} began  time
   * @param {boolean} [isComputed]  whether its light was computed, too
   */
  record(since, began, isComputed = true) {
    const { work, drawing } = this.timed(began);
    if (this.steady) this.adapt(work, drawing, isComputed);
    const { scale, half } = this;
    const [latency, cost] = [began + work + drawing - since, work + drawing];
    this.frames.push({ latency, cost, scale, half });
    if (this.frames.length > FRAMES) this.frames.shift();
  }

  /**
   * @param {PhotoData} data
   * @param {State} state
   * @param {boolean} rough
   */
  draw(data, state, rough) {
    this.relight(data, state, rough);
    this.paint(data, state, rough, this.view);
  }

  /** @type {(data: PhotoData, state: State, rough: boolean) => void} */
  relight(data, state, rough) {
    const faces = rough && this.half ? this.smallFaces(data) : data.faces;
    if (faces.length === 0) return;
    this.lights = relight(faces, lightOf(state), state.strength, state.brightness);
    this.renderer.update(faces, this.lights);
  }

  /** @type {(data: PhotoData, state: State, rough: boolean, view: Mode) => void} */
  paint(data, state, rough, view) {
    const { renderer, split } = this;
    const scale = rough ? this.scale : 1;
    const width = Math.max(1, Math.round(data.header.view.width * scale));
    const height = Math.max(1, Math.round(data.header.view.height * scale));
    const isLit = state.background && data.faces.length > 0;
    const behind = isLit ? backgroundFactors(data, this.lights) : UNCHANGED;
    const grey = staysGrey(data, lightOf(state));
    const key = JSON.stringify([view, width, height, behind, grey, split]);
    // A rough picture is redrawn around the heads only, if the rest stays as it was.
    const same = rough && !this.isLive && key === this.drawn;
    const only = same ? headBox(data.faces) : null;
    renderer.draw({ view, width, height, behind, grey, split, only });
    // The first picture of another size is drawn whole; its time says nothing about the next.
    this.steady = this.width === width;
    this.width = width;
    this.drawn = key;
  }

  /** @param {PhotoData} data */
  smallFaces(data) {
    this.halved ??= data.faces.map((face) =>
      face.facts.size >= SMALLEST ? face.halved() : face,
    );
    return this.halved;
  }

  /**
   * Makes moving pictures sharper or less sharp.
   *
   * @param {number} work  milliseconds that a frame took to compute
   * @param {number} drawing  and to draw, as long for every pixel
   * @param {boolean} [isComputed]  whether maps have a part in this
   */
  adapt(work, drawing, isComputed = true) {
    const least = this.isLive ? COARSEST_FRAME : COARSEST;
    const share = left(SLOW, work) / drawing;
    if (work + drawing > SLOW && isComputed && !this.half) {
      this.half = true;
    } else if (share < 1) {
      this.scale = Math.max(least, this.scale * Math.max(0.6, Math.sqrt(share)));
    } else if (this.scale < 1) {
      if (SHARPER ** 2 * drawing < left(FAST, work)) this.scale = Math.min(1, SHARPER * this.scale);
    } else if (isComputed && this.half && WHOLE_MAPS * work + drawing < FAST) {
      this.half = false;
    }
  }
}

/**
 * Factors of the background, as --background computes them.
 *
 * @param {PhotoData} data
 * @param {Coefficients[]} lights  of the faces
 * @returns {number[]} `[3]`
 */
export function backgroundFactors({ faces, header }, lights) {
  const old = meanShading(faces[0].light);
  const most = header.settings.behind;
  return meanShading(lights[0]).map((value, c) =>
    Math.min(most, Math.max(1 / most, value / Math.max(old[c], 1e-3))),
  );
}

/**
 * Whether a photo without colour stays so under a light.
 *
 * @param {PhotoData} data
 * @param {Light} light
 */
export function staysGrey({ header: { grey } }, { coefficients }) {
  return grey === "always" || (grey === "maybe" && isColourless(coefficients));
}

/**
 * The box around all heads.
 *
 * @param {Face[]} faces
 * @returns {number[]} left, top, right, bottom, pixels
 */
function headBox(faces) {
  const boxes = faces.map((face) => face.facts.head);
  return [0, 1, 2, 3].map((k) => (k < 2 ? Math.min : Math.max)(...boxes.map((box) => box[k])));
}
