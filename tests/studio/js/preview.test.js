import assert from "node:assert/strict";
import test from "node:test";

import { even } from "../../../tfrelight/studio/static/harmonics.js";
import { defaultState } from "../../../tfrelight/studio/static/lighting.js";
import { parsePhotoData } from "../../../tfrelight/studio/static/photo_data.js";
import { Preview, backgroundFactors } from "../../../tfrelight/studio/static/preview.js";
import { assertClose, expected, stateWith, tint } from "./helpers.js";
import { stub } from "./stub.js";

const block = Uint8Array.from(Buffer.from(expected.photo.block, "base64")).buffer;

/**
 * A preview whose renderer notes what it draws, and takes `cost` milliseconds of a clock that
 * otherwise stands still; computing takes `work`.
 */
function started(context, cost = 1, work = 0) {
  const clock = { now: 1000 };
  const [drawn, loaded, frames] = [[], [], []];
  const renderer = {
    load: (data) => loaded.push(data),
    update: () => (clock.now += work),
    draw: (picture) => drawn.push(picture),
    finish: () => (clock.now += cost),
  };
  stub(context, "requestAnimationFrame", (frame) => frames.push(frame));
  context.mock.method(performance, "now", () => clock.now);
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const preview = new Preview(renderer);
  const data = parsePhotoData(block);
  preview.load(data);
  const nextFrame = () => frames.splice(0).forEach((frame) => frame());
  const { timers } = context.mock;
  return { preview, data, drawn, loaded, frames, nextFrame, renderer, timers, clock };
}

test("at rest the picture is drawn in full", (context) => {
  const { preview, drawn, frames, nextFrame } = started(context);
  preview.show(defaultState());
  preview.show(defaultState());
  assert.equal(frames.length, 1);
  nextFrame();
  const { width, height, view, only } = drawn.at(-1);
  assert.deepEqual([width, height, view, only], [60, 40, "relit", null]);
  assert.equal(preview.frames.length, 0);
});

test("a moving picture is as sharp as its scale, and full again at rest", (context) => {
  const { preview, drawn, nextFrame, timers, data } = started(context);
  preview.scale = 0.5;
  for (let k = 0; k < 2; k++) {
    preview.show(defaultState(), true, 0);
    nextFrame();
  }
  assert.deepEqual(drawn.map(({ width, height }) => [width, height]), [[30, 20], [30, 20]]);
  // The second one is redrawn around the heads.
  const heads = data.faces.map((face) => face.facts.head);
  const sides = [0, 1].map((k) => Math.min(...heads.map((head) => head[k])));
  const ends = [2, 3].map((k) => Math.max(...heads.map((head) => head[k])));
  assert.deepEqual(drawn.map(({ only }) => only), [null, [...sides, ...ends]]);
  assert.equal(preview.frames.length, 2);
  timers.tick(249);
  nextFrame();
  assert.equal(drawn.length, 2);
  timers.tick(1);
  nextFrame();
  assert.deepEqual([drawn.length, drawn[2].width, drawn[2].only], [3, 60, null]);
  assert.equal(preview.moving, false);
});

test("the picture is drawn in full once nothing has moved for a while", (context) => {
  // Neither slow nor fast: the scale stays.
  const { preview, drawn, nextFrame, timers } = started(context, 20);
  preview.scale = 0.5;
  for (let k = 0; k < 3; k++) {
    preview.show(defaultState(), true);
    nextFrame();
    timers.tick(200);
    nextFrame();
  }
  assert.deepEqual(drawn.map(({ width }) => width), [30, 30, 30]);
  timers.tick(50);
  nextFrame();
  assert.deepEqual(drawn.map(({ width }) => width), [30, 30, 30, 60]);
});

test("frames are timed from their event, and the latest 600 are kept", (context) => {
  const { preview, nextFrame, clock } = started(context, 7);
  clock.now = 0;
  for (let k = 0; k < 620; k++) {
    preview.show(defaultState(), true, clock.now - 5);
    // A second event before the frame: the frame still answers the first.
    preview.show(defaultState(), true, clock.now);
    nextFrame();
  }
  assert.equal(preview.frames.length, 600);
  assert.deepEqual(preview.frames[0], { latency: 12, cost: 7, scale: 1, half: false });
});

