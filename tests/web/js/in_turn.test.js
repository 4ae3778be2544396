import assert from "node:assert/strict";
import test from "node:test";

import { inTurn } from "../../../web/src/in_turn.js";

test("work begins after the work before it, also after one that failed", async () => {
  const [log, ends] = [[], []];
  const work = inTurn((name) => {
    log.push(name);
    return new Promise((resolve, reject) => ends.push({ resolve, reject }));
  });
  const [first, second, third] = ["first", "second", "third"].map(work);
  await new Promise(setImmediate);
  assert.deepEqual(log, ["first"]);
  ends[0].reject(new Error("no"));
  await assert.rejects(first, { message: "no" });
  await new Promise(setImmediate);
  assert.deepEqual(log, ["first", "second"]);
  ends[1].resolve();
  await second;
  await new Promise(setImmediate);
  assert.deepEqual(log, ["first", "second", "third"]);
  ends[2].resolve();
  await third;
});
