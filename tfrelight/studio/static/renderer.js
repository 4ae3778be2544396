// @ts-check
// Draws a photo with WebGL2: relit, as it is, or as one of its maps.

import { LoadedPhoto, countOfFaces } from "./loaded_photo.js";
import { StudioError } from "./requests.js";
import { VERTEX, fragment } from "./shaders.js";

/** @import { Coefficients } from "./harmonics.js" */
/** @import { Picture, Place } from "./loaded_photo.js" */
/** @import { PhotoData } from "./photo_data.js" */
/** @import { Face } from "./face.js" */

/** @type {WebGLContextAttributes} */
const OPTIONS = { alpha: false, antialias: false, depth: false, preserveDrawingBuffer: true };

export class Renderer {
  /** @param {HTMLCanvasElement | OffscreenCanvas} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {LoadedPhoto | null} */
    this.loaded = null;
    /** @type {Map<number, WebGLProgram>} by the number of faces; linking takes long */
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
    const program = this.programs.get(count) ?? linked(gl, VERTEX, fragment(count));
    this.programs.set(count, program);
    this.loaded?.release();
    this.loaded = new LoadedPhoto(gl, data, program);
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

/** @type {(gl: WebGL2RenderingContext, vertex: string, pixel: string) => WebGLProgram} */
function linked(gl, vertex, pixel) {
  const program = gl.createProgram();
  for (const [kind, source] of /** @type {[number, string][]} */ ([
    [gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, pixel],
  ])) {
    const shader = gl.createShader(kind);
    if (!shader) throw new Error("WebGL could not create a shader.");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) {
      throw new Error(gl.getShaderInfoLog(shader) ?? "WebGL could not compile a shader.");
    }
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    throw new Error(gl.getProgramInfoLog(program) ?? "WebGL could not link the shaders.");
  }
  return program;
}
