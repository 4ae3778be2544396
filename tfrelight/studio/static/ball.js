// @ts-check
// The light sphere: a matte ball under the light, with a handle for each lamp. A handle on the ball
// lies where the lamp shines straight at the surface; the ring around the ball is behind the head.

import { toHex, toSrgb } from "./color.js";
import { context2d, element } from "./dom.js";
import { angles, directionVector, shadeAt, shadingPolynomial } from "./harmonics.js";
import { tintColor } from "./lighting.js";

/** @import { Coefficients } from "./harmonics.js" */
/** @import { Lamp, State } from "./lighting.js" */

/**
 * Callbacks for what people do with the ball. `since`: time of the event, milliseconds.
 *
 * @typedef {object} BallEvents
 * @property {(azimuth: number, elevation: number, since: number) => void} moved  the active lamp,
 *   to a direction in degrees
 * @property {(degrees: number, since: number) => void} turned  the scene, by degrees to the left
 * @property {(index: number) => void} chosen  another lamp
 * @property {() => void} done  the movement ended
 */

/** @typedef {number | "scene"} Active index of the lamp that the controls move, or the scene */

// Lengths are shares of half the picture.
const BALL = 0.68; // radius of the ball
const RING = 0.92 * (1 - BALL); // width of the ring; its outer edge is straight behind the head
const ALBEDO = 0.5;
// Distance from a handle at which a press still picks it.
const REACH = 0.16;
// sRGB's curve as a table, with steps finer than 8 bits: the ball is drawn at every move.
const STEPS = 4096;
const ENCODED = Uint8ClampedArray.from({ length: STEPS + 1 }, (_, k) => 255 * toSrgb(k / STEPS));
/** @type {Record<string, [number, number]>} degrees of azimuth and elevation a key */
const KEYS = { ArrowLeft: [5, 0], ArrowRight: [-5, 0], ArrowUp: [0, 5], ArrowDown: [0, -5] };

/**
 * Where a direction lies on the ball or its ring.
 *
 * @param {number} azimuth  degrees
 * @param {number} elevation  degrees
 * @returns {[number, number]} x to the right and y up, in units of half the picture
 */
export function placeOf(azimuth, elevation) {
  const [x, y, z] = directionVector(azimuth, elevation);
  const across = Math.hypot(x, y);
  const behind = Math.acos(Math.min(1, across)) / (Math.PI / 2);
  const radius = z >= 0 ? BALL * across : BALL + RING * behind;
  if (across < 1e-6) return [0, z >= 0 ? 0 : radius];
  return [(x / across) * radius, (y / across) * radius];
}

/**
 * The direction that lies at a place; the inverse of `placeOf`.
 *
 * @param {number} x
 * @param {number} y
 * @returns {[number, number]} azimuth and elevation, degrees
 */
export function directionOf(x, y) {
  const radius = Math.hypot(x, y);
  if (radius <= BALL) {
    const [u, v] = [x / BALL, y / BALL];
    return angles([u, v, Math.sqrt(Math.max(0, 1 - u * u - v * v))]);
  }
  const behind = Math.min(1, (radius - BALL) / RING) * (Math.PI / 2);
  const across = Math.cos(behind);
  return angles([(x / radius) * across, (y / radius) * across, -Math.sin(behind)]);
}

/**
 * Draws a ball under a light.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Coefficients} light
 * @param {number} size  of the picture, pixels
 * @param {number} [radius]  of the ball, in units of half the picture
 */
export function drawBall(context, light, size, radius = 1) {
  const image = context.createImageData(size, size);
  const polynomial = shadingPolynomial(light);
  for (let j = 0; j < size; j++) {
    for (let i = 0; i < size; i++) {
      const x = (((i + 0.5) / size) * 2 - 1) / radius;
      const y = (1 - ((j + 0.5) / size) * 2) / radius;
      const square = x * x + y * y;
      if (square >= 1) continue;
      const z = Math.sqrt(1 - square);
      const at = 4 * (j * size + i);
      for (let c = 0; c < 3; c++) {
        const value = ALBEDO * Math.max(0, shadeAt(polynomial[c], x, y, z));
        image.data[at + c] = ENCODED[Math.min(STEPS, Math.round(STEPS * value))];
      }
      // The edge fades over a pixel.
      image.data[at + 3] = Math.min(1, ((1 - Math.sqrt(square)) * size * radius) / 2) * 255;
    }
  }
  context.putImageData(image, 0, 0);
}

