import assert from "node:assert/strict";
import test from "node:test";

import * as slider from "../../../tfrelight/studio/static/slider.js";
import { describeLamp, describeScene } from "../../../tfrelight/studio/static/stage.js";

test("values of sliders", () => {
  assert.equal(slider.degrees(12.6), "13°");
  assert.equal(slider.percent(0.126), "13%");
  assert.equal(slider.kelvins(5000), "5000 K");
  assert.deepEqual([-1, 0, 0.5].map(slider.stops), ["-1.0 EV", "0.0 EV", "+0.5 EV"]);
  assert.equal(slider.degrees(-0.2), "0°");
  const format = slider.directed("left", "right");
  assert.deepEqual([-20, 0, 30].map(format), ["20° left", "0°", "30° right"]);
});

test("lights in words", () => {
  assert.equal(describeLamp({ azimuth: 60, elevation: -15 }, 0), "Light 1: 60° left, 15° down");
  assert.equal(describeLamp({ azimuth: -60, elevation: 0 }, 1), "Light 2: 60° right, 0° up");
  assert.equal(describeScene({ rotate: -20 }), "All of the light, turned 20° to the right");
});
