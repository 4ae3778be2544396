// @ts-check
// A photo, or the frames of a video, whose textures are on the GPU, and how they are drawn.

import { shadingPolynomial } from "./harmonics.js";
import { CHANGE_LAYERS, LAYERS, countOf, layersOf } from "./shaders.js";

/** @import { Face } from "./face.js" */
/** @import { FaceFacts, Planes } from "./face_maps.js" */
/** @import { Coefficients } from "./harmonics.js" */
/** @import { PhotoData } from "./photo_data.js" */
/** @import { Program } from "./program.js" */
/** @import { Mode } from "./shaders.js" */

/**
 * @typedef {object} Picture
 * @property {Mode} view
 * @property {number} width  pixels
 * @property {number} height  pixels
 * @property {number[]} behind  `[3]` factors of the background, linear
 * @property {boolean} grey  whether what is relit is shown without colour
 * @property {number} split  share of the width that shows the photo in the view "split"
 * @property {number[] | null} only  the box (left, top, right, bottom, pixels of the preview) that
 *   has changed since the last picture; null if everything has
 */

/** @typedef {Pick<FaceFacts, "corner" | "inverse" | "bounds">} Place */

/** @typedef {keyof typeof LAYERS} Layer */

/** @type {(faces: Face[]) => number} the largest side of their maps, pixels */
const largest = (faces) => Math.max(1, ...faces.map(({ facts }) => facts.size));

/** @type {(data: PhotoData) => number} as the shader has them, which needs one */
export const countOfFaces = ({ faces }) => Math.max(1, faces.length);

export class LoadedPhoto {
  /**
   * @param {WebGL2RenderingContext} gl
   * @param {PhotoData} data
   * @param {(view: Mode) => Program} programOf
   */
  constructor(gl, data, programOf) {
    this.gl = gl;
    this.data = data;
    this.programOf = programOf;
    // Mipmaps take long to make, and pictures of full size need none.
    this.hasMipmaps = false;
    this.encoded = this.photoTexture(gl.RGBA8);
    this.decoded = this.photoTexture(gl.SRGB8_ALPHA8);
    this.maps = this.texture(gl.TEXTURE_2D_ARRAY, gl.LINEAR);
    const side = largest(data.faces);
    const layers = countOf(LAYERS) * countOfFaces(data);
    // One texture holds the maps of all faces, because a shader may use no more than 16.
    gl.texStorage3D(gl.TEXTURE_2D_ARRAY, 1, gl.RGBA16F, side, side, layers);
    /** @type {Set<Layer>} that it holds */
    this.sent = new Set();
    this.changes = this.texture(gl.TEXTURE_2D_ARRAY, gl.LINEAR);
    // Smaller while something moves on a slow machine.
    this.changesSide = 0;
    /** @type {number[]} of each face's part of `changes` */
    this.changeSides = [];
    /** @type {Place[]} of the heads and bodies */
    this.places = data.faces.map(({ facts }) => facts);
    /** @type {Coefficients[]} of the faces */
    this.lights = [];
  }

  /**
   * Sends the maps that a view needs, once.
   *
   * @param {Layer[]} layers
   */
  prepare(layers) {
    const missing = layers.filter((layer) => !this.sent.has(layer));
    if (missing.length === 0) return;
    this.bind(2, this.gl.TEXTURE_2D_ARRAY, this.maps);
    this.data.faces.forEach((face, k) => {
      const { size } = face.facts;
      if (missing.includes("albedo")) face.changeToAlbedo();
      for (const layer of missing) {
        this.send(size, countOf(LAYERS) * k + LAYERS[layer], valuesOf(face, layer));
      }
    });
    for (const layer of missing) this.sent.add(layer);
  }