export class Ball {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {BallEvents} events
   */
  constructor(canvas, events) {
    this.canvas = canvas;
    this.events = events;
    this.context = context2d(canvas);
    this.shaded = element("canvas");
    /** @type {[number, number][]} places of the lamps */
    this.handles = [];
    /** @type {Active} */
    this.active = 0;
    /** @type {State | null} */
    this.state = null;
    /** @type {number | null} last x of the drag; null without a drag */
    this.dragged = null;
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.drag(event));
    canvas.addEventListener("pointerup", () => this.release());
    canvas.addEventListener("pointercancel", () => this.release());
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  /**
   * @param {State} state
   * @param {Coefficients} light  of the state
   * @param {Active} active
   */
  show(state, light, active) {
    this.active = active;
    this.state = state;
    this.handles = state.lamps.map((one) => placeOf(one.azimuth, one.elevation));
    const { canvas, context, shaded } = this;
    const size = canvas.width;
    // Shading is smooth: half the resolution is enough.
    shaded.width = shaded.height = size / 2;
    drawBall(context2d(shaded), light, size / 2, BALL);
    context.clearRect(0, 0, size, size);
    context.lineWidth = size / 160;
    context.strokeStyle = "rgba(128, 128, 128, 0.55)";
    context.beginPath();
    context.arc(size / 2, size / 2, size / 2 - context.lineWidth, 0, 7);
    context.stroke();
    context.drawImage(shaded, 0, 0, size, size);
    state.lamps.forEach((one, k) => this.drawHandle(one, k));
  }

  /**
   * @param {Lamp} lamp
   * @param {number} k  its index
   */
  drawHandle(lamp, k) {
    const { context, canvas } = this;
    const half = canvas.width / 2;
    const [x, y] = [half * (1 + this.handles[k][0]), half * (1 - this.handles[k][1])];
    const radius = half * (k === this.active ? 0.085 : 0.065);
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.fillStyle = toHex(tintColor(lamp.tint));
    context.fill();
    context.lineWidth = half / 36;
    context.strokeStyle = k === this.active ? "#e8590c" : "#444";
    context.stroke();
    context.fillStyle = "#111";
    context.font = `600 ${Math.round(radius * 1.15)}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(String(k + 1), x, y + radius * 0.08);
  }

  /**
   * @param {PointerEvent} event
   * @returns {[number, number]} its place, as `placeOf` gives them
   */
  placeAt(event) {
    const box = this.canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * 2 - 1,
      1 - ((event.clientY - box.top) / box.height) * 2,
    ];
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button !== 0) return;
    const [x, y] = this.placeAt(event);
    this.canvas.setPointerCapture(event.pointerId);
    this.dragged = x;
    if (this.active === "scene") return;
    const distances = this.handles.map(([a, b]) => Math.hypot(a - x, b - y));
    const closest = distances.indexOf(Math.min(...distances));
    if (distances[closest] < REACH) this.events.chosen(closest);
    else this.drag(event);
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (this.dragged === null) return;
    const [x, y] = this.placeAt(event);
    if (this.active === "scene") {
      this.events.turned((this.dragged - x) * 90, event.timeStamp);
      this.dragged = x;
    } else if (this.handles.length > 0) {
      this.events.moved(...directionOf(x, y), event.timeStamp);
    }
  }

  release() {
    if (this.dragged === null) return;
    this.dragged = null;
    this.events.done();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = KEYS[event.key];
    if (!this.state || (!step && event.key !== "Home")) return;
    event.preventDefault();
    const fine = event.shiftKey ? 0.2 : 1;
    const { lamps, scene } = this.state;
    if (this.active === "scene") {
      this.events.turned(step ? step[0] * fine : -(scene?.rotate ?? 0), event.timeStamp);
    } else if (lamps[this.active]) {
      const lamp = lamps[this.active];
      const [azimuth, elevation] = step
        ? [lamp.azimuth + step[0] * fine, lamp.elevation + step[1] * fine] : [0, 0];
      this.events.moved(azimuth, Math.min(90, Math.max(-90, elevation)), event.timeStamp);
    }
    this.events.done();
  }
}
