// @ts-check
// The shader that relights faces at the photo's size, as in tfrelight.relighting.compositing.

import { LUMINANCE } from "./color.js";

/** One triangle that covers the picture. */
export const VERTEX = `#version 300 es
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  gl_Position = vec4(4.0 * corner - 1.0, 0.0, 1.0);
}`;

/** Layers of a face in the texture of maps, and in the texture of what `relight` computes. */
export const LAYERS = {
  outline: 0, surface: 1, normals: 2, albedo: 3, albedoFill: 4, parts: 5, moreParts: 6,
};
export const CHANGE_LAYERS = { change: 0, fill: 1 };

/**
 * How many layers a face has.
 *
 * @param {Record<string, number>} layers
 */
export const countOf = (layers) => Object.keys(layers).length;

/**
 * @typedef {{ begin?: string, each: string, end: string, layers: (keyof typeof LAYERS)[] }} View
 */

/**
 * What a head or body adds to a picture that is relit.
 *
 * @param {string} change  a call in the shader that gives the factors
 * @param {string} fill  a call that gives what takes the photo's place
 */
const relit = (change, fill) => `
    vec4 change = ${change};
    vec3 factor = change.rgb * exp(change.a * guide);
    vec3 after = darkened(before, map(k, ${LAYERS.surface}, place).rgb, factor);
    vec4 fill = ${fill};
    after += fill.a * (fill.rgb - after);
    after /= max(1.0, max(after.r, max(after.g, after.b)));
    values += share * (after - under);`;

const RELIT = relit(
  `changed(k, ${CHANGE_LAYERS.change}, place)`, `changed(k, ${CHANGE_LAYERS.fill}, place)`,
);
const IN_COLOUR = `
  if (total > 0.0 || behind != vec3(1.0)) {
    color.rgb = toSrgb(under + values);
    if (grey) color.rgb = vec3(dot(color.rgb, vec3(${LUMINANCE.join(", ")})));
  }`;

/**
 * What the picture can show: where that begins, what it adds up of each head and body, the colour
 * that it makes of this, and the layers of maps that it needs. Each is a shader of its own:
 * graphics in software take their time for all that a shader could do.
 *
 * @satisfies {Record<string, View>}
 */
const VIEWS = {
  relit: { each: RELIT, end: IN_COLOUR, layers: ["outline", "surface"] },
  photo: { each: "", end: "", layers: [] },
  albedo: {
    each: relit(`map(k, ${LAYERS.albedo}, place)`, `map(k, ${LAYERS.albedoFill}, place)`),
    end: IN_COLOUR,
    layers: ["outline", "surface", "albedo", "albedoFill"],
  },
  normals: {
    each: `values += share * map(k, ${LAYERS.normals}, place).xyz;`,
    end: "color.rgb = total == 0.0 ? vec3(0.0) : normalize(values) * 0.5 + 0.5;",
    layers: ["outline", "normals"],
  },
  shading: {
    each: `values += share * shading(normalize(map(k, ${LAYERS.normals}, place).xyz), k);`,
    end: "color.rgb = toSrgb(0.5 * values);",
    layers: ["outline", "normals"],
  },
  mask: { each: "", end: "color.rgb = vec3(total);", layers: ["outline"] },
  split: {
    begin: "if (uv.x < split) return;",
    each: RELIT,
    end: IN_COLOUR,
    layers: ["outline", "surface"],
  },
  parts: {
    each: `
    parts += share * map(k, ${LAYERS.parts}, place);
    moreParts += share * map(k, ${LAYERS.moreParts}, place);`,
    end: `
  color.rgb = total < 0.5 ? partColors[0] : partColors[likeliest(parts, moreParts.xy)];`,
    layers: ["outline", "parts", "moreParts"],
  },
};

/** @typedef {keyof typeof VIEWS} Mode */

/** @type {(view: Mode) => (keyof typeof LAYERS)[]} the layers of maps that a view needs */
export const layersOf = (view) => VIEWS[view].layers;

