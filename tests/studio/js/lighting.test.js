import assert from "node:assert/strict";
import test from "node:test";

import { ofTemperature } from "../../../tfrelight/studio/static/color.js";
import * as harmonics from "../../../tfrelight/studio/static/harmonics.js";
import * as lighting from "../../../tfrelight/studio/static/lighting.js";
import { assertClose, expected, harmonicsOf, lampOf, presets, stateWith, tint } from "./helpers.js";

const state = (given) => stateWith(lighting.defaultState, given);
const sanitized = (given) => lighting.sanitized(given, presets);
const environment = (given = {}) => ({
  kind: "environment", name: "room.exr", light: expected.harmonics.lights[3].flat(),
  power: 1, rotate: 0, ...given,
});
const noAmbient = { power: 0, tint: tint() };

test("a preset is the light that Python knows by its name", () => {
  for (const [name, { light }] of Object.entries(expected.presets)) {
    const shown = state(lighting.presetLight(name, presets[name]));
    const { lamps, harmonics: rest, coefficients } = lighting.lightOf(shown);
    assertClose(coefficients, light.coefficients, 2e-5, name);
    assertClose(rest, light.harmonics, 2e-5, name);
    assert.equal(shown.preset, name);
    assert.equal(lamps.length, light.lamps.length, name);
    lamps.forEach((one, k) => {
      const { direction, radius, color, distance, relative } = light.lamps[k];
      assertClose(one.direction, direction, 1e-12, name);
      assertClose([one.radius, ...one.color], [radius, ...color], 2e-5, name);
      assert.deepEqual([one.distance, one.relative], [distance, relative]);
    });
  }
});

test("a preset replaces the scene and the lamps, and keeps the rest", () => {
  const { lamps, scene } = lighting.presetLight("rim", presets.rim);
  assert.equal(scene, null);
  assert.deepEqual(lamps.map((one) => [one.azimuth, one.elevation, one.power, one.radius]), [
    [125, 15, 1, 15], [-125, 15, 1, 15],
  ]);
});

test("a preset has ambient light of one lamp at most, as the page does", () => {
  for (const [name, { lamps }] of Object.entries(presets)) {
    assert.ok(lamps.filter((one) => one.ambient).length <= 1, name);
  }
});

test("ambient light of a preset has the colour of its lamp", () => {
  const lamps = [
    { azimuth: 0, elevation: 0, temperature: 3000 },
    { azimuth: 9, elevation: 0, color: [1, 0.5, 0], ambient: 0.3 },
  ];
  const shown = lighting.presetLight("x", { lamps });
  assert.deepEqual(shown.ambient, { power: 0.3, tint: tint({ kind: "colour", rgb: [1, 0.5, 0] }) });
  assert.deepEqual(shown.lamps[0].tint, tint({ kind: "kelvin", kelvin: 3000 }));
  assert.deepEqual([shown.lamps[0].power, shown.lamps[0].radius], [1, 0]);
  const without = lighting.presetLight("x", { lamps: lamps.slice(0, 1) });
  assert.deepEqual(without.ambient, noAmbient);
});

test("the colour of a light", () => {
  assert.deepEqual(lighting.tintColor(tint({ rgb: [0, 0, 1] })), [1, 1, 1]);
  assert.deepEqual(lighting.tintColor(tint({ kind: "colour", rgb: [0, 2, 1] })), [0, 2, 1]);
  assert.deepEqual(
    lighting.tintColor(tint({ kind: "kelvin", kelvin: 3000 })), ofTemperature(3000),
  );
});

test("the page opens with one white lamp and a little ambient light", () => {
  const light = lighting.lightOf(lighting.defaultState()).coefficients;
  const white = [1, 1, 1];
  const [lamp, fill] = [harmonicsOf(45, 25, 0, white), harmonics.even([0.1, 0.1, 0.1])];
  assertClose(light, harmonics.add(lamp, fill), 1e-12);
  const { strength, brightness, background, neutral, ...more } = lighting.defaultState();
  assert.deepEqual([strength, brightness, background, neutral], [1, 0, false, false]);
  assert.deepEqual([more.preset, more.scene], [null, null]);
});

test("every new state is its own", () => {
  lighting.defaultState().lamps[0].tint.kelvin = 1;
  lighting.newLamp(0, 0).tint.kelvin = 1;
  assert.equal(lighting.defaultState().lamps[0].tint.kelvin, 5000);
  assert.equal(lighting.WHITE.kelvin, 5000);
});