  /**
   * Sets the shader's inputs.
   *
   * @param {Program} program
   * @param {Picture} picture
   */
  setInputs(program, { view, width, height, behind, grey, split }) {
    const { gl, data: { header, faces } } = this;
    const { settings } = header;
    gl.useProgram(program.linked);
    /** @type {(name: string) => WebGLUniformLocation | null} */
    const input = (name) => program.location(name);
    ["encoded", "decoded", "maps", "changes"].forEach((name, unit) =>
      gl.uniform1i(input(name), unit),
    );
    gl.uniform2f(input("size"), header.view.width, header.view.height);
    gl.uniform2f(input("drawn"), width, height);
    gl.uniform2fv(input("ramp"), settings.outline);
    gl.uniform2fv(input("clipped"), settings.clipped);
    gl.uniform1f(input("leastChannel"), settings.least_channel);
    const colours = settings.part_colours.flat().map((value) => value / 255);
    gl.uniform3fv(input("partColors"), colours);
    gl.uniform1f(input("split"), split);
    gl.uniform1i(input("grey"), Number(grey && (view === "relit" || view === "split")));
    gl.uniform3fv(input("behind"), view === "albedo" ? [0, 0, 0] : behind);
    if (faces.length === 0) return;
    gl.uniform1fv(input("sides"), faces.map(({ facts }) => facts.size));
    gl.uniform1fv(input("changeSides"), this.changeSides);
    this.places.forEach(({ inverse, corner, bounds }, k) => {
      const [[a, b], [c, d]] = inverse;
      gl.uniformMatrix2fv(input(`inverses[${k}]`), false, [a, c, b, d]);
      gl.uniform2fv(input(`corners[${k}]`), corner);
      gl.uniform4fv(input(`boxes[${k}]`), bounds);
    });
    this.lights.forEach((light, k) => {
      const [r, g, b] = shadingPolynomial(light);
      gl.uniform3fv(input(`light[${9 * k}]`), r.flatMap((_, j) => [r[j], g[j], b[j]]));
    });
  }

