// @ts-check
// What the studio sends for a photo: its pixels and the maps of its faces. The layout of the bytes
// is described in tfrelight/studio/photo_data.py.

import { Face } from "./face.js";

/** @import { FaceFacts, PartName, PlaneName, RelightSettings } from "./face_maps.js" */

/** What of each person is relit. @typedef {"person" | "head" | "face"} What */

/**
 * @typedef {object} PhotoHeader
 * @property {number} found  faces in the photo
 * @property {boolean} whole_image  whether the whole photo was treated as one face
 * @property {What} what  of each person is relit
 * @property {number} height  of the photo, pixels
 * @property {number} width  of the photo, pixels
 * @property {{ height: number, width: number }} view  of the preview, pixels
 * @property {"always" | "maybe" | ""} grey  whether the photo is without colour and stays so: under
 *   every light; under lights without colour; or neither
 * @property {number} relit  faces that are relit, the largest
 * @property {PartName[]} parts  what the maps tell apart beside the background; or none
 * @property {PlaneName[]} planes  of each head and body, in the order of their data
 * @property {FaceFacts[]} surfaces  all heads, the largest first, and then all bodies
 * @property {PreviewSettings} settings
 */

/**
 * @typedef {RelightSettings & {
 *   outline: [number, number],
 *   clipped: [number, number],
 *   least_channel: number,
 *   behind: number,
 *   part_colours: number[][],
 * }} PreviewSettings `outline`: values of the mask between which a person begins. `clipped`: linear
 *   values between which a channel counts as clipped. `least_channel`: of a surface's colour.
 *   `behind`: largest factor by which the background may change, and one over the smallest.
 *   `part_colours`: sRGB, 0 to 255, of the background and of each part.
 */

/**
 * @typedef {object} PhotoData
 * @property {PhotoHeader} header
 * @property {Uint8Array | null} pixels  `[height, width, 4]` RGBA of the preview, sRGB-encoded;
 *   null if the frames of a video take their place
 * @property {Face[]} faces  of each head and body, in the order of the header's `surfaces`
 */

/**
 * Where the faces of a photo are, without the bodies below them.
 *
 * @param {PhotoHeader} header
 * @returns {FaceFacts[]} the largest first
 */
export const headsOf = ({ surfaces, relit }) => surfaces.slice(0, relit);

/**
 * @param {ArrayBuffer} buffer
 * @param {(header: PhotoHeader) => void} [settle]  changes the header before it is used
 * @returns {PhotoData}
 */
export function parsePhotoData(buffer, settle = () => {}) {
  const length = new DataView(buffer).getUint32(0, true);
  /** @type {PhotoHeader} */
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  settle(header);
  let offset = 4 + length;
  const { width, height } = header.view;
  const pixels = new Uint8Array(buffer, offset, 4 * width * height);
  offset += pixels.length;
  const faces = header.surfaces.map((facts) => {
    const count = facts.size * facts.size;
    const planes = header.planes.map((name) => {
      const plane = new Float32Array(buffer, offset, count);
      offset += 4 * count;
      return [name, plane];
    });
    return new Face(facts, Object.fromEntries(planes), header.settings);
  });
  return { header, pixels, faces };
}
