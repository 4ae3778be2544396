// @ts-check
// Links that hold a light: the state as URL-safe base64 of its JSON, after `#light=`.

import { sanitized } from "./lighting.js";

/** @import { Preset, State } from "./lighting.js" */

/**
 * @param {State} state
 * @returns {string} fragment of an address, with its "#"
 */
export function toFragment(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  const encoded = btoa(String.fromCharCode(...bytes));
  return `#light=${encoded.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

/**
 * @param {string} fragment  of an address, with its "#"
 * @param {Record<string, Preset>} presets
 * @returns {State | null} null if the fragment holds no light
 */
export function fromFragment(fragment, presets) {
  const encoded = /^#light=([\w-]+)$/.exec(fragment)?.[1];
  if (!encoded) return null;
  try {
    const text = atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    // Anybody can write a link: its numbers are clamped.
    return sanitized(JSON.parse(new TextDecoder().decode(bytes)), presets);
  } catch {
    return null;
  }
}
