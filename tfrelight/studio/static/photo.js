// The photo that is open: how it gets here, and what is made of it at full size.

import { Problem, get, json, post, save } from "./net.js";
import { parse } from "./scene.js";

const TYPES = { jpg: "image/jpeg", png: "image/png", webp: "image/webp", tif: "image/tiff", mp4: "video/mp4", zip: "application/zip" };
const MAPS = /\.(exr|hdr)$/i;

export const isMap = (file) => MAPS.test(file.name ?? "");

export class Photo {
  constructor(limits) {
    Object.assign(this, { limits, name: null, file: null, facts: null });
    addEventListener("pagehide", () => this.close());
  }

  async check(file) {
    const most = this.limits.bytes / 2 ** 20;
    if (file.size > this.limits.bytes) {
      const size = (file.size / 2 ** 20).toFixed(0);
      throw new Problem(`${file.name || "The file"} has ${size} MB; at most ${most.toFixed(0)} MB are possible. Choose a smaller one, or save it as a JPEG.`);
    }
    if (file.size === 0) throw new Problem(`${file.name || "The file"} is empty. Choose a photo.`);
    try {
      await file.slice(0, 1).arrayBuffer();
    } catch {
      // A folder, or a file that is gone: sending it would look like a lost connection.
      throw new Problem(`${file.name || "The file"} cannot be read. Choose a photo, not a folder.`);
    }
  }

  // Decomposes a file; returns its scene. The photo before is closed only when this one is there.
  // say(text, share): what is going on; share of 1, or undefined.
  async open(file, whole, say) {
    say("Sending the photo…", 0);
    await this.check(file);
    const answer = await post(`photos${whole ? "?whole_image=1" : ""}`, file, (share) =>
      share < 1 ? say("Sending the photo…", share) : say("Finding faces, and telling light from colour…"),
    );
    say("Preparing the picture…");
    const scene = parse(answer.data);
    this.close();
    this.name = answer.header("X-Photo");
    Object.assign(this, { file, facts: scene.header });
    return scene;
  }

  close() {
    if (this.name) navigator.sendBeacon(`photos/${this.name}/close`);
    this.name = null;
  }

  // The photo's name for commands and downloads.
  get title() {
    return this.file?.name || "photo.png";
  }

  get stem() {
    return this.title.replace(/\.[^.]*$/, "") || "photo";
  }

  // What the photo is saved as: its own format, if it is one of those that can be written.
  get ending() {
    const ending = /\.(jpe?g|png|webp|tiff?)$/i.exec(this.title)?.[1].toLowerCase() ?? "png";
    return { jpeg: "jpg", tiff: "tif" }[ending] ?? ending;
  }

  // Makes one of the files that the process renders, and saves it.
  async download(what, wanted, suffix, say) {
    // Another photo may be opened meanwhile.
    const { stem } = this;
    const ask = () => post(`photos/${this.name}/${what}`, JSON.stringify(wanted));
    let answer;
    try {
      if (!this.name) throw new Problem("", "gone");
      answer = await ask();
    } catch (problem) {
      if (problem.reason !== "gone" || !this.file) throw problem;
      // The process was started anew, or forgot it: it is still here.
      await this.open(this.file, this.facts.whole_image, say);
      answer = await ask();
    }
    const ending = answer.header("X-Ending");
    save(answer.data, TYPES[ending], `${stem}-${suffix}.${ending}`);
  }
}

// The light of a file with an environment map, or of a photo: 27 numbers.
export async function lightIn(file, kind) {
  const { data } = await post(`lights/${kind}`, file);
  return json(data).light.flat();
}

export async function sample(name) {
  const answer = await get(`samples/${name}`);
  return new File([await answer.blob()], name, { type: "image/jpeg" });
}