test("the first picture of another size does not count", (context) => {
  const { preview, drawn, nextFrame } = started(context, 100);
  preview.half = true;
  for (let k = 0; k < 5; k++) {
    preview.show(defaultState(), true);
    nextFrame();
  }
  // It changes with the second picture and the fourth.
  assert.deepEqual(drawn.map(({ width }) => width), [60, 60, 36, 36, 22]);
});

/** Draws the first picture, and lets it come onto the screen. */
function firstPicture({ preview, nextFrame }) {
  preview.show(defaultState());
  for (let k = 0; k < 3; k++) nextFrame();
}

test("after the first picture the speed is measured", (context) => {
  const { preview, drawn, nextFrame, timers } = started(context);
  firstPicture({ preview, nextFrame });
  timers.tick(399);
  assert.equal(drawn.length, 1);
  timers.tick(1);
  // The first picture of a size, the one that counts, and that at rest.
  assert.deepEqual(drawn.map(({ width }) => width), [60, 24, 24, 60]);
  assert.equal(drawn.at(-1).only, null);
  // A millisecond for every sixth of the pixels leaves time for all of them.
  assert.deepEqual([preview.scale, preview.half], [1, false]);
  firstPicture({ preview, nextFrame });
  timers.tick(400);
  assert.equal(drawn.length, 5);
});

// Milliseconds of drawing and computing, sharpness, and whether maps are halved.
for (const [cost, work, scale, half] of [
  [3.1, 0, 1, false], [3.3, 0, Math.sqrt(20 / 3.3) * 0.4, true], [1e3, 0, 0.2, true],
  // Maps of full size would take four times as long.
  [1, 3, 1, false], [1, 4, 1, true], [3.3, 5, Math.sqrt(15 / 3.3) * 0.4, true],
  // Half of the time at least is for drawing: coarser pictures are not computed faster.
  [1, 30, 1, true], [3.3, 30, Math.sqrt(10 / 3.3) * 0.4, true], [0, 21, 1, true],
]) {
  test(`the measured speed says how sharp movements are: ${cost} and ${work} ms`, (context) => {
    const { preview, nextFrame, timers } = started(context, cost, work);
    firstPicture({ preview, nextFrame });
    timers.tick(400);
    assertClose(preview.scale, scale, 1e-9);
    assert.equal(preview.half, half);
  });
}

test("the speed is measured once nothing moves any more", (context) => {
  const { preview, drawn, nextFrame, timers } = started(context);
  firstPicture({ preview, nextFrame });
  timers.tick(300);
  preview.show(defaultState(), true);
  timers.tick(100);
  assert.equal(drawn.length, 1);
  nextFrame();
  timers.tick(250);
  for (let k = 0; k < 3; k++) nextFrame();
  assert.equal(drawn.length, 3);
  timers.tick(400);
  assert.equal(drawn.length, 6);
});

test("the speed of a photo says nothing about the next", (context) => {
  const { preview, data, drawn, nextFrame, timers } = started(context);
  let measured = 0;
  preview.onMeasured = () => measured++;
  firstPicture({ preview, nextFrame });
  timers.tick(300);
  preview.load({ ...data });
  timers.tick(100);
  assert.deepEqual([drawn.length, measured], [1, 0]);
  firstPicture({ preview, nextFrame });
  timers.tick(400);
  assert.deepEqual([drawn.length, measured], [5, 1]);
});

test("the speed is that of relighting, whatever is looked at", (context) => {
  const { preview, drawn, nextFrame, timers } = started(context);
  preview.view = "photo";
  firstPicture({ preview, nextFrame });
  timers.tick(400);
  assert.deepEqual(drawn.map(({ view }) => view), ["photo", "relit", "relit", "photo"]);
});

