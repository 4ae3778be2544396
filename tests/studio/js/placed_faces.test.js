import assert from "node:assert/strict";
import test from "node:test";

import { placed, resized } from "../../../tfrelight/studio/static/placed_faces.js";
import { IDENTITY, at } from "../../../tfrelight/studio/static/tracker.js";

const SIZE = { width: 200, height: 100 };
// Maps over the square from (20, 10) to (60, 50), turned by nothing.
const FACTS = {
  size: 4, corner: [20, 10], inverse: [[1 / 40, 0], [0, 1 / 40]], box: [0, 0, 200, 100],
  bounds: [20, 10, 60, 50], head: [25, 15, 55, 45],
};

/** Coordinates in the maps of a point of the frame, as the shader computes them. */
const inMaps = ({ corner: [x, y], inverse: [[p, q], [r, s]] }, point) => {
  const [u, v] = [point.x - x, point.y - y];
  return [p * u + q * v, r * u + s * v];
};

test("a face that has not moved stays", () => {
  const { corner, inverse, bounds, head } = placed(FACTS, IDENTITY, SIZE);
  assert.deepEqual([corner, bounds, head], [[20, 10], FACTS.bounds, FACTS.head]);
  assert.ok(Math.abs(inverse[0][0] - 1 / 40) < 1e-12 && Math.abs(inverse[1][0]) < 1e-12);
});

test("what a map said of a point it says of the point where that went", () => {
  const moved = { a: 0.9, b: 0.3, x: 30, y: -8 };
  const after = placed(FACTS, moved, SIZE);
  for (const [x, y] of [[20, 10], [60, 50], [33, 41]]) {
    const [before, now] = [inMaps(FACTS, { x, y }), inMaps(after, at(moved, x, y))];
    assert.ok(Math.hypot(before[0] - now[0], before[1] - now[1]) < 1e-9);
  }
  // All of the maps are within their bounds, which end where the frame does.
  const [left, top, right, bottom] = after.bounds;
  for (const [x, y] of [[20, 10], [60, 10], [20, 50], [60, 50]]) {
    const point = at(moved, x, y);
    assert.ok(left <= point.x && point.x <= right && point.y <= bottom);
  }
  assert.ok(top >= 0);
});

test("a face that leaves the frame has bounds within it", () => {
  const { bounds } = placed(FACTS, { a: 1, b: 0, x: 160, y: 70 }, SIZE);
  assert.deepEqual(bounds, [180, 80, 200, 100]);
});

test("a frame of another size", () => {
  const larger = resized(FACTS, 2, 3);
  assert.deepEqual(larger.bounds, [40, 30, 120, 150]);
  assert.deepEqual(inMaps(larger, { x: 2 * 33, y: 3 * 41 }), inMaps(FACTS, { x: 33, y: 41 }));
});
