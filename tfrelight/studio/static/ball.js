// The light sphere: a matte ball under the light, with a handle for each lamp. Inside the ball a
// handle is where the lamp's light falls straight on it; on the ring around it, behind the head.

import { toHex, toSrgb } from "./color.js";
import { angles, polynomial, shadeAt, vector } from "./harmonics.js";
import { colorOf } from "./lighting.js";

const BALL = 0.68; // radius of the ball, of half the picture
const RING = 0.92 * (1 - BALL); // width of the ring; straight behind the head is its outer edge
const ALBEDO = 0.5;
// The curve of sRGB as a table, whose steps are below one of 8 bits: a ball is drawn for every move.
const FINE = 4096;
const ENCODED = Uint8ClampedArray.from({ length: FINE + 1 }, (_, k) => 255 * toSrgb(k / FINE));
const STEPS = { ArrowLeft: [5, 0], ArrowRight: [-5, 0], ArrowUp: [0, 5], ArrowDown: [0, -5] };

// Where a direction lies, in units of half the picture, y up.
export function placeOf(azimuth, elevation) {
  const [x, y, z] = vector(azimuth, elevation);
  const across = Math.hypot(x, y);
  const behind = Math.acos(Math.min(1, across)) / (Math.PI / 2);
  const radius = z >= 0 ? BALL * across : BALL + RING * behind;
  return across < 1e-6 ? [0, z >= 0 ? 0 : radius] : [(x / across) * radius, (y / across) * radius];
}

// The direction of a place: azimuth, elevation.
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

// A ball under a light as pixels of `size`.
export function drawBall(context, light, size, fills = 1) {
  const image = context.createImageData(size, size);
  const rows = polynomial(light);
  for (let j = 0; j < size; j++) {
    for (let i = 0; i < size; i++) {
      const x = (((i + 0.5) / size) * 2 - 1) / fills;
      const y = (1 - ((j + 0.5) / size) * 2) / fills;
      const square = x * x + y * y;
      if (square >= 1) continue;
      const z = Math.sqrt(1 - square);
      const at = 4 * (j * size + i);
      for (let c = 0; c < 3; c++) {
        const value = ALBEDO * Math.max(0, shadeAt(rows[c], x, y, z));
        image.data[at + c] = ENCODED[Math.min(FINE, Math.round(FINE * value))];
      }
      image.data[at + 3] = Math.min(1, ((1 - Math.sqrt(square)) * size * fills) / 2) * 255;
    }
  }
  context.putImageData(image, 0, 0);
}

export class Ball {
  // on: { moved(azimuth, elevation, since), turned(degrees, since), chosen(index), done() }
  constructor(canvas, on) {
    Object.assign(this, { canvas, on, handles: [], active: 0, from: null });
    this.context = canvas.getContext("2d");
    this.shade = document.createElement("canvas");
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.drag(event));
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, () => this.release());
    }
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  // active: index of the lamp that moves; "scene" if the whole scene turns.
  show(state, light, active) {
    this.active = active;
    this.state = state;
    this.handles = state.lamps.map((one) => placeOf(one.azimuth, one.elevation));
    const { canvas, context, shade } = this;
    const size = canvas.width;
    // Light is smooth: a quarter of the pixels do.
    shade.width = shade.height = size / 2;
    drawBall(shade.getContext("2d"), light, size / 2, BALL);
    context.clearRect(0, 0, size, size);
    context.lineWidth = size / 160;
    context.strokeStyle = "rgba(128, 128, 128, 0.55)";
    context.beginPath();
    context.arc(size / 2, size / 2, size / 2 - context.lineWidth, 0, 7);
    context.stroke();
    context.drawImage(shade, 0, 0, size, size);
    state.lamps.forEach((one, k) => this.handle(one, k));
  }

  handle(lamp, k) {
    const { context, canvas } = this;
    const half = canvas.width / 2;
    const [x, y] = [half * (1 + this.handles[k][0]), half * (1 - this.handles[k][1])];
    const radius = half * (k === this.active ? 0.085 : 0.065);
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.fillStyle = toHex(colorOf(lamp.tint));
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

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * 2 - 1, 1 - ((event.clientY - box.top) / box.height) * 2];
  }

  press(event) {
    if (event.button !== 0) return;
    const [x, y] = this.at(event);
    this.canvas.setPointerCapture(event.pointerId);
    this.from = x;
    if (this.active === "scene") return;
    const near = this.handles.map(([a, b]) => Math.hypot(a - x, b - y));
    const closest = near.indexOf(Math.min(...near));
    if (near[closest] < 0.16) this.on.chosen(closest);
    else this.drag(event);
  }

  drag(event) {
    if (this.from === null) return;
    const [x, y] = this.at(event);
    if (this.active === "scene") {
      this.on.turned((this.from - x) * 90, event.timeStamp);
      this.from = x;
    } else if (this.handles.length > 0) {
      this.on.moved(...directionOf(x, y), event.timeStamp);
    }
  }

  release() {
    if (this.from === null) return;
    this.from = null;
    this.on.done();
  }

  key(event) {
    const step = STEPS[event.key];
    if (!step && event.key !== "Home") return;
    event.preventDefault();
    const fine = event.shiftKey ? 0.2 : 1;
    const lamp = this.state.lamps[this.active];
    if (this.active === "scene") {
      this.on.turned(step ? step[0] * fine : -this.state.scene.rotate, event.timeStamp);
    } else if (lamp) {
      const [azimuth, elevation] = step
        ? [lamp.azimuth + step[0] * fine, lamp.elevation + step[1] * fine] : [0, 0];
      this.on.moved(azimuth, Math.min(90, Math.max(-90, elevation)), event.timeStamp);
    }
    this.on.done();
  }
}
