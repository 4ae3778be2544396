// @ts-check
// Photos to try.

import { byId, element } from "./dom.js";
import { sampleUrl } from "./photo.js";
import { say } from "./texts.js";

/** @import { TextKey } from "./texts.js" */

/**
 * Shows a button for each sample.
 *
 * @param {string[]} names  of the files
 * @param {(name: string) => void} onChosen
 */
export function showSamples(names, onChosen) {
  for (const name of names) {
    const key = /** @type {TextKey} */ (`sample_${name.replace(/\.\w+$/, "")}`);
    const title = say(element("span"), { text: key });
    const picture = element("img", { src: sampleUrl(name), alt: "", width: 72, height: 72 });
    const button = element("button", { type: "button", className: "sample" }, picture, title);
    button.addEventListener("click", () => onChosen(name));
    byId("samples", HTMLElement).append(button);
  }
}
