// @ts-check
// Keeps what a JPEG says beside its pixels: EXIF (upright, without the old thumbnail) and profile.

const [START, SCAN, EXIF, PROFILE, JFIF] = [0xd8, 0xda, 0xe1, 0xe2, 0xe0];
const ORIENTATION = 0x0112;

/**
 * The segments before the picture of a JPEG.
 *
 * @param {Uint8Array<ArrayBuffer>} data
 * @returns {{ marker: number, bytes: Uint8Array<ArrayBuffer> }[]} each with its marker and length
 */
function segments(data) {
  const found = [];
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data.length < 4 || view.getUint16(0) !== 0xff00 + START) return [];
  for (let at = 2; at + 4 <= data.length && data[at] === 0xff && data[at + 1] !== SCAN; ) {
    const end = at + 2 + view.getUint16(at + 2);
    if (end > data.length) break;
    found.push({ marker: data[at + 1], bytes: data.slice(at, end) });
    at = end;
  }
  return found;
}

/** @type {(bytes: Uint8Array, text: string) => boolean} whether a segment begins with a text */
const begins = (bytes, text) => String.fromCharCode(...bytes.subarray(4, 4 + text.length)) === text;

/** @type {(segment: { marker: number, bytes: Uint8Array }) => boolean} */
const isProfile = ({ marker, bytes }) => marker === PROFILE && begins(bytes, "ICC_PROFILE\0");

/**
 * An encoded picture with the metadata of the photo that it was made from.
 *
 * @param {Blob} encoded  a JPEG
 * @param {Blob} photo  a JPEG
 * @returns {Promise<Blob>}
 */
export async function withMetadata(encoded, photo) {
  const [made, source] = await Promise.all(
    [encoded, photo].map(async (blob) => new Uint8Array(await blob.arrayBuffer())),
  );
  const kept = segments(source).filter(({ marker, bytes }) =>
    (marker === EXIF && begins(bytes, "Exif\0\0")) || isProfile({ marker, bytes }),
  );
  for (const { marker, bytes } of kept) if (marker === EXIF) turnUpright(bytes);
  const own = segments(made);
  const length = own.reduce((sum, { bytes }) => sum + bytes.length, 2);
  // The encoder's profile, sRGB, holds where the photo has none.
  const others = kept.some(isProfile) ? own.filter((one) => !isProfile(one)) : own;
  // EXIF belongs behind the segment that says that this is a JPEG.
  const [first, rest] = others[0]?.marker === JFIF ? [others.slice(0, 1), others.slice(1)]
    : [[], others];
  const all = [...first, ...kept, ...rest].map(({ bytes }) => bytes);
  const parts = [made.slice(0, 2), ...all, made.slice(length)];
  return new Blob(parts, { type: "image/jpeg" });
}

/**
 * Sets the orientation in EXIF to upright, and drops the link to the thumbnail.
 *
 * @param {Uint8Array} bytes  of the segment; they are changed
 */
function turnUpright(bytes) {
  const tiff = new DataView(bytes.buffer, bytes.byteOffset + 10, bytes.byteLength - 10);
  try {
    const little = tiff.getUint16(0) === 0x4949;
    const directory = tiff.getUint32(4, little);
    const count = tiff.getUint16(directory, little);
    for (let k = 0; k < count; k++) {
      const entry = directory + 2 + 12 * k;
      if (tiff.getUint16(entry, little) === ORIENTATION) tiff.setUint16(entry + 8, 1, little);
    }
    tiff.setUint32(directory + 2 + 12 * count, 0, little);
  } catch {
    // A directory that is cut off: nothing in it turns the picture.
  }
}
