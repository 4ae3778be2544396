// @ts-check
// The open photo, decomposed and rendered in the browser. This module takes the place of the
// studio's `photo.js`, which asks a process for it.

import { context2d, saveFile } from "../../tfrelight/studio/static/dom.js";
import { exposure, scale } from "../../tfrelight/studio/static/harmonics.js";
import { PhotoFile } from "../../tfrelight/studio/static/photo_file.js";
import { Face } from "../../tfrelight/studio/static/face.js";
import { StudioError } from "../../tfrelight/studio/static/requests.js";
import { asset, loadable } from "./assets.js";
import { join, started } from "./engine.js";
import { relitFile } from "./full_size.js";
import constants from "./constants.json" with { type: "json" };

/** @import { Report } from "../../tfrelight/studio/static/actions.js" */
/** @import { Engine } from "./engine.js" */
/** @import { Settings } from "../../tfrelight/studio/static/photo.js" */
/** @import { PhotoData, PhotoHeader } from "../../tfrelight/studio/static/photo_data.js" */
/** @import { Opening, RelightRequest } from "../../tfrelight/studio/static/photo_file.js" */
/** @import { Place, PreparedPhoto } from "./photo_data.js" */

/** Where photos go, and whose work the page contains. */
export const PRIVACY = "privacy_page";

/** Ids of controls that only the studio has. */
export const MISSING = ["save-maps", "film", "environment", "drop-map"];

// Bytes of a file: far above what memory would hold once it is decoded.
const LIMITS = { bytes: 500 * 2 ** 20 };

/** @returns {Promise<Settings>} */
export function fetchSettings() {
  const { presets, samples } = /** @type {any} */ (constants);
  return Promise.resolve({ presets, samples, limits: LIMITS, films: [] });
}

/** @type {Promise<Engine> | null} */
let engine = null;

/** @returns {Promise<Engine>} a worker whose network is loaded */
export function startedEngine() {
  engine ??= startEngine().catch((error) => {
    // So that it is tried again the next time.
    engine = null;
    throw error;
  });
  return engine;
}

async function startEngine() {
  if (typeof WebAssembly === "undefined") throw new StudioError("no_wasm");
  const script = "text/javascript";
  const [worker, runtime, binary, network, finder] = await Promise.all([
    loadable("worker.js", script),
    // Blobs get their addresses where they are loaded: those of a file's page mean nothing to its
    // workers.
    loadable("litert.js", script),
    loadable("litert.wasm", "application/wasm"),
    asset("network.tflite").then((blob) => blob.arrayBuffer()),
    asset("finder.bin").then((blob) => blob.arrayBuffer()),
  ]);
  const address = typeof worker === "string" ? worker : URL.createObjectURL(worker);
  const shared = { runtime, binary, network };
  const first = await started(address, { ...shared, finder });
  // One processor would only switch between two. Nobody waits for the second; where it cannot
  // start, for want of memory, the first goes on alone.
  if (navigator.hardwareConcurrency > 1) {
    started(address, shared).then((second) => join(first, second)).catch(() => {});
  }
  return first;
}

// Loads while people choose a photo; whoever opens one sees the error.
startedEngine().catch(() => {});

/**
 * @param {File} file
 * @param {Opening} opening
 * @param {Report} report
 * @returns {Promise<PhotoData & { places: Place[] }>}
 */
async function decomposed(file, opening, report) {
  report("progress_loading");
  const running = await startedEngine();
  return unpacked(await running.ask({ task: "open", file, ...opening }, report));
}

/** @type {(photo: PreparedPhoto) => PhotoData & { places: Place[] }} */
function unpacked({ header, pixels, planes, places }) {
  const faces = header.surfaces.map((facts, k) => new Face(facts, planes[k], header.settings));
  return { header, pixels, faces, places };
}

export class Photo extends PhotoFile {
  /** @param {{ bytes: number }} limits  of a file */
  constructor(limits) {
    super(limits);
    /** @type {PhotoData & { places: Place[] } | null} */
    this.data = null;
  }

  /**
   * Opens a file in place of the photo that is open.
   *
   * @param {File} file
   * @param {Opening} opening
   * @param {Report} report
   * @returns {Promise<PhotoData>}
   * @throws {StudioError} it cannot be opened; the other photo then stays open
   */
  async open(file, opening, report) {
    await this.check(file);
    const data = await decomposed(file, opening, report);
    this.file = file;
    this.header = data.header;
    this.data = data;
    return data;
  }

  /** Nobody else holds the photo. */
  close() {}

  /**
   * Renders the photo at its full size, and saves it.
   *
   * @param {"relit" | "maps" | "film"} what
   * @param {RelightRequest} request
   * @param {Report} report
   * @throws {StudioError} it could not be rendered
   */
  async download(what, request, report) {
    if (!this.data || !this.file || what !== "relit") {
      throw new StudioError("only_studio_files");
    }
    const { stem, data, file } = this;
    const { content, type, ending } = await relitFile(data, file, request, report);
    saveFile(content, type, `${stem}-relit.${ending}`);
  }
}

/** The frames of one video, one after another. */
export class Frames {
  constructor() {
    this.isFirst = true;
  }

  /**
   * Finds faces on a frame, and separates their light from their colour.
   *
   * @param {HTMLCanvasElement} frame
   * @param {(header: PhotoHeader) => void} settle  changes the header before it is used
   * @returns {Promise<PhotoData | null>} null without a face
   */
  async decompose(frame, settle) {
    const running = await startedEngine();
    const { width, height } = frame;
    const { data } = context2d(frame).getImageData(0, 0, width, height);
    const { isFirst } = this;
    this.isFirst = false;
    const found = await running.ask({ task: "frame", rgba: data, width, height, isFirst });
    if (found) settle(found.header);
    return found && unpacked(found);
  }

  /** Faces of the next frame are searched anew. */
  end() {
    this.isFirst = true;
  }
}

/**
 * The light of another photo, of exposure 1.
 *
 * @param {File} file
 * @param {"environment" | "photo"} kind
 * @param {Report} report
 * @returns {Promise<number[]>} `[27]`
 * @throws {StudioError} the file holds no light
 */
export async function fetchLight(file, kind, report) {
  if (kind === "environment") throw new StudioError("only_studio_maps");
  const opening = /** @type {const} */ ({ wholeImage: false, what: "face" });
  const { faces: [{ light }] } = await decomposed(file, opening, report);
  return scale(light, 1 / exposure(light)).flat();
}

/**
 * The address of a sample photo.
 *
 * @param {string} name  of its file
 */
export function sampleUrl(name) {
  return document.getElementById(`file-${name}`)?.dataset.url ?? name;
}

/**
 * A sample photo.
 *
 * @param {string} name  of its file
 */
export async function fetchSample(name) {
  return new File([await asset(name, "image/jpeg")], name, { type: "image/jpeg" });
}
