import assert from "node:assert/strict";
import test from "node:test";

import { IDENTITY, Tracker, at, composed, inverted } from
  "../../../tfrelight/studio/static/tracker.js";

const [WIDTH, HEIGHT] = [128, 96];
const BOX = [40, 25, 84, 75];

/** A smooth picture, as a function of the place. */
const value = (x, y) =>
  0.5 + 0.2 * Math.sin(x / 6) * Math.cos(y / 7) + 0.15 * Math.sin((x + 2 * y) / 11);

/** The picture after the world moved by a similarity, and became brighter. */
function grey(similarity = IDENTITY, brighter = 0) {
  const back = inverted(similarity);
  const data = Float32Array.from({ length: WIDTH * HEIGHT }, (_, k) => {
    const { x, y } = at(back, k % WIDTH, Math.floor(k / WIDTH));
    return value(x, y) + brighter;
  });
  return { width: WIDTH, height: HEIGHT, data };
}

/** Pixels between where two similarities put the corners of the box. */
const apart = (one, other) => Math.max(...[[0, 1], [2, 1], [0, 3], [2, 3]].map(([x, y]) => {
  const [p, q] = [one, other].map((each) => at(each, BOX[x], BOX[y]));
  return Math.hypot(p.x - q.x, p.y - q.y);
}));

test("similarities compose and invert", () => {
  const one = { a: 1.1, b: 0.2, x: 3, y: -4 };
  const other = { a: 0.9, b: -0.1, x: -1, y: 2 };
  const both = composed(one, other);
  const { x, y } = at(other, 5, 7);
  const [once, twice] = [at(both, 5, 7), at(one, x, y)];
  assert.ok(Math.hypot(once.x - twice.x, once.y - twice.y) < 1e-12);
  const none = composed(one, inverted(one));
  for (const [key, wanted] of Object.entries(IDENTITY)) {
    assert.ok(Math.abs(none[key] - wanted) < 1e-12, key);
  }
});

test("a face that moves, turns, grows and gets brighter is followed", () => {
  const tracker = new Tracker(grey(), BOX);
  let truth = IDENTITY;
  for (let k = 1; k <= 10; k++) {
    truth = { a: 1 + 0.01 * k, b: 0.008 * k, x: 0.4 * k, y: -0.7 * k };
    assert.ok(tracker.follow(grey(truth, 0.01 * k)));
    assert.ok(apart(tracker.similarity, truth) < 0.15, `frame ${k}`);
  }
  assert.ok(apart(truth, IDENTITY) > 5);
});

test("a later template begins where the one before was", () => {
  const [first, second] = [{ a: 1, b: 0, x: 4, y: 2 }, { a: 1.02, b: 0.03, x: 9, y: -8 }];
  const moved = BOX.map((side, k) => side + (k % 2 ? first.y : first.x));
  const tracker = new Tracker(grey(first), moved);
  // Too far for a search that begins at nothing.
  const truth = composed(second, inverted(first));
  tracker.begin(truth);
  assert.ok(apart(tracker.similarity, truth) < 1e-9);
  assert.ok(tracker.follow(grey(second)));
  assert.ok(apart(tracker.similarity, truth) < 0.15);
});

test("a face that jumped is found again", () => {
  const tracker = new Tracker(grey(), BOX);
  const truth = { a: 1, b: 0.02, x: 16, y: -11 };
  assert.equal(tracker.refine(grey(truth), IDENTITY), false);
  assert.ok(tracker.follow(grey(truth)) && tracker.isFound);
  assert.ok(apart(tracker.similarity, truth) < 0.15);
});

test("without the face the place stays", () => {
  const tracker = new Tracker(grey(), BOX);
  tracker.follow(grey({ a: 1, b: 0, x: 1, y: 1 }));
  const before = tracker.similarity;
  const noise = grey();
  noise.data.forEach((_, k) => (noise.data[k] = (k * 7919) % 101 > 50 ? 1 : 0));
  assert.equal(tracker.follow(noise), false);
  assert.deepEqual(tracker.similarity, before);
  const plain = new Tracker({ ...noise, data: new Float32Array(WIDTH * HEIGHT) }, BOX);
  assert.equal(plain.follow(grey()), false);
});
