// @ts-check
// The state of the page's light controls, and the light that it describes.

import { ofTemperature } from "./color.js";
import { add, dark, even, exposure, projection, rotated, scale } from "./harmonics.js";
import { lampTowards } from "./lamps.js";
import { scaled } from "./numbers.js";

/** @import { Rgb } from "./color.js" */
/** @import { Coefficients, DistantLamp } from "./harmonics.js" */

/**
 * The colour of a light. `kind` selects what it depends on: nothing, `kelvin` or `rgb`.
 *
 * @typedef {object} Tint
 * @property {"white" | "kelvin" | "colour"} kind
 * @property {number} kelvin  colour temperature, 1000 to 15000
 * @property {Rgb} rgb  0 to 16
 */

/**
 * @typedef {object} Lamp
 * @property {number} azimuth  degrees, positive to the left of the image, -180 to 180
 * @property {number} elevation  degrees, positive to its top, -90 to 90
 * @property {number} power  shading of a surface that faces the lamp, 0 to 4
 * @property {number} radius  angular, degrees, 0 (a point) to 90 (half the sphere)
 * @property {Tint} tint
 */

/**
 * Light from everywhere.
 *
 * @typedef {object} Ambient
 * @property {number} power  shading of every surface, 0 to 2
 * @property {Tint} tint
 */

/**
 * The light of an environment map or of another photo.
 *
 * @typedef {object} Scene
 * @property {"environment" | "photo"} kind
 * @property {string} name  of the file
 * @property {number[]} light  `[27]`, the rows of `Coefficients`, of exposure 1
 * @property {number} power  factor, 0 to 4
 * @property {number} rotate  degrees about the vertical, positive to the left, -180 to 180
 */

/**
 * @typedef {object} State
 * @property {Lamp[]} lamps  8 at most
 * @property {Ambient} ambient
 * @property {Scene | null} scene
 * @property {number} strength  0 (the photo's own light) to 1 (the new light)
 * @property {number} brightness  stops, -2 to 2
 * @property {boolean} background  whether the background is relit too
 * @property {boolean} neutral  whether white is white, rather than the photo's white
 * @property {string | null} preset  name of the preset, if lamps and ambient are those of one
 */

/**
 * A lamp of a `Light`; `relative`: whether its colour is relative to the photo's white.
 *
 * @typedef {DistantLamp & { relative: boolean, distance: null }} LightLamp
 */

/**
 * A light, with the fields of its JSON in Python (`lights.light_json`).
 *
 * @typedef {object} Light
 * @property {LightLamp[]} lamps
 * @property {Coefficients} harmonics  of what has no lamp
 * @property {Coefficients} relative_harmonics  the part of them whose colours are relative to the
 *   photo's white
 * @property {Coefficients} coefficients  the projection of the whole light on harmonics
 * @property {Coefficients} relative  the part of it that is relative
 */

/**
 * A named light, as the studio describes it: see `lights.presets` in Python.
 *
 * @typedef {object} Preset
 * @property {PresetLamp[]} lamps
 */

/**
 * Arguments of `Light.from_direction` in Python.
 *
 * @typedef {object} PresetLamp
 * @property {number} azimuth
 * @property {number} elevation
 * @property {number} [intensity]
 * @property {number} [ambient]
 * @property {Rgb} [color]
 * @property {number} [temperature]
 * @property {number} [radius]
 */

/** Lamps, at most. */
export const MOST_LAMPS = 8;

/** @type {Tint} */
export const WHITE = { kind: "white", kelvin: 5000, rgb: [1, 1, 1] };

/**
 * @param {number} azimuth
 * @param {number} elevation
 * @param {Partial<Lamp>} [more]
 * @returns {Lamp}
 */
export const newLamp = (azimuth, elevation, more = {}) => ({
  azimuth, elevation, power: 1, radius: 0, tint: { ...WHITE }, ...more,
});

