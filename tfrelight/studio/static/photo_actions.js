// @ts-check
// What people do with files: they open photos, take the light of others, and download results.

import { byId, saveFile } from "./dom.js";
import { lightOf } from "./lighting.js";
import { fetchLight, fetchSample } from "./photo.js";
import { StudioError } from "./requests.js";

/** @import { Actions } from "./actions.js" */
/** @import { History } from "./history.js" */
/** @import { Panel } from "./panel.js" */
/** @import { Photo } from "./photo.js" */
/** @import { PhotoData, What } from "./photo_data.js" */
/** @import { RelightRequest } from "./photo_file.js" */
/** @import { Stage } from "./stage.js" */
/** @import { TextKey } from "./texts.js" */

const BASIS =
  "real orthonormal spherical harmonics of the incoming radiance, linear RGB, x right, y up, " +
  "z to the camera: 1, y, z, x, xy, yz, 3zz-1, xz, xx-yy";
const DOWNLOADS = ["save-photo", "save-maps", "save-film"];

export class PhotoActions {
  /**
   * @param {{ actions: Actions, stage: Stage, photo: Photo, history: History, panel: Panel }} parts
   *   of the page
   * @param {(data: PhotoData) => void} onOpen  shows a photo
   */
  constructor(parts, onOpen) {
    this.parts = parts;
    this.onOpen = onOpen;
    this.opening = Promise.resolve();
    /** @type {What} of each person is relit of photos that are opened */
    this.what = "person";
    /** @type {PhotoData | null} of the open photo */
    this.data = null;
  }

  /**
   * Opens a photo, after the photos that were chosen before it.
   *
   * @param {File} file
   * @param {boolean} [wholeImage]  use the whole photo as the face
   * @returns {Promise<void>} it is open, or an error is shown
   */
  open(file, wholeImage = false) {
    const { actions, stage, photo } = this.parts;
    const before = this.opening;
    this.opening = actions.run(async (report) => {
      report("progress_waiting");
      await before;
      stage.showError(null);
      try {
        this.data = await photo.open(file, { wholeImage, what: this.what }, report);
        this.onOpen(this.data);
        stage.tellFaces(this.data.header);
      } catch (error) {
        if (error instanceof StudioError && error.reason === "no_face") {
          stage.offerWholeImage(() => this.open(file, true));
        }
        throw error;
      }
    });
    return this.opening;
  }

  /**
   * Relights another part of each person, also of the photo that is open.
   *
   * @param {What} what
   */
  choose(what) {
    this.what = what;
    const { file, header } = this.parts.photo;
    if (file) this.open(file, header?.whole_image);
  }

  /** @param {string} name  of a sample's file */
  openSample(name) {
    return this.parts.actions.run(async () => {
      this.open(await fetchSample(name));
    });
  }

  /**
   * Replaces the light with the light of a file.
   *
   * @param {File} file
   * @param {"environment" | "photo"} kind
   */
  takeLight(file, kind) {
    const { actions, stage, photo, history, panel } = this.parts;
    actions.run(async (report) => {
      report("progress_light");
      await photo.check(file);
      const light = await fetchLight(file, kind, report);
      panel.active = "scene";
      history.set((state) => {
        state.scene = { kind, name: file.name, light, power: 1, rotate: 0 };
        state.lamps = [];
        state.preset = null;
        state.ambient.power = 0;
      });
      stage.notify(kind === "photo" ? "took_photo_light" : "took_map_light");
    });
  }

  /**
   * Downloads a file that the studio renders.
   *
   * @param {"relit" | "maps" | "film"} what
   * @param {TextKey} progress  shown meanwhile
   * @param {Partial<RelightRequest>} [more]
   */
  download(what, progress, more = {}) {
    const { actions, stage, photo, history } = this.parts;
    actions.run(async (report) => {
      report(progress);
      const { strength, brightness, background } = history.state;
      const { harmonics, relative_harmonics: relative, lamps } = lightOf(history.state);
      const light = { light: harmonics.flat(), relative: relative.flat(), lamps };
      const request = { ...light, strength, exposure: brightness, background, ...more };
      await photo.download(what, request, report);
      stage.notify("saved");
    });
  }

  saveLight() {
    const light = lightOf(this.parts.history.state);
    const described = { version: 2, basis: BASIS, ...light, environments: [] };
    saveFile(`${JSON.stringify(described, null, 2)}\n`, "application/json", "light.json");
  }

  /** @param {boolean} isOpen  whether a photo can be downloaded */
  allowDownloads(isOpen) {
    for (const id of DOWNLOADS) byId(id, HTMLButtonElement).disabled = !isOpen;
  }
}
