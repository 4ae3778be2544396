// @ts-check
// The page's side of the worker.

import { StudioError } from "../../tfrelight/studio/static/requests.js";

/** @import { Report } from "../../tfrelight/studio/static/actions.js" */
/** @import { TextKey, Values } from "../../tfrelight/studio/static/texts.js" */
/** @import { Frame, Open, Start } from "./worker.js" */

/**
 * @typedef {object} Waiting
 * @property {(result: any) => void} resolve
 * @property {(error: Error) => void} reject
 * @property {Report} report
 */

/** A worker that answers requests one after another. */
export class Engine {
  /** @param {string} address  of the worker's script */
  constructor(address) {
    this.worker = new Worker(address);
    /** @type {Map<number, Waiting>} */
    this.waiting = new Map();
    this.count = 0;
    this.worker.addEventListener("message", ({ data }) => this.receive(data));
    this.worker.addEventListener("error", (event) => {
      event.preventDefault();
      const error = new StudioError("no_worker");
      for (const { reject } of this.waiting.values()) reject(error);
      this.waiting.clear();
    });
  }

  /**
   * @param {Start | Open | Frame} request
   * @param {Report} [report]
   * @returns {Promise<any>}
   * @throws {StudioError} the worker refused
   */
  ask(request, report = () => {}) {
    const id = ++this.count;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, report });
      this.worker.postMessage({ id, ...request });
    });
  }

  /** Stops the worker; what it was asked is not answered. */
  end() {
    this.worker.terminate();
  }

  /**
   * @param {{ id: number, progress?: TextKey, share?: number, result?: unknown,
   *   refusal?: { key: TextKey, values: Values, reason: string },
   *   error?: { message: string, stack: string } }} message  `error`: a fault of the page
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
    else if (error) one.reject(Object.assign(new Error(error.message), { stack: error.stack }));
    else one.resolve(result);
  }
}