test("a new photo begins sharp, and lost graphics come back", (context) => {
  const { preview, data, renderer, drawn, loaded, nextFrame } = started(context);
  Object.assign(preview, { scale: 0.3, half: true, halved: [] });
  preview.load(data);
  assert.deepEqual(loaded, [data, data]);
  assert.deepEqual([preview.scale, preview.half, preview.halved], [1, false, null]);
  preview.show(defaultState());
  nextFrame();
  renderer.onRestored();
  nextFrame();
  assert.equal(drawn.length, 2);
});

test("on a slow machine small maps of large faces are used while something moves", (context) => {
  const { preview, data } = started(context);
  // Both are small already.
  assert.deepEqual(preview.smallFaces(data), data.faces);
  const half = {};
  const large = { faces: [{ facts: { size: 128 }, halved: () => half }] };
  preview.halved = null;
  assert.equal(preview.smallFaces(large)[0], half);
  assert.equal(preview.smallFaces(large), preview.halved);
});

test("pictures are as sharp as fits into a frame", (context) => {
  const { preview } = started(context);
  for (const [full, fits] of [[400, false], [60, false], [5, true]]) {
    Object.assign(preview, { scale: 1, half: false });
    const drawing = () => full * preview.scale ** 2;
    for (let k = 0; k < 40; k++) preview.adapt(2, drawing());
    assert.ok(2 + drawing() < 33 && preview.scale > 0.2);
    assert.equal(preview.scale === 1, fits);
  }
  // Scale and half before, milliseconds of computing and drawing, scale and half after.
  for (const [scale, half, work, drawing, ...after] of [
    [1, false, 10, 16, 1, false], [1, false, 10, 16.1, 1, true], [1, true, 10, 16, 1, true],
    [1, true, 8, 36, Math.sqrt(0.5), true], [1, true, 4, 100, 0.6, true],
    [1, true, 30, 12, 1, true], [1, true, 30, 26, Math.sqrt(0.5), true],
    [0.5, true, 30, 8, 0.55, true], [0.5, true, 30, 9, 0.5, true],
    [0.3, true, 4, 100, 0.2, true], [0.5, true, 7.8, 10, 0.55, true],
    [0.5, true, 8, 10, 0.5, true], [0.95, true, 1, 0, 1, true], [1, true, 4, 4, 1, true],
    [1, true, 4, 3.9, 1, false], [1, false, 1, 0, 1, false],
  ]) {
    Object.assign(preview, { scale, half });
    preview.adapt(work, drawing);
    assertClose(preview.scale, after[0], 1e-12, `${work} and ${drawing} ms at ${scale}`);
    assert.equal(preview.half, after[1], `${work} and ${drawing} ms at ${scale}`);
  }
  Object.assign(preview, { scale: 1, half: true });
  for (let k = 0; k < 40; k++) preview.adapt(0, 1e4);
  assert.equal(preview.scale, 0.2);
  for (let k = 0; k < 40; k++) preview.adapt(0, 1);
  assert.deepEqual([preview.scale, preview.half], [1, false]);
});

test("the background follows the light, within limits", (context) => {
  const { data } = started(context);
  data.faces[0].light = even([1, 0.5, 1]);
  assertClose(backgroundFactors(data, [even([2, 0.5, 100])]), [2, 1, 8], 1e-6);
  assertClose(backgroundFactors(data, [even([0.01, 0.5, 1])]), [1 / 8, 1, 1], 1e-6);
});

test("a photo without colour is shown so under lights without colour", (context) => {
  const { preview, drawn, nextFrame, data } = started(context);
  const white = defaultState();
  const warm = stateWith(defaultState, {
    ambient: { power: 1, tint: tint({ kind: "colour", rgb: [1, 0.5, 0.25] }) },
  });
  const shown = [["", white], ["maybe", white], ["maybe", warm], ["always", warm]].map(
    ([grey, state]) => {
      data.header.grey = grey;
      preview.show(state);
      nextFrame();
      return drawn.at(-1).grey;
    },
  );
  assert.deepEqual(shown, [false, true, false, true]);
});