/** @returns {State} of a page that was just opened */
export const defaultState = () => ({
  lamps: [newLamp(45, 25)],
  ambient: { power: 0.1, tint: { ...WHITE } },
  scene: null,
  strength: 1,
  brightness: 0,
  background: false,
  neutral: false,
  preset: null,
});

/** @type {(value: any, low: number, high: number, fallback: number) => number} */
const clamped = (value, low, high, fallback) =>
  Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : fallback;

/** @type {(given: any) => Tint} */
const sanitizedTint = (given) => ({
  kind: ["white", "kelvin", "colour"].includes(given?.kind) ? given.kind : "white",
  kelvin: clamped(given?.kelvin, 1000, 15000, 5000),
  rgb: [0, 1, 2].map((c) => clamped(given?.rgb?.[c], 0, 16, 1)),
});

/** @type {(given: any) => Scene | null} */
const sanitizedScene = (given) => {
  const light = given?.light;
  if (!Array.isArray(light) || light.length !== 27 || !light.every(Number.isFinite)) return null;
  return {
    kind: given.kind === "photo" ? "photo" : "environment",
    name: String(given.name ?? "").slice(0, 80),
    light: light.map((value) => clamped(value, -1e3, 1e3, 0)),
    power: clamped(given.power, 0, 4, 1),
    rotate: clamped(given.rotate, -180, 180, 0),
  };
};

/**
 * A valid state from untrusted data: numbers are clamped to their ranges, and whatever is missing
 * or of another type gets its default.
 *
 * @param {any} given
 * @param {Record<string, Preset>} presets
 * @returns {State}
 */
export function sanitized(given, presets) {
  /** @type {any[]} */
  const lamps = Array.isArray(given?.lamps)
    ? given.lamps.slice(0, MOST_LAMPS) : defaultState().lamps;
  const light = {
    lamps: lamps.map((one) => ({
      azimuth: clamped(one?.azimuth, -180, 180, 0),
      elevation: clamped(one?.elevation, -90, 90, 0),
      power: clamped(one?.power, 0, 4, 1),
      radius: clamped(one?.radius, 0, 90, 0),
      tint: sanitizedTint(one?.tint),
    })),
    ambient: {
      power: clamped(given?.ambient?.power, 0, 2, 0.1),
      tint: sanitizedTint(given?.ambient?.tint),
    },
    scene: sanitizedScene(given?.scene),
  };
  const name = String(given?.preset ?? "");
  const named = Object.hasOwn(presets, name) ? presetLight(name, presets[name]) : null;
  return {
    ...light,
    strength: clamped(given?.strength, 0, 1, 1),
    brightness: clamped(given?.brightness, -2, 2, 0),
    background: given?.background === true,
    neutral: given?.neutral === true,
    // The commands print the name instead of the light, so the name must stand for this light.
    preset: JSON.stringify(named) === JSON.stringify({ ...light, preset: name }) ? name : null,
  };
}

/**
 * @param {Tint} tint
 * @returns {Rgb}
 */
export function tintColor(tint) {
  if (tint.kind === "kelvin") return ofTemperature(tint.kelvin);
  return tint.kind === "colour" ? tint.rgb : [1, 1, 1];
}

/** @type {(source: { color?: Rgb, temperature?: number }) => Tint} */
const presetTint = ({ color, temperature }) => {
  if (temperature) return { ...WHITE, kind: "kelvin", kelvin: temperature };
  return color ? { ...WHITE, kind: "colour", rgb: color } : { ...WHITE };
};

/**
 * A preset as lamps and ambient light, which the controls can then change.
 *
 * @param {string} name
 * @param {Preset} preset
 * @returns {Pick<State, "lamps" | "ambient" | "scene" | "preset">}
 */
export function presetLight(name, preset) {
  const lamps = preset.lamps.map((one) =>
    newLamp(one.azimuth, one.elevation, {
      power: one.intensity ?? 1, radius: one.radius ?? 0, tint: presetTint(one),
    }),
  );
  // At most one lamp of a preset has ambient light.
  const filled = preset.lamps.find((one) => one.ambient);
  const ambient = { power: filled?.ambient ?? 0, tint: presetTint(filled ?? {}) };
  return { lamps, ambient, scene: null, preset: name };
}

