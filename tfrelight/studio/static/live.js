// @ts-check
// The camera's picture, relit as it comes. Every frame is drawn with what the network found on an
// earlier one, moved along with the face; meanwhile the network works on a newer frame.

import { startCamera } from "./camera.js";
import { element } from "./dom.js";
import { LUMINANCE } from "./color.js";
import { mix } from "./harmonics.js";
import { Frames } from "./photo.js";
import { headsOf } from "./photo_data.js";
import { placed, resized } from "./placed_faces.js";
import { IDENTITY, Tracker, composed, inverted } from "./tracker.js";

/** @import { Camera } from "./camera.js" */
/** @import { PhotoData, PhotoHeader } from "./photo_data.js" */
/** @import { Similarity, Grey } from "./tracker.js" */

// Longer side, pixels: of what is drawn, of what the network gets, and of what faces are followed
// in.
const DRAWN = 960;
const ANALYSED = 384;
const FOLLOWED = 128;
// Share of a new light; faces that flicker from run to run are worse than a light that lags.
const SETTLING = 0.3;
// Milliseconds until a picture without a face is searched again.
const PAUSE = 200;

/**
 * `found`: the network found faces on a frame, or there are none any more; `photo` is that frame
 * as a photo. `drawn`: a frame is to be drawn, with the places of its faces. `ended`: the camera
 * was taken away (null), or the network failed. Without faces the header has no surface.
 *
 * @typedef {object} LiveEvents
 * @property {(data: PhotoData, photo?: PhotoData) => void} found
 * @property {(frame: HTMLCanvasElement, header: PhotoHeader) => void} drawn
 * @property {(error: unknown) => void} ended
 */

/** @type {(width: number, height: number, longest: number) => { width: number, height: number }} */
function within(width, height, longest) {
  const factor = Math.min(1, longest / Math.max(width, height));
  return { width: Math.round(width * factor), height: Math.round(height * factor) };
}

export class Live {
  /**
   * @param {Camera} camera
   * @param {LiveEvents} events
   */
  constructor(camera, events) {
    this.camera = camera;
    this.events = events;
    const { width, height } = camera.size;
    this.size = within(width, height, DRAWN);
    const { canvas } = readable(this.size);
    this.frame = canvas;
    this.analysed = readable(within(width, height, ANALYSED));
    this.followed = readable(within(width, height, FOLLOWED));
    this.frames = new Frames();
    /** @type {PhotoHeader | null} of what was found last, in pixels of the frames */
    this.header = null;
    /** @type {Tracker | null} */
    this.tracker = null;
    this.isRunning = false;
    /** Times at which the network answered, milliseconds. @type {number[]} */
    this.answers = [];
    /** Time of the video's last frame, seconds. */
    this.time = -1;
  }

  /** Draws and analyses from now on. */
  run() {
    if (this.isRunning) return;
    this.isRunning = true;
    const draw = () => {
      if (!this.isRunning) return;
      this.draw();
      requestAnimationFrame(draw);
    };
    draw();
    this.analyse().catch((error) => this.events.ended(error));
  }

  /** Stops to draw and to analyse; the camera stays on. */
  hold() {
    this.isRunning = false;
  }

  /** Switches the camera off. */
  stop() {
    this.hold();
    this.camera.stop();
  }

  /** Draws the camera's picture. */
  draw() {
    const { camera, frame, followed, tracker, header } = this;
    camera.drawOn(frame);
    const { currentTime } = camera.video;
    if (tracker && currentTime !== this.time) tracker.follow(greyOf(followed, frame));
    this.time = currentTime;
    const moved = this.moved();
    const now = header && tracker?.isFound && {
      ...header, surfaces: header.surfaces.map((facts) => placed(facts, moved, this.size)),
    };
    this.events.drawn(frame, now || this.nothing.header);
  }

  /** From the frame on which the faces were found to the last one, pixels. @returns {Similarity} */
  moved() {
    if (!this.tracker) return IDENTITY;
    const { a, b, x, y } = this.tracker.similarity;
    const factor = this.size.width / this.followed.canvas.width;
    return { a, b, x: x * factor, y: y * factor };
  }

