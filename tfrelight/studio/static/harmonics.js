// @ts-check
// Second-order spherical harmonics and lights, as in tfrelight.harmonics and tfrelight.lights.
// Frame: x right in the image, y up, z to the camera.

/** @import { Rgb } from "./color.js" */

/**
 * `[9, 3]` real spherical harmonics of the incoming radiance, linear RGB, in the order 1, y, z, x,
 * xy, yz, 3z²-1, xz, x²-y²; orthonormal, without the Condon-Shortley sign.
 *
 * @typedef {number[][]} Coefficients
 */

/** @typedef {[number, number, number]} Vector x, y, z */

/**
 * A disc of uniform radiance, far away.
 *
 * @typedef {object} DistantLamp
 * @property {Vector} direction  unit vector towards it
 * @property {number} radius  angular, radians, 0 to pi / 2
 * @property {Rgb} color  shading that it gives a surface which faces it, linear RGB
 */

// Factors of the orthonormal harmonics: of 1; of y, z, x; of xy, yz, xz and twice that of x² - y²;
// of 3z² - 1.
const CONSTANT = Math.sqrt(1 / (4 * Math.PI));
const LINEAR = Math.sqrt(3 / (4 * Math.PI));
const PRODUCT = Math.sqrt(15 / (4 * Math.PI));
const POLAR = Math.sqrt(5 / (16 * Math.PI));
const FACTORS = [
  CONSTANT, LINEAR, LINEAR, LINEAR, PRODUCT, PRODUCT, POLAR, PRODUCT, PRODUCT / 2,
];
const BAND = [0, 1, 1, 1, 2, 2, 2, 2, 2];
// Cosine lobe over pi, for each band (Ramamoorthi and Hanrahan 2001, eq. 19).
const ATTENUATION = [1, 2 / 3, 1 / 4];

/** @type {(degrees: number) => number} */
const toRadians = (degrees) => (degrees * Math.PI) / 180;
/** @type {(radians: number) => number} */
const toDegrees = (radians) => (radians * 180) / Math.PI;

/**
 * The nine harmonics at a unit vector.
 *
 * @param {number} x
 * @param {number} y
 * @param {number} z
 * @returns {number[]} `[9]`
 */
export const basis = (x, y, z) => [
  CONSTANT,
  LINEAR * y,
  LINEAR * z,
  LINEAR * x,
  PRODUCT * x * y,
  PRODUCT * y * z,
  POLAR * (3 * z * z - 1),
  PRODUCT * x * z,
  (PRODUCT / 2) * (x * x - y * y),
];

/**
 * Factors of 1, y, z, x, xy, yz, 3z²-1, xz, x²-y² in the shading of a normal, for each channel.
 *
 * @param {Coefficients} light
 * @returns {number[][]} `[3, 9]`
 */
export const shadingPolynomial = (light) =>
  [0, 1, 2].map((c) => light.map((row, k) => ATTENUATION[BAND[k]] * FACTORS[k] * row[c]));

/**
 * Shading of one channel at a unit normal: irradiance over pi. It can ring below 0.
 *
 * @param {number[]} p  `[9]`, a row of `shadingPolynomial`
 * @param {number} x
 * @param {number} y
 * @param {number} z
 */
export const shadeAt = (p, x, y, z) =>
  p[0] + p[1] * y + p[2] * z + p[3] * x + p[4] * x * y + p[5] * y * z +
  p[6] * (3 * z * z - 1) + p[7] * x * z + p[8] * (x * x - y * y);

/**
 * Unit vector towards a light.
 *
 * @param {number} azimuth  degrees, positive to the left of the image
 * @param {number} elevation  degrees, positive to its top
 * @returns {Vector}
 */
export function directionVector(azimuth, elevation) {
  const a = toRadians(azimuth);
  const e = toRadians(elevation);
  return [-Math.cos(e) * Math.sin(a), Math.sin(e), Math.cos(e) * Math.cos(a)];
}

/**
 * Azimuth and elevation of a unit vector, degrees.
 *
 * @param {Vector} vector
 * @returns {[number, number]} -180 to 180 and -90 to 90
 */
export const angles = ([x, y, z]) => [
  toDegrees(Math.atan2(-x, z)),
  toDegrees(Math.asin(Math.min(1, Math.max(-1, y)))),
];

/** @returns {Coefficients} of darkness */
export const dark = () => Array.from({ length: 9 }, () => [0, 0, 0]);

/**
 * The same light from everywhere.
 *
 * @param {Rgb} color  shading that it gives every normal
 * @returns {Coefficients}
 */
export const even = (color) => {
  const light = dark();
  // The integral of the first harmonic over the sphere.
  light[0] = color.map((value) => value * Math.sqrt(4 * Math.PI));
  return light;
};

