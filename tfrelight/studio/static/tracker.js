// @ts-check
// Follows a face from one frame of a video to the next, while the network works on an older one:
// the similarity that lays the part of a small grey picture on a later one (Baker and Matthews
// 2004, the inverse compositional algorithm).

/**
 * p becomes (a x - b y + x0, b x + a y + y0).
 *
 * @typedef {{ a: number, b: number, x: number, y: number }} Similarity
 */

/** @typedef {{ width: number, height: number, data: Float32Array }} Grey */

/** @type {Similarity} */
export const IDENTITY = { a: 1, b: 0, x: 0, y: 0 };

const STEPS = 12;
// Pixels; a smaller step ends the search.
const SMALL = 0.02;
// A face does not grow or shrink by more between two runs of the network.
const MOST_SCALE = 1.5;
// The face is taken for lost where it differs more than this from the picture, as a share of how
// its values differ from their mean.
const LOST = 0.6;
// Pixels of the template, at most: every second or third of a large face is enough.
const MOST_PIXELS = 3000;
// A search for a face that moved far: how far, in steps of how much, and on which share of the
// template.
const FAR = 30;
const STRIDE = 3;
const SPARSE = 9;

/** @type {(one: Similarity, x: number, y: number) => { x: number, y: number }} */
export const at = (one, x, y) => ({
  x: one.a * x - one.b * y + one.x, y: one.b * x + one.a * y + one.y,
});

/** @type {(after: Similarity, before: Similarity) => Similarity} */
export const composed = (after, before) => ({
  a: after.a * before.a - after.b * before.b,
  b: after.a * before.b + after.b * before.a,
  ...at(after, before.x, before.y),
});

/** @type {(one: Similarity) => Similarity} */
export function inverted({ a, b, x, y }) {
  const square = a * a + b * b;
  const [c, d] = [a / square, -b / square];
  return { a: c, b: d, x: -(c * x - d * y), y: -(d * x + c * y) };
}

export class Tracker {
  /**
   * @param {Grey} picture  with the face
   * @param {number[]} box  left, top, right and bottom of the face, pixels
   */
  constructor(picture, [left, top, right, bottom]) {
    this.middle = { x: (left + right) / 2, y: (top + bottom) / 2 };
    const area = Math.max(1, (right - left) * (bottom - top));
    const step = Math.max(1, Math.ceil(Math.sqrt(area / MOST_PIXELS)));
    /** @type {number[]} pixel numbers of the template */
    const places = [];
    const { width, height, data } = picture;
    for (let y = Math.max(1, Math.ceil(top)); y < Math.min(height - 1, bottom); y += step) {
      for (let x = Math.max(1, Math.ceil(left)); x < Math.min(width - 1, right); x += step) {
        places.push(y * width + x);
      }
    }
    this.xs = Float32Array.from(places, (k) => (k % width) - this.middle.x);
    this.ys = Float32Array.from(places, (k) => Math.floor(k / width) - this.middle.y);
    this.values = Float32Array.from(places, (k) => data[k]);
    this.spread = meanOf(centred(this.values).map(Math.abs));
    // How each value changes with a, b, x and y.
    const across = places.map((k) => (data[k + 1] - data[k - 1]) / 2);
    const down = places.map((k) => (data[k + width] - data[k - width]) / 2);
    this.slopes = [
      Float32Array.from(across, (gx, k) => gx * this.xs[k] + down[k] * this.ys[k]),
      Float32Array.from(across, (gx, k) => down[k] * this.xs[k] - gx * this.ys[k]),
      Float32Array.from(across), Float32Array.from(down),
    ].map(centred);
    this.hessian = this.slopes.map((one) => this.slopes.map((other) => product(one, other)));
    // From the template to the last picture, both relative to the template's middle.
    this.local = IDENTITY;
    this.seen = new Float32Array(places.length);
    /** Whether the last picture shows the face. */
    this.isFound = true;
  }

  /** From pixels of the template's picture to those of the last one. */
  get similarity() {
    const { middle: { x, y }, local } = this;
    const moved = at(local, -x, -y);
    return { ...local, x: moved.x + x, y: moved.y + y };
  }

  /** @param {Similarity} guess  as `similarity` */
  begin(guess) {
    const { x, y } = this.middle;
    const moved = at(guess, x, y);
    this.local = { ...guess, x: moved.x - x, y: moved.y - y };
  }

