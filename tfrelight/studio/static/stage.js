// @ts-check
// The part of the page with the photo: drops, views, and messages.

import { byId, context2d, element } from "./dom.js";
import { degrees } from "./slider.js";
import { say, text } from "./texts.js";

/** @import { Lamp, Scene } from "./lighting.js" */
/** @import { PhotoHeader } from "./photo_data.js" */
/** @import { StudioError } from "./requests.js" */
/** @import { Mode } from "./shaders.js" */
/** @import { TextKey, Values } from "./texts.js" */
/** @import { Zoom } from "./zoom.js" */

/**
 * Callbacks for what people do here. `since`: time of the event, milliseconds.
 *
 * @typedef {object} StageEvents
 * @property {(file: File) => void} dropped  dropped or pasted
 * @property {(view: Mode) => void} viewed  a view was chosen
 * @property {(share: number) => void} split  the divider was moved to a share of the width
 * @property {() => void} undo
 * @property {() => void} redo
 */

/** @type {Mode[]} */
const VIEWS = ["relit", "split", "photo", "albedo", "normals", "shading", "mask", "parts"];
// Milliseconds that a notice stays.
const NOTICE = 5000;

/** @type {(angle: number, positive: TextKey, negative: TextKey) => string} */
const directed = (angle, positive, negative) =>
  text(angle >= 0 ? positive : negative, { degrees: degrees(Math.abs(angle)) });

/**
 * A lamp in words.
 *
 * @param {Lamp} lamp
 * @param {number} k  its index
 */
export const describeLamp = ({ azimuth, elevation }, k) =>
  text("lamp_now", {
    number: k + 1, across: directed(azimuth, "left", "right"),
    up: directed(elevation, "up", "down"),
  });

/** @param {Scene} scene */
export const describeScene = ({ rotate }) =>
  directed(rotate, "scene_left", "scene_right");

export class Stage {
  constructor() {
    this.area = byId("stage", HTMLElement);
    this.frame = byId("frame", HTMLElement);
    this.views = byId("views", HTMLElement);
    this.progress = byId("progress", HTMLProgressElement);
    this.progressText = byId("progress-text", HTMLElement);
    this.error = byId("error", HTMLElement);
    this.errorText = byId("error-text", HTMLElement);
    this.wholeButton = byId("error-whole", HTMLButtonElement);
    /** @type {StudioError | null} */
    this.shownError = null;
    this.notice = byId("notice", HTMLElement);
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.noticeTimer = undefined;
    /** Whether a button of the camera had the focus when they were hidden. */
    this.hadFocus = false;
    /** Left, top, right and bottom of what is in sight, as shares of the photo. */
    this.inSight = [0, 0, 1, 1];
    byId("error-close", HTMLButtonElement).addEventListener("click", () => this.showError(null));
  }

