// @ts-check
// The camera: its picture as in a mirror, and why there is none.

import { context2d, element } from "./dom.js";
import { StudioError } from "./requests.js";

/** @import { TextKey } from "./texts.js" */

const WANTED = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 960 } };

// Texts for what browsers answer (W3C Media Capture and Streams, getUserMedia).
/** @type {Record<string, TextKey>} */
const REFUSALS = {
  NotAllowedError: "camera_refused", SecurityError: "camera_refused",
  NotFoundError: "camera_absent", OverconstrainedError: "camera_absent",
  NotReadableError: "camera_busy", AbortError: "camera_busy",
};

export class Camera {
  /**
   * @param {MediaStream} stream
   * @param {HTMLVideoElement} video  that plays it
   */
  constructor(stream, video) {
    this.stream = stream;
    this.video = video;
    const [track] = stream.getVideoTracks();
    // A camera that looks away from its user is no mirror.
    this.isMirror = track.getSettings().facingMode !== "environment";
  }

  /** Size of its picture, pixels. */
  get size() {
    return { width: this.video.videoWidth, height: this.video.videoHeight };
  }

  /**
   * Draws what it shows now.
   *
   * @param {HTMLCanvasElement} canvas  which it fills
   */
  drawOn(canvas) {
    const context = context2d(canvas);
    const { width, height } = canvas;
    context.setTransform(this.isMirror ? -1 : 1, 0, 0, 1, this.isMirror ? width : 0, 0);
    context.drawImage(this.video, 0, 0, width, height);
  }

  /**
   * What it shows now, in full.
   *
   * @returns {Promise<File>}
   */
  async still() {
    const canvas = element("canvas", this.size);
    this.drawOn(canvas);
    return new File([await encoded(canvas, "image/png")], "camera.png", { type: "image/png" });
  }

  /** Whether it is on, or somebody else ended it. */
  get isOn() {
    return this.video.srcObject !== null;
  }

  /** Switches it off. */
  stop() {
    for (const track of this.stream.getTracks()) track.stop();
    this.video.srcObject = null;
  }

  /** @param {() => void} action  called when somebody else ends it */
  onEnd(action) {
    for (const track of this.stream.getTracks()) {
      track.addEventListener("ended", () => this.isOn && action());
    }
  }

  /** @param {() => void} action  called when its picture may have got another size */
  onResize(action) {
    this.video.addEventListener("resize", () => this.isOn && action());
  }
}

/**
 * Switches the camera on.
 *
 * @returns {Promise<Camera>} after its first picture
 * @throws {StudioError} there is none, or the browser may not use it
 */
export async function startCamera() {
  const { mediaDevices } = navigator;
  if (!mediaDevices) throw new StudioError("camera_not_here");
  let stream;
  try {
    stream = await mediaDevices.getUserMedia({ video: WANTED });
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    const isFile = location.protocol === "file:" && REFUSALS[name] === "camera_refused";
    throw new StudioError(isFile ? "camera_file" : REFUSALS[name] ?? "camera_busy");
  }
  const video = element("video", { muted: true, playsInline: true, srcObject: stream });
  const camera = new Camera(stream, video);
  try {
    await video.play();
  } catch {
    camera.stop();
    throw new StudioError("camera_busy");
  }
  return camera;
}

/**
 * A canvas as a file.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {"image/png" | "image/jpeg"} type
 * @returns {Promise<Blob>}
 */
export function encoded(canvas, type) {
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new StudioError("camera_failed"))), type, 0.95,
    );
  });
}
