// @ts-check
// Draws a photo with WebGL2: relit, as it is, or as one of its maps.

import { LoadedPhoto, countOfFaces } from "./loaded_photo.js";
import { Program } from "./program.js";
import { StudioError } from "./requests.js";
import { fragment } from "./shaders.js";

/** @import { Coefficients } from "./harmonics.js" */
/** @import { Picture, Place } from "./loaded_photo.js" */
/** @import { PhotoData } from "./photo_data.js" */
/** @import { Face } from "./face.js" */
/** @import { Mode } from "./shaders.js" */

/** @type {WebGLContextAttributes} */
const OPTIONS = { alpha: false, antialias: false, depth: false, preserveDrawingBuffer: true };

export class Renderer {
  /** @param {HTMLCanvasElement | OffscreenCanvas} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {LoadedPhoto | null} */
    this.loaded = null;
    /** @type {Map<string, Program>} by view and the number of faces; linking takes long */
    this.programs = new Map();
    /** Called when the browser has restored a lost context. */
    this.onRestored = () => {};
    // A computer that sleeps may lose the context. It is restored only if this handles the loss.
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      this.programs.clear();
      this.onRestored();
    });
  }

  /**
   * @param {PhotoData} data
   * @throws {StudioError} the browser has no WebGL2
   */
  load(data) {
    const gl = this.canvas.getContext("webgl2", OPTIONS);
    if (!gl) throw new StudioError("no_webgl");
    const count = countOfFaces(data);
    this.loaded?.release();
    this.loaded = new LoadedPhoto(gl, data, (view) => this.program(gl, count, view));
    // A shader that cannot be linked is told of when a photo is opened.
    this.loaded.programOf("relit");
  }

  /** @type {(gl: WebGL2RenderingContext, count: number, view: Mode) => Program} */
  program(gl, count, view) {
    const key = `${view} ${count}`;
    const program = this.programs.get(key) ?? new Program(gl, fragment(count, view));
    this.programs.set(key, program);
    return program;
  }

  /**
   * Takes the next frame of a video, on which heads and bodies lie elsewhere.
   *
   * @param {HTMLCanvasElement} frame  of the size of the view
   * @param {Place[]} places  of the heads and bodies
   */
  take(frame, places) {
    this.loaded?.take(frame, places);
  }

  /**
   * Sends what `relight` computed.
   *
   * @param {Face[]} faces
   * @param {Coefficients[]} lights  of the faces
   */
  update(faces, lights) {
    this.loaded?.update(faces, lights);
  }

  /** @param {Picture} picture */
  draw(picture) {
    this.loaded?.draw(picture);
  }

  /** Waits until the picture is drawn, so that the time it took can be measured. */
  finish() {
    this.loaded?.finish();
  }
}
