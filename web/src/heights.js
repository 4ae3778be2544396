// @ts-check
// The surface of a head as its normals give it, as in tfrelight.rendering.height_field.

import { tabulated } from "../../tfrelight/studio/static/numbers.js";
import { products } from "./layers.js";
import constants from "./constants.json" with { type: "json" };

/** @import { Channels } from "../../tfrelight/studio/static/shading.js" */

const C = constants.height_field;

/** @type {(k: number, step: number, size: number) => boolean} whether a pixel has a next one */
const goesOn = (k, step, size) =>
  step === 1 ? k % size < size - 1 : k < size * (size - 1);

/** @type {(a: Float32Array, b: Float32Array) => number} */
const dot = (a, b) => a.reduce((sum, value, k) => sum + value * b[k], 0);

/** @type {(values: Float32Array, size: number) => Float32Array} */
const transposed = (values, size) =>
  values.map((_, k) => values[(k % size) * size + Math.floor(k / size)]);

/**
 * Heights whose slopes are, by least squares, those of the normals on the mask.
 *
 * @param {Channels} normals  `[S, S]` each
 * @param {Float32Array} mask  `[S, S]` in [0, 1]
 * @param {number} size  S
 * @returns {Float32Array} `[S, S]`, pixels, of mean 0
 */
export function integrated([nx, ny, nz], mask, size) {
  const steep = nz.map((z) => Math.max(z, C.steepest));
  const across = nx.map((x, k) => -x / steep[k]);
  const down = ny.map((y, k) => y / steep[k]);
  const weight = mask.map((value) => Math.max(value, C.off));
  /** @type {(step: number) => Float32Array} weights of the differences with the next pixel */
  const pairs = (step) => weight.map((value, k) =>
    goesOn(k, step, size) ? Math.min(value, weight[k + step]) : 0,
  );
  const [level, upright] = [pairs(1), pairs(size)];
  const solved = poisson(size);
  /** @type {(values: Float32Array) => Float32Array} */
  const applied = (values) => divergence(
    level.map((value, k) => value && value * (values[k + 1] - values[k])),
    upright.map((value, k) => value && value * (values[k + size] - values[k])),
    size,
  );
  let rest = divergence(
    level.map((value, k) => value && (value * (across[k + 1] + across[k])) / 2),
    upright.map((value, k) => value && (value * (down[k + size] + down[k])) / 2),
    size,
  );
  const height = new Float32Array(size * size);
  let step = solved(rest);
  let product = dot(rest, step);
  for (let turn = 0; turn < C.steps && product > 1e-9; turn++) {
    const changed = applied(step);
    const length = product / Math.max(dot(step, changed), 1e-12);
    step.forEach((value, k) => (height[k] += length * value));
    rest = rest.map((value, k) => value - length * changed[k]);
    const ahead = solved(rest);
    const following = dot(rest, ahead);
    step = ahead.map((value, k) => value + (following / product) * step[k]);
    product = following;
  }
  return height;
}

/** @type {(level: Float32Array, upright: Float32Array, size: number) => Float32Array} */
function divergence(level, upright, size) {
  return level.map((value, k) =>
    (k % size ? level[k - 1] : 0) - value + (k >= size ? upright[k - size] : 0) - upright[k],
  );
}

/** @type {Map<number, { forth: Float32Array, back: Float32Array }>} */
const transforms = new Map();

/** @type {(size: number) => { forth: Float32Array, back: Float32Array }} */
function cosines(size) {
  let found = transforms.get(size);
  if (!found) {
    const back = new Float32Array(size * size);
    const forth = new Float32Array(size * size);
    for (let k = 0; k < size; k++) {
      const scale = Math.sqrt((k ? 2 : 1) / size);
      for (let place = 0; place < size; place++) {
        const wave = scale * Math.cos((Math.PI / size) * k * (place + 0.5));
        back[k * size + place] = wave;
        forth[place * size + k] = wave;
      }
    }
    found = { forth, back };
    transforms.set(size, found);
  }
  return found;
}

/**
 * The inverse of the Poisson equation with Neumann borders, by cosine transforms.
 *
 * @param {number} size
 * @returns {(values: Float32Array) => Float32Array}
 */
function poisson(size) {
  const { forth, back } = cosines(size);
  const waves = tabulated(size, (k) =>
    2 - 2 * Math.cos((Math.PI * k) / size),
  );
  /** @type {(values: Float32Array, kernel: Float32Array) => Float32Array} */
  const along = (values, kernel) => transposed(products(values, kernel, size), size);
  return (values) => {
    const spectrum = along(along(values, forth), forth);
    spectrum.forEach((value, k) => {
      const eigenvalue = waves[k % size] + waves[Math.floor(k / size)];
      spectrum[k] = k ? value / eigenvalue : 0;
    });
    return along(along(spectrum, back), back);
  };
}
