// Draws a scene with WebGL2: the photo under a light, or one of its maps.

import { polynomial } from "./harmonics.js";
import { Problem } from "./net.js";
import { WHITE_LIGHT } from "./relighting.js";
import { MODES, VERTEX, fragment } from "./shaders.js";

export class Renderer {
  constructor(canvas) {
    Object.assign(this, { canvas, gl: null, scene: null, program: null, places: new Map() });
    // A system that sleeps may take the graphics away and give them back.
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
  }

  load(scene) {
    const options = { alpha: false, antialias: false, depth: false, preserveDrawingBuffer: true };
    this.gl ??= this.canvas.getContext("webgl2", options);
    if (!this.gl) throw new Problem("This browser has no WebGL2, which the live picture takes. Use a newer one.");
    this.release();
    const { gl } = this;
    this.scene = scene;
    this.program = this.link(VERTEX, fragment(scene.faces.length));
    const { width, height } = scene.header.view;
    this.encoded = this.picture(gl.RGBA8, width, height, scene.pixels);
    this.decoded = this.picture(gl.SRGB8_ALPHA8, width, height, scene.pixels);
    this.faces = scene.faces.map((face) => {
      const { size } = face.facts;
      const { outline_slope: a, outline_offset: b, share } = face.planes;
      const { normal_x: x, normal_y: y, normal_z: z } = face.planes;
      face.change(WHITE_LIGHT);
      return {
        outline: this.map(size, packed(a, b, share)),
        normals: this.map(size, packed(x, y, z)),
        albedo: this.map(size, face.changeTexture),
        albedoFill: this.map(size, filling(face)),
        change: this.map(size, null),
        fill: this.map(size, null),
      };
    });
    this.fixed();
  }

  // What of the shader's inputs stays as long as the photo does.
  fixed() {
    const { gl, scene } = this;
    const facts = scene.faces.map((face) => face.facts);
    gl.useProgram(this.program);
    gl.uniform1i(this.at("encoded"), 0);
    gl.uniform1i(this.at("decoded"), 1);
    gl.uniform2f(this.at("size"), scene.header.view.width, scene.header.view.height);
    gl.uniform2f(this.at("ramp"), ...scene.header.settings.outline);
    facts.forEach(({ inverse: [[a, b], [c, d]], corner, bounds }, k) => {
      gl.uniformMatrix2fv(this.at(`inverses[${k}]`), false, [a, c, b, d]);
      gl.uniform2f(this.at(`corners[${k}]`), ...corner);
      gl.uniform4f(this.at(`boxes[${k}]`), ...bounds);
      ["outline", "change", "fill"].forEach((name, j) => gl.uniform1i(this.at(`${name}${k}`), 2 + 3 * k + j));
    });
  }

  at(name) {
    if (!this.places.has(name)) this.places.set(name, this.gl.getUniformLocation(this.program, name));
    return this.places.get(name);
  }

  // Sends what `relight` made of each face; of smaller ones, if they are `halved`.
  update(faces, lights) {
    const { gl } = this;
    faces.forEach((face, k) => {
      const { size } = face.facts;
      gl.activeTexture(gl.TEXTURE0);
      for (const [name, values] of [["change", face.changeTexture], ["fill", filling(face)]]) {
        gl.bindTexture(gl.TEXTURE_2D, this.faces[k][name]);
        this.send(size, values);
      }
    });
    gl.useProgram(this.program);
    lights.forEach((light, k) => {
      const rows = polynomial(light);
      gl.uniform3fv(this.at(`light[${9 * k}]`), rows[0].flatMap((_, j) => rows.map((row) => row[j])));
    });
  }

  // width, height: of the drawing, pixels; behind: factors of what is no face; only: the box of the
  // photo that has changed since the last drawing, or null.
  draw(mode, { width, height }, behind, split, only = null) {
    const { gl, canvas, scene } = this;
    const { view } = scene.header;
    const same = canvas.width === width && canvas.height === height;
    if (!same) {
      canvas.width = width;
      canvas.height = height;
    }
    if (only && same) {
      const [left, top, right, bottom] = only.map((side, k) => (side * (k % 2 ? height / view.height : width / view.width)));
      gl.enable(gl.SCISSOR_TEST);
      gl.scissor(Math.floor(left), Math.floor(height - bottom), Math.ceil(right - left) + 1, Math.ceil(bottom - top) + 1);
    } else {
      gl.disable(gl.SCISSOR_TEST);
    }
    gl.viewport(0, 0, width, height);
    gl.useProgram(this.program);
    const bind = (unit, texture) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, texture);
    };
    // At the photo's own size a pixel is one of its; software takes a fifth of the time for that.
    const filter = width === view.width && height === view.height ? gl.NEAREST : gl.LINEAR_MIPMAP_LINEAR;
    [this.encoded, this.decoded].forEach((texture, unit) => {
      bind(unit, texture);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, filter);
    });
    this.faces.forEach((face, k) => {
      const other = { albedo: face.albedo, normals: face.normals, shading: face.normals }[mode];
      bind(2 + 3 * k, face.outline);
      bind(3 + 3 * k, other ?? face.change);
      bind(4 + 3 * k, mode === "albedo" ? face.albedoFill : face.fill);
    });
    gl.uniform1i(this.at("mode"), MODES[mode]);
    gl.uniform2f(this.at("drawn"), width, height);
    gl.uniform1f(this.at("split"), split);
    gl.uniform3f(this.at("behind"), ...(mode === "albedo" ? [0, 0, 0] : behind));
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  // Waits until the picture is drawn, so that its time can be told.
  finish() {
    this.gl.readPixels(0, 0, 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, new Uint8Array(4));
  }

  picture(kind, width, height, pixels) {
    const { gl } = this;
    const texture = this.texture(gl.LINEAR_MIPMAP_LINEAR);
    gl.texImage2D(gl.TEXTURE_2D, 0, kind, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    gl.generateMipmap(gl.TEXTURE_2D);
    return texture;
  }

  map(size, values) {
    const texture = this.texture(this.gl.LINEAR);
    this.send(size, values);
    return texture;
  }

  send(size, values) {
    const { gl } = this;
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA16F, size, size, 0, gl.RGBA, gl.FLOAT, values);
  }

  texture(smaller) {
    const { gl } = this;
    const texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, smaller);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    return texture;
  }

  link(...sources) {
    const { gl } = this;
    const program = gl.createProgram();
    [gl.VERTEX_SHADER, gl.FRAGMENT_SHADER].forEach((kind, k) => {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, sources[k]);
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
      gl.attachShader(program, shader);
    });
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
    return program;
  }

  release() {
    if (!this.scene) return;
    const { gl } = this;
    [this.encoded, this.decoded, ...this.faces.flatMap(Object.values)].forEach((one) => gl.deleteTexture(one));
    gl.deleteProgram(this.program);
    this.places.clear();
    this.scene = null;
  }
}

function packed(...planes) {
  const values = new Float32Array(4 * planes[0].length);
  planes.forEach((plane, c) => plane.forEach((value, k) => (values[4 * k + c] = value)));
  return values;
}

// Where next to nothing is lost the photo is kept: a share of 0.
function filling(face) {
  const values = face.fillTexture;
  if (!face.lossy) for (let k = 3; k < values.length; k += 4) values[k] = 0;
  return values;
}
