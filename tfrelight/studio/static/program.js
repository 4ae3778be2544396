// @ts-check
// A shader on the GPU.

import { VERTEX } from "./shaders.js";

export class Program {
  /**
   * @param {WebGL2RenderingContext} gl
   * @param {string} pixel  the fragment shader
   */
  constructor(gl, pixel) {
    this.gl = gl;
    this.linked = linked(gl, VERTEX, pixel);
    /** @type {Map<string, WebGLUniformLocation | null>} */
    this.locations = new Map();
  }

  /**
   * Where an input lies.
   *
   * @param {string} name
   * @returns {WebGLUniformLocation | null} null if the shader does not use it; WebGL then ignores
   *   what it is set to
   */
  location(name) {
    let found = this.locations.get(name);
    if (found === undefined) {
      found = this.gl.getUniformLocation(this.linked, name);
      this.locations.set(name, found);
    }
    return found;
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
      throw new Error(gl.getShaderInfoLog(shader) || "WebGL could not compile a shader.");
    }
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    throw new Error(gl.getProgramInfoLog(program) || "WebGL could not link the shaders.");
  }
  return program;
}
