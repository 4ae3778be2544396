// @ts-check
// The page's other files: beside it on a server, or inside it where the page is a single file.

import { StudioError } from "../../tfrelight/studio/static/requests.js";

/**
 * The content of a file.
 *
 * @param {string} name
 * @param {string} [type]  its media type
 * @returns {Promise<Blob>}
 * @throws {StudioError} the server does not have it
 */
export function asset(name, type = "") {
  const inside = document.getElementById(`file-${name}`);
  return inside ? unpacked(inside, type) : fetched(name);
}

/**
 * A file for somebody who can load it: its content if it is inside the page, or its address.
 *
 * @param {string} name
 * @param {string} type  its media type
 * @returns {Promise<Blob> | string}
 */
export function loadable(name, type) {
  if (!document.getElementById(`file-${name}`)) return new URL(name, document.baseURI).href;
  return asset(name, type);
}

/**
 * The content of an element: an address with base64, or gzip in base64.
 *
 * @param {HTMLElement} element
 * @param {string} type
 */
async function unpacked({ dataset: { url }, textContent }, type) {
  const text = url?.split(",")[1] ?? textContent ?? "";
  const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  if (url) return new Blob([bytes], { type });
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Blob([await new Response(stream).arrayBuffer()], { type });
}

/** @type {(name: string) => Promise<Blob>} */
async function fetched(name) {
  try {
    const response = await fetch(name);
    if (response.ok) return await response.blob();
  } catch {
    // The same sentence as for a file that is missing.
  }
  throw new StudioError("part_missing", { name });
}
