import assert from "node:assert/strict";
import test from "node:test";

import { Zoom } from "../../../tfrelight/studio/static/zoom.js";
import { assertClose } from "./helpers.js";
import { stub } from "./stub.js";

/** A photo of 200 x 100 pixels in a frame of 400 x 400. */
function opened(context, boxes = [[50, 20, 150, 80]]) {
  stub(context, "ResizeObserver", class {
    observe() {}
  });
  const [style, classes] = [{}, {}];
  const frame = {
    clientWidth: 400, clientHeight: 400,
    classList: { toggle: (name, isOn) => (classes[name] = isOn) },
  };
  const plane = { style: { setProperty: (name, value) => (style[name] = parseFloat(value)) } };
  let shown = 0;
  const zoom = new Zoom(frame, plane, () => shown++);
  zoom.load({ width: 200, height: 100 }, boxes);
  return { zoom, style, classes, count: () => shown };
}

test("a photo fills its frame, and its middle is in the middle", (context) => {
  const { zoom, style, classes } = opened(context);
  assert.deepEqual(style, { left: 0, top: 100, width: 400, height: 200 });
  assert.deepEqual([zoom.isWhole, classes.zoomed], [true, false]);
  assert.deepEqual(zoom.inSight(), [0, 0, 1, 1]);
});

test("what is under the mouse stays there", (context) => {
  const { zoom } = opened(context);
  const at = (place) => [0, 1].map((k) => (place[k] - zoom.corner()[k]) / zoom.sizeAt()[k]);
  const before = at([120, 210]);
  zoom.magnify(4, [120, 210]);
  assertClose(at([120, 210]), before, 1e-9);
  zoom.magnify(1.3, [120, 210]);
  assertClose(at([120, 210]), before, 1e-9);
});

test("magnification has limits, and the whole photo comes back to its place", (context) => {
  const { zoom, style } = opened(context);
  zoom.magnify(1e6);
  assert.deepEqual(zoom.sizeAt(), [3200, 1600]);
  zoom.pan([1e5, -1e5]);
  assert.deepEqual(zoom.inSight(), [0, 0.75, 0.125, 1]);
  zoom.magnify(1e-6);
  assert.deepEqual(style, { left: 0, top: 100, width: 400, height: 200 });
});

test("a pan moves the photo by as much, and no further than its edge", (context) => {
  const { zoom, style } = opened(context);
  zoom.magnify(4);
  const { left, top } = style;
  zoom.pan([30, -20]);
  assertClose([style.left, style.top], [left + 30, top - 20], 1e-9);
  zoom.pan([5000, 0]);
  assert.equal(style.left, 0);
  // And from there back at once.
  zoom.pan([-7, 0]);
  assertClose([style.left], [-7], 1e-9);
});

test("small faces are shown first, all of them", (context) => {
  const { zoom, classes } = opened(context, [[20, 20, 30, 30], [40, 20, 50, 36]]);
  assert.equal(classes.zoomed, true);
  const [left, top, right, bottom] = zoom.inSight();
  assert.ok(left < 0.1 && right > 0.25 && top < 0.2 && bottom > 0.36);
  // They take half of the frame.
  assertClose([(right - left) / 2], [0.15], 1e-9);
  zoom.showWhole();
  assert.equal(classes.zoomed, false);
  zoom.showFaces();
  assertClose(zoom.inSight(), [left, top, right, bottom], 1e-9);
});

test("a face is shown on request however large it is", (context) => {
  const { zoom } = opened(context, [[0, 0, 200, 100]]);
  zoom.showFaces();
  assert.equal(zoom.isWhole, true);
});