/** @type {(count: number, view: Mode) => string} what a view adds up, and its colour */
const added = (count, view) => `
  ${/** @type {View} */ (VIEWS[view]).begin ?? ""}
  vec2 point = uv * size;
  float guide = dot(photo.rgb, vec3(${LUMINANCE.join(", ")}));
  vec3 before = texture(decoded, uv).rgb;
  vec3 under = before * behind;
  vec3 values = vec3(0.0);
  vec4 parts = vec4(0.0), moreParts = vec4(0.0);
  float total = 0.0;
  for (int k = 0; k < ${count}; k++) {
    vec2 place = inverses[k] * (point - corners[k]);
    vec4 box = boxes[k];
    if (any(lessThan(point, box.xy)) || any(greaterThanEqual(point, box.zw))) continue;
    vec3 outline = map(k, ${LAYERS.outline}, place).rgb;
    float share = smoothstep(ramp.x, ramp.y, outline.x * guide + outline.y) * outline.z;
    share = min(floor(share * 255.0 + 0.5) / 255.0, 1.0 - total);
    if (share <= 0.0) continue;
    total += share;
    ${VIEWS[view].each}
  }
  ${VIEWS[view].end}`;

/**
 * The fragment shader of a view.
 *
 * @param {number} count  faces: heads and bodies
 * @param {Mode} view
 */
export const fragment = (count, view) => `#version 300 es
precision highp float;
precision highp sampler2DArray;
uniform sampler2D encoded, decoded;
uniform sampler2DArray maps, changes;
uniform bool grey;
uniform vec2 size, drawn, ramp, clipped;
uniform float split, leastChannel;
uniform vec3 behind, partColors[7];
uniform mat2 inverses[${count}];
uniform vec2 corners[${count}];
uniform vec4 boxes[${count}];
uniform float sides[${count}], changeSides[${count}];
uniform vec3 light[${9 * count}];
out vec4 color;

vec3 toSrgb(vec3 linear) {
  vec3 c = clamp(linear, 0.0, 1.0);
  vec3 curve = 1.055 * pow(c, vec3(1.0 / 2.4)) - 0.055;
  return mix(curve, c * 12.92, vec3(lessThanEqual(c, vec3(0.0031308))));
}

// As lost_light.restored and compositing in Python.
vec3 restored(vec3 photo, vec3 surface) {
  vec3 share = max(surface, leastChannel);
  vec3 ratios = photo / share;
  float level = max(ratios.r, max(ratios.g, ratios.b));
  vec3 clip = smoothstep(clipped.x, clipped.y, photo);
  return photo + clip * max(level * share - photo, 0.0);
}

vec3 darkened(vec3 photo, vec3 surface, vec3 factor) {
  vec3 after = photo * factor;
  vec3 limit = max(after, photo);
  vec3 room = restored(photo, surface) * factor - after;
  vec3 shares = mix(vec3(1.0), (limit - after) / max(room, 1e-6),
    vec3(greaterThan(room, vec3(1e-6))));
  vec3 together = after + min(min(shares.r, min(shares.g, shares.b)), 1.0) * room;
  vec3 each = min(after + room, limit);
  float most = max(factor.r, max(factor.g, factor.b));
  return mix(together, each, clamp((most - 0.9) / 0.2, 0.0, 1.0));
}

vec3 shading(vec3 n, int k) {
  int at = 9 * k;
  return max(vec3(0.0),
    light[at] + light[at + 1] * n.y + light[at + 2] * n.z + light[at + 3] * n.x +
    light[at + 4] * n.x * n.y + light[at + 5] * n.y * n.z +
    light[at + 6] * (3.0 * n.z * n.z - 1.0) + light[at + 7] * n.x * n.z +
    light[at + 8] * (n.x * n.x - n.y * n.y));
}

// A face's map fills a corner of the texture; its border is repeated outside.
vec4 at(sampler2DArray layers, int layer, float side, vec2 place) {
  vec2 point = clamp(place * side, 0.5, side - 0.5) / vec2(textureSize(layers, 0).xy);
  return texture(layers, vec3(point, layer));
}

vec4 map(int k, int layer, vec2 place) {
  return at(maps, ${countOf(LAYERS)} * k + layer, sides[k], place);
}

// What the light does to a face.
vec4 changed(int k, int layer, vec2 place) {
  return at(changes, ${countOf(CHANGE_LAYERS)} * k + layer, changeSides[k], place);
}

int likeliest(vec4 parts, vec2 moreParts) {
  float shares[6] = float[](parts.x, parts.y, parts.z, parts.w, moreParts.x, moreParts.y);
  int best = 0;
  float most = 0.0;
  for (int k = 0; k < 6; k++) {
    if (shares[k] > most) {
      most = shares[k];
      best = k + 1;
    }
  }
  return best;
}

void main() {
  vec2 uv = vec2(gl_FragCoord.x / drawn.x, 1.0 - gl_FragCoord.y / drawn.y);
  vec4 photo = texture(encoded, uv);
  color = photo;${view === "photo" ? "" : added(count, view)}
}`;
