// @ts-check
// Runs actions that take time and may fail, and shows their progress and errors.

import { StudioError } from "./requests.js";

/** @import { Stage } from "./stage.js" */
/** @import { TextKey } from "./texts.js" */

/**
 * Reports what is going on.
 *
 * @callback Report
 * @param {TextKey} text
 * @param {number} [share]  of the work that is done, 0 to 1, if it is known
 * @returns {void}
 */

export class Actions {
  /** @param {Pick<Stage, "showProgress" | "showError">} stage */
  constructor(stage) {
    this.stage = stage;
    /** @type {{ text?: TextKey, share?: number }[]} */
    this.running = [];
  }

  /**
   * Runs an action. An error is shown, not thrown.
   *
   * @param {(report: Report) => Promise<void>} action
   */
  async run(action) {
    /** @type {{ text?: TextKey, share?: number }} */
    const entry = {};
    this.running.push(entry);
    this.stage.showError(null);
    try {
      await action((text, share) => {
        Object.assign(entry, { text, share });
        this.showProgress();
      });
    } catch (error) {
      this.showError(error);
    } finally {
      this.running.splice(this.running.indexOf(entry), 1);
      this.showProgress();
    }
  }

  showProgress() {
    // If several run, the latest that has reported something.
    const latest = this.running.findLast(({ text }) => text);
    this.stage.showProgress(latest?.text ?? null, latest?.share);
  }

  /** @param {unknown} error */
  showError(error) {
    if (error instanceof StudioError) {
      this.stage.showError(error);
      return;
    }
    console.error(error);
    const message = error instanceof Error ? error.message : String(error);
    this.stage.showError(new StudioError("page_failed", { detail: message }));
  }
}
