// @ts-check
// A labelled slider, and the texts of its values.

import { element } from "./dom.js";
import { number, say, text } from "./texts.js";

/** @import { TextKey } from "./texts.js" */

/**
 * Callbacks of a control: while it is moved, and when it is released. `since`: time of the event,
 * milliseconds.
 *
 * @typedef {{ moved: (value: number, since?: number) => void, done: () => void }} Movement
 */

/**
 * @typedef {object} SliderOptions
 * @property {TextKey} label
 * @property {[number, number, number]} range  least, most, step
 * @property {() => number} value  to show
 * @property {(value: number) => string} format  for people
 * @property {Movement} on
 * @property {string} [key]  identifies the control; the label by default
 * @property {boolean} [isSideways]  whether its left is the left of the photo, also where people
 *   read from right to left
 */

/**
 * `follow` moves the slider to the present value.
 *
 * @typedef {{ row: HTMLElement, input: HTMLInputElement, follow: () => void }} Slider
 */

/** @param {number} value */
export const degrees = (value) =>
  // Not -0.
  `${number(Math.round(value) || 0)}°`;

/** @param {number} value */
export const kelvins = (value) => `${number(value, { useGrouping: false })} K`;

/** @param {number} value  1 is 100 % */
export const percent = (value) =>
  number(value, { style: "percent", maximumFractionDigits: 0 });

/** @param {number} value */
export const stops = (value) => {
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return `${number(value, { signDisplay: "exceptZero", ...digits })} EV`;
};

/**
 * Degrees to one of two sides.
 *
 * @param {TextKey} negative  text of the side
 * @param {TextKey} positive
 * @returns {(value: number) => string}
 */
export const directed = (negative, positive) => (value) => {
  const angle = degrees(Math.abs(value));
  return value === 0 ? angle : text(value < 0 ? negative : positive, { degrees: angle });
};

let count = 0;

/**
 * @param {SliderOptions} options
 * @returns {Slider}
 */
export function createSlider({ label, range, value, format, on, key = label, isSideways }) {
  const id = `slider-${++count}`;
  const [min, max, step] = range.map(String);
  // "+0.5 EV" has the sign in front also where people read from right to left.
  const output = element("output", { dir: "auto" });
  output.htmlFor.add(id);
  const input = element("input", { id, type: "range", min, max, step });
  input.dataset.key = key;
  if (isSideways) input.dir = "ltr";
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
  const title = say(element("label", { htmlFor: id }), { text: label });
  return { row: element("div", { className: "slider" }, title, input, output), input, follow };
}
