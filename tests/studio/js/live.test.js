import assert from "node:assert/strict";
import test from "node:test";

import { startLive } from "../../../tfrelight/studio/static/live.js";
import { parsePhotoData } from "../../../tfrelight/studio/static/photo_data.js";
import { StudioError } from "../../../tfrelight/studio/static/requests.js";
import { expected } from "./helpers.js";
import { filming, settled, stubFrames } from "./stub_camera.js";

const block = Uint8Array.from(Buffer.from(expected.photo.block, "base64")).buffer;

/** A camera that is on; `log` notes its events, and `asked` what the network is to answer. */
async function started(context) {
  const film = filming(context);
  const [log, asked] = [[], []];
  const live = await startLive({
    found: ({ faces }) => log.push(["found", faces.length]),
    drawn: (_, { relit }, isNew) => log.push(["drawn", relit, isNew]),
    sized: ({ header: { width, height } }) => log.push(["sized", width, height]),
    ended: (error) => log.push(["ended", error]),
  });
  log.length = 0;
  live.frames = stubFrames(asked);
  return { ...film, live, log, asked, timers: context.mock.timers };
}

test("each frame is drawn, and none is analysed twice", async (context) => {
  const { live, log, asked, draw, timers } = await started(context);
  live.run();
  await draw(false);
  assert.deepEqual(log, [["drawn", 0, true], ["drawn", 0, false]]);
  asked[0].resolve(null);
  await settled();
  timers.tick(200);
  await draw(false);
  assert.deepEqual([asked.length, live.answers], [1, 1]);
  await draw();
  assert.deepEqual([asked.length, log.at(-1)], [2, ["drawn", 0, true]]);
});

test("frames that nobody sees are not analysed", async (context) => {
  // Out of sight, browsers draw nothing.
  const { live, asked, video, timers } = await started(context);
  live.run();
  asked[0].resolve(parsePhotoData(block));
  await settled();
  video.currentTime++;
  timers.tick(10_000);
  await settled();
  assert.equal(asked.length, 1);
});

test("what was found is shown", async (context) => {
  const { live, log, asked, draw } = await started(context);
  live.run();
  const photo = parsePhotoData(block);
  asked[0].resolve(photo);
  await draw(false);
  await draw(false);
  const { header: { relit }, faces } = photo;
  assert.deepEqual(log.slice(1, 3), [["drawn", 0, false], ["found", faces.length]]);
  assert.deepEqual(log[3], ["drawn", relit, false]);
});

test("a frame that cannot be drawn ends the picture, and is told", async (context) => {
  const { live, log, waiting, draw } = await started(context);
  live.run();
  log.length = 0;
  const fault = new Error("no shader");
  live.events.drawn = () => {
    throw fault;
  };
  await draw();
  assert.deepEqual([log, waiting.length], [[["ended", fault]], 0]);
});

test("what is held and goes on runs once", async (context) => {
  const { live, asked, log, waiting, draw } = await started(context);
  for (let k = 0; k < 3; k++) {
    live.run();
    live.run();
    live.hold();
  }
  live.run();
  log.length = 0;
  await draw();
  assert.deepEqual([log.length, waiting.length], [1, 1]);
  const count = asked.length;
  for (const { resolve } of asked) resolve(null);
  await settled();
  await draw();
  context.mock.timers.tick(200);
  await draw();
  assert.equal(asked.length, count + 1);
});

for (const end of ["hold", "stop"]) {
  test(`what the network answers after "${end}" changes nothing`, async (context) => {
    const { live, log, asked, draw } = await started(context);
    live.run();
    live[end]();
    log.length = 0;
    asked[0].resolve(parsePhotoData(block));
    await draw();
    assert.deepEqual([log, live.header, live.answers], [[], null, 0]);
  });
}

test("an error ends the camera, but not one that comes after it was held", async (context) => {
  const { live, log, asked } = await started(context);
  live.run();
  live.hold();
  live.run();
  log.length = 0;
  asked[0].reject(new Error("late"));
  await settled();
  assert.deepEqual(log, []);
  const error = new Error("in time");
  asked[1].reject(error);
  await settled();
  assert.deepEqual(log, [["ended", error]]);
});

test("the camera waits longer each time that the studio is busy", async (context) => {
  const { live, log, asked, draw, timers } = await started(context);
  const busy = new StudioError("studio_busy", {}, "busy");
  live.run();
  const refuse = async (pause) => {
    const count = asked.length;
    asked.at(-1).reject(busy);
    await draw();
    timers.tick(pause - 1);
    await draw();
    assert.equal(asked.length, count);
    timers.tick(1);
    await settled();
    assert.equal(asked.length, count + 1);
  };
  await refuse(500);
  await refuse(1000);
  asked.at(-1).resolve(null);
  await draw();
  timers.tick(200);
  await settled();
  for (const pause of [500, 1000, 2000, 4000, 8000]) await refuse(pause);
  assert.ok(log.every(([name]) => name === "drawn"));
  asked.at(-1).reject(busy);
  await settled();
  assert.deepEqual(log.at(-1), ["ended", busy]);
});

test("a camera that is turned goes on in the other size", async (context) => {
  const { live, log, asked, draw, video, listeners } = await started(context);
  live.run();
  asked[0].resolve(parsePhotoData(block));
  await draw();
  const drawn = live.canvases.frame;
  log.length = 0;
  // It is told of its first size, too.
  listeners.resize();
  assert.deepEqual([log, live.canvases.frame], [[], drawn]);
  Object.assign(video, { videoWidth: 48, videoHeight: 64 });
  listeners.resize();
  assert.deepEqual(log, [["sized", 48, 64], ["drawn", 0, true]]);
  const { width, height } = live.canvases.frame;
  assert.deepEqual([width, height, live.header, live.tracker], [48, 64, null, null]);
  const { frame } = asked.at(-1);
  assert.deepEqual([frame.width, frame.height], [48, 64]);
  // What was found on a frame of the size before is of no use.
  asked.at(-2).resolve(parsePhotoData(block));
  await settled();
  assert.equal(live.header, null);
});

test("a camera that was switched off says nothing more", async (context) => {
  const { live, log, listeners, video, stopped } = await started(context);
  live.stop();
  video.videoWidth = 0;
  listeners.resize();
  listeners.ended();
  assert.deepEqual([log, stopped], [[], ["stop"]]);
});

test("a camera whose picture cannot be drawn is switched off", async (context) => {
  const { stopped } = filming(context);
  const error = new StudioError("no_webgl");
  const found = () => {
    throw error;
  };
  await assert.rejects(startLive({ found }), error);
  assert.deepEqual(stopped, ["stop"]);
});