const FORMS = [
  ["preset", { preset: "left" }],
  ["preset", { preset: "left", scene: environment() }],
  ["lamp", {}],
  ["lamp", { lamps: [lampOf({ power: 0 }), lampOf({ power: 0.4 })] }],
  ["lamp", { lamps: [lampOf()], scene: environment({ power: 0 }) }],
  ["lamp", {
    lamps: [lampOf({ tint: tint({ kind: "kelvin", kelvin: 3000 }) })],
    ambient: { power: 0.1, tint: tint({ kind: "kelvin", kelvin: 3000 }) },
  }],
  // White is a colour too.
  ["lamp", { lamps: [lampOf({ tint: tint({ kind: "colour" }) })] }],
  ["lamp", { lamps: [lampOf({ tint: tint({ kind: "kelvin" }) })], ambient: noAmbient }],
  ["sum", { lamps: [lampOf({ tint: tint({ kind: "kelvin" }) })] }],
  ["sum", { lamps: [lampOf({ radius: 1 })] }],
  ["sum", { lamps: [] }],
  ["sum", { lamps: [lampOf(), lampOf()] }],
  ["scene", { lamps: [], ambient: noAmbient, scene: environment() }],
  ["scene", { lamps: [lampOf({ power: 0 })], scene: environment({ rotate: 5 }) }],
  ["scene", {
    lamps: [], scene: environment(), ambient: { power: 0, tint: tint({ kind: "kelvin" }) },
  }],
  ["sum", { lamps: [lampOf()], scene: environment() }],
  ["sum", {
    lamps: [], scene: environment(), ambient: { power: 0.1, tint: tint({ kind: "kelvin" }) },
  }],
];

test("the form in which flags express the light", () => {
  for (const [form, given] of FORMS) {
    assert.equal(lighting.flagForm(state(given)), form, JSON.stringify(given));
  }
});

test("a lamp's own power does not change the light, ambient light is relative to it", () => {
  const shown = state({ lamps: [lampOf({ power: 2 })], ambient: { power: 0.5, tint: tint() } });
  const wanted = harmonics.add(
    harmonicsOf(0, 0, 0, [1, 1, 1]), harmonics.even([0.25, 0.25, 0.25]),
  );
  assertClose(lighting.lightOf(shown).coefficients, wanted, 1e-12);
});

test("a scene is rotated, and ambient light is relative to its power", () => {
  const scene = environment({ power: 2, rotate: 30 });
  const ambient = { power: 0.5, tint: tint() };
  const rows = expected.harmonics.lights[3];
  const wanted = harmonics.add(harmonics.rotated(rows, 30), harmonics.even([0.25, 0.25, 0.25]));
  const light = lighting.lightOf(state({ lamps: [], ambient, scene }));
  assertClose(light.coefficients, wanted, 1e-12);
  assert.deepEqual(light.relative, light.coefficients);
});

test("all but the light of a photo is relative to the white of a photo", () => {
  const scene = environment({ kind: "photo", power: 2 });
  const ambient = { power: 0.5, tint: tint() };
  const given = state({ lamps: [], ambient, scene });
  assertClose(lighting.lightOf(given).relative, harmonics.even([0.25, 0.25, 0.25]), 1e-12);
  const neutral = lighting.lightOf({ ...given, neutral: true });
  assert.deepEqual(neutral.relative, harmonics.dark());
  const [lamp] = lighting.lightOf(state({ neutral: true })).lamps;
  assert.equal(lamp.relative, false);
  assert.deepEqual(neutral.coefficients, lighting.lightOf(given).coefficients);
});

test("a sum has exposure 1 and the colours of its parts", () => {
  const lamps = [
    lampOf({ azimuth: 40, power: 0.5, tint: tint({ kind: "colour", rgb: [1, 0.5, 0] }) }),
    lampOf({ azimuth: -70, elevation: 9, radius: 20 }),
  ];
  const scene = environment({ power: 0.3 });
  const light = lighting.lightOf(state({ lamps, scene, ambient: noAmbient })).coefficients;
  assertClose(harmonics.exposure(light), 1, 1e-12);
  const sum = [
    harmonicsOf(40, 0, 0, [0.5, 0.25, 0]),
    harmonicsOf(-70, 9, 20, [1, 1, 1]),
    harmonics.scale(expected.harmonics.lights[3], 0.3),
  ].reduce(harmonics.add);
  assertClose(light, harmonics.scale(sum, 1 / harmonics.exposure(sum)), 1e-12);
});

test("no light at all is dark", () => {
  const light = lighting.lightOf(state({ lamps: [], ambient: noAmbient }));
  const dark = harmonics.dark();
  assert.deepEqual([light.coefficients, light.relative, light.lamps], [dark, dark, []]);
  const faint = state({ lamps: [], ambient: { power: 1e-4, tint: tint() } });
  assertClose(harmonics.exposure(lighting.lightOf(faint).coefficients), 1, 1e-9);
});

