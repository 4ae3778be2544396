import assert from "node:assert/strict";
import test from "node:test";

import { Ball, directionOf, drawBall, placeOf } from "../../../tfrelight/studio/static/ball.js";
import { toSrgb } from "../../../tfrelight/studio/static/color.js";
import { even, shadeAt, shadingPolynomial } from
  "../../../tfrelight/studio/static/harmonics.js";
import { defaultState } from "../../../tfrelight/studio/static/lighting.js";
import { assertClose, harmonicsOf, lampOf, stateWith } from "./helpers.js";
import { stub } from "./stub.js";

/** A canvas's context that notes its images and its texts. */
function contextOf(noted) {
  const note = (name) => (...given) => noted.push([name, ...given]);
  return {
    createImageData: (width, height) => ({ data: new Uint8ClampedArray(4 * width * height) }),
    putImageData: (image, x, y) => noted.push(["image", image.data, x, y]),
    fillText: note("text"), arc: note("arc"), drawImage: note("draw"),
    clearRect() {}, beginPath() {}, stroke() {}, fill() {},
  };
}

test("a place on the ball or its ring has the direction that lies there", () => {
  for (let azimuth = -170; azimuth <= 170; azimuth += 20) {
    for (const elevation of [-60, -10, 5, 70]) {
      const place = placeOf(azimuth, elevation);
      assertClose(directionOf(...place), [azimuth, elevation], 1e-5);
      // In front of the head on the ball, behind it on the ring.
      assert.equal(Math.hypot(...place) <= 0.68 + 1e-9, Math.abs(azimuth) <= 90);
      assert.ok(Math.hypot(...place) <= 1);
    }
  }
});

test("a lamp on the left is drawn on the left, one above is drawn above", () => {
  assert.ok(placeOf(40, 0)[0] < -0.1 && placeOf(-40, 0)[0] > 0.1);
  assert.ok(placeOf(0, 40)[1] > 0.1 && placeOf(0, -40)[1] < -0.1);
  assert.deepEqual(placeOf(0, 0), [0, 0]);
  assertClose(placeOf(180, 0), [0, 0.68 + 0.92 * 0.32], 1e-9);
  assertClose(directionOf(2, 0).map(Math.abs), [180, 0], 1e-9);
});

test("a ball is shaded as its normals are, with a soft edge and nothing around it", () => {
  const size = 20;
  const noted = [];
  const context = contextOf(noted);
  const light = harmonicsOf(50, 30, 0, [1.5, 1, 0.2]);
  drawBall(context, light, size);
  const [, image, ...corner] = noted.pop();
  assert.deepEqual(corner, [0, 0]);
  const pixel = (pixels, x, y) => [...pixels.slice(4 * (y * size + x), 4 * (y * size + x) + 4)];
  for (const [column, row] of [[10, 10], [4, 7], [12, 3], [6, 14]]) {
    const [x, y] = [(column + 0.5) / 10 - 1, 1 - (row + 0.5) / 10];
    const z = Math.sqrt(1 - x * x - y * y);
    const shading = shadingPolynomial(light).map((p) => shadeAt(p, x, y, z));
    const wanted = shading.map((value) => 255 * toSrgb(0.5 * Math.max(0, value)));
    assertClose(pixel(image, column, row), [...wanted, 255], 1, `${column}, ${row}`);
  }
  assert.deepEqual(pixel(image, 0, 0), [0, 0, 0, 0]);
  const edge = pixel(image, 19, 10)[3];
  assert.ok(edge > 0 && edge < 255);
  drawBall(context, even([9, 9, 9]), size, 0.5);
  const [, small] = noted.pop();
  assert.deepEqual(pixel(small, 10, 10), [255, 255, 255, 255]);
  assert.deepEqual(pixel(small, 2, 10), [0, 0, 0, 0]);
});

/** A ball of 100 pixels at (10, 20) in the window, and what it does. */
function started(context, given = {}, active = 0) {
  const [calls, drawn, listeners] = [[], [], {}];
  stub(context, "document", {
    createElement: (tag) => ({ tag, append() {}, getContext: () => contextOf([]) }),
  });
  const canvas = {
    width: 100,
    getContext: () => contextOf(drawn),
    getBoundingClientRect: () => ({ left: 10, top: 20, width: 100, height: 100 }),
    setPointerCapture: (id) => calls.push(["capture", id]),
    addEventListener: (name, listener) => (listeners[name] = listener),
  };
  const note = (name) => (...values) => calls.push([name, ...values]);
  const names = ["moved", "turned", "chosen", "done"];
  const ball = new Ball(canvas, Object.fromEntries(names.map((name) => [name, note(name)])));
  const state = stateWith(defaultState, given);
  const light = even([1, 1, 1]);
  ball.show(state, light, active);
  const point = (name, x, y, more = {}) =>
    listeners[name]({
      clientX: 10 + 50 * (1 + x), clientY: 20 + 50 * (1 - y), button: 0, pointerId: 5,
      timeStamp: 7, ...more,
    });
  const key = (name, more = {}) => {
    let prevented = false;
    const preventDefault = () => (prevented = true);
    listeners.keydown({ key: name, timeStamp: 7, preventDefault, ...more });
    return prevented;
  };
  return { ball, calls, drawn, point, key };
}

