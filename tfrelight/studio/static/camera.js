// @ts-check
// Taking a photo with the camera.

import { context2d, element } from "./dom.js";
import { StudioError } from "./requests.js";

/**
 * The elements of the camera's window.
 *
 * @typedef {object} CameraWindow
 * @property {HTMLDialogElement} dialog
 * @property {HTMLVideoElement} video
 * @property {HTMLButtonElement} take
 * @property {HTMLButtonElement} cancel
 */

/**
 * Shows the camera's picture until the person takes a photo or cancels.
 *
 * @param {CameraWindow} cameraWindow
 * @returns {Promise<File | null>} a PNG file; null if the person cancelled
 * @throws {DOMException} there is no camera, or the browser may not use it
 */
export async function takePhoto({ dialog, video, take, cancel }) {
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 960 } },
  });
  // Before its first frame the video has no size.
  take.disabled = true;
  video.onloadeddata = () => (take.disabled = false);
  video.srcObject = stream;
  dialog.showModal();
  try {
    return await new Promise((resolve) => {
      take.onclick = () => resolve(frameOf(video));
      cancel.onclick = () => resolve(null);
      dialog.onclose = () => resolve(null);
    });
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
    dialog.onclose = null;
    dialog.close();
  }
}

/** @type {(video: HTMLVideoElement) => Promise<File>} */
function frameOf(video) {
  const canvas = element("canvas", { width: video.videoWidth, height: video.videoHeight });
  context2d(canvas).drawImage(video, 0, 0);
  const type = "image/png";
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob) resolve(new File([blob], "camera.png", { type }));
      else reject(new StudioError("camera_failed"));
    }, type);
  });
}
