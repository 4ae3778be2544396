// What is on screen as a command line and as Python, to copy.

import { exposure } from "./harmonics.js";
import { colorOf, form, lightOf } from "./lighting.js";

const number = (value) => String(Math.round(value * 1e4) / 1e4);

// For a shell: in single quotes if there is anything in it that a shell would read.
const quoted = (text) => (/^[\w.,:=/+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

// A photo whose name begins as a flag's does is named with its folder.
const asPath = (name) => (name.startsWith("-") ? `./${name}` : name);

// Python's literal of a text.
const literal = (text) => JSON.stringify(text);

const numbers = (rgb) => rgb.map(number).join(",");

function tintFlags({ kind, kelvin, rgb }) {
  if (kind === "kelvin") return [`--temperature=${number(kelvin)}`];
  return kind === "colour" ? [`--color=${numbers(rgb)}`] : [];
}

// Flags that say the light; `files` are what has to be downloaded first.
function lightFlags(state) {
  const { ambient, scene } = state;
  switch (form(state)) {
    case "preset":
      return { flags: [`--light=${state.preset}`], files: [] };
    case "scene": {
      const source = scene.kind === "photo" ? "reference" : "environment";
      const rotate = scene.rotate ? [`--rotate=${number(scene.rotate)}`] : [];
      const fill = ambient.power ? [`--ambient=${number(ambient.power / scene.power)}`] : [];
      return { flags: [quoted(`--${source}=${scene.name}`), ...rotate, ...fill], files: [] };
    }
    case "lamp": {
      const one = state.lamps.find((lamp) => lamp.power > 0);
      const angles = [`--azimuth=${number(one.azimuth)}`, `--elevation=${number(one.elevation)}`];
      const fill = `--ambient=${number(ambient.power / one.power)}`;
      return { flags: [...angles, fill, ...tintFlags(one.tint)], files: [] };
    }
    default:
      return { flags: ["--light_file=light.json"], files: ["light.json"] };
  }
}

export function commandLine(state, photo, ending, faces) {
  const { flags, files } = lightFlags(state);
  const rest = [];
  if (state.strength < 1) rest.push(`--strength=${number(state.strength)}`);
  if (state.brightness) rest.push(`--intensity=${number(2 ** state.brightness)}`);
  if (state.background) rest.push("--background");
  if (faces.whole) rest.push("--whole_image");
  if (faces.found > faces.lit) rest.push(`--faces=${faces.lit}`);
  const words = ["python -m tfrelight.relight", quoted(asPath(photo)), ...flags, ...rest, quoted(`--output=relit.${ending}`)];
  const line = words.join(" ");
  return { text: line.length < 50 ? line : words.join(" \\\n  "), files };
}

function tintArguments({ kind, kelvin, rgb }) {
  if (kind === "kelvin") return [`temperature=${number(kelvin)}`];
  return kind === "colour" ? [`color=(${rgb.map(number).join(", ")})`] : [];
}

function lampCall(one, power, extra = []) {
  const words = [number(one.azimuth), number(one.elevation)];
  if (power !== 1) words.push(`intensity=${number(power)}`);
  words.push(...extra);
  if (one.radius) words.push(`radius=${number(one.radius)}`);
  return `Light.from_direction(${[...words, ...tintArguments(one.tint)].join(", ")})`;
}

function sceneCall({ kind, name, rotate }) {
  const read = kind === "photo"
    ? `Light.from_photo(${literal(name)})` : `Light.from_environment(${literal(name)})`;
  return `${read}.exposed()${rotate ? `.rotated(azimuth=${number(rotate)})` : ""}`;
}

function evenCall(ambient, power) {
  const tint = ambient.tint.kind === "white" ? "" : `, (${colorOf(ambient.tint).map(number).join(", ")})`;
  return `Light.even(${number(power)}${tint})`;
}

function lightCall(state) {
  const { ambient, scene } = state;
  const lamps = state.lamps.filter((one) => one.power > 0);
  switch (form(state)) {
    case "preset":
      return literal(state.preset);
    case "scene":
      return [sceneCall(scene), ...(ambient.power ? [evenCall(ambient, ambient.power / scene.power)] : [])].join(" + ");
    case "lamp":
      return lampCall(lamps[0], 1, ambient.power ? [`ambient=${number(ambient.power / lamps[0].power)}`] : []);
    default: {
      const parts = lamps.map((one) => lampCall(one, one.power));
      if (scene && scene.power > 0) parts.push(`${number(scene.power)} * ${sceneCall(scene)}`);
      if (ambient.power || parts.length === 0) parts.push(evenCall(ambient, ambient.power));
      const sum = parts.length === 1 ? parts[0] : `(\n    ${parts.join("\n    + ")}\n)`;
      return exposure(lightOf(state)) > 0 ? `${sum}.exposed()` : sum;
    }
  }
}

export function python(state, photo, ending, faces) {
  const words = [literal(photo), "light"];
  if (faces.whole) words.push("whole_image=True");
  if (faces.found > faces.lit) words.push(`faces=${faces.lit}`);
  if (state.strength < 1) words.push(`strength=${number(state.strength)}`);
  if (state.brightness) words.push(`exposure=${number(state.brightness)}`);
  if (state.background) words.push("background=True");
  return [
    "import tfrelight",
    "from tfrelight import Light",
    "",
    `light = ${lightCall(state)}`,
    `tfrelight.relight(${words.join(", ")}).save(${literal(`relit.${ending}`)})`,
  ].join("\n");
}
