import assert from "node:assert/strict";
import test from "node:test";

import { lampTowards } from "../../../tfrelight/studio/static/lamps.js";
import { Surface } from "../../../tfrelight/studio/static/surface.js";
import { assertClose, expected } from "./helpers.js";

const SIZE = 48;

const { header } = (() => {
  const bytes = Buffer.from(expected.photo.block, "base64");
  const length = bytes.readUInt32LE(0);
  return { header: JSON.parse(bytes.subarray(4, 4 + length).toString()) };
})();

/** A wall with a ridge down its middle, in a round mask with nothing around it. */
function ridge() {
  const plane = (value) => Float32Array.from({ length: SIZE * SIZE }, (_, k) =>
    value((k % SIZE) + 0.5 - SIZE / 2, SIZE / 2 - Math.floor(k / SIZE) - 0.5),
  );
  const slope = (x) => (Math.abs(x) < 3 ? -3 * Math.sign(x) : 0);
  const across = (x) => Math.hypot(slope(x), 1);
  return new Surface(
    { size: SIZE, rotation: [[1, 0], [0, 1]], head_height: 5 * SIZE, eyes: null },
    {
      mask: plane((x, y) => Number(Math.hypot(x, y) < 14)), skin: plane(() => 1),
      relief: plane((x) => 3 * Math.max(0, 3 - Math.abs(x))),
      steep_x: plane((x) => -slope(x) / across(x)), steep_y: plane(() => 0),
      steep_z: plane((x) => 1 / across(x)),
    },
    header.settings.rendering,
  );
}

const at = (x, y) => (SIZE / 2 - y) * SIZE + SIZE / 2 + x;

test("what no mask covers neither lights nor darkens what one does", () => {
  const surface = ridge();
  for (const lamp of [lampTowards(70, 10, 2, [1, 1, 1]), lampTowards(-60, -20, 40, [1, 1, 1])]) {
    surface.render([lamp]);
    for (const values of [...surface.lit, ...surface.shine]) {
      assert.ok(values.every((value) => value >= 0 && value <= 1.01));
    }
  }
});

test("a ridge casts its shadow away from the lamp, and red reaches into it", () => {
  const surface = ridge();
  for (const side of [1, -1]) {
    // At 45 degrees a ridge casts a shadow as long as it is high, almost 8 pixels.
    surface.render([lampTowards(45 * side, 0, 1, [1, 1, 1])]);
    const [red, , blue] = surface.lit;
    assertClose([red[at(-9 * side, 0)], blue[at(-9 * side, 0)]], [0.707, 0.707], 0.02);
    assert.ok(blue[at(5 * side, 0)] < 0.1);
    assert.ok(red[at(6 * side, 0)] > blue[at(6 * side, 0)] + 0.02);
  }
});

test("lamps add up, in their colours, whether they have moved or not", () => {
  const [one, other] = [ridge(), ridge()];
  const lamps = [lampTowards(50, 20, 5, [1, 0.5, 0]), lampTowards(-50, 0, 30, [0, 0.2, 2])];
  one.render([lampTowards(0, 0, 0, [1, 1, 1]), lamps[1]]);
  one.render([...lamps, lamps[0]]);
  const sum = [0, 1, 2].map(() => new Float32Array(SIZE * SIZE));
  for (const lamp of [...lamps, lamps[0]]) {
    other.render([lamp]);
    other.lit.forEach((values, c) => values.forEach((value, k) => (sum[c][k] += value)));
  }
  one.lit.forEach((values, c) => assertClose(values, sum[c], 1e-5, `channel ${c}`));
});
