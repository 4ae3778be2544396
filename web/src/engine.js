// @ts-check
// The side that asks a worker: the page, or another worker.

import { StudioError } from "../../tfrelight/studio/static/requests.js";

/** @import { Report } from "../../tfrelight/studio/static/actions.js" */
/** @import { TextKey, Values } from "../../tfrelight/studio/static/texts.js" */
/** @import { Step } from "./steps.js" */
/** @import { Frame, Join, Open, Start } from "./worker.js" */

/**
 * @typedef {object} Waiting
 * @property {(result: any) => void} resolve
 * @property {(error: Error) => void} reject
 * @property {Report} report
 */

/** A worker that answers requests one after another. */
export class Engine {
  /** @param {Worker | MessagePort} worker  or the port through which it answers */
  constructor(worker) {
    this.worker = worker;
    /** @type {Map<number, Waiting>} */
    this.waiting = new Map();
    this.count = 0;
    worker.onmessage = ({ data }) => this.receive(data);
    if (worker instanceof MessagePort) return;
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      const error = new StudioError("no_worker");
      for (const { reject } of this.waiting.values()) reject(error);
      this.waiting.clear();
    });
  }

  /**
   * @param {Start | Join | Open | Frame | Step} request
   * @param {Report} [report]
   * @param {Transferable[]} [handed]  objects that the worker gets for itself
   * @returns {Promise<any>}
   * @throws {StudioError} the worker refused
   */
  ask(request, report = () => {}, handed = []) {
    const id = ++this.count;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, report });
      this.worker.postMessage({ id, ...request }, handed);
    });
  }

  /**
   * @param {{ id: number, progress?: TextKey, share?: number, result?: unknown,
   *   refusal?: { key: TextKey, values: Values, reason: string },
   *   error?: { name: string, message: string, stack: string } }} message  `error`: memory that
   *   was refused, or a fault of the page
   */
  receive({ id, progress, share, result, refusal, error }) {
    const one = this.waiting.get(id);
    if (!one) return;
    if (progress !== undefined) {
      one.report(progress, share);
      return;
    }
    this.waiting.delete(id);
    if (refusal) one.reject(new StudioError(refusal.key, refusal.values, refusal.reason));
    else if (error) {
      const { name, message, stack } = error;
      const made = name === RangeError.name ? new RangeError(message) : new Error(message);
      one.reject(Object.assign(made, { stack }));
    }
    else one.resolve(result);
  }
}

/**
 * Starts a worker.
 *
 * @param {string} address  of its script
 * @param {Omit<Start, "task">} files
 * @returns {Promise<Engine>}
 */
export async function started(address, files) {
  const worker = new Worker(address);
  const engine = new Engine(worker);
  try {
    await engine.ask({ task: "start", ...files });
  } catch (error) {
    worker.terminate();
    throw error;
  }
  return engine;
}

/**
 * Lets a worker hand steps to another one.
 *
 * @param {Engine} first
 * @param {Engine} second
 */
export async function join(first, second) {
  const { port1, port2 } = new MessageChannel();
  await second.ask({ task: "join", port: port2, isFirst: false }, undefined, [port2]);
  await first.ask({ task: "join", port: port1, isFirst: true }, undefined, [port1]);
}
