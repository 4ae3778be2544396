// What the tests of the page's pipeline share.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import process from "node:process";

const folder = process.env.TFRELIGHT_EXPECTED_VALUES;
if (!folder) throw new Error("Run these tests with pytest: Python computes what they expect.");

/** What `tests/web/expected_values.py` computed. */
export const expected = JSON.parse(readFileSync(`${folder}/expected.json`, "utf8"));

/** The weights of the face finder, as the page loads them. */
export const finderFile = () => {
  const { buffer, byteOffset, byteLength } = readFileSync(`${folder}/finder.bin`);
  return buffer.slice(byteOffset, byteOffset + byteLength);
};

/** Bytes of base64. */
export const bytes = (text) => Uint8Array.from(Buffer.from(text, "base64"));

/** Numbers of base64. */
export const floats = (text) => new Float32Array(bytes(text).buffer);

/** A picture as Python described it. */
export const picture = ({ size: [width, height], data }) => ({ width, height, data: bytes(data) });

/** How far two lists of numbers are apart: on average, and at most. */
export function difference(actual, wanted) {
  assert.equal(actual.length, wanted.length);
  let [sum, most] = [0, 0];
  for (let k = 0; k < wanted.length; k++) {
    const apart = Math.abs(actual[k] - wanted[k]);
    assert.ok(!Number.isNaN(apart), `not a number at ${k}`);
    sum += apart;
    most = Math.max(most, apart);
  }
  return { mean: sum / Math.max(wanted.length, 1), most };
}

/** Numbers are equal up to a tolerance. */
export function assertClose(actual, wanted, tolerance, where = "") {
  const { most } = difference(actual, wanted);
  assert.ok(most <= tolerance, `${where}: apart by ${most}, expected at most ${tolerance}`);
}

/** Pictures have the same size and pixels, up to a number of steps of 255. */
export function assertPicture(actual, wanted, steps = 0, where = "") {
  assert.deepEqual([actual.width, actual.height], wanted.size, where);
  assertClose(actual.data, bytes(wanted.data), steps, where);
}