test("the active lamp follows the pointer until it is released", (context) => {
  const { calls, point } = started(context);
  point("pointermove", 0.1, 0.1);
  point("pointerup", 0.1, 0.1);
  point("pointerdown", 0.1, 0.1, { button: 2 });
  assert.deepEqual(calls, []);
  point("pointerdown", 0.3, -0.2);
  point("pointermove", 0.4, 0.8);
  point("pointercancel", 0.4, 0.8);
  point("pointermove", 0, 0);
  assert.deepEqual(calls.map(([name]) => name), ["capture", "moved", "moved", "done"]);
  assert.equal(calls[0][1], 5);
  assertClose(calls[1].slice(1), [...directionOf(0.3, -0.2), 7], 1e-9);
  assertClose(calls[2].slice(1), [...directionOf(0.4, 0.8), 7], 1e-9);
});

test("a press near a handle picks its lamp", (context) => {
  const lamps = [lampOf({ azimuth: 60 }), lampOf({ azimuth: -60 }), lampOf({ elevation: 80 })];
  const { calls, point } = started(context, { lamps });
  const [x, y] = placeOf(-60, 0);
  point("pointerdown", x + 0.1, y - 0.1);
  assert.deepEqual(calls.slice(1), [["chosen", 1]]);
  point("pointerup", 0, 0);
  point("pointerdown", x + 0.12, y - 0.12);
  assert.equal(calls.at(-1)[0], "moved");
});

test("without lamps there is nothing to drag", (context) => {
  const { calls, point } = started(context, { lamps: [] });
  point("pointerdown", 0, 0);
  point("pointermove", 0.1, 0);
  assert.deepEqual(calls.map(([name]) => name), ["capture"]);
});

test("a scene turns with the pointer", (context) => {
  const scene = { rotate: 30 };
  const { calls, point, key } = started(context, { lamps: [lampOf()], scene }, "scene");
  point("pointerdown", 0, 0.3);
  point("pointermove", 0.5, 0);
  point("pointermove", 0.25, 0.9);
  assertClose(calls.slice(1).map(([, by]) => by), [-45, 22.5], 1e-9);
  assert.deepEqual(calls.slice(1).map(([name, , since]) => [name, since]), [
    ["turned", 7], ["turned", 7],
  ]);
  calls.length = 0;
  key("ArrowLeft");
  key("ArrowRight", { shiftKey: true });
  key("Home");
  const turns = calls.filter(([name]) => name === "turned");
  assert.deepEqual(turns, [["turned", 5, 7], ["turned", -1, 7], ["turned", -30, 7]]);
});

test("keys move the active lamp", (context) => {
  const lamps = [lampOf(), lampOf({ azimuth: 40, elevation: 88 })];
  const { calls, key } = started(context, { lamps }, 1);
  assert.equal(key("a"), false);
  assert.deepEqual(calls, []);
  assert.equal(key("ArrowLeft"), true);
  key("ArrowRight", { shiftKey: true });
  key("ArrowUp");
  key("ArrowDown", { shiftKey: true });
  key("Home");
  assert.deepEqual(calls.filter(([name]) => name === "moved").map((call) => call.slice(1)), [
    [45, 88, 7], [39, 88, 7], [40, 90, 7], [40, 87, 7], [0, 0, 7],
  ]);
  assert.equal(calls.filter(([name]) => name === "done").length, 5);
});

test("handles lie where the lamps are, numbered", (context) => {
  const lamps = [lampOf({ azimuth: 60, elevation: 20 }), lampOf({ azimuth: 150 })];
  const { drawn } = started(context, { lamps }, 1);
  const handles = drawn.filter(([name]) => name === "arc").slice(-2);
  lamps.forEach(({ azimuth, elevation }, k) => {
    const [x, y] = placeOf(azimuth, elevation);
    assertClose(handles[k].slice(1, 3), [50 + 50 * x, 50 - 50 * y], 1e-9);
  });
  // The active one is larger.
  assert.ok(handles[1][3] > handles[0][3]);
  assert.deepEqual(drawn.filter(([name]) => name === "text").map(([, text]) => text), ["1", "2"]);
});
