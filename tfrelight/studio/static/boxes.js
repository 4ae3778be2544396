// Means over squares, with the border repeated outside, in time that does not depend on the radius.

export class Boxes {
  constructor(size, radius) {
    this.size = size;
    this.radius = radius;
    this.rows = new Float32Array(size * size);
    this.sum = new Float64Array(size);
  }

  // `target` may be `source`.
  mean(source, target) {
    const { size, radius, rows, sum } = this;
    const last = size - 1;
    const share = 1 / (2 * radius + 1);
    for (let start = 0; start < size * size; start += size) {
      let total = source[start] * (radius + 1);
      for (let k = 1; k <= radius; k++) total += source[start + Math.min(k, last)];
      for (let x = 0; x < size; x++) {
        rows[start + x] = total * share;
        total += source[start + Math.min(x + radius + 1, last)] - source[start + Math.max(x - radius, 0)];
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