/** @type {(a: Coefficients, b: Coefficients) => Coefficients} */
export const add = (a, b) => a.map((row, k) => row.map((value, c) => value + b[k][c]));

/** @type {(light: Coefficients, factor: number) => Coefficients} */
export const scale = (light, factor) => light.map((row) => row.map((value) => value * factor));

/**
 * Whether a light has no colour, but for rounding.
 *
 * @param {Coefficients} light
 */
export function isColourless(light) {
  const most = Math.max(...light.flat().map(Math.abs));
  return light.every((row) => Math.max(...row) - Math.min(...row) <= 1e-4 * most);
}

/**
 * A light between two.
 *
 * @param {Coefficients} a
 * @param {Coefficients} b
 * @param {number} share  of `b`, 0 to 1
 * @returns {Coefficients}
 */
export const mix = (a, b, share) =>
  a.map((row, k) => row.map((value, c) => value + share * (b[k][c] - value)));

/**
 * A distant disc: see `harmonics.spherical_cap` in Python.
 *
 * @param {DistantLamp} lamp
 * @returns {Coefficients}
 */
export function projection({ direction: [x, y, z], radius, color }) {
  const c = Math.cos(radius);
  const zonal = [1, (1 + c) / 2, (c * (1 + c)) / 2];
  const total = (2 * Math.PI) / (1 + c);
  return basis(x, y, z).map((value, k) =>
    color.map((channel) => channel * total * zonal[BAND[k]] * value),
  );
}

/**
 * The light after its environment is rotated about the vertical.
 *
 * @param {Coefficients} light
 * @param {number} azimuth  degrees, positive to the left of the image
 * @returns {Coefficients}
 */
export function rotated(light, azimuth) {
  const a = toRadians(azimuth);
  const [cos1, sin1, cos2, sin2] = [Math.cos(a), Math.sin(a), Math.cos(2 * a), Math.sin(2 * a)];
  const [one, y, z, x, xy, yz, zz, xz, xxyy] = light;
  /** @type {(from: number[], to: number[], cosine: number, sine: number) => number[]} */
  const combined = (from, to, cosine, sine) =>
    from.map((value, channel) => cosine * value + sine * to[channel]);
  // x' = x cos a - z sin a, z' = x sin a + z cos a; y stays.
  // In the second band 3y² - 1 stays, and xz and (x² - z²) / 2 rotate by twice the angle.
  const half = Math.sqrt(3) / 2;
  const still = combined(zz, xxyy, -1 / 2, -half);
  const xxzz = combined(zz, xxyy, -half, 1 / 2);
  const newXxzz = combined(xxzz, xz, cos2, -sin2);
  return [
    [...one],
    [...y],
    combined(x, z, sin1, cos1),
    combined(x, z, cos1, -sin1),
    combined(xy, yz, cos1, -sin1),
    combined(xy, yz, sin1, cos1),
    combined(still, newXxzz, -1 / 2, -half),
    combined(xxzz, xz, sin2, cos2),
    combined(still, newXxzz, -half, 1 / 2),
  ];
}

/**
 * Normals of the half of a sphere that the camera sees, one for each pixel of a square.
 *
 * @param {number} size  of the square, pixels
 */
function visibleNormals(size) {
  /** @type {Vector[]} */
  const normals = [];
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const x = ((column + 0.5) / size) * 2 - 1;
      const y = 1 - ((row + 0.5) / size) * 2;
      const square = x * x + y * y;
      if (square < 1) normals.push([x, y, Math.sqrt(1 - square)]);
    }
  }
  return normals;
}

const VISIBLE = visibleNormals(48);

/**
 * Mean shading of the surfaces that the camera sees.
 *
 * @param {Coefficients} light
 * @returns {Rgb}
 */
export const meanShading = (light) =>
  shadingPolynomial(light).map(
    (p) => VISIBLE.reduce((sum, n) => sum + Math.max(0, shadeAt(p, ...n)), 0) / VISIBLE.length,
  );

/**
 * How bright the lit part of a white sphere is: see `Light.exposure` in Python.
 *
 * @param {Coefficients} light
 * @returns {number} at least 0; an even white light of radiance 1 has 1
 */
export function exposure(light) {
  const polynomial = shadingPolynomial(light);
  let squares = 0;
  let roots = 0;
  for (const normal of VISIBLE) {
    let square = 0;
    for (const p of polynomial) square += Math.max(0, shadeAt(p, ...normal)) ** 2 / 3;
    squares += square;
    roots += Math.sqrt(square);
  }
  return squares / VISIBLE.length / Math.max(roots / VISIBLE.length, 1e-9);
}
