// @ts-check
// All heads and bodies of a photo under another light, as in tfrelight.relighting.decomposition.

import { mix, scale } from "./harmonics.js";

/** @import { Rgb } from "./color.js" */
/** @import { Face, FaceLight } from "./face.js" */
/** @import { Coefficients } from "./harmonics.js" */
/** @import { Light } from "./lighting.js" */

/** @type {(light: Coefficients, relative: Coefficients, white: number[]) => Coefficients} */
const tinted = (light, relative, white) =>
  light.map((row, k) => row.map((value, c) => value + relative[k][c] * (white[c] - 1)));

/**
 * A light on a face whose white the relative part of the light takes on.
 *
 * @param {Light} light
 * @param {Face} face
 * @returns {FaceLight}
 */
const on = ({ harmonics, relative_harmonics: relative, lamps }, { facts: { white } }) => ({
  harmonics: tinted(harmonics, relative, white),
  lamps: lamps.filter(({ color }) => Math.max(...color) > 0).map((lamp) => ({
    ...lamp,
    color: lamp.relative
      ? /** @type {Rgb} */ (lamp.color.map((value, c) => value * white[c])) : lamp.color,
  })),
});

/**
 * Relights every head and body as `tfrelight.relight` does, and fills their textures.
 *
 * @param {Face[]} faces  all heads, and then all bodies; the first keeps its brightness
 * @param {Light} light
 * @param {number} strength  0 (each face's own light) to 1 (the new light)
 * @param {number} stops  by which the first face becomes brighter
 * @returns {Coefficients[]} of each face the projection of the blend on harmonics
 */
export function relight(faces, light, strength, stops) {
  for (const face of faces) face.render(on(light, face));
  const gain = faces[0].exposure() * 2 ** stops;
  const lights = faces.map((face) => {
    const share = strength * face.facts.legibility;
    face.blend = { share, gain };
    const whole = tinted(light.coefficients, light.relative, face.facts.white);
    return mix(face.light, scale(whole, gain), share);
  });
  change(faces);
  return lights;
}

/**
 * Fills the textures of every head and body for the light that `relight` has rendered.
 *
 * @param {Face[]} faces  all heads, and then all bodies
 */
function change(faces) {
  faces.forEach((face, k) => face.change(face.blend, faces[face.facts.above ?? k]));
}
