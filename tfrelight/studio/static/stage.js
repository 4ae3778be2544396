// The place where the photo is: dropping, showing, dragging, and what is said meanwhile.

import { element } from "./panel.js";

const VIEWS = [
  ["relit", "Relit"], ["split", "Before | after"], ["photo", "Photo"], ["albedo", "Albedo"],
  ["normals", "Normals"], ["shading", "Shading"], ["mask", "Mask"],
];

const side = (value, [more, less]) => `${Math.round(Math.abs(value))}° ${value >= 0 ? more : less}`;

export const WORDS = {
  lamp: (k, { azimuth, elevation }) =>
    `Light ${k + 1}: ${side(azimuth, ["left", "right"])}, ${side(elevation, ["up", "down"])}`,
  scene: ({ rotate }) => `The whole light, turned ${side(rotate, ["to the left", "to the right"])}`,
  basis:
    "real orthonormal spherical harmonics of the incoming radiance, linear RGB, x right, y up, " +
    "z to the camera: 1, y, z, x, xy, yz, 3zz-1, xz, xx-yy",
};

export class Stage {
  constructor(at) {
    this.at = at;
    this.from = null;
    this.makeViews();
    at("error-close").addEventListener("click", () => this.problem(null));
  }

  makeViews() {
    const buttons = VIEWS.map(([view, text]) => {
      const button = element("button", { type: "button", textContent: text, className: "chip" });
      button.setAttribute("aria-pressed", String(view === "relit"));
      button.dataset.view = view;
      button.addEventListener("click", () => this.choose(view));
      return button;
    });
    this.at("views").replaceChildren(...buttons);
  }

  choose(view) {
    for (const button of this.at("views").children) {
      button.setAttribute("aria-pressed", String(button.dataset.view === view));
    }
    for (const id of ["divider", "before", "after"]) this.at(id).hidden = view !== "split";
    this.on.view(view);
  }

  listen(on) {
    this.on = on;
    const { at } = this;
    addEventListener("dragover", (event) => {
      event.preventDefault();
      at("stage").classList.add("over");
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) at("stage").classList.remove("over");
    });
    addEventListener("drop", (event) => {
      event.preventDefault();
      at("stage").classList.remove("over");
      const [file] = event.dataTransfer.files;
      if (file) on.dropped(file);
    });
    addEventListener("paste", (event) => {
      const [file] = event.clipboardData.files;
      if (file) on.dropped(file);
    });
    at("divider").addEventListener("input", ({ target }) => this.divide(target.value / 100));
    this.listenPicture(on);
    addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
      event.preventDefault();
      (event.shiftKey ? on.redo : on.undo)();
    });
  }

  divide(share) {
    this.at("frame").style.setProperty("--split", `${share * 100}%`);
    this.on.split(share);
  }

  listenPicture(on) {
    const picture = this.at("picture");
    picture.addEventListener("pointerdown", (event) => {
      // A finger scrolls the page; it moves the light on the ball.
      if (event.pointerType === "touch" || event.button !== 0) return;
      picture.setPointerCapture(event.pointerId);
      this.from = [event.clientX, event.clientY];
    });
    picture.addEventListener("pointermove", (event) => {
      if (!this.from) return;
      const width = picture.getBoundingClientRect().width;
      const [x, y] = this.from;
      this.from = [event.clientX, event.clientY];
      on.dragged((event.clientX - x) / width, (event.clientY - y) / width, event.timeStamp);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      picture.addEventListener(name, () => {
        if (this.from) on.released();
        this.from = null;
      });
    }
  }

  show({ found, faces, view }) {
    const { at } = this;
    at("empty").hidden = true;
    at("shown").hidden = false;
    at("another").hidden = false;
    at("frame").style.setProperty("--ratio", view.width / view.height);
    const lit = faces.length;
    this.say(
      found > lit ? `${found} faces found; the ${lit} largest are lit.`
        : lit > 1 ? `${lit} faces found: all of them are lit.` : "Ready. Drag on the photo or the ball.",
    );
  }

  working(text, share) {
    const { at } = this;
    at("progress").hidden = text === null;
    // What stays as it is is not said anew.
    if (at("progress-text").textContent !== (text ?? "")) at("progress-text").textContent = text ?? "";
    if (share === undefined) at("progress").removeAttribute("value");
    else at("progress").value = share;
  }

  problem(problem) {
    const { at } = this;
    at("error").hidden = problem === null;
    at("error-text").textContent = problem?.message ?? "";
    if (problem) at("error").scrollIntoView({ block: "center" });
    if (problem === null || problem.reason !== "no_face") at("error-whole").hidden = true;
  }

  offerWhole(action) {
    const button = this.at("error-whole");
    button.hidden = false;
    button.onclick = action;
  }

  say(text) {
    const said = this.at("said");
    said.textContent = text;
    clearTimeout(this.saying);
    this.saying = setTimeout(() => (said.textContent = ""), 5000);
  }

  async copy(text, done) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Plain http from another machine has no clipboard to write to.
      const area = element("textarea", { value: text, className: "away" });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    this.say(done);
  }
}
