import assert from "node:assert/strict";
import test from "node:test";

import { Face, WHITE_LIGHT, WHOLE } from "../../../tfrelight/studio/static/face.js";
import { even } from "../../../tfrelight/studio/static/harmonics.js";
import { lightOfParts } from "../../../tfrelight/studio/static/lighting.js";
import { parsePhotoData } from "../../../tfrelight/studio/static/photo_data.js";
import { relight } from "../../../tfrelight/studio/static/relighting.js";
import { assertClose, expected } from "./helpers.js";

const block = Uint8Array.from(Buffer.from(expected.photo.block, "base64")).buffer;
const faces = () => parsePhotoData(block).faces;

const column = (texture, c) => texture.filter((_, k) => k % 4 === c);

test("faces change as in Python", () => {
  const all = faces();
  for (const { light, strength, stops, lights, changes } of expected.photo.relit) {
    assertClose(relight(all, light, strength, stops), lights, 1e-4);
    all.forEach((face, k) => {
      const { factor, slope, lost, fill } = changes[k];
      for (const c of [0, 1, 2]) {
        const wanted = factor.map((row) => row[c]);
        assertClose(column(face.changeTexture, c), wanted, 2e-3, `factor ${c} of face ${k}`);
      }
      assertClose(column(face.changeTexture, 3), slope, 1e-3, `slope of face ${k}`);
      assert.equal(face.lossy, lost !== null);
      if (lost === null) return;
      assertClose(column(face.fillTexture, 3), lost, 1e-3, `lost of face ${k}`);
      for (const c of [0, 1, 2]) {
        const wanted = fill.map((row) => row[c]);
        assertClose(column(face.fillTexture, c), wanted, 1e-3, `fill ${c} of face ${k}`);
      }
    });
  }
});

/** A face whose maps are constant, so that the filters change nothing. */
function uniform(given = {}, settings = {}) {
  const size = 4;
  const values = {
    normal_x: 0, normal_y: 0, normal_z: 1, photo_r: 0.5, photo_g: 0.4, photo_b: 0.3,
    albedo_r: 0.6, albedo_g: 0.5, albedo_b: 0.4, guide: 0.5, mask: 1, region: 1, residual_r: 0,
    residual_g: 0, residual_b: 0, epsilon: 1, black: 0, max_log_factor: 2.5, hair: 0,
    surface_r: 1, surface_g: 0.8, surface_b: 0.6, part_eyes: 0, part_mouth: 0, skin: 0,
    relief: 0, steep_x: 0, steep_y: 0, steep_z: 1, outline_slope: 0, outline_offset: 1, share: 1,
    ...given,
  };
  const plane = (value) => new Float32Array(size * size).fill(value);
  const planes = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, plane(value)]),
  );
  const facts = {
    size, radius: 1, light: even([1, 1, 1]), white: [1.2, 1, 0.7], legibility: 1, head_height: 4,
    rotation: [[1, 0], [0, 1]], eyes: null, old_catchlights: null,
  };
  return new Face(facts, planes, {
    min_shading: 0.03, fade_distance: 0.02, sheen: 0.5, shoulder: 0.6, metered_percentile: 90,
    max_exposure: 5, own_white: 0.6, bluer: [0, 0.2],
    rendering: parsePhotoData(block).header.settings.rendering, ...settings,
  });
}

/** Puts a face under harmonics alone. */
function change(face, harmonics) {
  face.render({ harmonics, lamps: [] });
  face.change(WHOLE);
}

/** The exposure of harmonics alone on a face. */
function exposureOf(face, harmonics) {
  face.render({ harmonics, lamps: [] });
  return face.exposure();
}

const factorOf = (face) => [...face.changeTexture.slice(0, 3)];

test("above the shoulder a brighter light approaches white slowly", () => {
  const face = uniform();
  change(face, even([1.9, 1.9, 1.9]));
  // The strongest channel would become 0.95; the others follow it, so that the colour stays.
  const bent = 0.6 + 0.4 * Math.tanh((0.5 * 1.9 - 0.6) / 0.4);
  assertClose(factorOf(face), Array(3).fill(bent / 0.5), 2e-3);
  change(face, even([1.15, 1.15, 1.15]));
  assertClose(factorOf(face), Array(3).fill(1.15), 2e-3);
  for (const stops of [4, 8, 11]) {
    change(face, even([stops, stops, stops]));
    assert.ok(0.5 * factorOf(face)[0] <= 1.0005);
  }
});

test("the strongest channel may be any", () => {
  for (const strongest of [0, 1, 2]) {
    const photo = [0, 1, 2].map((c) => (c === strongest ? 0.5 : 0.3));
    const face = uniform({ photo_r: photo[0], photo_g: photo[1], photo_b: photo[2] });
    change(face, even([1.9, 1.9, 1.9]));
    const bent = 0.6 + 0.4 * Math.tanh((0.5 * 1.9 - 0.6) / 0.4);
    assertClose(factorOf(face), Array(3).fill(bent / 0.5), 2e-3);
  }
});

