// @ts-check
// The open photo, decomposed and rendered by the studio's process. `web/src/photo.js` takes the
// place of this module in the page that needs no server.

import { encoded } from "./camera.js";
import { saveFile } from "./dom.js";
import { parsePhotoData } from "./photo_data.js";
import { MEDIA_TYPES, PhotoFile } from "./photo_file.js";
import { StudioError, get, parseJson, post } from "./requests.js";

/** @import { Report } from "./actions.js" */
/** @import { Preset } from "./lighting.js" */
/** @import { PhotoData, PhotoHeader } from "./photo_data.js" */
/** @import { Opening, RelightRequest } from "./photo_file.js" */

/**
 * What the page needs to know first.
 *
 * @typedef {object} Settings
 * @property {Record<string, Preset>} presets
 * @property {string[]} samples  names of files
 * @property {{ bytes: number }} limits  of a file
 * @property {string[]} films  endings of the films that can be written
 */

/** Where photos go. */
export const PRIVACY = "privacy_studio";

/** Ids of controls that do not work here. @type {string[]} */
export const MISSING = [];

/**
 * @returns {Promise<Settings>}
 * @throws {StudioError} the studio does not answer
 */
export async function fetchSettings() {
  return (await get("settings")).json();
}

export class Photo extends PhotoFile {
  /** @param {{ bytes: number }} limits  of a file */
  constructor(limits) {
    super(limits);
    /** @type {string | null} name under which the studio has it open */
    this.name = null;
  }

  /**
   * Opens a file in place of the photo that is open.
   *
   * @param {File} file
   * @param {Opening} opening
   * @param {Report} report
   * @returns {Promise<PhotoData>}
   * @throws {StudioError} it cannot be opened; the other photo then stays open
   */
  async open(file, { wholeImage, what }, report) {
    report("progress_sending", 0);
    await this.check(file);
    const query = new URLSearchParams({ what, ...(wholeImage ? { whole_image: "1" } : {}) });
    const response = await post(`photos?${query}`, file, (share) => {
      if (share < 1) report("progress_sending", share);
      else report("progress_decomposing");
    });
    report("progress_preparing");
    const data = parsePhotoData(response.data);
    this.close();
    this.name = response.header("X-Photo");
    this.file = file;
    this.header = data.header;
    return data;
  }

  /** Tells the studio to forget the photo. A download sends it again. */
  close() {
    if (this.name) navigator.sendBeacon(`photos/${this.name}/close`);
    this.name = null;
  }

  /**
   * Has the studio render a file, and saves it.
   *
   * @param {"relit" | "maps" | "film"} what
   * @param {RelightRequest} request
   * @param {Report} report
   * @throws {StudioError} it could not be rendered
   */
  async download(what, request, report) {
    // Another photo may be opened before this one is rendered.
    const { stem } = this;
    const render = () => post(`photos/${this.name}/${what}`, JSON.stringify(request));
    let response;
    try {
      if (!this.name) throw new StudioError("studio_gone", {}, "gone");
      response = await render();
    } catch (error) {
      if (!(error instanceof StudioError) || error.reason !== "gone" || !this.file) throw error;
      // The studio was restarted or has forgotten the photo; the page still has its file.
      const { header } = this;
      const wholeImage = header?.whole_image ?? false;
      await this.open(this.file, { wholeImage, what: header?.what ?? "person" }, report);
      response = await render();
    }
    const ending = response.header("X-Ending") ?? "";
    saveFile(response.data, MEDIA_TYPES[ending] ?? "", `${stem}-${what}.${ending}`);
  }
}

/** The frames of one video, one after another. */
export class Frames {
  constructor() {
    /** Ends the request for the last frame. */
    this.request = new AbortController();
  }

  /**
   * Finds faces on a frame, and separates their light from their colour.
   *
   * @param {HTMLCanvasElement} frame
   * @param {(header: PhotoHeader) => void} settle  changes the header before it is used
   * @returns {Promise<PhotoData | null>} null without a face
   * @throws {StudioError} the studio refused, or did not answer
   * @throws {DOMException} `end` was called
   */
  async decompose(frame, settle) {
    this.request = new AbortController();
    const { signal } = this.request;
    const file = await encoded(frame, "image/jpeg");
    const { data } = await post("frames", file, undefined, signal);
    return data.byteLength > 0 ? parsePhotoData(data, settle) : null;
  }

  /** Waits no longer for what the studio finds on the last frame. */
  end() {
    this.request.abort();
  }
}

/**
 * The light of an environment map or of another photo, of exposure 1.
 *
 * @param {File} file
 * @param {"environment" | "photo"} kind
 * @param {Report} report
 * @returns {Promise<number[]>} `[27]`
 * @throws {StudioError} the file holds no light
 */
export async function fetchLight(file, kind, report) {
  const { data } = await post(`lights/${kind}`, file, (share) =>
    report("progress_light", share < 1 ? share : undefined),
  );
  return parseJson(data).light.flat();
}

/**
 * The address of a sample photo.
 *
 * @param {string} name  of its file
 */
export const sampleUrl = (name) => `samples/${name}`;

/**
 * A sample photo.
 *
 * @param {string} name  of its file
 */
export async function fetchSample(name) {
  const response = await get(sampleUrl(name));
  return new File([await response.blob()], name, { type: "image/jpeg" });
}
