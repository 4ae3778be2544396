import test from "node:test";

import { crop, reduce, resized, transformed } from "../../../web/src/images.js";
import { Window } from "../../../web/src/framing.js";
import { assertClose, assertPicture, expected, floats, picture } from "./helpers.js";

const { images, windows } = expected;
const source = picture(images.source);

test("crops are Pillow's", () => {
  for (const [box, wanted] of images.crops) assertPicture(crop(source, box), wanted, 0, `${box}`);
});

test("averages of blocks are Pillow's", () => {
  for (const [factors, wanted] of images.reduced) {
    assertPicture(reduce(source, ...factors), wanted, 0, `${factors}`);
  }
});

test("resized pictures are Pillow's", () => {
  for (const [kernel, [width, height], gap, wanted] of images.resized) {
    const actual = resized(source, width, height, kernel, gap ?? 0);
    assertPicture(actual, wanted, 0, `${kernel} ${width}x${height} ${gap}`);
  }
});

test("transformed pictures are Pillow's", () => {
  for (const [kernel, map, wanted] of images.transformed) {
    assertPicture(transformed(source, 40, 36, map, kernel), wanted, 0, `${kernel} ${map}`);
  }
});

test("windows cut what Python's cut, and bring maps back", () => {
  const photo = picture(windows.photo);
  for (const { corner, axes, cut, bounds, maps, part, uncut } of windows.cuts) {
    const window = new Window(corner, axes);
    // A step where a number at a threshold is rounded in another way.
    assertPicture(window.cut(photo, 64, windows.box), cut, 1, `${corner}`);
    assertClose(window.bounds(windows.box), bounds, 0);
    assertClose(window.uncut([floats(maps)], 16, part)[0], floats(uncut), 1e-5, `${corner}`);
  }
});
