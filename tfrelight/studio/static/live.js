// @ts-check
// The camera's picture, relit as it comes. Every frame is drawn with what the network found on an
// earlier one, moved along with the face; meanwhile the network works on a newer frame.

import { startCamera } from "./camera.js";
import { element } from "./dom.js";
import { LUMINANCE } from "./color.js";
import { mix } from "./harmonics.js";
import { tabulated } from "./numbers.js";
import { Frames } from "./photo.js";
import { headsOf } from "./photo_data.js";
import { placed, resized } from "./placed_faces.js";
import { StudioError } from "./requests.js";
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
// Milliseconds to wait each time that the studio is busy with photos of others. After the last one
// the camera ends.
const BUSY_PAUSES = [500, 1000, 2000, 4000, 8000];

/**
 * `found`: the network found faces on a frame, or there are none any more; `photo` is that frame
 * as a photo. `drawn`: a frame is to be drawn, with the places of its faces; `isNew`: it is another
 * one than the last. `sized`: frames have another size from now on, and nothing is found on them.
 * `ended`: the camera was taken away (null), or the network failed. Without faces the header has no
 * surface.
 *
 * @typedef {object} LiveEvents
 * @property {(data: PhotoData, photo?: PhotoData) => void} found
 * @property {(frame: HTMLCanvasElement, header: PhotoHeader, isNew: boolean) => void} drawn
 * @property {(data: PhotoData) => void} sized
 * @property {(error: unknown) => void} ended
 */

/** @type {(error: unknown) => boolean} whether the studio may answer in a while */
const isBusy = (error) => error instanceof StudioError && error.reason === "busy";

/** @type {(milliseconds: number) => Promise<void>} */
const pause = (milliseconds) => new Promise((go) => setTimeout(go, milliseconds));

/** @type {(width: number, height: number, longest: number) => { width: number, height: number }} */
function within(width, height, longest) {
  const factor = Math.min(1, longest / Math.max(width, height));
  return { width: Math.round(width * factor), height: Math.round(height * factor) };
}

/** What frames are drawn on. */
class Canvases {
  /** @param {{ width: number, height: number }} given  of the camera's picture, pixels */
  constructor(given) {
    this.given = given;
    const { width, height } = given;
    this.size = within(width, height, DRAWN);
    this.frame = readable(this.size).canvas;
    this.analysed = readable(within(width, height, ANALYSED));
    this.followed = readable(within(width, height, FOLLOWED));
  }
}

export class Live {
  /**
   * @param {Camera} camera
   * @param {LiveEvents} events
   */
  constructor(camera, events) {
    this.camera = camera;
    this.events = events;
    this.frames = new Frames();
    this.canvases = new Canvases(camera.size);
    /** @type {PhotoHeader | null} of what was found last, in pixels of the frames */
    this.header = null;
    /** @type {Tracker | null} */
    this.tracker = null;
    this.isRunning = false;
    /** Counts `run` and `hold`: what began at an earlier turn has ended. */
    this.turn = 0;
    /** How often the network has answered. */
    this.answers = 0;
    /** Time of the video's last frame, seconds. */
    this.time = -1;
    /** Called when a new frame was drawn. */
    this.onFrame = () => {};
  }

  /** Of the frames, pixels. */
  get size() {
    return this.canvases.size;
  }

  /** Draws and analyses from now on. */
  run() {
    if (this.isRunning) return;
    this.isRunning = true;
    const turn = ++this.turn;
    const draw = () => {
      if (turn !== this.turn) return;
      try {
        this.draw();
        requestAnimationFrame(draw);
      } catch (error) {
        this.events.ended(error);
      }
    };
    draw();
    this.analyse(turn).catch((error) => {
      if (turn === this.turn) this.events.ended(error);
    });
  }

  /** Stops to draw and to analyse; the camera stays on. */
  hold() {
    this.isRunning = false;
    this.turn++;
    this.frames.end();
  }

  /** Goes on with a picture of another size, as that of a phone that was turned. */
  resize() {
    const { canvases: { given }, camera: { size }, isRunning } = this;
    if (size.width === given.width && size.height === given.height) return;
    this.hold();
    this.canvases = new Canvases(size);
    this.header = this.tracker = null;
    this.time = -1;
    this.events.sized(this.nothing);
    if (isRunning) this.run();
  }

  /** Switches the camera off. */
  stop() {
    this.hold();
    this.camera.stop();
  }

  /** Draws the camera's picture. */
  draw() {
    const { camera, canvases: { frame, followed }, tracker, header } = this;
    const { currentTime } = camera.video;
    const isNew = currentTime !== this.time;
    if (isNew) {
      camera.drawOn(frame);
      tracker?.follow(greyOf(followed, frame));
    }
    this.time = currentTime;
    const moved = this.moved();
    const now = header && tracker?.isFound && {
      ...header, surfaces: header.surfaces.map((facts) => placed(facts, moved, this.size)),
    };
    this.events.drawn(frame, now || this.nothing.header, isNew);
    if (isNew) this.onFrame();
  }

  /** From the frame on which the faces were found to the last one, pixels. @returns {Similarity} */
  moved() {
    if (!this.tracker) return IDENTITY;
    const { a, b, x, y } = this.tracker.similarity;
    const factor = this.size.width / this.canvases.followed.canvas.width;
    return { a, b, x: x * factor, y: y * factor };
  }

  /** @returns {PhotoData} a frame without a face */
  get nothing() {
    const header = /** @type {PhotoHeader} */ (/** @type {unknown} */ ({
      found: 0, relit: 0, whole_image: false, what: "person", grey: "", ...this.size,
      view: this.size, surfaces: [],
      parts: [],
      settings: {
        outline: [0, 1], clipped: [0, 1], least_channel: 1, behind: 1,
        part_colours: Array(7).fill([0, 0, 0]),
      },
    }));
    return { header, pixels: null, faces: [] };
  }

  /**
   * Lets the network work on one frame after another. No frame is drawn while the page is out of
   * sight, and none is analysed twice.
   *
   * @param {number} turn  after which this ends
   */
  async analyse(turn) {
    const { frames, canvases: { analysed, followed, frame } } = this;
    let [last, refused] = [-1, 0];
    while (turn === this.turn) {
      if (this.time === last) {
        await new Promise((go) => (this.onFrame = () => go(undefined)));
        continue;
      }
      last = this.time;
      analysed.drawImage(frame, 0, 0, analysed.canvas.width, analysed.canvas.height);
      const grey = greyOf(followed, frame);
      const before = this.tracker?.similarity;
      let data;
      try {
        data = await frames.decompose(analysed.canvas, (header) => {
          if (turn === this.turn) this.settle(header);
        });
      } catch (error) {
        if (!isBusy(error) || refused === BUSY_PAUSES.length) throw error;
        await pause(BUSY_PAUSES[refused++]);
        continue;
      }
      if (turn !== this.turn) return;
      refused = 0;
      this.answers++;
      if (data) this.take(data, grey, before);
      else this.lose();
      if (!data) await pause(PAUSE);
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
    const { size, canvases: { followed } } = this;
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
  try {
    const live = new Live(camera, events);
    camera.onEnd(() => events.ended(null));
    camera.onResize(() => live.resize());
    events.found(live.nothing);
    return live;
  } catch (error) {
    camera.stop();
    throw error;
  }
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
  const data = tabulated(width * height, (k) =>
    (r * rgba[4 * k] + g * rgba[4 * k + 1] + b * rgba[4 * k + 2]) / 255,
  );
  return { width, height, data };
}
