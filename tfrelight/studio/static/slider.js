// @ts-check
// A labelled slider, and the texts of its values.

import { element } from "./dom.js";

/**
 * Callbacks of a control: while it is moved, and when it is released. `since`: time of the event,
 * milliseconds.
 *
 * @typedef {{ moved: (value: number, since?: number) => void, done: () => void }} Movement
 */

/**
 * @typedef {object} SliderOptions
 * @property {string} label
 * @property {[number, number, number]} range  least, most, step
 * @property {() => number} value  to show
 * @property {(value: number) => string} format  for people
 * @property {Movement} on
 * @property {string} [key]  identifies the control; the label by default
 */

/**
 * `follow` moves the slider to the present value.
 *
 * @typedef {{ row: HTMLElement, input: HTMLInputElement, follow: () => void }} Slider
 */

/** @param {number} value */
export const degrees = (value) => `${Math.round(value)}°`;

/** @param {number} value */
export const kelvins = (value) => `${value} K`;

/** @param {number} value  1 is 100 % */
export const percent = (value) => `${Math.round(value * 100)} %`;

/** @param {number} value */
export const stops = (value) => `${value > 0 ? "+" : ""}${value.toFixed(1)} EV`;

/**
 * Degrees to one of two sides.
 *
 * @param {string} negative  name of the side
 * @param {string} positive
 * @returns {(value: number) => string}
 */
export const directed = (negative, positive) => (value) => {
  const side = value > 0 ? positive : "";
  return `${degrees(Math.abs(value))} ${value < 0 ? negative : side}`;
};

let count = 0;

/**
 * @param {SliderOptions} options
 * @returns {Slider}
 */
export function createSlider({ label, range, value, format, on, key = label }) {
  const id = `slider-${++count}`;
  const [min, max, step] = range.map(String);
  const output = element("output");
  output.htmlFor.add(id);
  const input = element("input", { id, type: "range", min, max, step });
  input.dataset.key = key;
  /** @type {(now: number) => void} */
  const describe = (now) => {
    output.textContent = format(now);
    input.setAttribute("aria-valuetext", format(now));
  };
  const follow = () => {
    input.value = String(value());
    describe(value());
  };
  follow();
  input.addEventListener("input", (event) => {
    describe(Number(input.value));
    on.moved(Number(input.value), event.timeStamp);
  });
  input.addEventListener("change", () => on.done());
  const title = element("label", { htmlFor: id, textContent: label });
  return { row: element("div", { className: "slider" }, title, input, output), input, follow };
}
