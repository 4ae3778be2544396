// A camera without a browser, whose frames come when a test says so.

import { stub } from "./stub.js";

/** A canvas that is black whatever is drawn on it. */
function canvas() {
  // Nothing is encoded.
  const made = { append: () => {}, toBlob: () => {} };
  const context = {
    canvas: made,
    drawImage: () => {},
    setTransform: () => {},
    getImageData: (x, y, width, height) => ({ data: new Uint8ClampedArray(4 * width * height) }),
  };
  return Object.assign(made, { getContext: () => context });
}

/** Ends what waits for no more than promises. */
export const settled = () => new Promise(setImmediate);

/**
 * A browser with a camera, and what is drawn in its frames.
 *
 * @param {object} context  of the test
 */
export function filming(context) {
  const [waiting, stopped, listeners] = [[], [], {}];
  const video = {
    append: () => {}, play: () => Promise.resolve(), videoWidth: 64, videoHeight: 48,
    currentTime: 0, addEventListener: (name, action) => (listeners[name] = action),
  };
  const track = {
    stop: () => stopped.push("stop"), getSettings: () => ({}),
    addEventListener: (name, action) => (listeners[name] = action),
  };
  const stream = { getTracks: () => [track], getVideoTracks: () => [track] };
  const document = { createElement: (tag) => (tag === "video" ? video : canvas()) };
  stub(context, "requestAnimationFrame", (draw) => waiting.push(draw));
  stub(context, "navigator", { mediaDevices: { getUserMedia: () => Promise.resolve(stream) } });
  stub(context, "location", { protocol: "https:" });
  stub(context, "document", document);
  context.mock.timers.enable({ apis: ["setTimeout"] });
  /** The screen is drawn anew; the camera may have another frame for it. */
  const draw = async (isNew = true) => {
    if (isNew) video.currentTime++;
    waiting.splice(0).forEach((one) => one());
    await settled();
  };
  return { video, stopped, waiting, listeners, document, draw };
}

/** Frames whose answers come when a test says so; `asked` has them. */
export function stubFrames(asked) {
  return {
    decompose: (frame) =>
      new Promise((resolve, reject) => asked.push({ frame, resolve, reject })),
    end: () => {},
  };
}
