// @ts-check
// The relit photo at its full size, as a file. The preview's shader draws it tile by tile, so that
// neither the graphics card's largest texture nor its memory limits the photo.

import { Face } from "../../tfrelight/studio/static/face.js";
import { moved } from "../../tfrelight/studio/static/face_maps.js";
import { lightOfParts } from "../../tfrelight/studio/static/lighting.js";
import { UNCHANGED, backgroundFactors, staysGrey } from
  "../../tfrelight/studio/static/preview.js";
import { relight } from "../../tfrelight/studio/static/relighting.js";
import { Renderer } from "../../tfrelight/studio/static/renderer.js";
import { StudioError } from "../../tfrelight/studio/static/requests.js";
import { bitmapOf, rgbaOf, tooLarge } from "./decode.js";
import { withMetadata } from "./jpeg_metadata.js";

/** @import { Report } from "../../tfrelight/studio/static/actions.js" */
/** @import { PhotoData } from "../../tfrelight/studio/static/photo_data.js" */
/** @import { RelightRequest } from "../../tfrelight/studio/static/photo_file.js" */
/** @import { Box } from "./images.js" */
/** @import { Place } from "./photo_data.js" */

// Side of a tile, pixels: every WebGL2 has textures of this size.
const TILE = 2048;
const JPEG_QUALITY = 0.95;

/**
 * @param {PhotoData & { places: Place[] }} data  of the photo
 * @param {File} file  that it was read from
 * @param {RelightRequest} request
 * @param {Report} report
 * @returns {Promise<{ content: Blob, type: string, ending: string }>}
 * @throws {StudioError} there is not enough memory
 */
export async function relitFile(data, file, request, report) {
  const bitmap = await bitmapOf(file, file.name);
  const { width, height } = bitmap;
  try {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d");
    if (!context) throw new RangeError("The canvas has no context.");
    await drawRelit(context, bitmap, data, request, report);
    report("progress_writing");
    if (file.type !== "image/jpeg") {
      const content = await canvas.convertToBlob({ type: "image/png" });
      return { content, type: "image/png", ending: "png" };
    }
    const encoded = await canvas.convertToBlob({ type: "image/jpeg", quality: JPEG_QUALITY });
    const content = await withMetadata(encoded, file);
    return { content, type: "image/jpeg", ending: "jpg" };
  } catch (error) {
    if (error instanceof StudioError) throw error;
    if (error instanceof RangeError || error instanceof DOMException) throw tooLarge(bitmap);
    throw error;
  } finally {
    bitmap.close();
  }
}

/** @type {(values: number[]) => number[][]} `[9, 3]` */
const rows = (values) => Array.from({ length: 9 }, (_, k) => values.slice(3 * k, 3 * k + 3));

/**
 * Draws the relit photo.
 *
 * @param {OffscreenCanvasRenderingContext2D} context  of a canvas of the photo's size
 * @param {ImageBitmap} bitmap
 * @param {PhotoData & { places: Place[] }} data
 * @param {RelightRequest} request
 * @param {Report} report
 */
async function drawRelit(context, bitmap, data, request, report) {
  const { width, height } = bitmap;
  const light = lightOfParts(rows(request.light), rows(request.relative), request.lamps);
  const { header, places } = data;
  // Faces of their own: those of the preview go on following the page's controls.
  const faces = data.faces.map(({ facts, planes, settings }, k) =>
    new Face({ ...facts, ...places[k] }, planes, settings),
  );
  const lights = relight(faces, light, request.strength, request.exposure);
  const behind = request.background ? backgroundFactors({ ...data, faces }, lights) : UNCHANGED;
  const grey = staysGrey(data, light);
  const renderer = new Renderer(new OffscreenCanvas(1, 1));
  context.drawImage(bitmap, 0, 0);
  for (const box of tiles(width, height)) {
    const [left, top, right, bottom] = box;
    report("progress_rendering", top / height);
    // Lets the page draw its progress.
    await new Promise((resolve) => setTimeout(resolve));
    if (!request.background && !faces.some(({ facts }) => overlap(facts.bounds, box))) continue;
    const view = { width: right - left, height: bottom - top };
    renderer.load({
      header: { ...header, view },
      pixels: new Uint8Array(rgbaOf(bitmap, box).buffer),
      faces: faces.map((face) => placed(face, left, top)),
    });
    renderer.update(faces, lights);
    renderer.draw({ view: "relit", ...view, behind, grey, split: 0, only: null });
    context.drawImage(renderer.canvas, left, top);
  }
}

/** @type {(width: number, height: number) => Generator<Box>} */
function* tiles(width, height) {
  for (let top = 0; top < height; top += TILE) {
    for (let left = 0; left < width; left += TILE) {
      yield [left, top, Math.min(left + TILE, width), Math.min(top + TILE, height)];
    }
  }
}

/** @type {(a: number[], b: number[]) => boolean} */
function overlap(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

/**
 * A face as a tile shows it.
 *
 * @param {Face} face
 * @param {number} left  of the tile, pixels
 * @param {number} top
 * @returns {Face} that shares its maps with the face
 */
function placed(face, left, top) {
  const facts = moved(face.facts, left, top);
  return Object.assign(Object.create(Object.getPrototypeOf(face)), face, { facts });
}
