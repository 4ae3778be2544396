// @ts-check
// The choice of a light's colour: white, a temperature, or any colour.

import { fromHex, toHex } from "./color.js";
import { element } from "./dom.js";
import { tintColor } from "./lighting.js";
import { kelvins } from "./slider.js";
import { say, text } from "./texts.js";

/** @import { State, Tint } from "./lighting.js" */
/** @import { History } from "./history.js" */
/** @import { Movement, SliderOptions } from "./slider.js" */
/** @import { TextKey } from "./texts.js" */

/** @type {Tint["kind"][]} */
const KINDS = ["white", "kelvin", "colour"];

/**
 * What these controls use of the panel, whose module imports this one.
 *
 * @typedef {object} Controls
 * @property {History} history
 * @property {State} state
 * @property {(options: SliderOptions) => HTMLElement} slider
 * @property {(change: (state: State, value: number) => void) => Movement} movement
 * @property {() => void} done
 */

/**
 * The controls of one colour in the panel.
 *
 * @param {Controls} panel
 * @param {TextKey} label
 * @param {string} key  prefix of the controls' keys
 * @param {(state: State) => Tint} tintIn
 * @returns {HTMLElement}
 */
export function tintControls(panel, label, key, tintIn) {
  const { history } = panel;
  const tint = tintIn(panel.state);
  const id = `${key}-kind`;
  const select = element("select", { id });
  select.dataset.key = id;
  for (const value of KINDS) {
    const option = element("option", { value, selected: value === tint.kind });
    select.append(say(option, { text: `tint_${value}` }));
  }
  select.addEventListener("change", () => {
    history.set((state) => {
      tintIn(state).kind = /** @type {Tint["kind"]} */ (select.value);
      state.preset = null;
    });
  });
  const title = say(element("label", { htmlFor: id }), { text: label });
  const row = element("div", { className: "tint" }, title, select);
  if (tint.kind === "kelvin") {
    const temperature = panel.slider({
      label: "kelvin",
      range: [1000, 15000, 100],
      value: () => tintIn(panel.state).kelvin,
      format: kelvins,
      on: panel.movement((state, value) => (tintIn(state).kelvin = value)),
      key: `${key}-kelvin`,
    });
    return element("div", {}, row, temperature);
  }
  if (tint.kind === "colour") {
    const ariaLabel = text("colour_which", { what: text(label) });
    const input = element("input", { type: "color", value: toHex(tintColor(tint)), ariaLabel });
    input.dataset.key = `${key}-colour`;
    input.addEventListener("input", () => {
      history.set((state) => {
        tintIn(state).rgb = fromHex(input.value);
        state.preset = null;
      }, false);
    });
    input.addEventListener("change", () => panel.done());
    row.append(input);
  }
  return row;
}
