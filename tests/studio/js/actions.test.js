import assert from "node:assert/strict";
import test from "node:test";

import { Actions } from "../../../tfrelight/studio/static/actions.js";
import { StudioError } from "../../../tfrelight/studio/static/requests.js";

function started() {
  const [progress, errors] = [[], []];
  const actions = new Actions({
    showProgress: (text, share) => progress.push([text, share]),
    showError: (error) => errors.push(error && error.key),
  });
  return { actions, progress, errors };
}

test("progress is that of the latest action that still runs", async () => {
  const { actions, progress } = started();
  const ends = [];
  const run = (text) =>
    actions.run((report) => {
      report(text, 0.5);
      return new Promise((resolve) => ends.push(resolve));
    });
  const [first, second] = [run("first"), run("second")];
  actions.run(() => Promise.resolve());
  assert.deepEqual(progress, [["first", 0.5], ["second", 0.5]]);
  ends[1]();
  await second;
  assert.deepEqual(progress.at(-1), ["first", 0.5]);
  ends[0]();
  await first;
  assert.deepEqual(progress.at(-1), [null, undefined]);
});

test("an error is shown and ends the action only", async (context) => {
  const { actions, errors } = started();
  const logged = context.mock.method(console, "error", () => {});
  await actions.run(() => Promise.reject(new StudioError("no_face")));
  assert.deepEqual([errors, logged.mock.callCount()], [[null, "no_face"], 0]);
  await actions.run(() => Promise.reject(new TypeError("x is null")));
  assert.equal(errors.at(-1), "page_failed");
  assert.equal(logged.mock.callCount(), 1);
  assert.deepEqual(actions.running, []);
});
