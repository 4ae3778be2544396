// @ts-check
// Filled shapes on a grid of pixels, as Pillow draws them.

/** @type {(value: number) => number} */
const roundUp = (value) => (value >= 0 ? Math.floor(value + 0.5) : -Math.floor(0.5 - value));
/** @type {(value: number) => number} */
const roundDown = (value) => (value >= 0 ? Math.ceil(value - 0.5) : -Math.ceil(-value - 0.5));

/**
 * A filled polygon: Pillow's `ImageDraw.polygon`.
 *
 * @param {[number, number][]} points  x and y; what lies behind the point is cut off
 * @param {number} size  of the picture, pixels
 * @returns {Uint8Array} `[size, size]`, 1 inside
 */
export function polygon(points, size) {
  const corners = points.map(([x, y]) => [Math.trunc(x), Math.trunc(y)]);
  const result = new Uint8Array(size * size);
  /** @type {(y: number, from: number, to: number) => void} */
  const line = (y, from, to) => {
    if (y < 0 || y >= size) return;
    result.fill(1, y * size + Math.max(from, 0), y * size + Math.max(0, Math.min(to + 1, size)));
  };
  const edges = corners.map(([x0, y0], k) => {
    const [x1, y1] = corners[(k + 1) % corners.length];
    return { x0, y0, x1, y1, low: Math.min(y0, y1), high: Math.max(y0, y1) };
  });
  for (const { x0, x1, low, high } of edges) {
    if (low === high) line(low, Math.min(x0, x1), Math.max(x0, x1));
  }
  const sloped = edges.filter(({ low, high }) => low !== high);
  const bottom = Math.min(size - 1, Math.max(...edges.map(({ high }) => high)));
  for (let y = Math.max(0, Math.min(...edges.map(({ low }) => low))); y <= bottom; y++) {
    const crossings = sloped
      .filter(({ low, high }) => low <= y && y <= high)
      .flatMap(({ x0, y0, x1, y1, high }) => {
        const x = Math.fround(((y - y0) * (x1 - x0)) / (y1 - y0) + x0);
        // Twice where an edge ends, so that the crossings stay pairs.
        return y === high && y < bottom ? [x, x] : [x];
      })
      .sort((a, b) => a - b);
    let next = crossings[0];
    for (let k = 1; k < crossings.length; k += 2) {
      const to = roundDown(crossings[k]);
      if (to < next) continue;
      line(y, Math.max(next, roundUp(crossings[k - 1])), to);
      next = to + 1;
    }
  }
  return result;
}

/**
 * The pixels of an upright ellipse.
 *
 * @param {[number, number, number, number]} box  left, top, right, bottom, pixels
 * @param {number} size  of the picture, pixels
 * @returns {Uint8Array} `[size, size]`, 1 inside
 */
export function ellipse([left, top, right, bottom], size) {
  const [middleX, middleY] = [(left + right) / 2, (top + bottom) / 2];
  const [radiusX, radiusY] = [(right - left) / 2, (bottom - top) / 2];
  const result = new Uint8Array(size * size);
  for (let y = 0, k = 0; y < size; y++) {
    for (let x = 0; x < size; x++, k++) {
      if (Math.hypot((x - middleX) / radiusX, (y - middleY) / radiusY) <= 1) result[k] = 1;
    }
  }
  return result;
}
