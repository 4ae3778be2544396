// @ts-check
// What a lamp does to a surface, as in tfrelight.lights.lamp and tfrelight.rendering.highlights.

import { directionVector } from "./harmonics.js";

/** @import { Rgb } from "./color.js" */
/** @import { DistantLamp, Vector } from "./harmonics.js" */

// Smallest angular radius, radians, by which the irradiance is computed.
const POINT = 1e-3;
// Steps of the cosine in a table of irradiance: the error is below 1/2000.
const STEPS = 2048;
const GOLDEN = Math.PI * (3 - Math.sqrt(5));

/**
 * A lamp in a direction.
 *
 * @param {number} azimuth  degrees, positive to the left of the image
 * @param {number} elevation  degrees, positive to its top
 * @param {number} radius  angular, degrees, 0 (a point) to 90 (half the sphere)
 * @param {Rgb} color
 * @returns {DistantLamp}
 */
export const lampTowards = (azimuth, elevation, radius, color) => ({
  direction: directionVector(azimuth, elevation), radius: (radius * Math.PI) / 180, color,
});

/**
 * Exact shading by a disc in colour 1, for cosines from -1 to 1 in even steps; see
 * `Lamp.irradiance` in Python.
 *
 * @param {number} angularRadius  radians
 * @returns {(cosine: number) => number}
 */
export function irradianceOf(angularRadius) {
  const radius = Math.max(angularRadius, POINT);
  const far = 1 / Math.tan(radius);
  const whole = Math.sin(radius);
  const table = new Float32Array(STEPS + 2);
  for (let k = 0; k < table.length; k++) {
    const cosine = Math.min(1, (2 * k) / STEPS - 1);
    table[k] = cosine;
    if (cosine > whole) continue;
    const sine = Math.max(Math.sqrt(1 - cosine * cosine), 1e-9);
    const y = Math.min(1, Math.max(-1, (-far * cosine) / sine));
    const root = sine * Math.sqrt(1 - y * y);
    const cut = cosine * Math.acos(y) - far * root;
    table[k] = Math.max((cut + Math.atan2(root, far) / (whole * whole)) / Math.PI, 0);
  }
  return (cosine) => {
    const place = (Math.min(1, Math.max(-1, cosine)) + 1) * (STEPS / 2);
    const below = Math.floor(place);
    return table[below] + (place - below) * (table[below + 1] - table[below]);
  };
}

/** @type {(a: number[], b: number[]) => Vector} */
const cross = ([a, b, c], [x, y, z]) => [b * z - c * y, c * x - a * z, a * y - b * x];

/** @type {(vector: Vector) => Vector} */
function unit([x, y, z]) {
  const length = Math.max(Math.hypot(x, y, z), 1e-9);
  return [x / length, y / length, z / length];
}

/**
 * Directions spread evenly over a lamp, half of them the mirror images of the others, so that the
 * lamp's mirror image casts mirrored shadows.
 *
 * @param {DistantLamp} lamp
 * @param {number} count
 * @returns {number[][]}
 */
export function discPoints({ direction, radius }, count) {
  const across = unit(cross(Math.abs(direction[1]) < 0.9 ? [0, 1, 0] : [1, 0, 0], direction));
  const up = cross(direction, across);
  const points = Array.from({ length: count / 2 }, (_, k) => {
    const angle = (k + 0.5) * GOLDEN;
    const height = 1 - ((1 - Math.cos(radius)) * (k + 0.5)) / (count / 2);
    const away = Math.sqrt(Math.max(1 - height * height, 0));
    return direction.map((value, c) =>
      away * (Math.cos(angle) * across[c] + Math.sin(angle) * up[c]) + height * value,
    );
  });
  const side = unit(cross([0, 1, 0], direction));
  const mirrored = points.map((point) => {
    const along = point.reduce((sum, value, c) => sum + value * side[c], 0);
    return point.map((value, c) => value - 2 * along * side[c]);
  });
  return [...points, ...mirrored];
}

/**
 * Highlights of a lamp in colour 1, without shadows: GGX lobes under Schlick's Fresnel reflectance.
 *
 * @param {Vector} direction  towards the lamp
 * @param {number} angularRadius  radians
 * @param {number[][]} shapes  roughness and share of each lobe
 * @param {number} f0  reflectance at normal incidence
 * @returns {(facing: number, cosine: number) => number} of the cosines of a normal's angles with
 *   the camera and with the lamp
 */
export function highlightOf([, , towards], angularRadius, shapes, f0) {
  const wider = (Math.sin(angularRadius) / 2) ** 2;
  const squares = shapes.map(([alpha]) => Math.min(1, alpha * alpha + wider));
  const shares = shapes.map(([, share]) => share);
  const inverse = 1 / Math.sqrt(Math.max(2 + 2 * towards, 1e-4));
  const grazing = Math.min(1, Math.max(0, 1 - (1 + towards) * inverse)) ** 5;
  const fresnel = f0 + (1 - f0) * grazing;
  return (facing, cosine) => {
    if (cosine <= 0) return 0;
    const v = Math.max(facing, 0);
    const halfway = Math.min((cosine + v) * inverse, 1);
    let total = 0;
    for (let k = 0; k < squares.length; k++) {
      const square = squares[k];
      const lobe = square / (halfway * halfway * (square - 1) + 1) ** 2;
      const masked = cosine * Math.sqrt(v * v * (1 - square) + square) +
        v * Math.sqrt(cosine * cosine * (1 - square) + square);
      total += (shares[k] * lobe * fresnel * cosine) / Math.max(2 * masked, 1e-4);
    }
    return total;
  };
}
