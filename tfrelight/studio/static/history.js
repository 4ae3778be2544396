// @ts-check
// The state of the light, with undo and redo.

/** @import { State } from "./lighting.js" */

/** Steps that can be undone, at most. */
const MOST_STEPS = 200;

/** @type {(state: State) => State} */
const copy = (state) => JSON.parse(JSON.stringify(state));

export class History {
  /**
   * @param {State} state  to start with
   * @param {(isStep: boolean) => void} onChange  called after every change; `isStep`: undo can
   *   return to this state
   */
  constructor(state, onChange) {
    this.state = state;
    this.onChange = onChange;
    /** @type {State[]} */
    this.done = [];
    /** @type {State[]} */
    this.undone = [];
    // The state that the next undo step starts from.
    this.kept = copy(state);
  }

  /**
   * Changes the state.
   *
   * @param {(state: State) => void} change
   * @param {boolean} [isStep]  false while a control is being dragged
   */
  set(change, isStep = true) {
    change(this.state);
    if (isStep) this.keep();
    this.onChange(isStep);
  }

  /** Makes the state a step that undo can return to. */
  keep() {
    if (JSON.stringify(this.kept) === JSON.stringify(this.state)) return;
    this.done.push(this.kept);
    if (this.done.length > MOST_STEPS) this.done.shift();
    this.undone = [];
    this.kept = copy(this.state);
  }

  undo() {
    this.move(this.done, this.undone);
  }

  redo() {
    this.move(this.undone, this.done);
  }

  /**
   * @param {State[]} from
   * @param {State[]} to
   */
  move(from, to) {
    const state = from.pop();
    if (!state) return;
    to.push(this.kept);
    this.kept = state;
    this.state = copy(state);
    this.onChange(true);
  }

  /**
   * Replaces the state, as a step that can be undone.
   *
   * @param {State} state
   */
  replace(state) {
    this.state = state;
    this.keep();
    this.onChange(true);
  }
}
