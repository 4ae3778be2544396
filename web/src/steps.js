// @ts-check
// Steps of a photo that need nothing of one another: those of its bodies, while the first worker
// takes those of its heads. A second worker takes them once it has started.

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
 * @typedef {object} Steps
 * @property {(cut: Picture, factor: number, both: boolean) => Promise<Output>} predict
 * @property {(...given: Parameters<typeof person>) => Promise<Float32Array>} segment
 * @property {(maps: FaceMaps) => Promise<Relightable>} prepare
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
  segment: (...given) => Promise.resolve(person(...given)),
  prepare: (maps) => Promise.resolve(prepare(revived(maps))),
});

/**
 * The steps, taken by a second worker.
 *
 * @param {Engine} engine  which asks it
 * @returns {Steps}
 */
export const stepsOf = (engine) => ({
  predict: (...given) => engine.ask({ task: "step", name: "predict", given }),
  segment: (...given) => engine.ask({ task: "step", name: "segment", given }),
  prepare: (...given) => engine.ask({ task: "step", name: "prepare", given }),
});

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