// Where a number lies in a state, its range, and what replaces something that is no number.
const NUMBERS = [
  [["lamps", 0, "azimuth"], -180, 180, 0],
  [["lamps", 0, "elevation"], -90, 90, 0],
  [["lamps", 0, "power"], 0, 4, 1],
  [["lamps", 0, "radius"], 0, 90, 0],
  [["lamps", 0, "tint", "kelvin"], 1000, 15000, 5000],
  [["lamps", 0, "tint", "rgb", 0], 0, 16, 1],
  [["lamps", 0, "tint", "rgb", 2], 0, 16, 1],
  [["ambient", "power"], 0, 2, 0.1],
  [["ambient", "tint", "kelvin"], 1000, 15000, 5000],
  [["scene", "light", 5], -1000, 1000, null],
  [["scene", "power"], 0, 4, 1],
  [["scene", "rotate"], -180, 180, 0],
  [["strength"], 0, 1, 1],
  [["brightness"], -2, 2, 0],
];

const read = (from, path) => path.reduce((value, key) => value[key], from);

function sanitizedWith(path, value) {
  const given = structuredClone(state({ scene: environment() }));
  read(given, path.slice(0, -1))[path.at(-1)] = value;
  return sanitized(given);
}

test("numbers are clamped to their ranges", () => {
  for (const [path, low, high, fallback] of NUMBERS) {
    const at = (value) => read(sanitizedWith(path, value), path);
    const middle = low + 0.3 * (high - low);
    assert.deepEqual(
      [low - 1e-3, -1e30, low, middle, high, high + 1e-3, 1e30].map(at),
      [low, low, low, middle, high, high, high], path.join("."),
    );
    if (fallback === null) continue;
    for (const value of [NaN, Infinity, "1", null, undefined, {}, [0.5]]) {
      assert.equal(at(value), fallback, `${path.join(".")} = ${value}`);
    }
  }
});

test("a scene needs 27 numbers", () => {
  const light = Array(27).fill(0.5);
  const scene = (given) => sanitized({ scene: { ...environment(), light: given } }).scene;
  assert.deepEqual(scene(light).light, light);
  for (const wrong of [light.slice(1), [...light, 0], [...light.slice(1), "1"], "x", null]) {
    assert.equal(scene(wrong), null);
  }
  assert.equal(scene([...light.slice(1), NaN]), null);
});

test("texts and choices are those that exist", () => {
  const kinds = [["kelvin", "kelvin"], ["colour", "colour"], ["white", "white"], ["red", "white"]];
  for (const [given, kept] of kinds) {
    const lamps = [{ tint: { kind: given } }];
    assert.equal(sanitized({ lamps }).lamps[0].tint.kind, kept);
  }
  const scene = (given) => sanitized({ scene: environment(given) }).scene;
  assert.equal(scene({ kind: "photo" }).kind, "photo");
  assert.equal(scene({ kind: "other" }).kind, "environment");
  assert.equal(scene({ name: "x".repeat(99) }).name, "x".repeat(80));
  assert.equal(scene({ name: 7 }).name, "7");
  assert.equal(scene({ name: undefined }).name, "");
  assert.deepEqual([true, 1, "true"].map((background) => sanitized({ background }).background), [
    true, false, false,
  ]);
});

test("a link holds 8 lamps at most", () => {
  assert.equal(sanitized({ lamps: Array(99).fill(lampOf()) }).lamps.length, 8);
  assert.equal(lighting.MOST_LAMPS, 8);
  assert.deepEqual(sanitized({ lamps: [] }).lamps, []);
});

test("a valid state stays as it is", () => {
  for (const given of [{}, { scene: environment({ kind: "photo", rotate: -20 }) }]) {
    const whole = { strength: 0.4, brightness: -1, background: true, neutral: true };
    const valid = state({ ...given, ...whole });
    assert.deepEqual(sanitized(valid), valid);
  }
});

test("nothing at all gives the state of a page that was just opened", () => {
  for (const given of [null, undefined, {}, [], 3, "x", { lamps: "x", scene: 5, ambient: null }]) {
    assert.deepEqual(sanitized(given), lighting.defaultState());
  }
});

test("a preset's name counts only with the preset's light", () => {
  for (const [name, preset] of Object.entries(presets)) {
    const valid = state(lighting.presetLight(name, preset));
    assert.equal(sanitized(valid).preset, name);
    assert.equal(sanitized({ ...valid, lamps: [lampOf()] }).preset, null);
    assert.equal(sanitized({ ...valid, ambient: { power: 1.5 } }).preset, null);
    assert.equal(sanitized({ ...valid, scene: environment() }).preset, null);
  }
  for (const name of ["toString", "nobody", 3, null]) {
    assert.equal(sanitized({ preset: name }).preset, null);
  }
});
