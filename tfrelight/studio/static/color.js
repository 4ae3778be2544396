// @ts-check
// sRGB (IEC 61966-2-1) and colours of lamps, as in tfrelight.color and tfrelight.lights.colors.

/** @typedef {number[]} Rgb `[3]` linear RGB, at least 0; 1 is white. */

/** Rec. 709 luminance of linear RGB. */
export const LUMINANCE = [0.2126, 0.7152, 0.0722];

/**
 * Decodes sRGB.
 *
 * @param {number} v  sRGB-encoded, in [0, 1]
 * @returns {number} linear, in [0, 1]
 */
export const toLinear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);

/**
 * Encodes as sRGB; clips to [0, 1] first.
 *
 * @param {number} v  linear
 * @returns {number} sRGB-encoded, in [0, 1]
 */
export const toSrgb = (v) => {
  const c = Math.min(1, Math.max(0, v));
  return c <= 0.0031308 ? c * 12.92 : 1.055 * c ** (1 / 2.4) - 0.055;
};

// CIE XYZ to linear RGB with sRGB's primaries and its white, D65 (IEC 61966-2-1).
const XYZ_TO_RGB = [
  [3.2406, -1.5372, -0.4986],
  [-0.9689, 1.8758, 0.0415],
  [0.0557, -0.204, 1.057],
];

/** @type {(a: number[], b: number[]) => number} */
const dot = (a, b) => a.reduce((sum, value, k) => sum + value * b[k], 0);

/**
 * Colour of a glowing black body (Krystek 1985); colours outside sRGB's gamut are clipped.
 *
 * @param {number} t  kelvin, 1000 to 15000
 * @returns {Rgb} of luminance 1
 */
export function ofTemperature(t) {
  const u =
    (0.860117757 + 1.54118254e-4 * t + 1.28641212e-7 * t * t) /
    (1 + 8.42420235e-4 * t + 7.08145163e-7 * t * t);
  const v =
    (0.317398726 + 4.22806245e-5 * t + 4.20481691e-8 * t * t) /
    (1 - 2.89741816e-5 * t + 1.61456053e-7 * t * t);
  // CIE 1960 (u, v) to (x, y), then to XYZ.
  const x = (3 * u) / (2 * u - 8 * v + 4);
  const y = (2 * v) / (2 * u - 8 * v + 4);
  const xyz = [x / y, 1, (1 - x - y) / y];
  const rgb = XYZ_TO_RGB.map((row) => Math.max(0, dot(row, xyz)));
  const luminance = dot(rgb, LUMINANCE);
  return rgb.map((value) => value / luminance);
}

/**
 * A colour as `#rrggbb`, sRGB-encoded. A colour above 1 is scaled down, so that it keeps its hue.
 *
 * @param {Rgb} rgb
 */
export const toHex = (rgb) => {
  const most = Math.max(1, ...rgb);
  const bytes = rgb.map((v) => Math.round(toSrgb(v / most) * 255));
  return `#${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
};

/**
 * A colour from `#rrggbb`, sRGB-encoded.
 *
 * @param {string} hex
 * @returns {Rgb} in [0, 1]
 */
export const fromHex = (hex) =>
  [1, 3, 5].map((k) => toLinear(parseInt(hex.slice(k, k + 2), 16) / 255));