/** @type {(scene: Scene) => Coefficients} */
const sceneCoefficients = ({ light }) =>
  Array.from({ length: 9 }, (_, k) => light.slice(3 * k, 3 * k + 3));

/** @type {(a: Tint, b: Tint) => boolean} */
const sameColor = (a, b) => JSON.stringify(tintColor(a)) === JSON.stringify(tintColor(b));

/**
 * How the command's flags express the light. A preset, a single point lamp with ambient light of
 * its colour, and a scene with white ambient light have flags of their own; their brightness is
 * that of the preset, of the lamp, of the scene. Anything else is a sum, brought to exposure 1.
 *
 * @param {State} state
 * @returns {"preset" | "lamp" | "scene" | "sum"}
 */
export function flagForm({ lamps, ambient, scene, preset }) {
  const lit = lamps.filter((one) => one.power > 0);
  if (preset) return "preset";
  if (scene && scene.power > 0) {
    return lit.length === 0 && (ambient.power === 0 || ambient.tint.kind === "white")
      ? "scene" : "sum";
  }
  if (lit.length !== 1 || lit[0].radius > 0) return "sum";
  return ambient.power === 0 || sameColor(ambient.tint, lit[0].tint) ? "lamp" : "sum";
}

/** @type {(tint: Tint, power: number) => Rgb} */
const radiance = (tint, power) => scaled(tintColor(tint), power);

/**
 * A light of lamps and harmonics.
 *
 * @param {Coefficients} harmonics
 * @param {Coefficients} relativeHarmonics  the part of them that is relative
 * @param {LightLamp[]} lamps
 * @returns {Light}
 */
export function lightOfParts(harmonics, relativeHarmonics, lamps) {
  let [coefficients, relative] = [harmonics, relativeHarmonics];
  for (const one of lamps) {
    const projected = projection(one);
    coefficients = add(coefficients, projected);
    if (one.relative) relative = add(relative, projected);
  }
  return { lamps, harmonics, relative_harmonics: relativeHarmonics, coefficients, relative };
}

/** @type {(state: State) => Light} of the brightness that its controls say */
function sum({ lamps, ambient, scene, neutral }) {
  const everywhere = even(radiance(ambient.tint, ambient.power));
  const around = scene
    ? scale(rotated(sceneCoefficients(scene), scene.rotate), scene.power) : dark();
  // The colours of another photo's light were measured, those of lamps and maps are relative.
  const related = scene?.kind === "photo" ? everywhere : add(everywhere, around);
  return lightOfParts(
    add(everywhere, around), neutral ? dark() : related,
    lamps.map(({ azimuth, elevation, radius, tint, power }) => ({
      ...lampTowards(azimuth, elevation, radius, radiance(tint, power)),
      distance: null, relative: !neutral,
    })),
  );
}

/**
 * The factor that gives the sum of a state's lights the brightness of the command's light.
 *
 * @param {State} state
 * @param {Light} light  their sum
 */
function factorOf(state, light) {
  const form = flagForm(state);
  if (form === "lamp") return 1 / Math.max(...state.lamps.map((one) => one.power));
  if (form === "scene" && state.scene) return 1 / state.scene.power;
  const brightness = exposure(light.coefficients);
  return brightness > 1e-6 ? 1 / brightness : 0;
}

/**
 * The light that a state describes; its brightness is that of the command's light (`flagForm`).
 *
 * @param {State} state
 * @returns {Light}
 */
export function lightOf(state) {
  const light = sum(state);
  const factor = factorOf(state, light);
  return lightOfParts(
    scale(light.harmonics, factor), scale(light.relative_harmonics, factor),
    light.lamps.map((one) => ({ ...one, color: scaled(one.color, factor) })),
  );
}
