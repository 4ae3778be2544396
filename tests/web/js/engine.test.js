// Workers, and who asks them.

import assert from "node:assert/strict";
import test from "node:test";

import { Engine, join, started } from "../../../web/src/engine.js";
import { stepsOf } from "../../../web/src/steps.js";
import { buffersIn } from "../../../web/src/transfer.js";
import { stub } from "../../studio/js/stub.js";

const FILES = { network: new ArrayBuffer(1), finder: new ArrayBuffer(1) };

/** Stands in for browsers' workers: `answer` gives what each says to a request. */
function workers(context, answer = () => ({})) {
  const made = [];
  class Worker extends EventTarget {
    constructor(address) {
      super();
      Object.assign(this, { address, asked: [], isEnded: false });
      made.push(this);
    }

    postMessage(request) {
      this.asked.push(request);
      queueMicrotask(() => this.onmessage({ data: { id: request.id, ...answer(request) } }));
    }

    terminate() {
      this.isEnded = true;
    }
  }
  stub(context, "Worker", Worker);
  return made;
}

test("a worker has its files before it is asked anything", async (context) => {
  const made = workers(context);
  assert.ok(await started("worker.js", FILES) instanceof Engine);
  assert.equal(made[0].address, "worker.js");
  assert.deepEqual(made[0].asked, [{ id: 1, task: "start", ...FILES }]);
  assert.equal(made[0].isEnded, false);
});

test("a worker that cannot start is ended", async (context) => {
  const made = workers(context, () => ({ error: { name: "Error", message: "no memory" } }));
  await assert.rejects(started("worker.js", FILES), /no memory/u);
  assert.ok(made[0].isEnded);
});

test("a fault of a worker reaches those who wait for it", async (context) => {
  const made = workers(context);
  const engine = await started("worker.js", FILES);
  made[0].postMessage = () => {};
  const asked = engine.ask({ task: "open" });
  made[0].dispatchEvent(new Event("error"));
  await assert.rejects(asked, { key: "no_worker" });
});

test("the first worker hands its steps to the second, until that fails", async (context) => {
  const made = workers(context);
  const [first, second] = [await started("a", FILES), await started("b", FILES)];
  await join(first, second);
  const [one, other] = made.map(({ asked }) => asked[1]);
  assert.deepEqual([one.task, one.isFirst, other.task, other.isFirst],
    ["join", true, "join", false]);
  context.after(() => one.port.close());
  const asked = [];
  other.port.onmessage = ({ data: { id, ...step } }) => {
    asked.push(step);
    const error = { name: "RangeError", message: "no memory", stack: "" };
    other.port.postMessage({ id, ...step.name === "segment" ? { result: 7 } : { error } });
  };
  const here = { segment: () => Promise.resolve(8), prepare: () => Promise.resolve(9) };
  const steps = stepsOf(new Engine(one.port), here);
  assert.equal(await steps.segment("photo", "mask"), 7);
  assert.equal(await steps.prepare("maps"), 9);
  assert.equal(await steps.segment("photo", "mask"), 8);
  assert.deepEqual(asked, [
    { task: "step", name: "segment", given: ["photo", "mask"] },
    { task: "step", name: "prepare", given: ["maps"] },
  ]);
});

test("memory that is refused is told as such", async (context) => {
  const error = { name: "RangeError", message: "no memory", stack: "" };
  workers(context, ({ task }) => (task === "open" ? { error } : {}));
  const engine = await started("worker.js", FILES);
  await assert.rejects(engine.ask({ task: "open" }), RangeError);
});

test("what is handed over is found in every depth, once", () => {
  const map = new Float32Array(4);
  const value = { planes: [{ map, again: map }, new Uint8Array(2)], light: [[1, 2]], old: null };
  assert.deepEqual([...buffersIn(value)], [map.buffer, value.planes[1].buffer]);
});
