// @ts-check
// Which part of the photo its frame shows. At first all of it, or the faces where they are small.

import { clamp } from "./numbers.js";

// Magnification, at most; 1 shows the whole photo.
const MOST = 8;
// Longer side of the faces in the frame, as a share of the frame's.
const FACE = 0.5;
// Faces that would have to be magnified by more than this are shown first.
const SMALL = 2.5;

/** @typedef {[number, number]} Pair  across and down */

/** @type {(of: (k: number) => number) => Pair} */
const pair = (of) => [of(0), of(1)];

export class Zoom {
  /**
   * @param {HTMLElement} frame
   * @param {HTMLElement} plane  with the photo, in the frame
   * @param {() => void} onChange  called after another part is shown
   */
  constructor(frame, plane, onChange) {
    this.frame = frame;
    this.plane = plane;
    this.onChange = onChange;
    /** @type {Pair} of the photo, pixels */
    this.photo = [1, 1];
    /** Left, top, right and bottom of the faces, pixels of the photo. */
    this.faces = [0, 0, 1, 1];
    this.scale = 1;
    /** @type {Pair} of the frame, as shares of the photo */
    this.middle = [0.5, 0.5];
    new ResizeObserver(() => this.show()).observe(frame);
  }

  /**
   * Takes the size of a photo, and the places of its faces.
   *
   * @param {{ width: number, height: number }} size
   * @param {number[][]} boxes  left, top, right and bottom of each head
   */
  load({ width, height }, boxes) {
    this.photo = [width, height];
    this.faces = [0, 1, 2, 3].map((k) =>
      (k < 2 ? Math.min : Math.max)(...boxes.map((box) => box[k])),
    );
    if (this.scaleOfFaces > SMALL) this.showFaces();
    else this.showWhole();
  }

  /** @returns {Pair} of the frame, pixels of the page */
  get room() {
    return [this.frame.clientWidth || 1, this.frame.clientHeight || 1];
  }

  /** @returns {Pair} of the plane at a magnification, pixels of the page */
  sizeAt(scale = this.scale) {
    const [width, height] = this.room;
    const fit = Math.min(width / this.photo[0], height / this.photo[1]);
    return [this.photo[0] * fit * scale, this.photo[1] * fit * scale];
  }

  /** The magnification at which the faces fill their share of the frame. */
  get scaleOfFaces() {
    const [left, top, right, bottom] = this.faces;
    const [across, down] = [(right - left) / this.photo[0], (bottom - top) / this.photo[1]];
    const [[width, height], whole] = [this.room, this.sizeAt(1)];
    const longest = Math.max((across * whole[0]) / width, (down * whole[1]) / height);
    return clamp(FACE / Math.max(longest, 1e-3), 1, MOST);
  }

  get isWhole() {
    return this.scale === 1;
  }

  showWhole() {
    this.scale = 1;
    this.show();
  }

  showFaces() {
    const [left, top, right, bottom] = this.faces;
    this.scale = this.scaleOfFaces;
    this.middle = [(left + right) / 2 / this.photo[0], (top + bottom) / 2 / this.photo[1]];
    this.show();
  }

  /**
   * Magnifies; what is at a place stays there.
   *
   * @param {number} factor
   * @param {Pair} [place]  in the frame, pixels of the page; its middle by default
   */
  magnify(factor, place = [this.room[0] / 2, this.room[1] / 2]) {
    const { room } = this;
    const [before, corner] = [this.sizeAt(), this.corner()];
    this.scale = clamp(this.scale * factor, 1, MOST);
    const after = this.sizeAt();
    this.middle = pair((k) => {
      const share = (place[k] - corner[k]) / before[k];
      return share + (room[k] / 2 - place[k]) / after[k];
    });
    this.show();
  }

  /**
   * Moves the photo in its frame.
   *
   * @param {Pair} by  pixels of the page
   */
  pan(by) {
    const size = this.sizeAt();
    this.middle = pair((k) => this.middle[k] - by[k] / size[k]);
    this.show();
  }

  /** @returns {Pair} the plane's left and top in the frame, pixels of the page */
  corner() {
    const { room, middle } = this;
    const size = this.sizeAt();
    return pair((k) =>
      // No empty space beside a photo that is larger than the frame.
      size[k] <= room[k] ? (room[k] - size[k]) / 2
        : clamp(room[k] / 2 - middle[k] * size[k], room[k] - size[k], 0),
    );
  }

  /** Left, top, right and bottom of the part in sight, as shares of the photo. */
  inSight() {
    const [corner, size, { room }] = [this.corner(), this.sizeAt(), this];
    const start = pair((k) => Math.max(0, -corner[k] / size[k]));
    const end = pair((k) => Math.min(1, (room[k] - corner[k]) / size[k]));
    return [...start, ...end];
  }

  show() {
    const { room, plane, frame } = this;
    const [size, corner] = [this.sizeAt(), this.corner()];
    this.middle = pair((k) => (room[k] / 2 - corner[k]) / size[k]);
    const sides = { left: corner[0], top: corner[1], width: size[0], height: size[1] };
    for (const [name, value] of Object.entries(sides)) {
      plane.style.setProperty(name, `${value}px`);
    }
    frame.classList.toggle("zoomed", !this.isWhole);
    this.onChange();
  }
}
