// The photo and the maps of its faces, from the block of bytes that the studio's process sends.

import { Face } from "./relighting.js";

export function parse(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  const { width, height } = header.view;
  const pixels = new Uint8Array(buffer, at, 4 * width * height);
  at += pixels.length;
  const faces = header.faces.map((facts) => {
    const count = facts.size * facts.size;
    const planes = {};
    for (const name of header.planes) {
      planes[name] = new Float32Array(buffer, at, count);
      at += 4 * count;
    }
    return new Face(facts, planes, header.settings);
  });
  return { header, pixels, faces };
}
