// The controls of the light: lamps, tints, presets, and what is done with all of it.

import { drawBall } from "./ball.js";
import { fromHex, toHex } from "./color.js";
import { colorOf, lightOf, newLamp, ofPreset, start } from "./lighting.js";

const MOST_LAMPS = 8;

export const element = (tag, attributes = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
};

let made = 0;

// A labelled slider of what `value()` says; `on.moved(value)` while it moves, `on.done()` after.
function slider(label, [least, most, step], value, unit, on, key = label) {
  const id = `slider-${++made}`;
  const shown = element("output");
  shown.setAttribute("for", id);
  const input = element("input", { id, type: "range", min: least, max: most, step });
  input.dataset.key = key;
  const tell = (now) => {
    shown.textContent = unit(now);
    input.setAttribute("aria-valuetext", shown.textContent);
  };
  input.follow = () => {
    input.value = value();
    tell(value());
  };
  input.follow();
  input.addEventListener("input", (event) => {
    tell(Number(input.value));
    on.moved(Number(input.value), event.timeStamp);
  });
  input.addEventListener("change", () => on.done());
  return element("div", { className: "slider" }, element("label", { htmlFor: id, textContent: label }), input, shown);
}

const degrees = (value) => `${Math.round(value)}°`;
const sided = (less, more) => (value) => `${degrees(Math.abs(value))} ${value < 0 ? less : value > 0 ? more : ""}`;
const percent = (value) => `${Math.round(value * 100)} %`;
const stops = (value) => `${value > 0 ? "+" : ""}${value.toFixed(1)} EV`;

export class Panel {
  // places: elements by name; history: of the state; active: of the lamp that moves.
  constructor(places, history) {
    Object.assign(this, { places, history, active: 0, held: false, owed: false });
    this.presetButtons();
    // Before the control that has the focus is told of the key.
    addEventListener("keydown", () => (this.held = true), true);
    for (const name of ["keyup", "pointerdown", "blur"]) addEventListener(name, () => this.release());
  }

  // Ends what moved. A key that is held moves again and again: that is one step, and ends with it.
  done() {
    if (this.held) this.owed = true;
    else this.history.set(() => {});
  }

  release() {
    this.held = false;
    if (!this.owed) return;
    this.owed = false;
    this.done();
  }

  get state() {
    return this.history.state;
  }

  // Makes `change(state)` while something moves; the preset is then no longer what it was.
  moving(change, own = true) {
    return {
      moved: (value, since) => {
        this.since = since;
        this.history.set((state) => {
          change(state, value);
          if (own) state.preset = null;
        }, false);
        this.since = undefined;
      },
      done: () => this.done(),
    };
  }

  // Makes the controls anew; not while one of them moves.
  show() {
    const lamps = this.state.lamps.length;
    if (this.active === "scene" ? !this.state.scene : this.active >= lamps) this.active = Math.max(0, lamps - 1);
    const focused = document.activeElement?.dataset?.key;
    this.lampButtons();
    this.lampControls();
    this.wholeControls();
    for (const button of this.places.presets.children) {
      button.setAttribute("aria-pressed", String(button.dataset.name === this.state.preset));
    }
    if (focused) document.querySelector(`[data-key="${focused}"]`)?.focus({ preventScroll: true });
  }

  // Brings the sliders to what the ball or the photo is dragged to.
  follow() {
    for (const input of document.querySelectorAll("#panel input[type=range]")) {
      if (input !== document.activeElement) input.follow();
    }
  }

  choose(active) {
    this.active = active;
    this.history.changed(true);
  }

  lampButtons() {
    const chip = (active, text) => {
      const button = element("button", { type: "button", textContent: text, className: "chip" });
      button.setAttribute("aria-pressed", String(active === this.active));
      button.dataset.key = `lamp-${active}`;
      button.addEventListener("click", () => this.choose(active));
      return button;
    };
    const names = ["Key", "Fill"];
    const buttons = this.state.lamps.map((_, k) => chip(k, `${k + 1} ${names[k] ?? "Light"}`));
    const { scene } = this.state;
    if (scene) buttons.push(chip("scene", scene.kind === "photo" ? "Other photo" : "Environment"));
    const more = element("button", { type: "button", textContent: "Add light", className: "chip add" });
    more.dataset.key = "add";
    more.disabled = this.state.lamps.length >= MOST_LAMPS;
    more.addEventListener("click", () => this.add());
    this.places.lamps.replaceChildren(...buttons, more);
  }

  add() {
    const { lamps } = this.state;
    const first = lamps[0];
    // A fill stands opposite the key and is weaker.
    const more = first && lamps.length === 1
      ? newLamp(-first.azimuth || -45, 5, { power: 0.4, radius: 20 }) : newLamp(0, 60, { power: 0.5 });
    this.active = lamps.length;
    this.history.set((state) => {
      state.lamps.push(more);
      state.preset = null;
    });
  }

