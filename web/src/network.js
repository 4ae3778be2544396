// @ts-check
// The network that separates light from colour, run by LiteRT.js.

import { Environment, Tensor, loadAndCompile, loadLiteRt } from "@litertjs/core";
import { tabulated } from "../../tfrelight/studio/static/numbers.js";
import { inTurn } from "./in_turn.js";
import constants from "./constants.json" with { type: "json" };

/** @import { Network } from "./inference.js" */

const { network: { size }, parts: PARTS } = constants;

const { create } = Environment;
// By default it looks for a graphics card, and warns if there is none.
Environment.create = (options) => create({ webGpuDevice: null, ...options });

/**
 * Starts the network.
 *
 * @param {string | Blob} runtime  LiteRT's script, or its address
 * @param {string | Blob} binary  its WebAssembly, or the address
 * @param {ArrayBuffer} content  of the `.tflite` file
 * @returns {Promise<Network>}
 */
export async function startNetwork(runtime, binary, content) {
  const address = addressOf(binary);
  // LiteRT's script looks here for what may replace its defaults. Its log is no error.
  Object.assign(self, { Module: { locateFile: () => address, printErr: () => {} } });
  // It must end like a script.
  await loadLiteRt(`${addressOf(runtime)}#.js`);
  const model = await loadAndCompile(new Uint8Array(content), { accelerator: "wasm" });
  return {
    size,
    run: inTurn(async (/** @type {Float32Array} */ crop) => {
      const input = new Tensor(crop, [1, size, size, 3]);
      const outputs = await model.run({ images: input });
      const values = Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [
        name, /** @type {Float32Array} */ (tensor.toTypedArray()).slice(),
      ]));
      for (const tensor of [input, ...Object.values(outputs)]) tensor.delete();
      return {
        maps: [
          ...[0, 1, 2].map((c) => plane(values.albedo, 3, c)),
          ...[0, 1, 2].map((c) => plane(values.normals, 3, c)),
          values.mask,
          ...(values.parts ? PARTS.map((_, c) => plane(values.parts, PARTS.length, c)) : []),
        ],
        light: Array.from({ length: 9 }, (_, k) => [...values.light.subarray(3 * k, 3 * k + 3)]),
      };
    }),
  };
}

/** @type {(file: string | Blob) => string} */
function addressOf(file) {
  return typeof file === "string" ? file : URL.createObjectURL(file);
}

/** @type {(values: Float32Array, channels: number, c: number) => Float32Array} */
function plane(values, channels, c) {
  return tabulated(values.length / channels, (k) => values[channels * k + c]);
}
