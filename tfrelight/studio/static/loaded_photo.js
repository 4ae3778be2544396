// @ts-check
// A photo, or the frames of a video, whose textures are on the GPU, and how they are drawn.

import { shadingPolynomial } from "./harmonics.js";
import { CHANGE_LAYERS, LAYERS, MODES, countOf } from "./shaders.js";

/** @import { Face } from "./face.js" */
/** @import { FaceFacts } from "./face_maps.js" */
/** @import { Coefficients } from "./harmonics.js" */
/** @import { PhotoData } from "./photo_data.js" */
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

/** @type {(faces: Face[]) => number} the largest side of their maps, pixels */
const largest = (faces) => Math.max(1, ...faces.map(({ facts }) => facts.size));

/** @type {(data: PhotoData) => number} as the shader has them, which needs one */
export const countOfFaces = ({ faces }) => Math.max(1, faces.length);

export class LoadedPhoto {
  /**
   * @param {WebGL2RenderingContext} gl
   * @param {PhotoData} data
   * @param {WebGLProgram} program
   */
  constructor(gl, data, program) {
    this.gl = gl;
    this.data = data;
    this.program = program;
    /** @type {Map<string, WebGLUniformLocation | null>} */
    this.locations = new Map();
    this.encoded = this.photoTexture(gl.RGBA8);
    this.decoded = this.photoTexture(gl.SRGB8_ALPHA8);
    this.maps = this.mapsTexture(data.faces);
    this.changes = this.texture(gl.TEXTURE_2D_ARRAY, gl.LINEAR);
    // Smaller while something moves on a slow machine.
    this.changesSide = 0;
    this.setConstants();
  }

  /**
   * The maps of all faces. One texture holds them, because a shader may use no more than 16.
   *
   * @param {Face[]} faces
   */
  mapsTexture(faces) {
    const { gl } = this;
    const texture = this.texture(gl.TEXTURE_2D_ARRAY, gl.LINEAR);
    const side = largest(faces);
    const count = countOf(LAYERS);
    const layers = count * countOfFaces(this.data);
    gl.texStorage3D(gl.TEXTURE_2D_ARRAY, 1, gl.RGBA16F, side, side, layers);
    for (const face of faces) face.changeToAlbedo();
    faces.forEach((face, k) => {
      const { planes, facts: { size } } = face;
      const { outline_slope: slope, outline_offset: offset, share } = planes;
      const { surface_r: r, surface_g: g, surface_b: b } = planes;
      const { normal_x: x, normal_y: y, normal_z: z } = planes;
      this.send(size, count * k + LAYERS.outline, packed(slope, offset, share));
      this.send(size, count * k + LAYERS.surface, packed(r, g, b));
      this.send(size, count * k + LAYERS.normals, packed(x, y, z));
      const { part_skin: skin, hair, part_eyes: eyes, part_mouth: mouth } = planes;
      this.send(size, count * k + LAYERS.parts, packed(skin, hair, eyes, mouth));
      const { part_cloth: cloth, part_things: things } = planes;
      this.send(size, count * k + LAYERS.moreParts, packed(cloth, things));
      this.send(size, count * k + LAYERS.albedo, face.changeTexture);
      this.send(size, count * k + LAYERS.albedoFill, visibleFill(face));
    });
    return texture;
  }

  /** Sets the shader's inputs that do not depend on the light. */
  setConstants() {
    const { gl } = this;
    const { view, settings } = this.data.header;
    gl.useProgram(this.program);
    gl.uniform1i(this.location("encoded"), 0);
    gl.uniform1i(this.location("decoded"), 1);
    gl.uniform1i(this.location("maps"), 2);
    gl.uniform1i(this.location("changes"), 3);
    const sides = this.data.faces.map(({ facts }) => facts.size);
    if (sides.length > 0) gl.uniform1fv(this.location("sides"), sides);
    gl.uniform2f(this.location("size"), view.width, view.height);
    gl.uniform2fv(this.location("ramp"), settings.outline);
    gl.uniform2fv(this.location("clipped"), settings.clipped);
    gl.uniform1f(this.location("leastChannel"), settings.least_channel);
    const colours = settings.part_colours.flat().map((value) => value / 255);
    gl.uniform3fv(this.location("partColors"), colours);
    this.place(this.data.faces.map(({ facts }) => facts));
  }

  /** @param {Place[]} places  of the heads and bodies */
  place(places) {
    const { gl } = this;
    places.forEach(({ inverse, corner, bounds }, k) => {
      const [[a, b], [c, d]] = inverse;
      gl.uniformMatrix2fv(this.location(`inverses[${k}]`), false, [a, c, b, d]);
      gl.uniform2fv(this.location(`corners[${k}]`), corner);
      gl.uniform4fv(this.location(`boxes[${k}]`), bounds);
    });
  }

  /** @type {(frame: HTMLCanvasElement, places: Place[]) => void} */
  take(frame, places) {
    const { gl } = this;
    for (const texture of [this.encoded, this.decoded]) {
      this.bind(0, gl.TEXTURE_2D, texture);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, gl.RGBA, gl.UNSIGNED_BYTE, frame);
    }
    gl.useProgram(this.program);
    this.place(places);
  }

  /** @type {(name: string) => WebGLUniformLocation | null} */
  location(name) {
    let found = this.locations.get(name);
    if (found === undefined) {
      found = this.gl.getUniformLocation(this.program, name);
      this.locations.set(name, found);
    }
    return found;
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
    gl.useProgram(this.program);
    gl.uniform1fv(this.location("changeSides"), faces.map(({ facts }) => facts.size));
    lights.forEach((light, k) => {
      const [r, g, b] = shadingPolynomial(light);
      gl.uniform3fv(this.location(`light[${9 * k}]`), r.flatMap((_, j) => [r[j], g[j], b[j]]));
    });
  }

  /** @param {Picture} picture */
  draw({ view, width, height, behind, grey, split, only }) {
    const { gl } = this;
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
    gl.useProgram(this.program);
    // At full size each pixel shows one of the photo's; without mipmaps, drawing in software takes
    // a fifth of the time.
    const atFullSize = width === full.width && height === full.height;
    const filter = atFullSize ? gl.NEAREST : this.smaller;
    [this.encoded, this.decoded].forEach((texture, unit) => {
      this.bind(unit, gl.TEXTURE_2D, texture);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, filter);
    });
    this.bind(2, gl.TEXTURE_2D_ARRAY, this.maps);
    this.bind(3, gl.TEXTURE_2D_ARRAY, this.changes);
    gl.uniform1i(this.location("mapLayer"), mapLayer(view));
    gl.uniform1i(this.location("mode"), MODES[view]);
    gl.uniform2f(this.location("drawn"), width, height);
    gl.uniform1f(this.location("split"), split);
    gl.uniform1i(this.location("grey"), Number(grey && (view === "relit" || view === "split")));
    gl.uniform3fv(this.location("behind"), view === "albedo" ? [0, 0, 0] : behind);
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
    if (pixels) gl.generateMipmap(gl.TEXTURE_2D);
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

/** @type {(view: Mode) => number} the layer that a view shows, or -1 for the light's change */
function mapLayer(view) {
  if (view === "albedo") return LAYERS.albedo;
  return view === "normals" || view === "shading" ? LAYERS.normals : -1;
}

/**
 * At most four planes as channels of a texture `[S, S, 4]`.
 *
 * @param {...Float32Array} planes
 */
function packed(...planes) {
  const values = new Float32Array(4 * planes[0].length);
  planes.forEach((plane, c) => plane.forEach((value, k) => (values[4 * k + c] = value)));
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