  lampControls() {
    const { active, state } = this;
    if (active === "scene") return this.sceneControls(state.scene);
    const one = state.lamps[active];
    const of = (name) => this.moving((now, value) => (now.lamps[active][name] = value));
    const rows = !one ? [] : [
      // Azimuth grows to the left; a slider that went the other way would be a riddle.
      slider("Left, right", [-180, 180, 1], () => -this.state.lamps[active].azimuth, sided("left", "right"),
        this.moving((now, value) => (now.lamps[active].azimuth = -value))),
      slider("Up, down", [-90, 90, 1], () => this.state.lamps[active].elevation, sided("down", "up"), of("elevation")),
      slider("Intensity", [0, 2, 0.05], () => this.state.lamps[active].power, percent, of("power")),
      slider("Softness", [0, 90, 1], () => this.state.lamps[active].radius, degrees, of("radius")),
      this.tint(one.tint, (now) => now.lamps[active].tint, `tint-${active}`),
      this.remove("Remove this light", (now) => now.lamps.splice(active, 1)),
    ];
    const fill = this.moving((now, value) => (now.ambient.power = value));
    rows.push(slider("Ambient", [0, 1, 0.01], () => this.state.ambient.power, percent, fill));
    rows.push(this.tint(state.ambient.tint, (now) => now.ambient.tint, "tint-ambient", "Ambient colour"));
    this.places.lamp.replaceChildren(...rows);
    return undefined;
  }

  sceneControls(scene) {
    const of = (name) => this.moving((now, value) => (now.scene[name] = value));
    this.places.lamp.replaceChildren(
      element("p", { className: "note", textContent: scene.name }),
      slider("Turn", [-180, 180, 1], () => -this.state.scene.rotate, sided("left", "right"),
        this.moving((now, value) => (now.scene.rotate = -value))),
      slider("Intensity", [0, 2, 0.05], () => this.state.scene.power, percent, of("power")),
      this.remove("Remove it", (now) => (now.scene = null)),
    );
  }

  remove(text, change) {
    const button = element("button", { type: "button", textContent: text, className: "quiet" });
    button.addEventListener("click", () => {
      this.history.set((state) => {
        change(state);
        state.preset = null;
      });
      // The button is gone; the focus must not be.
      document.querySelector("[data-key=add]").focus();
    });
    return button;
  }

  // place(state): the tint there.
  tint(tint, place, key, label = "Colour") {
    const id = `${key}-kind`;
    const kinds = [["white", "White"], ["kelvin", "Temperature"], ["colour", "Colour"]];
    const select = element("select", { id });
    select.dataset.key = id;
    select.append(...kinds.map(([value, text]) => element("option", { value, textContent: text, selected: value === tint.kind })));
    const set = (change) => (state) => {
      change(place(state));
      state.preset = null;
    };
    select.addEventListener("change", () => this.history.set(set((one) => (one.kind = select.value))));
    const row = element("div", { className: "tint" }, element("label", { htmlFor: id, textContent: label }), select);
    if (tint.kind === "colour") {
      const input = element("input", { type: "color", value: toHex(colorOf(tint)), ariaLabel: `${label}: which` });
      input.dataset.key = `${key}-colour`;
      input.addEventListener("input", () => this.history.set(set((one) => (one.rgb = fromHex(input.value))), false));
      input.addEventListener("change", () => this.history.set(() => {}));
      row.append(input);
    } else if (tint.kind === "kelvin") {
      const on = this.moving((state, value) => (place(state).kelvin = value));
      return element("div", {}, row, slider("Kelvin", [1000, 15000, 100], () => place(this.state).kelvin, (v) => `${v} K`, on, `${key}-kelvin`));
    }
    return row;
  }

  wholeControls() {
    const { state } = this;
    const id = "whole-background";
    const box = element("input", { id, type: "checkbox", checked: state.background });
    box.dataset.key = id;
    box.addEventListener("change", () => this.history.set((now) => (now.background = box.checked)));
    this.places.whole.replaceChildren(
      slider("Strength", [0, 1, 0.01], () => this.state.strength, percent, this.moving((now, v) => (now.strength = v), false)),
      slider("Brightness", [-2, 2, 0.1], () => this.state.brightness, stops, this.moving((now, v) => (now.brightness = v), false)),
      element("div", { className: "check" }, box, element("label", { htmlFor: id, textContent: "Light the background, too" })),
    );
  }

  presetButtons() {
    const { presets } = this.history;
    this.places.presets.replaceChildren(
      ...Object.entries(presets).map(([name, preset]) => {
        const picture = element("canvas", { width: 48, height: 48 });
        drawBall(picture.getContext("2d"), lightOf({ ...start(), ...ofPreset(name, preset) }), 48);
        const button = element("button", { type: "button", className: "preset", title: preset.description }, picture, element("span", { textContent: name }));
        button.dataset.name = name;
        button.addEventListener("click", () => {
          this.active = 0;
          this.history.set((state) => Object.assign(state, ofPreset(name, preset)));
        });
        return button;
      }),
    );
  }
}
