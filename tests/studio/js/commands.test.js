// That the texts mean the light on screen is tested in a browser, with Python's own reader.

import assert from "node:assert/strict";
import test from "node:test";

import { commandLine, python } from "../../../tfrelight/studio/static/commands.js";
import { tintColor, defaultState } from "../../../tfrelight/studio/static/lighting.js";
import { expected, lampOf, stateWith, tint } from "./helpers.js";

const PHOTO = {
  name: "me.jpg", ending: "jpg", wholeImage: false, what: "person", found: 1, relit: 1,
};
const WARM = tint({ kind: "kelvin", kelvin: 3000 });
const ORANGE = tint({ kind: "colour", rgb: [1, 0.5, 1 / 3] });
const environment = (given = {}) => ({
  kind: "environment", name: "room.exr", light: expected.harmonics.lights[3].flat(),
  power: 1, rotate: 0, ...given,
});
const ambient = (power, tinted = tint()) => ({ power, tint: tinted });

const command = (given, photo = {}) =>
  commandLine(stateWith(defaultState, given), { ...PHOTO, ...photo });
/** The words between the program and its output. */
const flags = (given, photo) => command(given, photo).text.split(" \\\n  ").slice(1, -1);
const lightIn = (given) =>
  /^light = ([\s\S]*)\ntfrelight/m.exec(python(stateWith(defaultState, given), PHOTO))[1];
const callIn = (given, photo) =>
  python(stateWith(defaultState, given), { ...PHOTO, ...photo }).split("\n").at(-1);

test("a command has one line for each word", () => {
  assert.equal(
    command({ preset: "left" }).text,
    "python -m tfrelight.relight \\\n  me.jpg \\\n  --light=left \\\n  --output=relit.jpg",
  );
});

test("a preset is named", () => {
  assert.deepEqual(flags({ preset: "left" }), ["me.jpg", "--light=left"]);
  assert.equal(lightIn({ preset: "left" }), '"left"');
  assert.equal(command({ preset: "left" }).needsLightFile, false);
});

test("less than the person is named", () => {
  assert.deepEqual(flags({ preset: "left" }, { what: "face" }).at(-1), "--what=face");
  assert.match(callIn({ preset: "left" }, { what: "head" }), /what="head"/);
});

test("a lamp", () => {
  assert.deepEqual(flags({}), ["me.jpg", "--azimuth=45", "--elevation=25", "--ambient=0.1"]);
  assert.equal(command({}).needsLightFile, false);
  assert.equal(lightIn({}), "Light.from_direction(45, 25, ambient=0.1)");
  const lamps = [lampOf({ power: 0 }), lampOf({ azimuth: -30.00004, elevation: 1 / 3, power: 2 })];
  const given = { lamps, ambient: ambient(0.5) };
  assert.deepEqual(flags(given), [
    "me.jpg", "--azimuth=-30", "--elevation=0.3333", "--ambient=0.25",
  ]);
  assert.equal(lightIn(given), "Light.from_direction(-30, 0.3333, ambient=0.25)");
});

test("a lamp without ambient light", () => {
  const given = { lamps: [lampOf()], ambient: ambient(0) };
  // The command adds some unless it is told not to; Python does not.
  assert.deepEqual(flags(given).slice(1), ["--azimuth=0", "--elevation=0", "--ambient=0"]);
  assert.equal(lightIn(given), "Light.from_direction(0, 0)");
});

test("a coloured lamp", () => {
  const warm = { lamps: [lampOf({ tint: WARM })], ambient: ambient(0.2, WARM) };
  assert.deepEqual(flags(warm).slice(3), ["--ambient=0.2", "--temperature=3000"]);
  assert.equal(lightIn(warm), "Light.from_direction(0, 0, ambient=0.2, temperature=3000)");
  const orange = { lamps: [lampOf({ tint: ORANGE })], ambient: ambient(0) };
  assert.deepEqual(flags(orange).slice(4), ["--color=1,0.5,0.3333"]);
  assert.equal(lightIn(orange), "Light.from_direction(0, 0, color=(1, 0.5, 0.3333))");
});