  /** @returns {PhotoData} a frame without a face */
  get nothing() {
    const header = /** @type {PhotoHeader} */ (/** @type {unknown} */ ({
      found: 0, relit: 0, whole_image: false, grey: "", ...this.size, view: this.size, surfaces: [],
      parts: [],
      settings: {
        outline: [0, 1], clipped: [0, 1], least_channel: 1, behind: 1,
        part_colours: Array(7).fill([0, 0, 0]),
      },
    }));
    return { header, pixels: null, faces: [] };
  }

  /** Lets the network work on one frame after another. */
  async analyse() {
    const { frames, analysed, followed, frame } = this;
    while (this.isRunning) {
      analysed.drawImage(frame, 0, 0, analysed.canvas.width, analysed.canvas.height);
      const grey = greyOf(followed, frame);
      const before = this.tracker?.similarity;
      const data = await frames.decompose(analysed.canvas, (header) => this.settle(header));
      if (!this.isRunning) return;
      this.answers.push(performance.now());
      if (data) this.take(data, grey, before);
      else this.lose();
      if (!data || document.hidden) await new Promise((go) => setTimeout(go, PAUSE));
    }
  }

  /**
   * Takes a part of the light, and the rest from what was found before.
   *
   * @param {PhotoHeader} header
   */
  settle({ surfaces }) {
    const before = this.header?.surfaces;
    if (before?.length !== surfaces.length) return;
    surfaces.forEach((facts, k) => {
      facts.light = mix(before[k].light, facts.light, SETTLING);
      facts.white = /** @type {typeof facts.white} */ (
        facts.white.map((value, c) => before[k].white[c] + SETTLING * (value - before[k].white[c]))
      );
    });
  }

  /**
   * Shows what was found on a frame.
   *
   * @param {PhotoData} data
   * @param {Grey} grey  the frame
   * @param {Similarity} [before]  where the faces found before were on it
   */
  take(data, grey, before) {
    const { size, followed } = this;
    const { view, surfaces } = data.header;
    const [across, down] = [size.width / view.width, size.height / view.height];
    this.header = {
      ...data.header, ...size, view: size,
      surfaces: surfaces.map((facts) => resized(facts, across, down)),
    };
    const factor = followed.canvas.width / size.width;
    const [{ head }] = headsOf(this.header);
    const tracker = new Tracker(grey, head.map((side) => side * factor));
    if (this.tracker && before) {
      tracker.begin(composed(this.tracker.similarity, inverted(before)));
    }
    this.tracker = tracker;
    this.events.found({ header: this.header, pixels: null, faces: data.faces }, data);
  }

  /** Shows the camera's picture as it is. */
  lose() {
    if (this.header) this.events.found(this.nothing);
    this.header = this.tracker = null;
  }
}

/**
 * Switches the camera on.
 *
 * @param {LiveEvents} events
 * @throws {StudioError} there is none, or the browser may not use it
 */
export async function startLive(events) {
  const camera = await startCamera();
  const live = new Live(camera, events);
  camera.onEnd(() => events.ended(null));
  events.found(live.nothing);
  return live;
}

/**
 * The context of a canvas in the memory of the processor, where cameras deliver their frames.
 *
 * @type {(size: { width: number, height: number }) => CanvasRenderingContext2D}
 */
function readable(size) {
  return /** @type {CanvasRenderingContext2D} */ (
    element("canvas", size).getContext("2d", { willReadFrequently: true })
  );
}

/** @type {(context: CanvasRenderingContext2D, frame: HTMLCanvasElement) => Grey} */
function greyOf(context, frame) {
  const { width, height } = context.canvas;
  context.drawImage(frame, 0, 0, width, height);
  const { data: rgba } = context.getImageData(0, 0, width, height);
  const [r, g, b] = LUMINANCE;
  const data = Float32Array.from({ length: width * height }, (_, k) =>
    (r * rgba[4 * k] + g * rgba[4 * k + 1] + b * rgba[4 * k + 2]) / 255,
  );
  return { width, height, data };
}
