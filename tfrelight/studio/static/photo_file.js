// @ts-check
// The file of the open photo, whoever decomposes it.

import { StudioError } from "./requests.js";

/** @import { LightLamp } from "./lighting.js" */
/** @import { PhotoHeader, What } from "./photo_data.js" */

/**
 * A light, and how to relight with it; the fields of `tfrelight.studio.tasks`.
 *
 * @typedef {object} RelightRequest
 * @property {number[]} light  `[27]`, harmonics of what has no lamp
 * @property {number[]} relative  `[27]`, the part of them that is relative to the photo's white
 * @property {LightLamp[]} lamps
 * @property {number} strength  0 to 1
 * @property {number} exposure  stops
 * @property {boolean} background
 * @property {string} [ending]  of a film
 */

/**
 * How a photo is opened.
 *
 * @typedef {object} Opening
 * @property {boolean} wholeImage  use the whole photo as the face
 * @property {What} what
 */

/** @type {Record<string, string>} */
export const MEDIA_TYPES = {
  jpg: "image/jpeg", png: "image/png", webp: "image/webp", tif: "image/tiff",
  mp4: "video/mp4", zip: "application/zip",
};
const MEGABYTE = 2 ** 20;

/** The name of a file that has none. */
export const UNNAMED = "photo.png";

/** @type {(bytes: number) => number} */
const megabytes = (bytes) => Math.round(bytes / MEGABYTE);

/**
 * Whether a file is an environment map.
 *
 * @param {File} file
 */
export const isMap = (file) => /\.(exr|hdr)$/i.test(file.name);

export class PhotoFile {
  /** @param {{ bytes: number }} limits  of a file */
  constructor(limits) {
    this.limits = limits;
    /** @type {File | null} */
    this.file = null;
    /** @type {PhotoHeader | null} */
    this.header = null;
  }

  /**
   * Checks that a file can be opened.
   *
   * @param {File} file
   * @throws {StudioError} it is too large, empty or unreadable
   */
  async check(file) {
    const name = file.name || UNNAMED;
    if (file.size > this.limits.bytes) {
      const [size, limit] = [megabytes(file.size), megabytes(this.limits.bytes)];
      throw new StudioError("file_large", { name, size, limit });
    }
    if (file.size === 0) throw new StudioError("file_empty", { name });
    try {
      await file.slice(0, 1).arrayBuffer();
    } catch {
      // A folder, or a deleted file: sending it would look like a lost connection.
      throw new StudioError("file_unreadable", { name });
    }
  }

  /** Name of the photo's file. */
  get title() {
    return this.file?.name || UNNAMED;
  }

  /** The title without its ending. */
  get stem() {
    return this.title.replace(/\.[^.]*$/, "") || "photo";
  }

  /** Ending of relit photos: the photo's own if Python can write that format, else "png". */
  get ending() {
    const ending = /\.(jpe?g|png|webp|tiff?)$/i.exec(this.title)?.[1].toLowerCase() ?? "png";
    return { jpeg: "jpg", tiff: "tif" }[ending] ?? ending;
  }
}
