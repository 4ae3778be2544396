import assert from "node:assert/strict";
import test from "node:test";

import * as color from "../../../tfrelight/studio/static/color.js";
import { assertClose, expected } from "./helpers.js";

const { levels, linear, encoded, luminance, temperatures, hex } = expected.color;

test("sRGB is decoded and encoded as in Python", () => {
  assertClose(levels.map(color.toLinear), linear, 1e-6);
  assertClose(levels.map(color.toSrgb), encoded, 1e-6);
});

test("encoding clips to [0, 1]", () => {
  assert.equal(color.toSrgb(-0.5), 0);
  assertClose(color.toSrgb(7), 1, 1e-12);
});

test("luminance has Python's weights", () => assert.deepEqual(color.LUMINANCE, luminance));

test("colours of temperatures are those of Python", () => {
  for (const [kelvin, rgb] of temperatures) {
    assertClose(color.ofTemperature(kelvin), rgb, 1e-5, `${kelvin} K`);
  }
});

test("colours have the codes that Python reads", () => {
  for (const [text, rgb] of hex) {
    assertClose(color.fromHex(text), rgb, 1e-6, text);
    assert.equal(color.toHex(rgb), text);
  }
});

test("a colour above 1 keeps its hue in a code", () => {
  assert.equal(color.toHex([4, 2, 0]), color.toHex([1, 0.5, 0]));
  assert.equal(color.toHex([0.5, 0.25, 0]), "#bc8900");
});
