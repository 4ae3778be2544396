// @ts-check
// The camera in place of a photo: its picture relit as it comes, and a still of it.

import { byId } from "./dom.js";
import { startLive } from "./live.js";
import { StudioError } from "./requests.js";
import { say } from "./texts.js";

/** @import { Actions } from "./actions.js" */
/** @import { Live } from "./live.js" */
/** @import { PhotoData, PhotoHeader } from "./photo_data.js" */
/** @import { Preview } from "./preview.js" */
/** @import { Stage } from "./stage.js" */

/**
 * `sized`: the picture has this size from now on; `placed`: a frame's faces are here; `portrait`:
 * the first photo of a face; `taken`: a still was taken, to be opened; `left`: the camera is off,
 * and no photo took its place.
 *
 * @typedef {object} CameraEvents
 * @property {(header: PhotoHeader) => void} sized
 * @property {(header: PhotoHeader) => void} placed
 * @property {(photo: PhotoData) => void} portrait
 * @property {(still: File) => Promise<void>} taken
 * @property {() => void} left
 */

export class CameraMode {
  /**
   * @param {{ actions: Actions, stage: Stage, preview: Preview }} parts  of the page
   * @param {CameraEvents} events
   */
  constructor(parts, events) {
    this.parts = parts;
    this.events = events;
    /** @type {Live | null} */
    this.live = null;
    this.isStarting = false;
    this.isTaking = false;
    this.hasPortrait = false;
  }

  /** Switches the camera on; why it cannot be is shown. */
  async start() {
    if (this.live || this.isStarting) return;
    this.isStarting = true;
    await this.parts.actions.run(async (report) => {
      report("camera_starting");
      this.hasPortrait = false;
      const live = await startLive({
        found: (data, photo) => this.show(data, photo),
        drawn: (frame, header, isNew) => this.draw(frame, header, isNew),
        sized: (data) => this.resize(data),
        ended: (error) => this.fail(error),
      });
      this.live = live;
      try {
        this.parts.stage.showLive(true);
        this.events.sized(live.nothing.header);
        live.run();
      } catch (error) {
        this.stop();
        throw error;
      }
    });
    this.isStarting = false;
  }

  /** @type {(data: PhotoData, photo?: PhotoData) => void} */
  show(data, photo) {
    this.parts.preview.loadLive(data);
    if (!photo || this.hasPortrait) return;
    this.hasPortrait = true;
    this.parts.stage.showLegend(photo.header);
    this.events.portrait(photo);
  }

  /** @param {PhotoData} data  a frame of the new size */
  resize(data) {
    try {
      this.show(data);
      this.events.sized(data.header);
    } catch (error) {
      this.fail(error);
    }
  }

  /** @type {(frame: HTMLCanvasElement, header: PhotoHeader, isNew: boolean) => void} */
  draw(frame, header, isNew) {
    this.parts.preview.drawFrame(frame, header.surfaces, isNew);
    const isFound = header.relit > 0;
    const now = byId("camera-now", HTMLElement);
    const text = isFound ? "camera_found" : "camera_looking";
    // Screen readers would read the same text out again.
    if (now.dataset.text !== text) say(now, { text });
    if (isFound) this.events.placed(header);
  }

  /** Takes a still. If it cannot be opened, the camera goes on. */
  async take() {
    const { live } = this;
    if (!live || this.isTaking) return;
    this.markTaking(true);
    live.hold();
    await this.parts.actions.run(async () => this.events.taken(await live.camera.still()));
    this.markTaking(false);
    // Opening it has switched the camera off.
    if (this.live === live) live.run();
  }

  /** @param {boolean} isTaking  whether the button for stills does nothing now */
  markTaking(isTaking) {
    this.isTaking = isTaking;
    // A button that is disabled would lose the focus.
    byId("camera-take", HTMLElement).setAttribute("aria-disabled", String(isTaking));
  }

  /** Switches the camera off, as another photo is shown. */
  end() {
    this.live?.stop();
    this.live = null;
    this.parts.stage.showLive(false);
  }

  /** Switches the camera off. */
  stop() {
    if (!this.live) return;
    this.end();
    this.events.left();
  }

  /** @param {unknown} error  null: the camera was taken away */
  fail(error) {
    if (!this.live) return;
    this.stop();
    this.parts.actions.showError(error ?? new StudioError("camera_absent"));
  }
}
