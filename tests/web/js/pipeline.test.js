// The way of whole photos from their pixels to what the page relights.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import wabt from "wabt";

import { parsePhotoData } from "../../../tfrelight/studio/static/photo_data.js";
import { decompose } from "../../../web/src/face_maps.js";
import { Face, find } from "../../../web/src/find.js";
import { content } from "../../../web/src/framing.js";
import { multiplyBy } from "../../../web/src/layers.js";
import { Mtcnn, parseWeights } from "../../../web/src/mtcnn.js";
import { inJavaScript, inWebAssembly } from "../../../web/src/multiply.js";
import { stepsOf, stepsWith } from "../../../web/src/steps.js";
import { preparedPhoto } from "../../../web/src/photo_data.js";
import { assertClose, bytes, difference, expected, finderFile, floats, picture } from
  "./helpers.js";

const mtcnn = new Mtcnn(parseWeights(finderFile()));

const WAT = new URL("../../../web/src/multiply.wat", import.meta.url);
const { parseWat } = await wabt();
const binary = parseWat("multiply.wat", readFileSync(WAT, "utf8")).toBinary({}).buffer;

for (const [name, multiplier] of [
  ["JavaScript", inJavaScript], ["WebAssembly", inWebAssembly(binary)],
]) test(`the finder's networks say what Python's say, in ${name}`, () => {
  multiplyBy(multiplier);
  const { images, onet, pnet, rnet } = expected.layers;
  const data = floats(images);
  const all = { count: 3, height: 48, width: 48, channels: 3, data };
  const last = mtcnn.onet(all);
  [last.offsets.data, last.points.data, last.scores].forEach((actual, k) =>
    assertClose(actual, floats(onet[k]), 1e-4, `onet ${k}`),
  );
  const rows = 48 * 3;
  const lower = { ...all, height: 37, data: data.filter((_, k) => Math.floor(k / rows) % 48 < 37) };
  const first = mtcnn.pnet(lower);
  assertClose(first.offsets.data, floats(pnet[0]), 1e-4, "pnet");
  assertClose(first.probabilities, floats(pnet[1]), 1e-4, "pnet");
  const half = data.filter((_, k) => Math.floor(k / 3) % 2 === 0 && Math.floor(k / rows) % 2 === 0);
  const second = mtcnn.rnet({ ...all, height: 24, width: 24, data: half });
  assertClose(second.offsets.data, floats(rnet[0]), 1e-4, "rnet");
  assertClose(second.scores, floats(rnet[1]), 1e-4, "rnet");
});

for (const [name, given] of Object.entries(expected.photos)) {
  test(`faces are found where Python finds them: ${name}`, () => {
    const faces = find(picture(given.photo), mtcnn);
    assert.equal(faces.length, given.faces.length);
    faces.forEach((face, k) => {
      const { eyes, distance, oval, score } = given.faces[k];
      assertClose(face.eyes.flat(), eyes.flat(), 1e-3 * distance, "eyes");
      assertClose(face.oval.flat(), oval.flat(), 2e-3 * distance, "oval");
      assertClose([face.distance], [distance], 1e-3 * distance, "distance");
      assertClose([face.score], [score], 1e-3, "score");
    });
  });
}

// Side of the network's crops, pixels.
const SIZE = 128;

/** A network that says what Python's said of the same crops. */
function recorded(runs) {
  const known = runs.map(({ crop, maps, light }) => {
    const all = floats(maps);
    const plane = (k) => all.slice(k * SIZE ** 2, (k + 1) * SIZE ** 2);
    return {
      crop: new Uint16Array(bytes(crop).buffer),
      maps: Array.from({ length: all.length / SIZE ** 2 }, (_, k) => plane(k)),
      light,
    };
  });
  return {
    size: SIZE,
    run(crop) {
      const apart = known.map((one) => difference(crop.map((v) => v * 65280), one.crop).mean);
      const closest = apart.indexOf(Math.min(...apart));
      // A step of 8 bits in few of the pixels.
      assert.ok(apart[closest] / 256 < 0.05, `a crop that Python did not see: ${apart[closest]}`);
      return known[closest];
    },
  };
}

