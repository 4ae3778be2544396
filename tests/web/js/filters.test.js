import test from "node:test";

import { box, dilated, disc, eroded, gaussian, gaussianAlong, sampled } from
  "../../../web/src/filters.js";
import { GuidedFilter } from "../../../web/src/guided_filter.js";
import { mirrored, rolled } from "../../../web/src/light.js";
import { assertClose, expected, floats } from "./helpers.js";

const { filters, light } = expected;
const { size } = filters;
const values = floats(filters.values);

test("filters are numpy's", () => {
  for (const [sigma, wanted] of filters.gaussian) {
    assertClose(gaussian(values, size, sigma), floats(wanted), 1e-5, `sigma ${sigma}`);
  }
  const wrapped = gaussianAlong(values, size, size, 1.3, "wrap");
  assertClose(wrapped, floats(filters.wrapped), 1e-5, "wrapped");
  for (const [side, border, wanted] of filters.box) {
    assertClose(box(values, size, side, border), floats(wanted), 1e-5, `${border} ${side}`);
  }
  assertClose(dilated(values, size, disc(2.5)), floats(filters.dilated), 0, "dilated");
  assertClose(eroded(values, size, disc(2.5)), floats(filters.eroded), 0, "eroded");
  const between = filters.places.map(([row, column]) => sampled(values, size, row, column));
  assertClose(between, floats(filters.sampled), 1e-5, "sampled");
});

test("the guided filter is Python's", () => {
  const filter = new GuidedFilter(floats(filters.guide), size, 2, 1e-2);
  assertClose(filter.filtered(values), floats(filters.guided), 1e-4);
});

test("lights turn and are mirrored as in Python", () => {
  assertClose(rolled(light.light, light.angle).flat(), light.rolled.flat(), 1e-5, "rolled");
  assertClose(mirrored(light.light).flat(), light.mirrored.flat(), 1e-5, "mirrored");
});
