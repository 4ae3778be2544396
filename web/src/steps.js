// @ts-check
// Steps of a photo that a second worker takes, once it has started: the network on the wide crops,
// and all of bodies. Meanwhile the first works on the heads.

import { Face } from "./find.js";
import { Window } from "./framing.js";
import { predict } from "./inference.js";
import { prepare } from "./ratio_image.js";
import { person } from "./segmentation.js";

/** @import { Engine } from "./engine.js" */
/** @import { FaceMaps } from "./face_maps.js" */
/** @import { Picture } from "./images.js" */
/** @import { Network, Output } from "./inference.js" */
/** @import { Relightable } from "./ratio_image.js" */

/**
 * @template T
 * @typedef {T | Promise<T>} Soon
 */

/**
 * @typedef {object} Steps
 * @property {(cut: Picture, factor: number, both: boolean) => Promise<Output>} predict
 * @property {(...given: Parameters<typeof person>) => Soon<Float32Array>} segment
 * @property {(maps: FaceMaps) => Soon<Relightable>} prepare
 */

/** @typedef {{ task: "step", name: keyof Steps, given: any[] }} Step */

/**
 * The steps, taken here.
 *
 * @param {Network} network
 * @returns {Steps}
 */
export const stepsWith = (network) => ({
  predict: (cut, factor, both) => predict(network, cut, factor, both),
  segment: person,
  prepare: (maps) => prepare(revived(maps)),
});

/**
 * The steps, taken by a second worker; here from the first that it fails to take.
 *
 * @param {Pick<Engine, "ask">} engine  which asks it
 * @param {Steps} here
 * @returns {Steps}
 */
export function stepsOf(engine, here) {
  let hasFailed = false;
  /** @type {(name: keyof Steps) => (...given: any[]) => Promise<any>} */
  const taken = (name) => async (...given) => {
    /** @type {(...given: any[]) => unknown} */
    const own = here[name];
    if (hasFailed) return own(...given);
    try {
      return await engine.ask({ task: "step", name, given });
    } catch {
      // For want of memory, as a rule. What is wrong with the step itself shows here as well.
      hasFailed = true;
      return own(...given);
    }
  };
  return { predict: taken("predict"), segment: taken("segment"), prepare: taken("prepare") };
}

/** @type {(maps: FaceMaps) => FaceMaps} with the methods that they lose between workers */
function revived({ window, face, headWindow, ...maps }) {
  /** @type {(one: Window) => Window} */
  const windowOf = ({ corner, axes }) => new Window(corner, axes);
  return {
    ...maps,
    window: windowOf(window),
    face: face && new Face(face.eyes, face.distance, face.oval, face.score),
    headWindow: headWindow && windowOf(headWindow),
  };
}
