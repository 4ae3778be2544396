import assert from "node:assert/strict";
import test from "node:test";

import { Actions } from "../../../tfrelight/studio/static/actions.js";
import { CameraMode } from "../../../tfrelight/studio/static/camera_mode.js";
import { StudioError } from "../../../tfrelight/studio/static/requests.js";
import { stub } from "./stub.js";
import { filming, settled } from "./stub_camera.js";

/** An element that notes its texts. */
class Shown {
  dataset = {};
  attributes = {};
  texts = [];

  set textContent(text) {
    this.texts.push(text);
  }

  setAttribute(name, value) {
    this.attributes[name] = value;
  }
}

/** The camera in a page; `log` notes what the page is told, and `errors` what it shows. */
function started(context, { stage = {}, events = {} } = {}) {
  const film = filming(context);
  const [log, errors, elements] = [[], [], {}];
  stub(context, "HTMLElement", Shown);
  film.document.getElementById = (id) => (elements[id] ??= new Shown());
  const parts = {
    actions: new Actions({
      showProgress: () => {}, showError: (error) => error && errors.push(error.key),
    }),
    stage: { showLive: (isLive) => log.push(isLive), ...stage },
    preview: { loadLive: () => {}, drawFrame: () => {} },
  };
  const mode = new CameraMode(parts, {
    sized: () => log.push("sized"), left: () => log.push("left"), placed: () => {}, ...events,
  });
  const element = (id) => film.document.getElementById(id);
  return { ...film, mode, parts, log, errors, element };
}

test("a camera that the page cannot show is switched off", async (context) => {
  const showLive = (isLive) => {
    if (isLive) throw new StudioError("no_canvas");
  };
  const { mode, log, errors, stopped } = started(context, { stage: { showLive } });
  await mode.start();
  assert.deepEqual([mode.live, stopped, log, errors], [null, ["stop"], ["left"], ["no_canvas"]]);
});

test("a camera whose turned picture cannot be drawn is switched off", async (context) => {
  const { mode, parts, errors, stopped, video, listeners } = started(context);
  await mode.start();
  assert.deepEqual(stopped, []);
  parts.preview.loadLive = () => {
    throw new StudioError("no_webgl");
  };
  video.videoWidth = 48;
  listeners.resize();
  assert.deepEqual([mode.live, stopped, errors], [null, ["stop"], ["no_webgl"]]);
});

test("one still is taken at a time, and the camera goes on if it is refused", async (context) => {
  const refusals = [];
  const taken = () => new Promise((_, reject) => refusals.push(reject));
  const { mode, errors, element } = started(context, { events: { taken } });
  await mode.start();
  mode.live.camera.still = () => Promise.resolve("still");
  const disabled = () => element("camera-take").attributes["aria-disabled"];
  for (let k = 1; k <= 2; k++) {
    const first = mode.take();
    await mode.take();
    await settled();
    assert.deepEqual([refusals.length, mode.live.isRunning, disabled()], [k, false, "true"]);
    refusals.at(-1)(new StudioError("no_face"));
    await first;
    assert.deepEqual([errors.length, mode.live.isRunning, disabled()], [k, true, "false"]);
  }
});

test("whether a face is followed is said when it changes", (context) => {
  const { mode, element } = started(context);
  for (const relit of [0, 0, 1, 2, 0, 0]) mode.draw(null, { relit, surfaces: [] }, true);
  const { texts } = element("camera-now");
  assert.deepEqual(texts, ["Looking for a face…", "Drag the light.", "Looking for a face…"]);
});
