import assert from "node:assert/strict";
import test from "node:test";

import { Camera, startCamera } from "../../../tfrelight/studio/static/camera.js";
import { stub } from "./stub.js";

/** A stream of a camera that looks in a direction; `log` notes what is stopped. */
function streamOf(facingMode, log = []) {
  const track = { stop: () => log.push("stop"), getSettings: () => ({ facingMode }) };
  return { getTracks: () => [track], getVideoTracks: () => [track] };
}

/** A browser whose camera answers with a stream or an error. */
function browser(context, answer, play = () => Promise.resolve()) {
  stub(context, "DOMException", class extends Error {
    constructor(name) {
      super();
      this.name = name;
    }
  });
  const wanted = [];
  const getUserMedia = async (given) => {
    wanted.push(given);
    await null;
    return answer();
  };
  stub(context, "navigator", { mediaDevices: { getUserMedia } });
  stub(context, "location", { protocol: "https:" });
  stub(context, "document", { createElement: () => ({ append: () => {}, play }) });
  return wanted;
}

test("the picture is a mirror, except of what lies in front of its user", () => {
  for (const [facing, mirror] of [["user", true], [undefined, true], ["environment", false]]) {
    const video = { videoWidth: 64, videoHeight: 48 };
    const camera = new Camera(streamOf(facing), video);
    const calls = [];
    const context = {
      setTransform: (...given) => calls.push(given), drawImage: (...given) => calls.push(given),
    };
    camera.drawOn({ width: 32, height: 24, getContext: () => context });
    assert.deepEqual(calls[0], mirror ? [-1, 0, 0, 1, 32, 0] : [1, 0, 0, 1, 0, 0]);
    assert.deepEqual(calls[1], [video, 0, 0, 32, 24]);
  }
});

test("the camera towards its user is asked for, and its picture awaited", async (context) => {
  const wanted = browser(context, () => streamOf("user"));
  const camera = await startCamera();
  assert.equal(wanted[0].video.facingMode, "user");
  assert.equal(camera.video.srcObject, camera.stream);
  assert.equal(camera.video.muted, true);
});

test("a camera that is stopped is off", () => {
  const log = [];
  const camera = new Camera(streamOf("user", log), {});
  camera.stop();
  assert.deepEqual([log, camera.video.srcObject], [["stop"], null]);
});

test("each refusal has its sentence", async (context) => {
  for (const [name, key] of [
    ["NotAllowedError", "camera_refused"], ["NotFoundError", "camera_absent"],
    ["NotReadableError", "camera_busy"], ["SomeError", "camera_busy"],
  ]) {
    browser(context, () => { throw new DOMException(name); });
    await assert.rejects(startCamera(), { key });
  }
  browser(context, () => { throw new DOMException("NotAllowedError"); });
  stub(context, "location", { protocol: "file:" });
  await assert.rejects(startCamera(), { key: "camera_file" });
  stub(context, "navigator", {});
  await assert.rejects(startCamera(), { key: "camera_not_here" });
});

test("a camera whose picture does not come is switched off", async (context) => {
  const log = [];
  const fail = () => Promise.reject(new DOMException("AbortError"));
  browser(context, () => streamOf("user", log), fail);
  await assert.rejects(startCamera(), { key: "camera_busy" });
  assert.deepEqual(log, ["stop"]);
});
