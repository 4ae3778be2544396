// What the tests of the page's modules share.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import process from "node:process";

import { projection } from "../../../tfrelight/studio/static/harmonics.js";
import { lampTowards } from "../../../tfrelight/studio/static/lamps.js";

const path = process.env.TFRELIGHT_EXPECTED_VALUES;
if (!path) throw new Error("Run these tests with `npm test`: Python computes what they expect.");

/** What `tests/studio/expected_values.py` computed. */
export const expected = JSON.parse(readFileSync(path, "utf8"));

/** Presets as the studio sends them. */
export const presets = Object.fromEntries(
  Object.entries(expected.presets).map(([name, { lamps }]) => [name, { lamps }]),
);

/** Numbers in nested arrays are equal up to a tolerance. */
export function assertClose(actual, wanted, tolerance = 1e-5, where = "") {
  if (wanted.length === undefined) {
    const near = Math.abs(actual - wanted) <= tolerance;
    assert.ok(near, `Expected ${wanted} up to ${tolerance}. Received: ${actual}. At: ${where}`);
    return;
  }
  assert.equal(actual.length, wanted.length, `length at ${where}`);
  wanted.forEach((value, k) => assertClose(actual[k], value, tolerance, `${where}[${k}]`));
}

/** A state of the light; `given` replaces parts of it. */
export const stateWith = (defaultState, given) => ({ ...defaultState(), ...given });

/** A white tint, or another one. */
export const tint = (given = {}) => ({ kind: "white", kelvin: 5000, rgb: [1, 1, 1], ...given });

/** The harmonics of a lamp. */
export const harmonicsOf = (azimuth, elevation, radius, color) =>
  projection(lampTowards(azimuth, elevation, radius, color));

/** A lamp of a state. */
export const lampOf = (given = {}) => ({
  azimuth: 0, elevation: 0, power: 1, radius: 0, tint: tint(), ...given,
});