  /**
   * Makes the controls work.
   *
   * @param {StageEvents} events
   */
  listen(events) {
    this.showViews(events);
    this.listenDrops(events);
    byId("divider", HTMLInputElement).addEventListener("input", () => {
      events.split(this.splitShare());
    });
    addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
      event.preventDefault();
      if (event.shiftKey) events.redo();
      else events.undo();
    });
  }

  /** @param {StageEvents} events */
  showViews(events) {
    const buttons = VIEWS.map((view) => {
      const button = element("button", { type: "button", className: "chip" });
      say(button, { text: `view_${view}` });
      button.setAttribute("aria-pressed", String(view === "relit"));
      button.dataset.view = view;
      button.addEventListener("click", () => {
        this.markView(view);
        events.viewed(view);
      });
      return button;
    });
    this.views.replaceChildren(...buttons);
  }

  /** @param {Mode} view */
  markView(view) {
    for (const button of this.views.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.view === view));
    }
    for (const id of ["divider", "before", "after"]) {
      byId(id, HTMLElement).hidden = view !== "split";
    }
    byId("legend", HTMLElement).hidden = view !== "parts";
  }

  /**
   * Explains the colours of parts, and offers their view if they are known.
   *
   * @param {PhotoHeader} header
   */
  showLegend({ parts, settings }) {
    const button = this.views.querySelector("[data-view=parts]");
    if (button instanceof HTMLElement) button.hidden = parts.length === 0;
    const entries = parts.map((part, k) => {
      const swatch = element("canvas", { width: 1, height: 1, className: "swatch" });
      const context = context2d(swatch);
      const [r, g, b] = settings.part_colours[k + 1];
      context.fillStyle = `rgb(${r} ${g} ${b})`;
      context.fillRect(0, 0, 1, 1);
      swatch.setAttribute("aria-hidden", "true");
      return element("li", {}, swatch, say(element("span"), { text: `part_${part}` }));
    });
    byId("legend", HTMLElement).replaceChildren(...entries);
  }

  /** @param {StageEvents} events */
  listenDrops(events) {
    const { area } = this;
    addEventListener("dragover", (event) => {
      event.preventDefault();
      area.classList.add("over");
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) area.classList.remove("over");
    });
    addEventListener("drop", (event) => {
      event.preventDefault();
      area.classList.remove("over");
      const file = event.dataTransfer?.files[0];
      if (file) events.dropped(file);
    });
    addEventListener("paste", (event) => {
      const file = event.clipboardData?.files[0];
      if (file) events.dropped(file);
    });
  }

  /**
   * The share of the photo at which the divider stands, and its line with it.
   *
   * @returns {number}
   */
  splitShare() {
    const { value } = byId("divider", HTMLInputElement);
    this.frame.style.setProperty("--split", String(Number(value) / 100));
    const [left, , right] = this.inSight;
    return left + (right - left) * (Number(value) / 100);
  }

  /**
   * Lays what belongs to the view "split" over the part of the photo that is in sight.
   *
   * @param {Zoom} zoom
   */
  follow(zoom) {
    this.inSight = zoom.inSight();
    const [left, top, right, bottom] = this.inSight;
    const [corner, size] = [zoom.corner(), zoom.sizeAt()];
    const sides = {
      "--left": corner[0] + left * size[0], "--right": corner[0] + right * size[0],
      "--top": corner[1] + top * size[1], "--bottom": corner[1] + bottom * size[1],
    };
    for (const [name, value] of Object.entries(sides)) {
      this.frame.style.setProperty(name, `${value}px`);
    }
    byId("zoom-whole", HTMLButtonElement).disabled = zoom.isWhole;
    byId("zoom-out", HTMLButtonElement).disabled = zoom.isWhole;
  }

  /** Shows the area of the photo. */
  showPhoto() {
    this.showArea(true);
  }

  /** Shows how to open one. */
  showEmpty() {
    this.showArea(false);
  }

  /** @param {boolean} hasPhoto */
  showArea(hasPhoto) {
    byId("empty", HTMLElement).hidden = hasPhoto;
    for (const id of ["shown", "another", "camera-again"]) byId(id, HTMLElement).hidden = !hasPhoto;
    if (this.hadFocus) byId(hasPhoto ? "camera-again" : "camera", HTMLElement).focus();
    this.hadFocus = false;
  }

  /**
   * Shows the area of the photo for the camera's picture, without what only a photo has. The focus
   * goes from buttons that are hidden to those that take their place.
   *
   * @param {boolean} isLive  false: for a photo again; `showPhoto` or `showEmpty` follows
   */
  showLive(isLive) {
    const { activeElement: focused } = document;
    const live = byId("live", HTMLElement);
    this.hadFocus = !isLive && live.contains(focused);
    if (isLive) this.showPhoto();
    live.hidden = !isLive;
    for (const id of ["zoom-face", "commands"]) byId(id, HTMLElement).hidden = isLive;
    if (!isLive) return;
    byId("camera-again", HTMLElement).hidden = true;
    if (focused && ["camera", "camera-again"].includes(focused.id)) {
      byId("camera-stop", HTMLElement).focus();
    }
  }

  /**
   * Says how many faces were found.
   *
   * @param {PhotoHeader} header
   */
  tellFaces({ found, relit }) {
    if (found > relit) this.notify("faces_some", { found, relit });
    else if (relit > 1) this.notify("faces_all", { found });
    else this.notify("ready");
  }

  /**
   * Shows what is going on.
   *
   * @param {TextKey | null} key  of the text; null if nothing is going on
   * @param {number} [share]  of the work that is done, 0 to 1, if it is known
   */
  showProgress(key, share) {
    const { progress, progressText } = this;
    progress.hidden = key === null;
    const now = key === null ? "" : text(key);
    // Screen readers would read the same text out again.
    if (progressText.textContent !== now) progressText.textContent = now;
    if (share === undefined) progress.removeAttribute("value");
    else progress.value = share;
  }

  /** @param {StudioError | null} error  null hides the last one */
  showError(error) {
    this.shownError = error;
    this.error.hidden = error === null;
    this.sayError();
    if (error) this.error.scrollIntoView({ block: "center" });
    if (error?.reason !== "no_face") this.wholeButton.hidden = true;
  }

  /** Writes the error in the page's language. */
  sayError() {
    const { shownError: shown } = this;
    this.errorText.textContent = shown ? text(shown.key, shown.values) : "";
  }

  /**
   * Offers to use the whole photo as the face.
   *
   * @param {() => void} action
   */
  offerWholeImage(action) {
    this.wholeButton.hidden = false;
    this.wholeButton.onclick = action;
  }

  /**
   * Shows a text for a few seconds.
   *
   * @param {TextKey} key
   * @param {Values} [values]
   */
  notify(key, values) {
    this.notice.textContent = text(key, values);
    clearTimeout(this.noticeTimer);
    this.noticeTimer = setTimeout(() => (this.notice.textContent = ""), NOTICE);
  }

  /**
   * Copies a text to the clipboard.
   *
   * @param {string} copied
   * @param {TextKey} notice  shown afterwards
   */
  async copy(copied, notice) {
    try {
      await navigator.clipboard.writeText(copied);
    } catch {
      // Over plain HTTP from another machine, browsers offer no clipboard.
      const area = element("textarea", { value: copied, className: "away" });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    this.notify(notice);
  }
}
