// @ts-check
// Finding and making elements of the page.

import { StudioError } from "./requests.js";

/**
 * The element with an id.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type  class of the element, for example `HTMLButtonElement`
 * @returns {T}
 * @throws {TypeError} the page has no such element
 */
export function byId(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) {
    const received = found?.constructor.name ?? "nothing";
    throw new TypeError(`Expected a ${type.name} with the id "${id}". Received: ${received}.`);
  }
  return found;
}

/**
 * Makes an element.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Partial<HTMLElementTagNameMap[K]>} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  Object.assign(made, properties);
  made.append(...children);
  return made;
}

/**
 * The 2D drawing context of a canvas.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]  for its first context
 * @returns {CanvasRenderingContext2D}
 */
export function context2d(canvas, settings) {
  const context = canvas.getContext("2d", settings);
  if (!context) throw new StudioError("no_canvas");
  return context;
}

/**
 * Offers data as a file to save.
 *
 * @param {BlobPart} data
 * @param {string} type  media type
 * @param {string} name  of the file
 */
export function saveFile(data, type, name) {
  const url = URL.createObjectURL(new Blob([data], { type }));
  element("a", { href: url, download: name }).click();
  // The browser reads the data after the click returns.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/**
 * Gives a control the focus, if there is one with that key.
 *
 * @param {string} key
 */
export function focusOn(key) {
  const found = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (found instanceof HTMLElement) found.focus({ preventScroll: true });
}

/**
 * Calls a function when a button is clicked.
 *
 * @param {string} id
 * @param {() => void} action
 */
export function onClick(id, action) {
  byId(id, HTMLButtonElement).addEventListener("click", action);
}

/**
 * Makes buttons open a file dialog.
 *
 * @param {string[]} buttons  their ids
 * @param {string} id  of the input
 * @param {(file: File) => void} action
 */
export function chooseFile(buttons, id, action) {
  const input = byId(id, HTMLInputElement);
  for (const button of buttons) onClick(button, () => input.click());
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    // So that the same file can be chosen again.
    input.value = "";
    if (file) action(file);
  });
}
