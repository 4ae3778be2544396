// @ts-check
// Moves the active light by drags: on the ball, by the handle, and anywhere on the photo.

/** @import { History } from "./history.js" */
/** @import { Panel } from "./panel.js" */

// Degrees for a drag across the whole picture.
const DRAG_DEGREES = 180;

/** @type {(azimuth: number) => number} in [-180, 180) */
const wrapped = (azimuth) => ((((azimuth + 180) % 360) + 360) % 360) - 180;

export class LightDrags {
  /**
   * @param {History} history
   * @param {Panel} panel
   */
  constructor(history, panel) {
    this.history = history;
    this.panel = panel;
  }

  /**
   * Moves the active lamp.
   *
   * @param {number} azimuth  degrees
   * @param {number} elevation  degrees
   * @param {number} since  time of the event, milliseconds
   */
  moveLamp(azimuth, elevation, since) {
    const { panel } = this;
    const move = panel.movement(({ lamps }) => {
      Object.assign(lamps[Number(panel.active)], { azimuth: wrapped(azimuth), elevation });
    });
    move.moved(0, since);
  }

  /**
   * Turns the scene.
   *
   * @param {number} degrees  to the left
   * @param {number} since  time of the event, milliseconds
   */
  turnScene(degrees, since) {
    const move = this.panel.movement(({ scene }) => {
      if (scene) scene.rotate = wrapped(scene.rotate + degrees);
    });
    move.moved(0, since);
  }

  /**
   * Moves the light by a drag on the photo.
   *
   * @param {number} dx  to the right, in units of the photo's width
   * @param {number} dy  down
   * @param {number} since  time of the event, milliseconds
   */
  drag(dx, dy, since) {
    const { active } = this.panel;
    if (active === "scene") {
      this.turnScene(-DRAG_DEGREES * dx, since);
      return;
    }
    const lamp = this.history.state.lamps[active];
    if (!lamp) return;
    const elevation = Math.min(90, Math.max(-90, lamp.elevation - DRAG_DEGREES * dy));
    this.moveLamp(lamp.azimuth - DRAG_DEGREES * dx, elevation, since);
  }
}