/** The steps as another worker takes them, which gets and gives copies without methods. */
function elsewhere(steps) {
  const ask = async ({ name, given }) => {
    // What a step does not need is not sent.
    assert.equal(given.length, { predict: 3, segment: 5, prepare: 1 }[name]);
    return structuredClone(await steps[name](...structuredClone(given)));
  };
  const here = () => assert.fail("a step failed elsewhere");
  return stepsOf({ ask }, { predict: here, segment: here, prepare: here });
}

for (const [name, given] of Object.entries(expected.photos)) {
  if (!given.block) continue;
  test(`maps are Python's: ${name}`, async () => {
    const photo = picture(given.photo);
    assert.deepEqual(content(photo), given.content);
    const faces = given.faces.map(
      ({ eyes, distance, oval, score }) => new Face(eyes, distance, oval, score),
    );
    const { what } = given;
    const network = recorded(given.runs);
    const steps = elsewhere(stepsWith(network));
    const maps = await decompose(network, steps, photo, faces, undefined, { what });
    const fields = { found: faces.length, whole_image: false, what, grey: "" };
    const actual = await preparedPhoto(photo, maps, fields, steps);
    const wanted = parsePhotoData(bytes(given.block).buffer);
    const { header } = actual;
    assert.deepEqual([header.height, header.width], [photo.height, photo.width]);
    assert.deepEqual(header.view, wanted.header.view);
    assert.deepEqual([header.relit, header.surfaces.length],
      [wanted.header.relit, wanted.header.surfaces.length]);
    assert.deepEqual(header.settings, wanted.header.settings);
    assertClose(actual.pixels, wanted.pixels, 0, "pixels");
    header.surfaces.forEach((facts, k) => {
      const other = wanted.faces[k].facts;
      assert.deepEqual([facts.size, facts.radius], [other.size, other.radius]);
      assert.deepEqual(facts.box, other.box);
      assertClose(facts.bounds, other.bounds, 0, "bounds");
      assertClose(facts.head, other.head, 3, "head");
      assertClose(facts.corner, other.corner, 1e-6, "corner");
      assertClose(facts.inverse.flat(), other.inverse.flat(), 1e-9, "inverse");
      assertClose(facts.light.flat(), other.light.flat(), 1e-4, "light");
      assertClose(facts.white, other.white, 1e-3, "white");
      assertClose([facts.head_height], [other.head_height], 1e-3, "head_height");
      assertClose(facts.rotation.flat(), other.rotation.flat(), 1e-6, "rotation");
      assert.deepEqual(facts.eyes?.places, other.eyes?.places);
      if (other.eyes) {
        assertClose(facts.eyes.reflected.flat(), other.eyes.reflected.flat(), 5e-3, "reflected");
        assertClose(facts.eyes.wet, other.eyes.wet, 1e-2, "wet");
        assertClose([facts.eyes.blur], [other.eyes.blur], 1e-3, "blur");
      }
      assert.deepEqual(facts.old_catchlights?.places, other.old_catchlights?.places);
      if (other.old_catchlights) {
        assertClose(facts.old_catchlights.share, other.old_catchlights.share, 1e-2, "share");
        const [below, there] = [facts, other].map((one) => one.old_catchlights.below.flat());
        assertClose(below, there, 1e-3, "below");
      }
      assertClose([facts.legibility], [other.legibility], 1e-3, "legibility");
      for (const [plane, values] of Object.entries(wanted.faces[k].planes)) {
        const { mean, most } = difference(actual.planes[k][plane], values);
        // Heights are pixels.
        const unit = plane === "relief" ? facts.size : 1;
        assert.ok(mean < 1e-4 * unit, `${plane} of face ${k}: ${mean} on average, ${most} at most`);
      }
    });
  });
}
