// @ts-check
// Means over square windows, as scipy.ndimage.uniform_filter with mode="nearest".

/** A box filter whose cost does not depend on its radius. */
export class BoxFilter {
  /**
   * @param {number} size  of the maps, pixels: they are size x size
   * @param {number} radius  of the window, pixels: it is 2 radius + 1 wide
   */
  constructor(size, radius) {
    this.size = size;
    this.radius = radius;
    this.rows = new Float32Array(size * size);
    this.sum = new Float64Array(size);
  }

  /**
   * Replaces each value by the mean over the window around it; beyond the border the map goes on
   * with its outermost values.
   *
   * @param {Float32Array} source
   * @param {Float32Array} target  receives the means; may be `source`
   */
  mean(source, target) {
    const { size, radius, rows, sum } = this;
    const last = size - 1;
    const share = 1 / (2 * radius + 1);
    // Along the rows, then down the columns: the sum gains the value that enters the window and
    // loses the one that leaves it.
    for (let start = 0; start < size * size; start += size) {
      let total = source[start] * (radius + 1);
      for (let k = 1; k <= radius; k++) total += source[start + Math.min(k, last)];
      for (let x = 0; x < size; x++) {
        rows[start + x] = total * share;
        const entering = source[start + Math.min(x + radius + 1, last)];
        const leaving = source[start + Math.max(x - radius, 0)];
        total += entering - leaving;
      }
    }
    for (let x = 0; x < size; x++) {
      sum[x] = rows[x] * (radius + 1);
      for (let k = 1; k <= radius; k++) sum[x] += rows[Math.min(k, last) * size + x];
    }
    for (let y = 0; y < size; y++) {
      const here = y * size;
      const entering = Math.min(y + radius + 1, last) * size;
      const leaving = Math.max(y - radius, 0) * size;
      for (let x = 0; x < size; x++) {
        target[here + x] = sum[x] * share;
        sum[x] += rows[entering + x] - rows[leaving + x];
      }
    }
  }
}
