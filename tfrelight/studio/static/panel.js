// @ts-check
// The controls of the light: lamps, colours, presets, strength and brightness.

import { drawBall } from "./ball.js";
import { byId, context2d, element, focusOn } from "./dom.js";
import { MOST_LAMPS, defaultState, lightOf, newLamp, presetLight } from "./lighting.js";
import { createSlider, degrees, directed, percent, stops } from "./slider.js";
import { say, text } from "./texts.js";
import { tintControls } from "./tint_controls.js";

/** @import { Active } from "./ball.js" */
/** @import { History } from "./history.js" */
/** @import { Preset, Scene, State } from "./lighting.js" */
/** @import { Movement, Slider, SliderOptions } from "./slider.js" */
/** @import { TextKey } from "./texts.js" */

/** Texts of the first lamps. @type {TextKey[]} */
const LAMPS = ["lamp_key", "lamp_fill"];

export class Panel {
  /**
   * @param {History} history
   * @param {Record<string, Preset>} presets
   */
  constructor(history, presets) {
    this.history = history;
    this.lampArea = byId("lamps", HTMLElement);
    this.controlArea = byId("lamp", HTMLElement);
    this.presetArea = byId("presets", HTMLElement);
    this.pictureArea = byId("whole", HTMLElement);
    this.quickArea = byId("quick", HTMLElement);
    /** @type {Active} */
    this.active = 0;
    /** @type {number | undefined} time of the event that moves the light, milliseconds */
    this.since = undefined;
    /** @type {Slider[]} */
    this.sliders = [];
    // A held key repeats. All its repeats are one step, which ends when the key is released.
    this.keyHeld = false;
    this.stepOwed = false;
    this.showPresets(presets);
    // In the capture phase, before the focused control handles the key.
    addEventListener("keydown", () => (this.keyHeld = true), true);
    for (const name of ["keyup", "pointerdown", "blur"]) {
      addEventListener(name, () => this.releaseKey());
    }
  }

  /** Ends a movement, which becomes one step of undo. */
  done() {
    if (this.keyHeld) this.stepOwed = true;
    else this.history.set(() => {});
  }

  releaseKey() {
    this.keyHeld = false;
    if (!this.stepOwed) return;
    this.stepOwed = false;
    this.done();
  }

  get state() {
    return this.history.state;
  }

  /**
   * A movement that changes the state.
   *
   * @param {(state: State, value: number) => void} change
   * @param {boolean} [changesLight]  whether the light stops being the preset
   * @returns {Movement}
   */
  movement(change, changesLight = true) {
    return {
      moved: (value, since) => {
        this.since = since;
        this.history.set((state) => {
          change(state, value);
          if (changesLight) state.preset = null;
        }, false);
        this.since = undefined;
      },
      done: () => this.done(),
    };
  }

