// @ts-check
// On a phone the controls are a sheet below the photo, which its grip opens and closes: by a tap,
// by a drag up or down, or with the keyboard. `style.css` decides where it is one.

// Pixels of a drag that opens or closes.
const DRAG = 24;

export class Sheet {
  /**
   * @param {HTMLElement} panel
   * @param {HTMLButtonElement} grip
   */
  constructor(panel, grip) {
    this.panel = panel;
    this.grip = grip;
    /** @type {number | null} where the drag began, pixels; null without one */
    this.start = null;
    // A drag ends in a click as well.
    this.wasDragged = false;
    grip.addEventListener("click", () => {
      if (!this.wasDragged) this.show(!this.isOpen);
      this.wasDragged = false;
    });
    grip.addEventListener("pointerdown", (event) => {
      this.start = event.clientY;
      this.wasDragged = false;
      grip.setPointerCapture(event.pointerId);
    });
    grip.addEventListener("pointermove", (event) => this.drag(event.clientY));
    for (const name of ["pointerup", "pointercancel"]) {
      grip.addEventListener(name, () => (this.start = null));
    }
  }

  get isOpen() {
    return this.grip.ariaExpanded === "true";
  }

  /** @param {number} y  pixels */
  drag(y) {
    if (this.start === null || Math.abs(y - this.start) < DRAG) return;
    this.wasDragged = true;
    this.show(y < this.start);
  }

  /** @param {boolean} isOpen */
  show(isOpen) {
    this.grip.ariaExpanded = String(isOpen);
    this.panel.classList.toggle("open", isOpen);
    if (!isOpen) this.panel.scrollTop = 0;
  }
}
