// @ts-check
// The light's handle on the photo: it lies around the largest face as it does on the ball, and a
// finger can drag it. The ball does the same for the keyboard and for screen readers.

import { directionOf, placeOf } from "./ball.js";
import { element } from "./dom.js";
import { toHex } from "./color.js";
import { tintColor } from "./lighting.js";
import { clamp } from "./numbers.js";
import { headsOf } from "./photo_data.js";

/** @import { Active, BallEvents } from "./ball.js" */
/** @import { State } from "./lighting.js" */
/** @import { PhotoHeader } from "./photo_data.js" */
/** @import { Zoom } from "./zoom.js" */

// Half the picture of the ball, as a share of the head's longer side.
const REACH = 0.75;
// Least distance from the edge of what is in sight, as a share of it.
const EDGE = 0.03;

export class Handle {
  /**
   * @param {Zoom} zoom
   * @param {Pick<BallEvents, "moved" | "done">} events
   */
  constructor(zoom, events) {
    this.zoom = zoom;
    this.events = events;
    this.dot = element("div", { className: "handle", hidden: true });
    this.dot.setAttribute("aria-hidden", "true");
    zoom.plane.append(this.dot);
    /** @type {{ x: number, y: number, reach: number, width: number, height: number } | null} */
    this.head = null;
    this.isHeld = false;
    this.dot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      // It is no drag of the photo.
      event.stopPropagation();
      this.dot.setPointerCapture(event.pointerId);
      this.isHeld = true;
    });
    this.dot.addEventListener("pointermove", (event) => this.drag(event));
    for (const name of ["pointerup", "pointercancel"]) {
      this.dot.addEventListener(name, () => this.release());
    }
  }

  /**
   * Takes the place of the largest head of a photo.
   *
   * @param {PhotoHeader} header
   */
  load(header) {
    const { view } = header;
    const [{ head: [left, top, right, bottom] }] = headsOf(header);
    const reach = REACH * Math.max(right - left, bottom - top);
    this.head = { x: (left + right) / 2, y: (top + bottom) / 2, reach, ...view };
  }

  /**
   * @param {State} state
   * @param {Active} active
   */
  show({ lamps }, active) {
    const lamp = active === "scene" ? undefined : lamps[active];
    this.dot.hidden = !this.head || !lamp;
    if (!this.head || !lamp) return;
    const { x, y, reach, width, height } = this.head;
    const [across, up] = placeOf(lamp.azimuth, lamp.elevation);
    // Stays in sight when the head fills the photo, or the photo is magnified.
    const [left, top, right, bottom] = this.zoom.inSight();
    const [dx, dy] = [EDGE * (right - left), EDGE * (bottom - top)];
    const place = [
      clamp((x + reach * across) / width, left + dx, right - dx),
      clamp((y - reach * up) / height, top + dy, bottom - dy),
    ];
    this.dot.style.left = `${100 * place[0]}%`;
    this.dot.style.top = `${100 * place[1]}%`;
    this.dot.style.setProperty("--lamp", toHex(tintColor(lamp.tint)));
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (!this.isHeld || !this.head) return;
    const box = this.zoom.plane.getBoundingClientRect();
    const { x, y, reach, width, height } = this.head;
    const across = (((event.clientX - box.left) / box.width) * width - x) / reach;
    const down = (((event.clientY - box.top) / box.height) * height - y) / reach;
    this.events.moved(...directionOf(across, -down), event.timeStamp);
  }

  release() {
    if (!this.isHeld) return;
    this.isHeld = false;
    this.events.done();
  }
}
