// sRGB (IEC 61966-2-1) and the colours of lamps, as tfrelight.color and tfrelight.lights.colors.

export const LUMINANCE = [0.2126, 0.7152, 0.0722];

export const toLinear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);

export const toSrgb = (v) => {
  const c = Math.min(1, Math.max(0, v));
  return c <= 0.0031308 ? c * 12.92 : 1.055 * c ** (1 / 2.4) - 0.055;
};

const XYZ_TO_RGB = [
  [3.2406, -1.5372, -0.4986],
  [-0.9689, 1.8758, 0.0415],
  [0.0557, -0.204, 1.057],
];

// Linear RGB of luminance 1 of a black body (Krystek 1985).
export function ofTemperature(t) {
  const u = (0.860117757 + 1.54118254e-4 * t + 1.28641212e-7 * t * t) /
    (1 + 8.42420235e-4 * t + 7.08145163e-7 * t * t);
  const v = (0.317398726 + 4.22806245e-5 * t + 4.20481691e-8 * t * t) /
    (1 - 2.89741816e-5 * t + 1.61456053e-7 * t * t);
  const x = (3 * u) / (2 * u - 8 * v + 4);
  const y = (2 * v) / (2 * u - 8 * v + 4);
  const xyz = [x / y, 1, (1 - x - y) / y];
  const rgb = XYZ_TO_RGB.map((row) => Math.max(0, row.reduce((s, k, i) => s + k * xyz[i], 0)));
  const luminance = rgb.reduce((s, k, i) => s + k * LUMINANCE[i], 0);
  return rgb.map((value) => value / luminance);
}

export const toHex = (rgb) => {
  const most = Math.max(1, ...rgb);
  return "#" + rgb
    .map((v) => Math.round(toSrgb(v / most) * 255).toString(16).padStart(2, "0"))
    .join("");
};

export const fromHex = (hex) =>
  [1, 3, 5].map((k) => toLinear(parseInt(hex.slice(k, k + 2), 16) / 255));