  /** @type {(frame: HTMLCanvasElement, places: Place[]) => void} */
  take(frame, places) {
    const { gl } = this;
    for (const texture of [this.encoded, this.decoded]) {
      this.bind(0, gl.TEXTURE_2D, texture);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, gl.RGBA, gl.UNSIGNED_BYTE, frame);
    }
    this.places = places;
  }

  /** @type {(faces: Face[], lights: Coefficients[]) => void} */
  update(faces, lights) {
    const { gl } = this;
    this.bind(0, gl.TEXTURE_2D_ARRAY, this.changes);
    const side = largest(faces);
    const count = countOf(CHANGE_LAYERS);
    if (this.changesSide !== side) {
      this.changesSide = side;
      gl.texImage3D(
        gl.TEXTURE_2D_ARRAY, 0, gl.RGBA16F, side, side, count * countOfFaces(this.data), 0, gl.RGBA,
        gl.FLOAT, null,
      );
    }
    faces.forEach((face, k) => {
      const { size } = face.facts;
      this.send(size, count * k + CHANGE_LAYERS.change, face.changeTexture);
      this.send(size, count * k + CHANGE_LAYERS.fill, visibleFill(face));
    });
    this.changeSides = faces.map(({ facts }) => facts.size);
    this.lights = lights;
  }

  /** @param {Picture} picture */
  draw(picture) {
    const { gl } = this;
    const { view, width, height, only } = picture;
    // It is drawn once the browser has given its graphics back.
    if (gl.isContextLost()) return;
    this.prepare(layersOf(view));
    const full = this.data.header.view;
    const resized = gl.canvas.width !== width || gl.canvas.height !== height;
    if (resized) {
      gl.canvas.width = width;
      gl.canvas.height = height;
    }
    if (only && !resized) {
      const [left, top, right, bottom] = only.map(
        (side, k) => side * (k % 2 ? height / full.height : width / full.width),
      );
      gl.enable(gl.SCISSOR_TEST);
      // WebGL counts rows from the bottom.
      gl.scissor(
        Math.floor(left), Math.floor(height - bottom),
        Math.ceil(right - left) + 1, Math.ceil(bottom - top) + 1,
      );
    } else {
      gl.disable(gl.SCISSOR_TEST);
    }
    gl.viewport(0, 0, width, height);
    this.setInputs(this.programOf(view), picture);
    // At full size each pixel shows one of the photo's; without mipmaps, drawing in software takes
    // a fifth of the time.
    const atFullSize = width === full.width && height === full.height;
    const filter = atFullSize ? gl.NEAREST : this.smaller;
    [this.encoded, this.decoded].forEach((texture, unit) => {
      this.bind(unit, gl.TEXTURE_2D, texture);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, filter);
      if (filter === gl.LINEAR_MIPMAP_LINEAR && !this.hasMipmaps) gl.generateMipmap(gl.TEXTURE_2D);
    });
    this.hasMipmaps ||= filter === gl.LINEAR_MIPMAP_LINEAR;
    this.bind(2, gl.TEXTURE_2D_ARRAY, this.maps);
    this.bind(3, gl.TEXTURE_2D_ARRAY, this.changes);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  finish() {
    const { gl } = this;
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
  }

  /** @type {(unit: number, target: number, texture: WebGLTexture) => void} */
  bind(unit, target, texture) {
    this.gl.activeTexture(this.gl.TEXTURE0 + unit);
    this.gl.bindTexture(target, texture);
  }

  /** The filter for a photo that is drawn smaller. Frames of a video have no time for mipmaps. */
  get smaller() {
    return this.data.pixels ? this.gl.LINEAR_MIPMAP_LINEAR : this.gl.LINEAR;
  }

  /** @param {number} format  WebGL's internal format */
  photoTexture(format) {
    const { gl } = this;
    const { pixels, header } = this.data;
    const { width, height } = header.view;
    const texture = this.texture(gl.TEXTURE_2D, this.smaller);
    gl.texImage2D(
      gl.TEXTURE_2D, 0, format, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, pixels,
    );
    return texture;
  }

  /**
   * Fills a layer of the bound texture.
   *
   * @param {number} size  of the map, pixels
   * @param {number} layer
   * @param {Float32Array} values  `[size, size, 4]`
   */
  send(size, layer, values) {
    const { gl } = this;
    const target = gl.TEXTURE_2D_ARRAY;
    gl.texSubImage3D(target, 0, 0, 0, layer, size, size, 1, gl.RGBA, gl.FLOAT, values);
  }

  /**
   * Makes a texture and binds it.
   *
   * @param {number} target  a plain texture, or one with layers
   * @param {number} smaller  filter for textures that are drawn smaller than they are
   */
  texture(target, smaller) {
    const { gl } = this;
    const texture = gl.createTexture();
    this.bind(0, target, texture);
    gl.texParameteri(target, gl.TEXTURE_MIN_FILTER, smaller);
    gl.texParameteri(target, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
    gl.texParameteri(target, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(target, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    return texture;
  }

  release() {
    const { gl } = this;
    const { encoded, decoded, maps, changes } = this;
    for (const texture of [encoded, decoded, maps, changes]) gl.deleteTexture(texture);
  }
}

/** @type {Record<Exclude<Layer, "albedo" | "albedoFill">, (keyof Planes)[]>} in its channels */
const PLANES = {
  outline: ["outline_slope", "outline_offset", "share"],
  surface: ["surface_r", "surface_g", "surface_b"],
  normals: ["normal_x", "normal_y", "normal_z"],
  parts: ["part_skin", "hair", "part_eyes", "part_mouth"],
  moreParts: ["part_cloth", "part_things"],
};

/** @type {(face: Face, layer: Layer) => Float32Array} */
function valuesOf(face, layer) {
  if (layer === "albedo") return face.changeTexture;
  if (layer === "albedoFill") return visibleFill(face);
  return packed(...PLANES[layer].map((name) => face.planes[name]));
}

/**
 * At most four planes as channels of a texture `[S, S, 4]`.
 *
 * @param {...Float32Array} planes
 */
function packed(...planes) {
  const values = new Float32Array(4 * planes[0].length);
  planes.forEach((plane, c) => {
    for (let k = 0; k < plane.length; k++) values[4 * k + c] = plane[k];
  });
  return values;
}

/**
 * The fill of a face. If none of it is visible its shares become 0.
 *
 * @param {Face} face
 */
function visibleFill(face) {
  const values = face.fillTexture;
  if (!face.lossy) for (let k = 3; k < values.length; k += 4) values[k] = 0;
  return values;
}
