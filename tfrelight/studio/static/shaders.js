// The shader that puts faces under another light at the photo's size: tfrelight.faces.full_size.

export const VERTEX = `#version 300 es
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  gl_Position = vec4(4.0 * corner - 1.0, 0.0, 1.0);
}`;

export const MODES = { relit: 0, photo: 1, albedo: 2, normals: 3, shading: 4, mask: 5, split: 6 };

const face = (k) => `
  {
    vec2 place = inverses[${k}] * (point - corners[${k}]);
    bool here = all(greaterThanEqual(point, boxes[${k}].xy)) && all(lessThan(point, boxes[${k}].zw));
    if (here) {
      vec3 outline = texture(outline${k}, place).rgb;
      float share = clamp((outline.x * guide + outline.y - ramp.x) / (ramp.y - ramp.x), 0.0, 1.0);
      share = share * share * (3.0 - 2.0 * share) * outline.z;
      share = floor(share * 255.0 + 0.5) / 255.0;
      if (share > 0.0) {
        vec4 change = texture(change${k}, place);
        if (mode == 3 || mode == 4) {
          values += share * (mode == 3 ? change.xyz : shading(normalize(change.xyz), ${k}));
        } else {
          vec3 after = before * change.rgb * exp(change.a * guide);
          vec4 fill = texture(fill${k}, place);
          after += fill.a * (fill.rgb - after);
          values += share * (after - under);
        }
        total += share;
      }
    }
  }`;

export const fragment = (count) => `#version 300 es
precision highp float;
uniform sampler2D encoded, decoded;
uniform int mode;
uniform vec2 size, drawn, ramp;
uniform float split;
uniform vec3 behind;
uniform mat2 inverses[${count}];
uniform vec2 corners[${count}];
uniform vec4 boxes[${count}];
uniform vec3 light[${9 * count}];
${Array.from({ length: count }, (_, k) => `uniform sampler2D outline${k}, change${k}, fill${k};`).join("\n")}
out vec4 color;

vec3 toSrgb(vec3 linear) {
  vec3 c = clamp(linear, 0.0, 1.0);
  return mix(1.055 * pow(c, vec3(1.0 / 2.4)) - 0.055, c * 12.92, vec3(lessThanEqual(c, vec3(0.0031308))));
}

vec3 shading(vec3 n, int k) {
  int at = 9 * k;
  return max(vec3(0.0), light[at] + light[at + 1] * n.y + light[at + 2] * n.z + light[at + 3] * n.x +
    light[at + 4] * n.x * n.y + light[at + 5] * n.y * n.z + light[at + 6] * (3.0 * n.z * n.z - 1.0) +
    light[at + 7] * n.x * n.z + light[at + 8] * (n.x * n.x - n.y * n.y));
}

void main() {
  vec2 uv = vec2(gl_FragCoord.x / drawn.x, 1.0 - gl_FragCoord.y / drawn.y);
  vec4 photo = texture(encoded, uv);
  color = photo;
  if (mode == 1 || (mode == 6 && uv.x < split)) return;
  vec2 point = uv * size;
  float guide = dot(photo.rgb, vec3(0.2126, 0.7152, 0.0722));
  vec3 before = texture(decoded, uv).rgb;
  vec3 under = before * behind;
  vec3 values = vec3(0.0);
  float total = 0.0;
  ${Array.from({ length: count }, (_, k) => face(k)).join("")}
  if (mode == 3) {
    color.rgb = total == 0.0 ? vec3(0.0) : normalize(values) * 0.5 + 0.5;
  } else if (mode == 4) {
    color.rgb = toSrgb(0.5 * values);
  } else if (mode == 5) {
    color.rgb = vec3(total);
  } else if (mode == 2 || total > 0.0 || behind != vec3(1.0)) {
    color.rgb = toSrgb(under + values);
  }
}`;
