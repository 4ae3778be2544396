import assert from "node:assert/strict";
import test from "node:test";

import { takePhoto } from "../../../tfrelight/studio/static/camera.js";
import { stub } from "./helpers.js";

/** A camera and the page's elements, as far as `takePhoto` uses them. */
function camera(context, { blob = new Blob(["picture"]) } = {}) {
  const log = [];
  const track = () => ({ stop: () => log.push("stop") });
  const stream = { getTracks: () => [track(), track()] };
  const canvas = {
    getContext: () => ({ drawImage: (...given) => log.push(["draw", ...given]) }),
    append: () => {},
    toBlob: (give, type) => {
      log.push(["encode", canvas.width, canvas.height, type]);
      give(blob);
    },
  };
  stub(context, "document", { createElement: (tag) => (tag === "canvas" ? canvas : {}) });
  stub(context, "navigator", {
    mediaDevices: {
      getUserMedia: (wanted) => {
        log.push(wanted);
        return Promise.resolve(stream);
      },
    },
  });
  const dialog = { showModal: () => log.push("show"), close: () => log.push("close") };
  const video = { videoWidth: 640, videoHeight: 480 };
  const elements = { dialog, video, take: { disabled: false }, cancel: {} };
  return { elements, log, stream };
}

/** The camera's window, once it is open. */
async function opened(context, options) {
  const { elements, log, stream } = camera(context, options);
  const taken = takePhoto(elements);
  await new Promise(setImmediate);
  return { ...elements, log, stream, taken };
}

test("a photo is taken and the camera is closed", async (context) => {
  const { dialog, video, take, log, stream, taken } = await opened(context);
  assert.equal(log[0].video.facingMode, "user");
  assert.deepEqual(log[0].video.width, { ideal: 1280 });
  assert.deepEqual(log[0].video.height, { ideal: 960 });
  assert.deepEqual(log.slice(1), ["show"]);
  assert.equal(video.srcObject, stream);
  take.onclick();
  const file = await taken;
  assert.deepEqual([file.name, file.type], ["camera.png", "image/png"]);
  assert.equal(await file.text(), "picture");
  assert.deepEqual(log.slice(2), [
    ["draw", video, 0, 0], ["encode", 640, 480, "image/png"], "stop", "stop", "close",
  ]);
  assert.deepEqual([video.srcObject, dialog.onclose], [null, null]);
});

test("before the first frame there is nothing to take", async (context) => {
  const { video, take, cancel, taken } = await opened(context);
  assert.equal(take.disabled, true);
  video.onloadeddata();
  assert.equal(take.disabled, false);
  cancel.onclick();
  await taken;
});

test("the window is cancelled with its button or with Escape", async (context) => {
  for (const way of ["cancel", "dialog"]) {
    const { cancel, dialog, log, taken } = await opened(context);
    if (way === "cancel") cancel.onclick();
    else dialog.onclose();
    assert.equal(await taken, null);
    assert.deepEqual(log.slice(2), ["stop", "stop", "close"]);
  }
});

test("a picture that cannot be encoded is an error, and the camera is closed", async (context) => {
  const { take, log, taken } = await opened(context, { blob: null });
  take.onclick();
  await assert.rejects(taken, { key: "camera_failed" });
  assert.deepEqual(log.slice(-3), ["stop", "stop", "close"]);
});
