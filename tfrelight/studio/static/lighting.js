// What the page's controls say, as one light: the state, and what becomes of it.

import { ofTemperature } from "./color.js";
import { add, even, exposure, lamp, none, scale, turned } from "./harmonics.js";

export const WHITE = { kind: "white", kelvin: 5000, rgb: [1, 1, 1] };

export const newLamp = (azimuth, elevation, more = {}) => ({
  azimuth, elevation, power: 1, radius: 0, tint: { ...WHITE }, ...more,
});

export const start = () => ({
  lamps: [newLamp(45, 25)],
  ambient: { power: 0.1, tint: { ...WHITE } },
  scene: null,
  strength: 1,
  brightness: 0,
  background: false,
  preset: null,
});

const clamped = (value, low, high, otherwise) =>
  Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : otherwise;

const soundTint = (given) => ({
  kind: ["white", "kelvin", "colour"].includes(given?.kind) ? given.kind : "white",
  kelvin: clamped(given?.kelvin, 1000, 15000, 5000),
  rgb: [0, 1, 2].map((c) => clamped(given?.rgb?.[c], 0, 16, 1)),
});

// A state from a link, which anybody may have written: numbers in their ranges, nothing else.
export function sound(given, presets) {
  const otherwise = start();
  const lamps = Array.isArray(given?.lamps) ? given.lamps.slice(0, 8) : otherwise.lamps;
  const rows = given?.scene?.light;
  const numbers = Array.isArray(rows) && rows.length === 27 && rows.every(Number.isFinite);
  const light = {
    lamps: lamps.map((one) => ({
      azimuth: clamped(one?.azimuth, -180, 180, 0),
      elevation: clamped(one?.elevation, -90, 90, 0),
      power: clamped(one?.power, 0, 4, 1),
      radius: clamped(one?.radius, 0, 90, 0),
      tint: soundTint(one?.tint),
    })),
    ambient: { power: clamped(given?.ambient?.power, 0, 2, 0.1), tint: soundTint(given?.ambient?.tint) },
    scene: numbers
      ? {
          kind: given.scene.kind === "photo" ? "photo" : "environment",
          name: String(given.scene.name ?? "").slice(0, 80),
          light: rows.map((value) => clamped(value, -1e3, 1e3, 0)),
          power: clamped(given.scene.power, 0, 4, 1),
          rotate: clamped(given.scene.rotate, -180, 180, 0),
        }
      : null,
  };
  const name = String(given?.preset ?? "");
  const named = Object.hasOwn(presets, name) ? ofPreset(name, presets[name]) : null;
  return {
    ...light,
    strength: clamped(given?.strength, 0, 1, 1),
    brightness: clamped(given?.brightness, -2, 2, 0),
    background: given?.background === true,
    // Commands say the name in place of the light: only where it is that light.
    preset: JSON.stringify(named) === JSON.stringify({ ...light, preset: name }) ? name : null,
  };
}

export function colorOf(tint) {
  if (tint.kind === "kelvin") return ofTemperature(tint.kelvin);
  return tint.kind === "colour" ? tint.rgb : [1, 1, 1];
}

const times = (color, factor) => color.map((value) => value * factor);

// The lamps of a preset as the page's own, which one can then change.
export function ofPreset(name, preset) {
  const tintOf = ({ color, temperature }) =>
    temperature ? { ...WHITE, kind: "kelvin", kelvin: temperature }
      : color ? { ...WHITE, kind: "colour", rgb: color } : { ...WHITE };
  const lamps = preset.lamps.map((one) =>
    newLamp(one.azimuth, one.elevation, {
      power: one.intensity ?? 1, radius: one.radius ?? 0, tint: tintOf(one),
    }),
  );
  // No preset has more than one.
  const filled = preset.lamps.find((one) => one.ambient);
  const ambient = filled
    ? { power: filled.ambient, tint: tintOf(filled) }
    : { power: 0, tint: { ...WHITE } };
  return { lamps, ambient, scene: null, preset: name };
}

const sceneLight = ({ light }) => Array.from({ length: 9 }, (_, k) => light.slice(3 * k, 3 * k + 3));

const sameTint = (a, b) => JSON.stringify(colorOf(a)) === JSON.stringify(colorOf(b));

// How the light is said with the commands' flags: they take some lights as they are, and bring
// others to exposure 1.
export function form(state) {
  const lamps = state.lamps.filter((one) => one.power > 0);
  const { ambient, scene } = state;
  if (state.preset) return "preset";
  if (scene && scene.power > 0) {
    return lamps.length === 0 && (ambient.power === 0 || ambient.tint.kind === "white")
      ? "scene" : "sum";
  }
  if (lamps.length !== 1 || lamps[0].radius > 0) return "sum";
  return ambient.power === 0 || sameTint(ambient.tint, lamps[0].tint) ? "lamp" : "sum";
}

// Everything that lights, before it is brought to exposure 1: [[light, what it is], ...].
function total(state) {
  let light = even(times(colorOf(state.ambient.tint), state.ambient.power));
  for (const one of state.lamps) {
    light = add(light, lamp(one.azimuth, one.elevation, one.radius, times(colorOf(one.tint), one.power)));
  }
  const { scene } = state;
  if (scene) light = add(light, scale(turned(sceneLight(scene), scene.rotate), scene.power));
  return light;
}

// The light as nine coefficients [r, g, b].
export function lightOf(state) {
  const light = total(state);
  switch (form(state)) {
    case "lamp":
      return scale(light, 1 / state.lamps.find((one) => one.power > 0).power);
    case "scene":
      return scale(light, 1 / state.scene.power);
    default: {
      const bright = exposure(light);
      return bright > 1e-6 ? scale(light, 1 / bright) : none();
    }
  }
}
