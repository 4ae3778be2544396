// @ts-check
// The named lights on the face of the open photo, small, for the buttons that choose them.

import { context2d, element } from "./dom.js";
import { moved } from "./face_maps.js";
import { defaultState, lightOf, presetLight } from "./lighting.js";
import { UNCHANGED, staysGrey } from "./preview.js";
import { relight } from "./relighting.js";
import { Renderer } from "./renderer.js";

/** @import { Preset } from "./lighting.js" */
/** @import { PhotoData } from "./photo_data.js" */

// Side of a picture, pixels.
const SIDE = 96;
export class PresetPictures {
  /** @param {Record<string, Preset>} presets */
  constructor(presets) {
    this.presets = presets;
    this.renderer = new Renderer(element("canvas"));
    /** Number of the photo whose pictures are drawn. */
    this.photo = 0;
  }

  /**
   * Draws the pictures, one after another, so that the page stays responsive.
   *
   * @param {PhotoData} data  of the photo
   * @param {Iterable<HTMLButtonElement>} buttons  of the presets, each with a canvas
   */
  async show(data, buttons) {
    if (!data.pixels) return;
    const photo = ++this.photo;
    await pause(0);
    if (photo !== this.photo) return;
    const portrait = portraitOf(data);
    this.renderer.load(portrait);
    for (const button of buttons) {
      await pause(0);
      if (photo !== this.photo) return;
      const name = button.dataset.name ?? "";
      const canvas = button.querySelector("canvas");
      if (canvas) this.draw(portrait, name, canvas);
    }
  }

  /** @type {(portrait: PhotoData, name: string, canvas: HTMLCanvasElement) => void} */
  draw(portrait, name, canvas) {
    const { renderer } = this;
    const light = lightOf({ ...defaultState(), ...presetLight(name, this.presets[name]) });
    renderer.update(portrait.faces, relight(portrait.faces, light, 1, 0));
    const grey = staysGrey(portrait, light);
    const size = { width: SIDE, height: SIDE };
    renderer.draw({ view: "relit", ...size, behind: UNCHANGED, grey, split: 0, only: null });
    canvas.width = canvas.height = SIDE;
    canvas.classList.add("portrait");
    context2d(canvas).drawImage(renderer.canvas, 0, 0);
  }
}

/** @type {(milliseconds: number) => Promise<void>} */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * The largest head of a photo, as a small photo of its own.
 *
 * @param {PhotoData} data
 * @returns {PhotoData}
 */
export function portraitOf({ header, pixels, faces }) {
  const { view } = header;
  const [left, top, right, bottom] = faces[0].facts.head;
  const side = Math.max(right - left, bottom - top, 1);
  const x = (left + right - side) / 2;
  const y = (top + bottom - side) / 2;
  const whole = element("canvas", { width: view.width, height: view.height });
  const bytes = new Uint8ClampedArray(pixels ?? []);
  // In memory, from where it is read again.
  const inMemory = { willReadFrequently: true };
  context2d(whole, inMemory).putImageData(new ImageData(bytes, view.width, view.height), 0, 0);
  const context = context2d(element("canvas", { width: SIDE, height: SIDE }), inMemory);
  context.imageSmoothingQuality = "high";
  context.drawImage(whole, x, y, side, side, 0, 0, SIDE, SIDE);
  const small = context.getImageData(0, 0, SIDE, SIDE).data;
  return {
    header: { ...header, view: { width: SIDE, height: SIDE } },
    pixels: new Uint8Array(small.buffer),
    faces: faces.map((face) => {
      const half = face.halved();
      half.facts = moved(half.facts, x, y, SIDE / side);
      return half;
    }),
  };
}
