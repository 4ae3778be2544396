// @ts-check
// The worker: finds the faces of photos and separates their light from their colour, while the page
// stays responsive. A classic worker, because LiteRT's script is loaded by `importScripts`.

import { UNNAMED } from "../../tfrelight/studio/static/photo_file.js";
import { StudioError } from "../../tfrelight/studio/static/requests.js";
import { bitmapOf, pictureOf, tooLarge, withoutOpacity } from "./decode.js";
import { Engine } from "./engine.js";
import { decompose } from "./face_maps.js";
import { find, findAgain } from "./find.js";
import { inTurn } from "./in_turn.js";
import { multiplyBy } from "./layers.js";
import { Mtcnn, parseWeights } from "./mtcnn.js";
import { inWebAssembly } from "./multiply.js";
import multiply from "./multiply.wat";
import { startNetwork } from "./network.js";
import { preparedPhoto } from "./photo_data.js";
import { stepsOf, stepsWith } from "./steps.js";
import { buffersIn } from "./transfer.js";
import constants from "./constants.json" with { type: "json" };

/** @import { Opening } from "../../tfrelight/studio/static/photo_file.js" */
/** @import { Report } from "../../tfrelight/studio/static/actions.js" */
/** @import { Face } from "./find.js" */
/** @import { Network } from "./inference.js" */
/** @import { Step, Steps } from "./steps.js" */

/**
 * What the worker starts with: files, or their addresses.
 *
 * @typedef {object} Start
 * @property {"start"} task
 * @property {string | Blob} runtime
 * @property {string | Blob} binary
 * @property {ArrayBuffer} network
 * @property {ArrayBuffer} [finder]  of a worker that finds faces
 */

/**
 * A port between two workers: the first hands steps to the other one.
 *
 * @typedef {{ task: "join", port: MessagePort, isFirst: boolean }} Join
 */

/**
 * A photo to decompose.
 *
 * @typedef {{ task: "open", file: File } & Opening} Open
 */

/**
 * A frame of a video, the first or the one after the last.
 *
 * @typedef {object} Frame
 * @property {"frame"} task
 * @property {Uint8ClampedArray} rgba  `[height, width, 4]`
 * @property {number} width
 * @property {number} height
 * @property {boolean} isFirst
 */

/** @typedef {{ id: number } & (Start | Join | Open | Frame | Step)} Request */

/** @typedef {Pick<MessagePort, "postMessage" | "onmessage">} Asker  the page, or another worker */

// Faces of a video that are relit, the largest: each takes as long as the first.
const MOST_LIVE = 2;

/** @type {Network | null} */
let loaded = null;
/** @type {Mtcnn | null} */
let mtcnn = null;
/** @type {Steps} taken here until a second worker takes them */
let steps;

/** @param {Start} files */
async function start({ runtime, binary: runtimeBinary, network, finder }) {
  try {
    multiplyBy(inWebAssembly(multiply));
  } catch {
    // A browser without vectors in WebAssembly finds faces all the same.
  }
  loaded = await startNetwork(runtime, runtimeBinary, network);
  if (finder) mtcnn = new Mtcnn(parseWeights(finder));
  steps = stepsWith(loaded);
}

/** @param {Join} request */
function join({ port, isFirst }) {
  if (isFirst) steps = stepsOf(new Engine(port), steps);
  else answerTo(port);
}

/**
 * @param {Open} request
 * @param {Report} report
 */
async function open({ file, wholeImage, what }, report) {
  if (!loaded || !mtcnn) throw new Error("The worker was not started to find faces.");
  report("progress_reading");
  const bitmap = await bitmapOf(file, file.name || UNNAMED);
  const size = { width: bitmap.width, height: bitmap.height };
  try {
    const { picture, isGrey } = pictureOf(bitmap);
    bitmap.close();
    report("progress_finding");
    /** @type {(Face | null)[]} */
    const found = wholeImage ? [null] : find(picture, mtcnn);
    if (found.length === 0) throw new StudioError("no_face", {}, "no_face");
    const faces = found.slice(0, constants.most_faces);
    const step = "progress_separating";
    report(step, 0);
    const working = (/** @type {number} */ share) => report(step, share);
    const maps = await decompose(loaded, steps, picture, faces, working, { what });
    report("progress_preparing");
    /** @type {"maybe" | ""} */
    const grey = isGrey ? "maybe" : "";
    const fields = { found: found.length, whole_image: wholeImage, what, grey };
    return await preparedPhoto(picture, maps, fields, steps);
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(size);
    throw error;
  }
}

/** @type {Face[]} of the last frame of the video */
let seen = [];
let frames = 0;

/**
 * Decomposes a frame, with half the crops of a photo.
 *
 * @param {Frame} request
 */
async function frame({ rgba, width, height, isFirst }) {
  if (!loaded || !mtcnn) throw new Error("The worker was not started to find faces.");
  const { picture } = withoutOpacity(rgba, width, height);
  frames = isFirst ? 0 : frames + 1;
  const found = findAgain(picture, isFirst ? [] : seen, mtcnn, frames);
  seen = found.slice(0, MOST_LIVE);
  if (seen.length === 0) return null;
  const maps = await decompose(loaded, steps, picture, seen, undefined, { mirror: false });
  const fields = /** @type {const} */ (
    { found: found.length, whole_image: false, what: "person", grey: "" });
  return preparedPhoto(picture, maps, fields, steps);
}

/** @type {(request: Step) => unknown} */
function take({ name, given }) {
  /** @type {(...given: any[]) => unknown} */
  const taken = steps[name];
  return taken(...given);
}

/** @type {(request: Request, report: Report) => unknown} the answer, or a promise of it */
function answer(request, report) {
  if (request.task === "start") return start(request);
  if (request.task === "join") return join(request);
  if (request.task === "step") return take(request);
  if (request.task === "frame") return frame(request);
  return open(request, report);
}

/** @type {(asked: { request: Request, asker: Asker }) => Promise<void>} */
async function respond({ request, asker }) {
  const { id } = request;
  try {
    const result = await answer(request, (progress, share) =>
      asker.postMessage({ id, progress, share }),
    );
    // What it holds is not needed here any more.
    asker.postMessage({ id, result }, { transfer: [...buffersIn(result)] });
  } catch (error) {
    if (error instanceof StudioError) {
      const { key, values, reason } = error;
      asker.postMessage({ id, refusal: { key, values, reason } });
      return;
    }
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    asker.postMessage({ id, error: { name, message, stack } });
  }
}

const respondInTurn = inTurn(respond);

/** @param {Asker} asker  whose requests are answered from now on */
function answerTo(asker) {
  asker.onmessage = ({ data: request }) => {
    respondInTurn({ request, asker });
  };
}

answerTo(/** @type {Asker} */ (/** @type {unknown} */ (self)));
