import assert from "node:assert/strict";
import test from "node:test";

import { History } from "../../../tfrelight/studio/static/history.js";
import { defaultState } from "../../../tfrelight/studio/static/lighting.js";

function started() {
  const calls = [];
  return { history: new History(defaultState(), (isStep) => calls.push(isStep)), calls };
}

const brighten = (history, value, isStep) =>
  history.set((state) => (state.brightness = value), isStep);

test("undo and redo go through the steps", () => {
  const { history, calls } = started();
  brighten(history, 1);
  brighten(history, 2);
  const seen = [];
  for (const move of ["undo", "undo", "undo", "redo", "redo", "redo"]) {
    history[move]();
    seen.push(history.state.brightness);
  }
  assert.deepEqual(seen, [1, 0, 0, 1, 2, 2]);
  // Without a step to go to, nothing changes and nothing is called.
  assert.deepEqual(calls, Array(6).fill(true));
});

test("the lengths say what can be undone and redone", () => {
  const { history } = started();
  assert.deepEqual([history.done.length, history.undone.length], [0, 0]);
  brighten(history, 1);
  assert.deepEqual([history.done.length, history.undone.length], [1, 0]);
  history.undo();
  assert.deepEqual([history.done.length, history.undone.length], [0, 1]);
});

test("a new change ends what could be redone", () => {
  const { history } = started();
  brighten(history, 1);
  history.undo();
  brighten(history, 0.5);
  assert.equal(history.undone.length, 0);
  history.redo();
  assert.equal(history.state.brightness, 0.5);
  history.undo();
  assert.equal(history.state.brightness, 0);
});

test("a movement is one step", () => {
  const { history, calls } = started();
  for (const value of [0.1, 0.2, 0.3]) brighten(history, value, false);
  assert.equal(history.done.length, 0);
  history.set(() => {});
  assert.deepEqual(calls, [false, false, false, true]);
  history.undo();
  assert.equal(history.state.brightness, 0);
  history.redo();
  assert.equal(history.state.brightness, 0.3);
});

test("no change is no step, and does not end what could be redone", () => {
  const { history, calls } = started();
  brighten(history, 1);
  history.undo();
  history.set(() => {});
  assert.deepEqual([history.done.length, history.undone.length], [0, 1]);
  assert.equal(calls.length, 3);
});

test("changes of the state do not reach the steps that are kept", () => {
  const { history } = started();
  history.set((state) => (state.lamps[0].azimuth = 10));
  history.state.lamps[0].azimuth = 99;
  history.undo();
  assert.equal(history.state.lamps[0].azimuth, 45);
  history.state.lamps[0].azimuth = 77;
  history.redo();
  assert.equal(history.state.lamps[0].azimuth, 10);
  history.undo();
  assert.equal(history.state.lamps[0].azimuth, 45);
});

test("another state is a step", () => {
  const { history, calls } = started();
  history.replace({ ...defaultState(), brightness: -1 });
  assert.equal(history.state.brightness, -1);
  assert.deepEqual(calls, [true]);
  history.undo();
  assert.deepEqual(history.state, defaultState());
});

test("200 steps are kept", () => {
  const { history } = started();
  for (let k = 1; k <= 250; k++) brighten(history, k);
  assert.equal(history.done.length, 200);
  for (let k = 0; k < 300; k++) history.undo();
  assert.equal(history.state.brightness, 50);
});
