// Second-order spherical harmonics and lights, as tfrelight.harmonics and tfrelight.lights have
// them: x right in the image, y up, z to the camera; a light is 9 coefficients [r, g, b].

const FIRST = Math.sqrt(3 / (4 * Math.PI));
const SECOND = Math.sqrt(15 / (4 * Math.PI));
const THIRD = Math.sqrt(5 / (16 * Math.PI));
const ATTENUATION = [1, 2 / 3, 2 / 3, 2 / 3, 1 / 4, 1 / 4, 1 / 4, 1 / 4, 1 / 4];

export function basis(x, y, z) {
  return [
    Math.sqrt(1 / (4 * Math.PI)),
    FIRST * y,
    FIRST * z,
    FIRST * x,
    SECOND * x * y,
    SECOND * y * z,
    THIRD * (3 * z * z - 1),
    SECOND * x * z,
    (SECOND / 2) * (x * x - y * y),
  ];
}

// For each channel the factors of 1, y, z, x, xy, yz, 3zz-1, xz, xx-yy in the shading of a normal.
export function polynomial(light) {
  const norms = [...basis(0, 0, 0).slice(0, 1), FIRST, FIRST, FIRST, SECOND, SECOND, THIRD, SECOND, SECOND / 2];
  return [0, 1, 2].map((c) => light.map((row, k) => ATTENUATION[k] * norms[k] * row[c]));
}

export function shadeAt(p, x, y, z) {
  return (
    p[0] + p[1] * y + p[2] * z + p[3] * x + p[4] * x * y + p[5] * y * z +
    p[6] * (3 * z * z - 1) + p[7] * x * z + p[8] * (x * x - y * y)
  );
}

export function vector(azimuth, elevation) {
  const a = (azimuth * Math.PI) / 180;
  const e = (elevation * Math.PI) / 180;
  return [-Math.cos(e) * Math.sin(a), Math.sin(e), Math.cos(e) * Math.cos(a)];
}

export function angles([x, y, z]) {
  return [
    (Math.atan2(-x, z) * 180) / Math.PI,
    (Math.asin(Math.min(1, Math.max(-1, y))) * 180) / Math.PI,
  ];
}

export const none = () => Array.from({ length: 9 }, () => [0, 0, 0]);

export const even = (color) => {
  const light = none();
  light[0] = color.map((value) => value * Math.sqrt(4 * Math.PI));
  return light;
};

export const add = (a, b) => a.map((row, k) => row.map((value, c) => value + b[k][c]));

export const scale = (light, factor) => light.map((row) => row.map((value) => value * factor));

export const mix = (a, b, share) =>
  a.map((row, k) => row.map((value, c) => value + share * (b[k][c] - value)));

// A distant disc that gives a surface facing it the shading `color`; radius in degrees.
export function lamp(azimuth, elevation, radius, color) {
  const c = Math.cos((radius * Math.PI) / 180);
  const zonal = [1, (1 + c) / 2, (c * (1 + c)) / 2];
  const total = (2 * Math.PI) / (1 + c);
  return basis(...vector(azimuth, elevation)).map((value, k) => {
    const band = k === 0 ? 0 : k < 4 ? 1 : 2;
    return color.map((channel) => channel * total * zonal[band] * value);
  });
}

// The light after its environment is turned about the vertical, to the left of the image.
export function turned(light, azimuth) {
  const a = (azimuth * Math.PI) / 180;
  const rotated = (from, to, cosine, sine, result) => {
    // Coefficients of a pair of harmonics that turn into each other.
    for (let c = 0; c < 3; c++) {
      result[from][c] = cosine * light[from][c] - sine * light[to][c];
      result[to][c] = sine * light[from][c] + cosine * light[to][c];
    }
  };
  const result = light.map((row) => [...row]);
  // x' = x cos a - z sin a, z' = x sin a + z cos a; y stays.
  const [cos1, sin1, cos2, sin2] = [Math.cos(a), Math.sin(a), Math.cos(2 * a), Math.sin(2 * a)];
  rotated(3, 2, cos1, sin1, result);
  rotated(4, 5, cos1, sin1, result);
  // Of the second band, xz and (xx - zz) / 2 turn with twice the angle; 3yy - 1 stays.
  for (let c = 0; c < 3; c++) {
    const [zz, xz, xxyy] = [light[6][c], light[7][c], light[8][c]];
    const still = -zz / 2 - (Math.sqrt(3) / 2) * xxyy;
    const turning = (-Math.sqrt(3) / 2) * zz + xxyy / 2;
    const xxzz = cos2 * turning - sin2 * xz;
    result[7][c] = sin2 * turning + cos2 * xz;
    result[6][c] = -still / 2 - (Math.sqrt(3) / 2) * xxzz;
    result[8][c] = (-Math.sqrt(3) / 2) * still + xxzz / 2;
  }
  return result;
}

// Normals of a sphere that fills a square of `size` pixels.
function visible(size) {
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

const SEEN = visible(48);

// Mean shading of surfaces that the camera sees.
export function seen(light) {
  return polynomial(light).map(
    (p) => SEEN.reduce((sum, n) => sum + Math.max(0, shadeAt(p, ...n)), 0) / SEEN.length,
  );
}

// Light.exposure of tfrelight: how bright the lit part of a white sphere is that the camera sees.
export function exposure(light) {
  const p = polynomial(light);
  let squares = 0;
  let roots = 0;
  for (const n of SEEN) {
    let square = 0;
    for (const one of p) square += Math.max(0, shadeAt(one, ...n)) ** 2 / 3;
    squares += square;
    roots += Math.sqrt(square);
  }
  return squares / SEEN.length / Math.max(roots / SEEN.length, 1e-9);
}
