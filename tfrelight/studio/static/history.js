// The light's state with undo and redo, and as a link.

import { sound, start } from "./lighting.js";

const copy = (state) => JSON.parse(JSON.stringify(state));

export class History {
  constructor(presets, changed) {
    Object.assign(this, { presets, changed, undone: [], done: [] });
    this.state = this.linked() ?? start();
    this.kept = copy(this.state);
  }

  // Changes the state; `keep` makes it a step that undo takes back.
  set(change, keep = true) {
    change(this.state);
    if (keep) this.keep();
    this.changed(keep);
  }

  keep() {
    if (JSON.stringify(this.kept) === JSON.stringify(this.state)) return;
    this.done.push(this.kept);
    if (this.done.length > 200) this.done.shift();
    this.undone = [];
    this.kept = copy(this.state);
  }

  undo() {
    this.move(this.done, this.undone);
  }

  redo() {
    this.move(this.undone, this.done);
  }

  move(from, to) {
    if (from.length === 0) return;
    to.push(this.kept);
    this.kept = from.pop();
    this.state = copy(this.kept);
    this.changed(true);
  }

  reset() {
    this.state = start();
    this.keep();
    this.changed(true);
  }

  link() {
    const text = String.fromCharCode(...new TextEncoder().encode(JSON.stringify(this.state)));
    const coded = btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    return `${location.origin}${location.pathname}#light=${coded}`;
  }

  // The state of the page's address; null if it has none.
  linked() {
    const coded = /^#light=([\w-]+)$/.exec(location.hash)?.[1];
    if (!coded) return null;
    try {
      const text = atob(coded.replaceAll("-", "+").replaceAll("_", "/"));
      const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
      return sound(JSON.parse(new TextDecoder().decode(bytes)), this.presets);
    } catch {
      return null; // not a link of ours: the page begins as without one
    }
  }
}
