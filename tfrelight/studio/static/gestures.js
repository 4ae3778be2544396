// @ts-check
// What people do on the photo with mouse, fingers and keys. A drag moves the light while the whole
// photo is in sight, and the photo once it is magnified. Two fingers, the middle button, or the
// space bar and a drag always move the photo; wheel and two fingers magnify it. The light's handle
// has listeners of its own.

/** @import { Pair, Zoom } from "./zoom.js" */

/**
 * `dragged`: by shares of the photo's width, to the right and down; `since`: time of the event,
 * milliseconds.
 *
 * @typedef {object} LightEvents
 * @property {(dx: number, dy: number, since: number) => void} dragged
 * @property {() => void} released
 */

// Magnification of a key or button.
const STEP = 1.5;
// Of a pixel of the wheel; a pinch on a touchpad comes as smaller steps with Ctrl.
const WHEEL = 0.002;
const PINCH = 0.01;
// Pixels of a line of the wheel, in browsers that count lines.
const LINE = 16;
// Share of the frame by which an arrow key moves.
const ARROW = 0.1;
/** @type {Record<string, Pair>} which way the photo goes */
const ARROWS = {
  ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1],
};

export class Gestures {
  /**
   * @param {Zoom} zoom
   * @param {LightEvents} events
   */
  constructor(zoom, events) {
    this.zoom = zoom;
    this.frame = zoom.frame;
    this.events = events;
    /** @type {Map<number, Pair>} places of fingers and mouse, pixels of the page */
    this.pointers = new Map();
    /** @type {"light" | "pan" | "pinch" | null} what a drag does */
    this.mode = null;
    this.isSpaceHeld = false;
    const { frame } = this;
    frame.addEventListener("pointerdown", (event) => this.press(event));
    frame.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      frame.addEventListener(name, (event) => this.release(/** @type {PointerEvent} */ (event)));
    }
    frame.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    addEventListener("keydown", (event) => this.key(event));
    addEventListener("keyup", (event) => {
      if (event.key === " ") this.isSpaceHeld = false;
    });
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button > 1 || !(event.target instanceof Node)) return;
    // The divider between before and after is dragged by the browser.
    if (event.target instanceof HTMLInputElement) return;
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    if (this.pointers.size === 2) {
      this.end();
      this.mode = "pinch";
    } else if (this.pointers.size === 1) {
      this.mode = this.modeOf(event);
    }
    if (this.mode) this.frame.setPointerCapture(event.pointerId);
    // The middle button would scroll the page.
    if (event.button === 1) event.preventDefault();
  }

  /** @type {(event: PointerEvent) => "light" | "pan" | null} */
  modeOf({ button, pointerType }) {
    if (button === 1 || this.isSpaceHeld || !this.zoom.isWhole) return "pan";
    // Where the page scrolls, a finger on the photo scrolls it.
    const scrolls = pointerType === "touch" && getComputedStyle(this.frame).touchAction !== "none";
    return scrolls ? null : "light";
  }

  /** @param {PointerEvent} event */
  move({ pointerId, clientX, clientY, timeStamp }) {
    const before = this.pointers.get(pointerId);
    if (!before) return;
    const [dx, dy] = [clientX - before[0], clientY - before[1]];
    if (this.mode === "pinch") {
      const [other] = [...this.pointers].filter(([id]) => id !== pointerId);
      this.pinch(before, [clientX, clientY], other[1]);
    } else if (this.mode === "pan") {
      this.zoom.pan([dx, dy]);
    } else if (this.mode === "light") {
      const [width] = this.zoom.sizeAt();
      this.events.dragged(dx / width, dy / width, timeStamp);
    }
    this.pointers.set(pointerId, [clientX, clientY]);
  }

  /** @type {(before: Pair, now: Pair, other: Pair) => void} one of two fingers moves */
  pinch(before, now, other) {
    const apart = (/** @type {Pair} */ [x, y]) => Math.hypot(x - other[0], y - other[1]);
    this.zoom.pan([(now[0] - before[0]) / 2, (now[1] - before[1]) / 2]);
    const { left, top } = this.frame.getBoundingClientRect();
    this.zoom.magnify(apart(now) / Math.max(apart(before), 1), [
      (now[0] + other[0]) / 2 - left, (now[1] + other[1]) / 2 - top,
    ]);
  }

  /** @param {PointerEvent} event */
  release({ pointerId }) {
    if (!this.pointers.delete(pointerId)) return;
    this.end();
    // Of two fingers the one that stays goes on.
    if (this.pointers.size === 1 && !this.zoom.isWhole) this.mode = "pan";
  }

  end() {
    if (this.mode === "light") this.events.released();
    this.mode = null;
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    // Where there is nothing to make smaller, the page scrolls.
    if (event.deltaY > 0 && this.zoom.isWhole && !event.ctrlKey) return;
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1);
    const { left, top } = this.frame.getBoundingClientRect();
    const factor = Math.exp(-pixels * (event.ctrlKey ? PINCH : WHEEL));
    this.zoom.magnify(factor, [event.clientX - left, event.clientY - top]);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isOnPhoto = target === this.frame;
    const arrow = ARROWS[key];
    if (arrow && isOnPhoto && !this.zoom.isWhole) {
      const [width, height] = this.zoom.room;
      this.zoom.pan([ARROW * width * arrow[0], ARROW * height * arrow[1]]);
    } else if (key === " " && (isOnPhoto || target === document.body)) {
      this.isSpaceHeld = true;
    } else if (target instanceof HTMLSelectElement) {
      return;
    } else if (key === "+" || key === "=") {
      this.zoom.magnify(STEP);
    } else if (key === "-") {
      this.zoom.magnify(1 / STEP);
    } else if (key === "0") {
      this.zoom.showWhole();
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Makes the zoom's buttons work. @type {(buttons: Record<string, HTMLElement>) => void} */
  listen({ more, less, face, whole }) {
    more.addEventListener("click", () => this.zoom.magnify(STEP));
    less.addEventListener("click", () => this.zoom.magnify(1 / STEP));
    face.addEventListener("click", () => this.zoom.showFaces());
    whole.addEventListener("click", () => this.zoom.showWhole());
  }
}