test("several lamps come in a file, and as a sum", () => {
  const lamps = [
    lampOf({ azimuth: 120, power: 1, radius: 15 }),
    lampOf({ power: 0 }),
    lampOf({ elevation: -7, power: 0.5, tint: ORANGE }),
  ];
  const given = { lamps, ambient: ambient(0.1, WARM), scene: environment({ power: 0.5 }) };
  const shown = command(given);
  assert.equal(shown.needsLightFile, true);
  assert.deepEqual(flags(given), ["me.jpg", "--light_file=light.json"]);
  const color = tintColor(WARM).map((value) => Math.round(value * 1e4) / 1e4);
  assert.equal(lightIn(given), `(
    Light.from_direction(120, 0, radius=15)
    + Light.from_direction(0, -7, intensity=0.5, color=(1, 0.5, 0.3333))
    + 0.5 * Light.from_environment("room.exr").exposed()
    + Light.even(0.1, (${color.join(", ")}))
).exposed()`);
});

test("a sum of one part has no brackets", () => {
  const soft = { lamps: [lampOf({ radius: 30 })], ambient: ambient(0) };
  assert.equal(lightIn(soft), "Light.from_direction(0, 0, radius=30).exposed()");
  const even = { lamps: [], ambient: ambient(0.5) };
  assert.equal(lightIn(even), "Light.even(0.5).exposed()");
  assert.equal(lightIn({ ...even, scene: environment({ power: 0 }) }), "Light.even(0.5).exposed()");
});

test("darkness has no exposure", () => {
  assert.equal(lightIn({ lamps: [], ambient: ambient(0) }), "Light.even(0)");
});

test("an environment map and another photo", () => {
  const given = { lamps: [], ambient: ambient(0), scene: environment() };
  assert.deepEqual(flags(given), ["me.jpg", "--environment=room.exr"]);
  assert.equal(lightIn(given), 'Light.from_environment("room.exr").exposed()');
  assert.equal(command(given).needsLightFile, false);
  const scene = environment({ kind: "photo", name: "her's.jpg", power: 2, rotate: -20.5 });
  const photo = { lamps: [], ambient: ambient(0.5), scene };
  assert.deepEqual(flags(photo).slice(1), [
    "'--reference=her'\\''s.jpg'", "--rotate=-20.5", "--ambient=0.25",
  ]);
  assert.equal(
    lightIn(photo),
    'tfrelight.light_of("her\'s.jpg").exposed().rotated(azimuth=-20.5) + Light.even(0.25)',
  );
});

test("how the picture uses the light", () => {
  const given = { preset: "left", strength: 0.75, brightness: -1, background: true };
  assert.deepEqual(flags(given, { wholeImage: true, found: 9, relit: 4 }).slice(2), [
    "--strength=0.75", "--intensity=0.5", "--background", "--whole_image", "--faces=4",
  ]);
  assert.equal(
    callIn(given, { wholeImage: true, found: 9, relit: 4 }),
    'tfrelight.relight("me.jpg", light, whole_image=True, faces=4, strength=0.75, exposure=-1, ' +
      'background=True).save("relit.jpg")',
  );
  assert.deepEqual(flags({ preset: "left", strength: 1, brightness: 0 }, { found: 4, relit: 4 }), [
    "me.jpg", "--light=left",
  ]);
  assert.equal(
    callIn({ preset: "left" }, { found: 4, relit: 4 }),
    'tfrelight.relight("me.jpg", light).save("relit.jpg")',
  );
});

test("white that is white", () => {
  const given = { preset: "left", neutral: true };
  assert.deepEqual(flags(given).slice(2), ["--white_balance=neutral"]);
  assert.equal(
    callIn(given),
    'tfrelight.relight("me.jpg", light, white_balance="neutral").save("relit.jpg")',
  );
});

test("names that a shell or Python would read otherwise are quoted", () => {
  const named = (name, ending = "png") => command({ preset: "x" }, { name, ending }).text;
  for (const [name, quoted] of [
    ["a_b-c.d,e:f=g/h+9.jpg", "a_b-c.d,e:f=g/h+9.jpg"],
    ["a b.jpg", "'a b.jpg'"], ["$x.jpg", "'$x.jpg'"], ["a;b", "'a;b'"], ["it's", "'it'\\''s'"],
    ["'a'b'", "''\\''a'\\''b'\\'''"], ["-a.jpg", "./-a.jpg"], ["-a b", "'./-a b'"], ["a-b", "a-b"],
  ]) {
    assert.equal(named(name).split(" \\\n  ")[1], quoted);
  }
  assert.match(named("a", "x y"), /'--output=relit\.x y'$/);
  const call = callIn({ preset: "x" }, { name: 'a"\\b.jpg' });
  assert.ok(call.startsWith('tfrelight.relight("a\\"\\\\b.jpg", light)'));
});

test("the Python begins with its imports", () => {
  const text = python(defaultState(), PHOTO);
  assert.ok(text.startsWith("import tfrelight\nfrom tfrelight import Light\n\nlight = "));
});