/** A preview that shows the frames of a video. */
function filmed(context, cost) {
  const all = started(context, cost);
  const log = [];
  Object.assign(all.renderer, {
    take: (...given) => log.push(["take", ...given]), update: () => log.push(["update"]),
  });
  all.preview.state = defaultState();
  all.preview.loadLive({ ...all.data, pixels: null });
  const places = all.data.faces.map(({ facts }) => facts);
  return { ...all, log, places };
}

test("frames are drawn at once, and the light is computed where it is new", (context) => {
  const { preview, drawn, frames, log, places } = filmed(context);
  for (let k = 0; k < 3; k++) preview.drawFrame(`frame ${k}`, places, true);
  const update = ["update"];
  const take = (k) => ["take", `frame ${k}`, places];
  assert.deepEqual(log, [take(0), update, take(1), take(2)]);
  preview.show(stateWith(defaultState, { brightness: 1 }), true);
  assert.equal(frames.length, 0);
  preview.drawFrame("frame 3", places, true);
  assert.deepEqual(log.slice(4), [take(3), update]);
  // All of each frame is new.
  assert.deepEqual(drawn.map(({ view, only }) => [view, only]), Array(4).fill(["relit", null]));
});

test("a frame is drawn again only under another light or view", (context) => {
  const { preview, data, drawn, places } = filmed(context);
  const draw = (isNewFrame) => {
    preview.drawFrame("frame", places, isNewFrame);
    return drawn.length;
  };
  // The first is drawn: its faces are new.
  assert.deepEqual([draw(false), draw(false), draw(true), draw(false)], [1, 1, 2, 2]);
  preview.show(defaultState());
  assert.deepEqual([draw(false), draw(false)], [3, 3]);
  preview.loadLive({ ...data, pixels: null });
  assert.deepEqual([draw(false), draw(false)], [4, 4]);
});

test("a video that cannot be drawn leaves the photo as it was", (context) => {
  const { preview, data, renderer, frames } = started(context);
  renderer.load = () => {
    throw new Error("no WebGL");
  };
  assert.throws(() => preview.loadLive({ ...data, pixels: null }), /no WebGL/);
  preview.show(defaultState());
  assert.deepEqual([preview.isLive, preview.data, frames.length], [false, data, 1]);
});

test("a frame without a face is shown as it is", (context) => {
  const { preview, drawn, places } = filmed(context);
  preview.view = "normals";
  preview.drawFrame("frame", [], true);
  preview.drawFrame("frame", places, true);
  assert.deepEqual(drawn.map(({ view }) => view), ["photo", "normals"]);
});

test("slow frames whose light is not computed leave maps as they are", (context) => {
  const { preview, places } = filmed(context, 30);
  // The first is of another size, and its light is computed.
  for (let k = 0; k < 3; k++) preview.drawFrame("frame", places, true);
  assert.equal(preview.half, false);
  preview.show(stateWith(defaultState, { brightness: 1 }), true);
  preview.scale = 1;
  preview.drawFrame("frame", places, true);
  preview.show(stateWith(defaultState, { brightness: 0 }), true);
  preview.drawFrame("frame", places, true);
  assert.equal(preview.half, true);
});

test("frames whose light is not computed say nothing about maps", (context) => {
  const { preview } = started(context);
  preview.adapt(20, 20, false);
  assert.equal(preview.half, false);
  Object.assign(preview, { scale: 1, half: true });
  preview.adapt(0, 1, false);
  assert.equal(preview.half, true);
});

test("slow frames get less sharp, but not as coarse as a photo in motion", (context) => {
  const { preview, places } = filmed(context, 500);
  for (let k = 0; k < 20; k++) preview.drawFrame("frame", places, true);
  assert.equal(preview.scale, 0.5);
});

test("after a video a photo is drawn when it is asked for", (context) => {
  const { preview, data, drawn, frames, nextFrame } = filmed(context);
  preview.load(data);
  preview.show(defaultState());
  assert.equal(frames.length, 1);
  nextFrame();
  assert.equal(drawn.at(-1).width, 60);
});
