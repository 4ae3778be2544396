import assert from "node:assert/strict";
import test from "node:test";

import { Frames } from "../../../tfrelight/studio/static/photo.js";
import { PhotoFile, isMap } from "../../../tfrelight/studio/static/photo_file.js";
import { stub } from "./stub.js";

const named = (name) =>
  Object.assign(new PhotoFile({ bytes: 100 }), { file: new File(["x"], name) });

test("environment maps are told by their ending", () => {
  const names = ["a.exr", "A.HDR", "a.exr.jpg", "exr", "a.hdrx"];
  assert.deepEqual(names.map((name) => isMap({ name })), [true, true, false, false, false]);
});

test("a relit photo keeps its format if that can be written", () => {
  const endings = {
    "a.jpg": "jpg", "a.JPEG": "jpg", "a.tiff": "tif", "a.tif": "tif", "a.WebP": "webp",
    "a.heic": "png", a: "png", "a.jpg.gif": "png",
  };
  for (const [name, ending] of Object.entries(endings)) assert.equal(named(name).ending, ending);
});

test("names of files", () => {
  assert.equal(named("a.b.jpg").stem, "a.b");
  assert.equal(named(".jpg").stem, "photo");
  assert.equal(named("").title, "photo.png");
  assert.equal(new PhotoFile({ bytes: 1 }).title, "photo.png");
});

test("a file that cannot be sent is refused", async () => {
  const photo = new PhotoFile({ bytes: 2 ** 20 });
  await photo.check(new File([new Uint8Array(2 ** 20)], "fits"));
  await assert.rejects(
    photo.check(new File([new Uint8Array(2 ** 21)], "big.jpg")),
    { key: "file_large", values: { name: "big.jpg", size: 2, limit: 1 } },
  );
  const none = { key: "file_empty", values: { name: "none.jpg" } };
  await assert.rejects(photo.check(new File([], "none.jpg")), none);
  const folder = {
    name: "", size: 9, slice: () => ({ arrayBuffer: () => Promise.reject(new Error("folder")) }),
  };
  const unreadable = { key: "file_unreadable", values: { name: "photo.png" } };
  await assert.rejects(photo.check(folder), unreadable);
});

test("no answer is awaited for a frame of a video that has ended", async (context) => {
  const log = [];
  stub(context, "XMLHttpRequest", class {
    upload = {};
    open(...given) {
      log.push(given);
    }
    setRequestHeader() {}
    send() {}
    abort() {
      log.push("abort");
      this.onabort();
    }
  });
  const canvas = { toBlob: (take) => take(new Blob(["x"])) };
  const frames = new Frames();
  const sent = frames.decompose(canvas, () => {});
  await new Promise(setImmediate);
  frames.end();
  await assert.rejects(sent, { name: "AbortError" });
  assert.deepEqual(log, [["POST", "frames"], "abort"]);
  // Nor is it sent.
  const unsent = frames.decompose(canvas, () => {});
  frames.end();
  await assert.rejects(unsent, { name: "AbortError" });
  assert.equal(log.length, 2);
});