test("the shoulder darkens nothing that was bright before", () => {
  const face = uniform({ photo_r: 0.9, photo_g: 0.9, photo_b: 0.9 });
  change(face, even([1.05, 1.05, 1.05]));
  assertClose(factorOf(face), [1, 1, 1], 2e-3);
  change(face, even([0.9, 0.9, 0.9]));
  assertClose(factorOf(face), [0.9, 0.9, 0.9], 2e-3);
});

test("no factor is above the largest", () => {
  const face = uniform({ photo_r: 0.001, photo_g: 0.001, photo_b: 0.001 });
  change(face, even([100, 100, 100]));
  assertClose(factorOf(face), Array(3).fill(Math.exp(2.5)), 2e-2);
});

test("half of what hair gains has the colour of the light", () => {
  const brown = { photo_r: 0.1, photo_g: 0.05, photo_b: 0.02 };
  const [skin, hair] = [uniform(brown), uniform({ ...brown, hair: 1 })];
  for (const face of [skin, hair]) change(face, even([2, 2, 2]));
  assertClose(factorOf(skin), [2, 2, 2], 2e-3);
  // A factor of 2 adds the photo again; its luminance is 0.0585.
  const luminance = 0.2126 * 0.1 + 0.7152 * 0.05 + 0.0722 * 0.02;
  const wanted = [0.1, 0.05, 0.02].map((value) => 1.5 + (0.5 * luminance) / value);
  assertClose(factorOf(hair), wanted, 5e-3);
  // Darkness has no sheen.
  change(hair, even([0.5, 0.5, 0.5]));
  assertClose(factorOf(hair), [0.5, 0.5, 0.5], 2e-3);
});

test("exposure keeps the brightness, within limits", () => {
  const face = uniform();
  for (const [level, factor] of [[0.5, 2], [1, 1], [2, 0.5], [0.01, 5], [100, 0.01]]) {
    assertClose(exposureOf(face, even([level, level, level])), factor, 1e-3 * factor);
  }
});

test("old shadows stay under the same light and fade under another", () => {
  const face = uniform({ residual_r: -0.7, residual_g: -0.5, residual_b: -0.4 });
  change(face, even([1, 1, 1]));
  assertClose(factorOf(face), [1, 1, 1], 1e-3);
  change(face, even([0.8, 0.8, 0.8]));
  assertClose(factorOf(face), [0.8, 0.8, 0.8], 1e-3);
});

test("half the size is the same face", () => {
  const [face] = faces();
  const half = face.halved();
  assert.deepEqual([half.facts.size, half.facts.radius], [12, 1]);
  const { guide } = face.planes;
  assertClose(half.planes.guide[0], (guide[0] + guide[1] + guide[24] + guide[25]) / 4, 1e-6);
  const k = 12 * 5 + 7;
  const at = 24 * 10 + 14;
  const mean = (guide[at] + guide[at + 1] + guide[at + 24] + guide[at + 25]) / 4;
  assertClose(half.planes.guide[k], mean, 1e-6);
  const { normal_x: x, normal_y: y, normal_z: z } = half.planes;
  assert.ok(x.every((_, j) => Math.abs(Math.hypot(x[j], y[j], z[j]) - 1) < 1e-5));
  const light = expected.photo.relit[0].light.coefficients;
  assertClose(exposureOf(half, light), exposureOf(face, light), 0.1);
  const odd = new Face({ ...face.facts, radius: 5 }, face.planes, face.settings);
  assert.equal(odd.halved().facts.radius, 3);
});

test("a face without a face region cannot be measured", () => {
  assert.ok(Number.isNaN(exposureOf(uniform({ region: 0 }), even([1, 1, 1]))));
  const face = uniform({ mask: 0 });
  change(face, even([2, 2, 2]));
  assert.equal(face.sameness(), 1);
});

test("a relative light takes on the white of the face", () => {
  const face = uniform();
  const light = even([2, 1, 1]);
  const gain = 1 / exposureOf(face, even([2.4, 1, 0.7]));
  const [relative] = relight([face], lightOfParts(light, light, []), 1, 0);
  assertClose(relative, even([2.4 / gain, 1 / gain, 0.7 / gain]), 1e-6);
  const [absolute] = relight([face], lightOfParts(light, even([0, 0, 0]), []), 1, 0);
  assertClose(absolute[0][0] / absolute[0][1], 2, 1e-6);
});

test("a face that is nearly black is relit by less", () => {
  const face = uniform();
  face.facts.legibility = 0.25;
  const given = lightOfParts(even([2, 1, 1]), even([0, 0, 0]), []);
  const [light] = relight([face], given, 0.8, 0);
  const gain = exposureOf(face, given.coefficients);
  assertClose(light, even([2, 1, 1].map((value) => 0.8 + 0.2 * value * gain)), 1e-6);
});

test("white light is even", () => assert.deepEqual(WHITE_LIGHT.harmonics, even([1, 1, 1])));

test("the albedo of a face is looked at without forgetting its light", () => {
  const [face] = faces();
  const { light } = expected.photo.relit[0];
  relight([face], light, 1, 0);
  const before = face.changeTexture.slice();
  face.changeToAlbedo();
  assert.notDeepEqual(face.changeTexture, before);
  face.change(face.blend);
  assert.deepEqual(face.changeTexture, before);
});
