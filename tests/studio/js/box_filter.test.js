import assert from "node:assert/strict";
import test from "node:test";

import { BoxFilter } from "../../../tfrelight/studio/static/box_filter.js";
import { assertClose, expected } from "./helpers.js";

test("means are those of SciPy", () => {
  for (const [size, radius, plane, means] of expected.box_filter) {
    const source = Float32Array.from(plane);
    const target = new Float32Array(size * size);
    const filter = new BoxFilter(size, radius);
    filter.mean(source, target);
    assertClose(target, means, 2e-6, `size ${size}, radius ${radius}`);
    assert.deepEqual(source, Float32Array.from(plane));
    // In place, and with buffers that were used before.
    filter.mean(source, source);
    assertClose(source, means, 2e-6, `size ${size}, radius ${radius}`);
  }
});
