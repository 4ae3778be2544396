import assert from "node:assert/strict";
import test from "node:test";

import { headsOf, parsePhotoData } from "../../../tfrelight/studio/static/photo_data.js";
import { assertClose, expected } from "./helpers.js";

const bytes = Buffer.from(expected.photo.block, "base64");
// A copy: Node's buffers begin anywhere in a larger one.
const block = Uint8Array.from(bytes).buffer;

test("the block holds what Python put in", () => {
  const { header, pixels, faces } = parsePhotoData(block);
  assert.deepEqual([header.found, header.relit, header.whole_image], [3, 2, false]);
  assert.deepEqual([header.width, header.height, header.view], [60, 40, { width: 60, height: 40 }]);
  const rgb = expected.photo.pixels;
  assert.equal(pixels.length, (rgb.length / 3) * 4);
  assert.ok(rgb.every((value, k) => pixels[4 * Math.floor(k / 3) + (k % 3)] === value));
  assert.ok(pixels.every((value, k) => k % 4 !== 3 || value === 255));
  // Two heads, and a body below the first.
  assert.deepEqual(faces.map((face) => face.facts.size), [24, 16, 20]);
  assert.deepEqual(faces[2].facts.white, faces[0].facts.white);
  faces.forEach((face, k) => {
    assert.equal(Object.keys(face.planes).length, header.planes.length);
    assertClose(face.planes.guide, expected.photo.guide[k], 1e-7, `face ${k}`);
    assertClose(face.light, expected.photo.own[k], 1e-6);
  });
  // The last plane of the last face ends with the block.
  const last = faces.at(-1).planes.share;
  assert.equal(last.byteOffset + last.byteLength, block.byteLength);
});

test("bodies come after heads, and are no heads", () => {
  const { header } = parsePhotoData(block);
  assert.deepEqual(header.surfaces.map(({ size }) => size), [24, 16, 20]);
  assert.deepEqual(headsOf(header).map(({ size }) => size), [24, 16]);
});
