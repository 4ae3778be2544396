// @ts-check
// From a file to upright pixels, by the browser's own decoders.

import { StudioError } from "../../tfrelight/studio/static/requests.js";

/** @import { TextKey } from "../../tfrelight/studio/static/texts.js" */
/** @import { Picture } from "./images.js" */

/**
 * A file as a bitmap: upright, with the values of the file, whatever its profile or opacity.
 *
 * @param {Blob} file
 * @param {string} name  for errors
 * @returns {Promise<ImageBitmap>}
 * @throws {StudioError} the browser cannot read it
 */
export async function bitmapOf(file, name) {
  try {
    return await createImageBitmap(file, {
      imageOrientation: "from-image", premultiplyAlpha: "none", colorSpaceConversion: "none",
    });
  } catch {
    const start = new Uint8Array(await file.slice(0, 16).arrayBuffer());
    throw new StudioError(problem(start), { name });
  }
}

/** @type {(start: Uint8Array) => TextKey} what is wrong with a file that begins so */
function problem(start) {
  const text = String.fromCharCode(...start);
  if (/^....ftyp(hei|hev|mif|msf)/s.test(text)) return "file_heic";
  if (/^(II\*\0|MM\0\*)/.test(text)) return "file_tiff";
  const isPhoto = /^(\xff\xd8\xff|\x89PNG|GIF8|RIFF....WEBP|BM)/s.test(text);
  return isPhoto ? "file_broken" : "file_unknown";
}

/**
 * A part of a bitmap as RGBA.
 *
 * @param {ImageBitmap} bitmap
 * @param {[number, number, number, number]} box  left, top, right, bottom, pixels
 * @throws {StudioError} there is not enough memory
 */
export function rgbaOf(bitmap, [left, top, right, bottom]) {
  const [width, height] = [right - left, bottom - top];
  try {
    const context = new OffscreenCanvas(width, height).getContext("2d", {
      willReadFrequently: true,
    });
    if (!context) throw new RangeError("The canvas has no context.");
    context.drawImage(bitmap, -left, -top);
    return context.getImageData(0, 0, width, height).data;
  } catch {
    throw tooLarge(bitmap);
  }
}

/** @type {(size: { width: number, height: number }) => StudioError} */
export function tooLarge({ width, height }) {
  const megapixels = Number(((width * height) / 1e6).toPrecision(2));
  return new StudioError("too_many_pixels", { megapixels });
}

/**
 * A bitmap as a picture, and whether it is without colour.
 *
 * @param {ImageBitmap} bitmap
 * @returns {{ picture: Picture, isGrey: boolean }}
 * @throws {StudioError} there is not enough memory
 */
export function pictureOf(bitmap) {
  const { width, height } = bitmap;
  return withoutOpacity(rgbaOf(bitmap, [0, 0, width, height]), width, height);
}

/**
 * Pixels as a picture, and whether it is without colour.
 *
 * @param {Uint8ClampedArray} rgba
 * @param {number} width  pixels
 * @param {number} height  pixels
 * @returns {{ picture: Picture, isGrey: boolean }}
 */
export function withoutOpacity(rgba, width, height) {
  let isGrey = true;
  const data = new Uint8Array(3 * width * height);
  for (let k = 0, at = 0; k < rgba.length; k += 4, at += 3) {
    data[at] = rgba[k];
    data[at + 1] = rgba[k + 1];
    data[at + 2] = rgba[k + 2];
    if (rgba[k] !== rgba[k + 1] || rgba[k] !== rgba[k + 2]) isGrey = false;
  }
  return { picture: { width, height, data }, isGrey };
}
