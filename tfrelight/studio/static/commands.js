// @ts-check
// The light on screen as a command line and as Python, to copy.

import { exposure } from "./harmonics.js";
import { flagForm, lightOf, tintColor } from "./lighting.js";

/** @import { What } from "./photo_data.js" */
/** @import { Ambient, Lamp, Scene, State, Tint } from "./lighting.js" */

/**
 * The photo that the command reads, and the file that it writes.
 *
 * @typedef {object} PhotoFacts
 * @property {string} name  of the photo's file
 * @property {string} ending  of the output, without a dot: "png"
 * @property {What} what  of each person is relit
 * @property {boolean} wholeImage  whether the whole photo was treated as one face
 * @property {number} found  faces in the photo
 * @property {number} relit  faces that the page relights, the largest
 */

/** @type {(value: number) => string} */
const format = (value) => String(Math.round(value * 1e4) / 1e4);

/** @type {(rgb: number[], separator: string) => string} */
const formatAll = (rgb, separator) => rgb.map(format).join(separator);

/**
 * A word for a POSIX shell, quoted if the shell would interpret it.
 *
 * @param {string} text
 */
const shellQuoted = (text) =>
  /^[\w.,:=/+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/**
 * A path that cannot be mistaken for a flag.
 *
 * @param {string} name
 */
const asPath = (name) => (name.startsWith("-") ? `./${name}` : name);

/**
 * A Python string literal.
 *
 * @param {string} text
 */
const pythonString = (text) => JSON.stringify(text);

/** @type {(state: State) => Lamp[]} */
const litLamps = ({ lamps }) => lamps.filter((one) => one.power > 0);

/** @type {(tint: Tint) => string[]} */
function tintFlags({ kind, kelvin, rgb }) {
  if (kind === "kelvin") return [`--temperature=${format(kelvin)}`];
  return kind === "colour" ? [`--color=${formatAll(rgb, ",")}`] : [];
}

/** @type {(scene: Scene, ambient: Ambient) => string[]} */
function sceneFlags({ kind, name, power, rotate }, ambient) {
  const flags = [shellQuoted(`--${kind === "photo" ? "reference" : "environment"}=${name}`)];
  if (rotate) flags.push(`--rotate=${format(rotate)}`);
  if (ambient.power) flags.push(`--ambient=${format(ambient.power / power)}`);
  return flags;
}

/** @type {(lamp: Lamp, ambient: Ambient) => string[]} */
const lampFlags = ({ azimuth, elevation, power, tint }, ambient) => [
  `--azimuth=${format(azimuth)}`,
  `--elevation=${format(elevation)}`,
  `--ambient=${format(ambient.power / power)}`,
  ...tintFlags(tint),
];

/** @type {(state: State) => string[]} */
function lightFlags(state) {
  const form = flagForm(state);
  if (form === "preset") return [`--light=${state.preset}`];
  if (form === "lamp") return lampFlags(litLamps(state)[0], state.ambient);
  if (form === "scene" && state.scene) return sceneFlags(state.scene, state.ambient);
  return ["--light_file=light.json"];
}

/**
 * The command that relights the photo as the page does.
 *
 * @param {State} state
 * @param {PhotoFacts} photo
 * @returns {{ text: string, needsLightFile: boolean }} `needsLightFile`: the command reads
 *   light.json, which has to be downloaded first
 */
export function commandLine(state, photo) {
  const words = [
    "python -m tfrelight.relight", shellQuoted(asPath(photo.name)), ...lightFlags(state),
  ];
  if (state.strength < 1) words.push(`--strength=${format(state.strength)}`);
  if (state.brightness) words.push(`--intensity=${format(2 ** state.brightness)}`);
  if (state.background) words.push("--background");
  if (state.neutral) words.push("--white_balance=neutral");
  if (photo.wholeImage) words.push("--whole_image");
  if (photo.what !== "person") words.push(`--what=${photo.what}`);
  if (photo.found > photo.relit) words.push(`--faces=${photo.relit}`);
  words.push(shellQuoted(`--output=relit.${photo.ending}`));
  return { text: words.join(" \\\n  "), needsLightFile: flagForm(state) === "sum" };
}

/** @type {(tint: Tint) => string[]} */
function tintArguments({ kind, kelvin, rgb }) {
  if (kind === "kelvin") return [`temperature=${format(kelvin)}`];
  return kind === "colour" ? [`color=(${formatAll(rgb, ", ")})`] : [];
}

/** @type {(lamp: Lamp, options: { power?: number, ambient?: number }) => string} */
function lampCall({ azimuth, elevation, radius, tint }, { power = 1, ambient = 0 }) {
  const words = [format(azimuth), format(elevation)];
  if (power !== 1) words.push(`intensity=${format(power)}`);
  if (ambient) words.push(`ambient=${format(ambient)}`);
  if (radius) words.push(`radius=${format(radius)}`);
  return `Light.from_direction(${[...words, ...tintArguments(tint)].join(", ")})`;
}

/** @type {(scene: Scene) => string} */
function sceneCall({ kind, name, rotate }) {
  const reader = kind === "photo" ? "tfrelight.light_of" : "Light.from_environment";
  const rotation = rotate ? `.rotated(azimuth=${format(rotate)})` : "";
  return `${reader}(${pythonString(name)}).exposed()${rotation}`;
}

/** @type {(ambient: Ambient, power: number) => string} */
function evenCall({ tint }, power) {
  const color = tint.kind === "white" ? "" : `, (${formatAll(tintColor(tint), ", ")})`;
  return `Light.even(${format(power)}${color})`;
}

/** @type {(state: State) => string} */
function sumCall(state) {
  const { ambient, scene } = state;
  const parts = litLamps(state).map((one) => lampCall(one, { power: one.power }));
  if (scene && scene.power > 0) parts.push(`${format(scene.power)} * ${sceneCall(scene)}`);
  if (ambient.power || parts.length === 0) parts.push(evenCall(ambient, ambient.power));
  const sum = parts.length === 1 ? parts[0] : `(\n    ${parts.join("\n    + ")}\n)`;
  // `exposed` refuses a light that reaches nothing.
  return exposure(lightOf(state).coefficients) > 0 ? `${sum}.exposed()` : sum;
}

/** @type {(state: State) => string} */
function lightCall(state) {
  const { ambient, preset, scene } = state;
  const form = flagForm(state);
  if (form === "preset" && preset) return pythonString(preset);
  if (form === "lamp") {
    const [one] = litLamps(state);
    return lampCall(one, { ambient: ambient.power / one.power });
  }
  if (form === "scene" && scene) {
    const fill = ambient.power ? ` + ${evenCall(ambient, ambient.power / scene.power)}` : "";
    return sceneCall(scene) + fill;
  }
  return sumCall(state);
}

/**
 * Python that relights the photo as the page does.
 *
 * @param {State} state
 * @param {PhotoFacts} photo
 */
export function python(state, photo) {
  const words = [pythonString(photo.name), "light"];
  if (photo.wholeImage) words.push("whole_image=True");
  if (photo.what !== "person") words.push(`what="${photo.what}"`);
  if (photo.found > photo.relit) words.push(`faces=${photo.relit}`);
  if (state.strength < 1) words.push(`strength=${format(state.strength)}`);
  if (state.brightness) words.push(`exposure=${format(state.brightness)}`);
  if (state.background) words.push("background=True");
  if (state.neutral) words.push('white_balance="neutral"');
  return [
    "import tfrelight",
    "from tfrelight import Light",
    "",
    `light = ${lightCall(state)}`,
    `tfrelight.relight(${words.join(", ")}).save(${pythonString(`relit.${photo.ending}`)})`,
  ].join("\n");
}
