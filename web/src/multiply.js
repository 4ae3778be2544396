// @ts-check
// Four rows times a matrix, which is most of the work of the networks that find faces: in
// WebAssembly where there is some, several times as fast, and in JavaScript.

/**
 * A product that is computed again and again: `rows`, `[4, inner]`, are filled before `run`, which
 * gives `[outer / 4, 4, 4]`: for each four columns, padded with zeros, the four rows.
 *
 * @typedef {object} Product
 * @property {Float32Array | Float64Array} rows
 * @property {() => Float32Array | Float64Array} run
 */

/**
 * What multiplies by a kernel `[inner, outer]`. It keeps what it makes of the array.
 *
 * @typedef {(kernel: Float32Array, inner: number, outer: number) => Product} Multiplier
 */

/**
 * A kernel `[inner, outer]` as `[outer / 4, inner, 4]`.
 *
 * @template {Float32Array | Float64Array} T
 * @param {Float32Array} kernel
 * @param {number} inner
 * @param {number} outer
 * @param {T} target
 * @returns {T}
 */
function packed(kernel, inner, outer, target) {
  for (let k = 0; k < inner; k++) {
    for (let o = 0; o < outer; o++) {
      target[(o - (o % 4)) * inner + 4 * k + (o % 4)] = kernel[k * outer + o];
    }
  }
  return target;
}

/** @type {WeakMap<Float32Array, Float64Array>} */
const kernels = new WeakMap();

/** @type {Multiplier} */
export function inJavaScript(kernel, inner, outer) {
  const blocks = Math.ceil(outer / 4);
  const known = kernels.get(kernel) ?? packed(
    kernel, inner, outer, new Float64Array(4 * blocks * inner),
  );
  kernels.set(kernel, known);
  const rows = new Float64Array(4 * inner);
  const sums = new Float64Array(16 * blocks);
  return {
    rows,
    run: () => {
      for (let block = 0; block < blocks; block++) multiplyBlock(rows, known, inner, block, sums);
      return sums;
    },
  };
}

/** @type {(rows: Float64Array, kernel: Float64Array, inner: number, block: number,
 *   sums: Float64Array) => void} */
function multiplyBlock(rows, kernel, inner, block, sums) {
  // Four rows by four columns at a time stay in registers.
  let [a0, a1, a2, a3, b0, b1, b2, b3] = [0, 0, 0, 0, 0, 0, 0, 0];
  let [c0, c1, c2, c3, d0, d1, d2, d3] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let k = 0, w = 4 * block * inner; k < inner; k++, w += 4) {
    const w0 = kernel[w];
    const w1 = kernel[w + 1];
    const w2 = kernel[w + 2];
    const w3 = kernel[w + 3];
    const a = rows[k];
    const b = rows[inner + k];
    const c = rows[2 * inner + k];
    const d = rows[3 * inner + k];
    a0 += a * w0;
    a1 += a * w1;
    a2 += a * w2;
    a3 += a * w3;
    b0 += b * w0;
    b1 += b * w1;
    b2 += b * w2;
    b3 += b * w3;
    c0 += c * w0;
    c1 += c * w1;
    c2 += c * w2;
    c3 += c * w3;
    d0 += d * w0;
    d1 += d * w1;
    d2 += d * w2;
    d3 += d * w3;
  }
  sums.set([a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3], 16 * block);
}

const PAGE = 65536;
// Bytes of the rows, and behind them of the sums; kernels begin with the second page.
const ROWS = PAGE / 2;

/**
 * The multiplier in `multiply.wat`.
 *
 * @param {BufferSource} binary
 * @returns {Multiplier}
 */
export function inWebAssembly(binary) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary));
  const memory = /** @type {WebAssembly.Memory} */ (exports.memory);
  const multiply = /** @type {(...numbers: number[]) => void} */ (exports.multiply);
  /** @type {WeakMap<Float32Array, number>} addresses */
  const known = new WeakMap();
  let end = PAGE;
  return (kernel, inner, outer) => {
    const blocks = Math.ceil(outer / 4);
    let address = known.get(kernel);
    if (address === undefined) {
      address = end;
      end += 16 * blocks * inner;
      const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE);
      if (missing > 0) memory.grow(missing);
      packed(kernel, inner, outer, new Float32Array(memory.buffer, address, 4 * blocks * inner));
      known.set(kernel, address);
    }
    const at = address;
    const sums = new Float32Array(memory.buffer, ROWS, 16 * blocks);
    return {
      rows: new Float32Array(memory.buffer, 0, 4 * inner),
      run: () => {
        multiply(0, at, inner, blocks, ROWS);
        return sums;
      },
    };
  };
}