  /** Rebuilds all controls. Must not be called while one of them is moved. */
  show() {
    const lamps = this.state.lamps.length;
    const exists = this.active === "scene" ? this.state.scene : this.active < lamps;
    if (!exists) this.active = Math.max(0, lamps - 1);
    const focused = document.activeElement;
    const key = focused instanceof HTMLElement ? focused.dataset.key : undefined;
    this.sliders = [];
    this.showLamps();
    this.showControls();
    this.showPictureControls();
    for (const button of this.presetArea.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.name === this.state.preset));
    }
    if (key) focusOn(key);
  }

  /** Moves the sliders to the state, after a drag on the ball or the photo. */
  follow() {
    for (const { input, follow } of this.sliders) {
      if (input !== document.activeElement) follow();
    }
  }

  /** @param {Active} active */
  choose(active) {
    this.active = active;
    this.history.onChange(true);
  }

  /** @type {(options: SliderOptions) => HTMLElement} */
  slider(options) {
    const made = createSlider(options);
    this.sliders.push(made);
    return made.row;
  }

  showLamps() {
    /** @type {(active: Active, name: string) => HTMLButtonElement} */
    const chip = (active, name) => {
      const button = element("button", { type: "button", textContent: name, className: "chip" });
      button.setAttribute("aria-pressed", String(active === this.active));
      button.dataset.key = `lamp-${active}`;
      button.addEventListener("click", () => this.choose(active));
      return button;
    };
    const buttons = this.state.lamps.map((_, k) =>
      chip(k, text(LAMPS[k] ?? "lamp_other", { number: k + 1 })),
    );
    const { scene } = this.state;
    if (scene) {
      buttons.push(chip("scene", text(`scene_${scene.kind}`)));
    }
    const add = element("button", {
      type: "button", className: "chip add", disabled: this.state.lamps.length >= MOST_LAMPS,
    });
    say(add, { text: "add_light" });
    add.dataset.key = "add";
    add.addEventListener("click", () => this.addLamp());
    this.lampArea.replaceChildren(...buttons, add);
  }

  addLamp() {
    const { lamps } = this.state;
    const [key] = lamps;
    // The second lamp is a fill: opposite the key, and weaker.
    const added =
      lamps.length === 1
        ? newLamp(-key.azimuth || -45, 5, { power: 0.4, radius: 20 })
        : newLamp(0, 60, { power: 0.5 });
    this.active = lamps.length;
    this.history.set((state) => {
      state.lamps.push(added);
      state.preset = null;
    });
  }

  showControls() {
    const { scene } = this.state;
    const controls =
      this.active === "scene" && scene
        ? this.sceneControls(scene)
        : [...this.lampControls(Number(this.active)), ...this.ambientControls()];
    this.controlArea.replaceChildren(...controls);
  }

  /**
   * @param {number} k  index of the lamp
   * @returns {HTMLElement[]}
   */
  lampControls(k) {
    const lamp = this.state.lamps[k];
    if (!lamp) return [];
    const now = () => this.state.lamps[k];
    return [
      this.slider({
        // Azimuth grows to the left, the slider to the right.
        label: "across",
        isSideways: true,
        range: [-180, 180, 1],
        value: () => -now().azimuth,
        format: directed("left", "right"),
        on: this.movement((state, value) => (state.lamps[k].azimuth = -value)),
      }),
      this.slider({
        label: "up_down",
        range: [-90, 90, 1],
        value: () => now().elevation,
        format: directed("down", "up"),
        on: this.movement((state, value) => (state.lamps[k].elevation = value)),
      }),
      this.slider({
        label: "intensity",
        range: [0, 2, 0.05],
        value: () => now().power,
        format: percent,
        on: this.movement((state, value) => (state.lamps[k].power = value)),
      }),
      this.slider({
        label: "softness",
        range: [0, 90, 1],
        value: () => now().radius,
        format: degrees,
        on: this.movement((state, value) => (state.lamps[k].radius = value)),
      }),
      tintControls(this, "colour", `tint-${k}`, (state) => state.lamps[k].tint),
      this.removeButton((state) => state.lamps.splice(k, 1)),
    ];
  }

  ambientControls() {
    return [
      this.slider({
        label: "ambient",
        range: [0, 1, 0.01],
        value: () => this.state.ambient.power,
        format: percent,
        on: this.movement((state, value) => (state.ambient.power = value)),
      }),
      tintControls(this, "ambient_colour", "tint-ambient", (state) => state.ambient.tint),
    ];
  }

  /** @param {Scene} scene */
  sceneControls(scene) {
    // Undo replaces the state's objects.
    const now = () => this.state.scene ?? scene;
    /** @type {(change: (scene: Scene, value: number) => void) => Movement} */
    const movement = (change) =>
      this.movement((state, value) => {
        if (state.scene) change(state.scene, value);
      });
    return [
      element("p", { className: "note", textContent: scene.name }),
      this.slider({
        label: "turn",
        isSideways: true,
        range: [-180, 180, 1],
        value: () => -now().rotate,
        format: directed("left", "right"),
        on: movement((changed, value) => (changed.rotate = -value)),
      }),
      this.slider({
        label: "intensity",
        range: [0, 2, 0.05],
        value: () => now().power,
        format: percent,
        on: movement((changed, value) => (changed.power = value)),
      }),
      this.removeButton((state) => (state.scene = null)),
    ];
  }

  /** @param {(state: State) => void} change */
  removeButton(change) {
    const button = element("button", { type: "button", className: "quiet" });
    say(button, { text: "remove_light" });
    button.addEventListener("click", () => {
      this.history.set((state) => {
        change(state);
        state.preset = null;
      });
      // The button that had the focus is gone.
      focusOn("add");
    });
    return button;
  }

  showPictureControls() {
    this.quickArea.replaceChildren(
      this.slider({
        label: "strength",
        range: [0, 1, 0.01],
        value: () => this.state.strength,
        format: percent,
        on: this.movement((state, value) => (state.strength = value), false),
      }),
    );
    this.pictureArea.replaceChildren(
      this.slider({
        label: "brightness",
        range: [-2, 2, 0.1],
        value: () => this.state.brightness,
        format: stops,
        on: this.movement((state, value) => (state.brightness = value), false),
      }),
      this.checkbox("background"),
      this.checkbox("neutral"),
    );
  }

  /** @param {"background" | "neutral"} name  of a field of the state, and of its text */
  checkbox(name) {
    const id = `whole-${name}`;
    const box = element("input", { id, type: "checkbox", checked: this.state[name] });
    box.dataset.key = id;
    box.addEventListener("change", () => {
      this.history.set((state) => (state[name] = box.checked));
    });
    const label = say(element("label", { htmlFor: id }), { text: name });
    return element("div", { className: "check" }, box, label);
  }

  /** @param {Record<string, Preset>} presets */
  showPresets(presets) {
    const buttons = Object.entries(presets).map(([name, preset]) => {
      const picture = element("canvas", { width: 48, height: 48 });
      const light = lightOf({ ...defaultState(), ...presetLight(name, preset) });
      drawBall(context2d(picture), light.coefficients, picture.width);
      const key = /** @type {TextKey} */ (`preset_${name}`);
      const title = say(element("span"), { text: key });
      const button = element("button", { type: "button", className: "preset" }, picture, title);
      say(button, { title: /** @type {TextKey} */ (`${key}_about`) });
      button.dataset.name = name;
      button.addEventListener("click", () => {
        this.active = 0;
        this.history.set((state) => Object.assign(state, presetLight(name, preset)));
      });
      return button;
    });
    this.presetArea.replaceChildren(...buttons);
  }
}