  /**
   * Finds the face in the next picture, or leaves it where it was.
   *
   * @param {Grey} picture
   * @returns {boolean} whether it was found
   */
  follow(picture) {
    this.isFound = this.refine(picture, this.local) || this.refine(picture, this.search(picture));
    return this.isFound;
  }

  /**
   * The shift after which a few pixels of the face are most like the picture.
   *
   * @param {Grey} picture
   * @returns {Similarity}
   */
  search(picture) {
    let [best, least] = [this.local, Infinity];
    for (let y = -FAR; y <= FAR; y += STRIDE) {
      for (let x = -FAR; x <= FAR; x += STRIDE) {
        const moved = { ...this.local, x: this.local.x + x, y: this.local.y + y };
        const difference = this.look(picture, moved, SPARSE);
        if (difference < least) [best, least] = [moved, difference];
      }
    }
    return best;
  }

  /**
   * Goes to the place that is most like the face, from one near it.
   *
   * @param {Grey} picture
   * @param {Similarity} start
   * @returns {boolean} whether there is one
   */
  refine(picture, start) {
    let now = start;
    for (let k = 0; k < STEPS; k++) {
      this.look(picture, now);
      const step = solved(this.hessian, this.slopes.map((slope) => product(slope, this.seen)));
      if (!step) return false;
      const [a, b, x, y] = step;
      now = composed(now, inverted({ a: 1 + a, b, x, y }));
      if (Math.hypot(x, y) < SMALL && Math.hypot(a, b) * Math.sqrt(this.xs.length) < SMALL) break;
    }
    const scale = Math.hypot(now.a, now.b);
    // Also what is not a number fails.
    if (!(scale < MOST_SCALE && scale > 1 / MOST_SCALE)) return false;
    if (!(this.look(picture, now) < LOST * this.spread)) return false;
    this.local = now;
    return true;
  }

  /**
   * Fills `seen` with the differences of a picture and the template, without that of their means:
   * cameras adapt their exposure.
   *
   * @param {Grey} picture
   * @param {Similarity} now
   * @param {number} [step]  of the pixels that count, every which
   * @returns {number} mean of their absolute values
   */
  look({ width, height, data }, now, step = 1) {
    const { xs, ys, seen, values, middle } = this;
    let [sum, count] = [0, 0];
    for (let k = 0; k < xs.length; k += step) {
      const { x, y } = at(now, xs[k], ys[k]);
      const u = Math.min(Math.max(x + middle.x, 0), width - 1.001);
      const v = Math.min(Math.max(y + middle.y, 0), height - 1.001);
      const [i, j] = [Math.floor(u), Math.floor(v)];
      const [across, below] = [u - i, v - j];
      const first = j * width + i;
      const upper = data[first] + (data[first + 1] - data[first]) * across;
      const other = first + width;
      const lower = data[other] + (data[other + 1] - data[other]) * across;
      seen[k] = upper + (lower - upper) * below - values[k];
      sum += seen[k];
      count++;
    }
    const shift = sum / count;
    let size = 0;
    for (let k = 0; k < seen.length; k += step) {
      seen[k] -= shift;
      size += Math.abs(seen[k]);
    }
    return size / count;
  }
}

/** @type {(values: Float32Array) => number} */
function meanOf(values) {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** @type {(values: Float32Array) => Float32Array} */
function centred(values) {
  const mean = meanOf(values);
  return values.map((value) => value - mean);
}

/** @type {(one: Float32Array, other: Float32Array) => number} */
function product(one, other) {
  let sum = 0;
  for (let k = 0; k < one.length; k++) sum += one[k] * other[k];
  return sum;
}

/**
 * Solves linear equations by Gauss's elimination.
 *
 * @param {number[][]} matrix
 * @param {number[]} right
 * @returns {number[] | null} null if there is no single solution
 */
function solved(matrix, right) {
  const rows = matrix.map((row, k) => [...row, right[k]]);
  const count = rows.length;
  for (let k = 0; k < count; k++) {
    const best = rows.reduce(
      (most, row, r) => (r >= k && Math.abs(row[k]) > Math.abs(rows[most][k]) ? r : most), k,
    );
    [rows[k], rows[best]] = [rows[best], rows[k]];
    if (!(Math.abs(rows[k][k]) > 1e-9)) return null;
    rows.forEach((row, r) => {
      if (r === k) return;
      const factor = row[k] / rows[k][k];
      for (let c = k; c <= count; c++) row[c] -= factor * rows[k][c];
    });
  }
  return rows.map((row, k) => row[count] / row[k]);
}
