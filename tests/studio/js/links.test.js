import assert from "node:assert/strict";
import test from "node:test";

import { defaultState } from "../../../tfrelight/studio/static/lighting.js";
import { fromFragment, toFragment } from "../../../tfrelight/studio/static/links.js";
import { presets, stateWith } from "./helpers.js";

const encoded = (value) =>
  `#light=${Buffer.from(JSON.stringify(value)).toString("base64url")}`;

test("a link brings the light back", () => {
  // Names with bytes for which base64 has "+" and "/", and of each length of padding.
  for (const name of ["", "a", "ab", "abc", "Ünïcödé 灯.exr", "~~~???>>>ÿÿÿ"]) {
    const scene = {
      kind: "photo", name, light: Array.from({ length: 27 }, (_, k) => k / 7), power: 1.5,
      rotate: -30,
    };
    const state = stateWith(defaultState, { scene, strength: 0.3, brightness: 0.5 });
    const fragment = toFragment(state);
    assert.match(fragment, /^#light=[\w-]+$/);
    assert.deepEqual(fromFragment(fragment, presets), state);
  }
});

test("what a link holds is clamped", () => {
  const given = { lamps: [{ azimuth: 1e9, power: -5 }], strength: 77, brightness: "bright" };
  const { lamps, strength, brightness } = fromFragment(encoded(given), presets);
  assert.deepEqual([lamps[0].azimuth, lamps[0].power, strength, brightness], [180, 0, 1, 0]);
});

test("a fragment without a light gives none", () => {
  for (const fragment of ["", "#", "#light=", "#x", "#light=%%", "#light=!", "x#light=e30"]) {
    assert.equal(fromFragment(fragment, presets), null);
  }
  // Base64, but not of JSON.
  assert.equal(fromFragment("#light=bm90", presets), null);
  assert.equal(fromFragment("#light=e30 ", presets), null);
});

test("JSON without a light gives the state of a page that was just opened", () => {
  for (const value of [{}, [], null, 5]) {
    assert.deepEqual(fromFragment(encoded(value), presets), defaultState());
  }
});
