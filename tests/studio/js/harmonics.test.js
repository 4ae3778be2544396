import assert from "node:assert/strict";
import test from "node:test";

import * as harmonics from "../../../tfrelight/studio/static/harmonics.js";
import { assertClose, expected, harmonicsOf } from "./helpers.js";

const wanted = expected.harmonics;

test("the basis is Python's", () => {
  assertClose(wanted.normals.map((n) => harmonics.basis(...n)), wanted.basis, 1e-12);
});

test("shading is Python's", () => {
  wanted.lights.forEach((light, k) => {
    const polynomial = harmonics.shadingPolynomial(light);
    const shading = wanted.normals.map((n) => polynomial.map((p) => harmonics.shadeAt(p, ...n)));
    assertClose(shading, wanted.shading[k], 1e-6, `light ${k}`);
  });
});

test("directions are Python's", () => {
  for (const [azimuth, elevation, vector] of wanted.directions) {
    assertClose(harmonics.directionVector(azimuth, elevation), vector, 1e-12);
  }
  for (const [vector, angles] of wanted.angles) {
    assertClose(harmonics.angles(vector), angles, 1e-9);
  }
});

test("rounding past the poles does no harm", () => {
  assert.deepEqual(harmonics.angles([0, 1 + 1e-12, 0])[1], 90);
  assert.deepEqual(harmonics.angles([0, -1 - 1e-12, 0])[1], -90);
});

test("a rotation about the vertical is Python's", () => {
  for (const [light, azimuth, rotated] of wanted.rotations) {
    assertClose(harmonics.rotated(light, azimuth), rotated, 2e-4, `${azimuth} degrees`);
  }
});

test("a rotation leaves the light that it rotates alone", () => {
  const [light] = wanted.lights;
  const before = structuredClone(light);
  harmonics.rotated(light, 30)[0][0] = 7;
  harmonics.rotated(light, 30)[1][0] = 7;
  assert.deepEqual(light, before);
});

test("a lamp is Python's", () => {
  for (const [azimuth, elevation, radius, color, light] of wanted.lamps) {
    assertClose(harmonicsOf(azimuth, elevation, radius, color), light, 1e-5);
  }
});

test("an even light gives every normal its colour", () => {
  const light = harmonics.even([0.7, 0.35, 0.14]);
  assertClose(light, wanted.even, 1e-6);
  for (const normal of wanted.normals) {
    const shading = harmonics.shadingPolynomial(light).map((p) => harmonics.shadeAt(p, ...normal));
    assertClose(shading, [0.7, 0.35, 0.14], 1e-12);
  }
});

test("exposure and mean shading are Python's", () => {
  wanted.lights.forEach((light, k) => {
    assertClose(harmonics.exposure(light), wanted.exposure[k], 1e-5, `light ${k}`);
    assertClose(harmonics.meanShading(light), wanted.mean_shading[k], 1e-5, `light ${k}`);
  });
});

test("lights add, scale and mix", () => {
  const [a, b] = [harmonics.even([1, 2, 3]), harmonicsOf(30, 10, 0, [1, 0.5, 0])];
  const sum = harmonics.add(a, b);
  assertClose(harmonics.add(sum, harmonics.scale(a, -1)), b, 1e-12);
  assertClose(harmonics.mix(a, b, 0), a, 1e-12);
  assertClose(harmonics.mix(a, b, 1), b, 1e-12);
  assertClose(harmonics.mix(a, b, 0.5), harmonics.scale(sum, 0.5), 1e-12);
  assert.deepEqual(harmonics.dark(), Array(9).fill([0, 0, 0]));
});

test("a light without colour is told from others", () => {
  const white = harmonicsOf(40, 10, 5, [3, 3, 3]);
  const warm = harmonicsOf(40, 10, 5, [3, 2.97, 2.94]);
  assert.ok(harmonics.isColourless(white));
  assert.ok(!harmonics.isColourless(warm));
  assert.ok(!harmonics.isColourless(harmonics.add(white, harmonics.scale(warm, 0.1))));
  assert.ok(harmonics.isColourless(harmonics.scale(white, 0)));
});
