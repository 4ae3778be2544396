// @ts-check
// The page: a dropped photo becomes a picture, and the controls move its light.

import { Actions } from "./actions.js";
import { Ball } from "./ball.js";
import { CameraMode } from "./camera_mode.js";
import { commandLine, python } from "./commands.js";
import { byId, chooseFile, onClick } from "./dom.js";
import { Gestures } from "./gestures.js";
import { Handle } from "./handle.js";
import { History } from "./history.js";
import { defaultState, lightOf } from "./lighting.js";
import { LightDrags } from "./light_drags.js";
import { fromFragment, toFragment } from "./links.js";
import { Panel } from "./panel.js";
import { MISSING, PRIVACY, Photo, fetchSettings } from "./photo.js";
import { PhotoActions } from "./photo_actions.js";
import { headsOf } from "./photo_data.js";
import { isMap } from "./photo_file.js";
import { PresetPictures } from "./preset_pictures.js";
import { Preview } from "./preview.js";
import { Renderer } from "./renderer.js";
import { showSamples } from "./samples.js";
import { Sheet } from "./sheet.js";
import { Stage, describeLamp, describeScene } from "./stage.js";
import { offerLanguages, say, speakFirst } from "./texts.js";
import { Zoom } from "./zoom.js";

/** @import { PhotoData, PhotoHeader, What } from "./photo_data.js" */
/** @import { TextKey } from "./texts.js" */

// Milliseconds between changes of the page's address: Safari allows 100 in 30 seconds.
const ADDRESS_PAUSE = 400;

speakFirst();
const stage = new Stage();
const actions = new Actions(stage);
const settings = await fetchSettings().catch((error) => {
  actions.showError(error);
  throw error;
});
const photo = new Photo(settings.limits);
const preview = new Preview(new Renderer(byId("picture", HTMLCanvasElement)));
const linked = fromFragment(location.hash, settings.presets);
const history = new History(linked ?? defaultState(), showState);
const panel = new Panel(history, settings.presets);
const drags = new LightDrags(history, panel);
const lampEvents = {
  /** @type {LightDrags["moveLamp"]} */
  moved: (azimuth, elevation, since) => drags.moveLamp(azimuth, elevation, since),
  done: () => panel.done(),
};
const ball = new Ball(byId("ball", HTMLCanvasElement), {
  ...lampEvents,
  turned: (degrees, since) => drags.turnScene(degrees, since),
  chosen: (index) => panel.choose(index),
});
const zoom = new Zoom(byId("frame", HTMLElement), byId("plane", HTMLElement), showPart);
const handle = new Handle(zoom, lampEvents);
const gestures = new Gestures(zoom, {
  dragged: (dx, dy, since) => drags.drag(dx, dy, since), released: () => panel.done(),
});
const presetPictures = new PresetPictures(settings.presets);
const photos = new PhotoActions({ actions, stage, photo, history, panel }, showPhoto);
const camera = new CameraMode({ actions, stage, preview }, {
  sized: (header) => {
    photos.allowDownloads(false);
    handle.head = null;
    zoom.load(header.view, [[0, 0, header.width, header.height]]);
    showState(true);
  },
  placed: placeHandle,
  portrait: drawPresets,
  taken: (still) => photos.open(still),
  left: () => (photos.data ? showPhoto(photos.data) : stage.showEmpty()),
});
// The photo itself comes first.
preview.onMeasured = drawPresets;
// What fails between frames is told like anything else.
window.addEventListener("error", ({ error }) => error && actions.showError(error));
window.addEventListener("unhandledrejection", ({ reason }) => actions.showError(reason));
/** The page's parts, for tests and for the browser's console. */
export const studio = { camera, history, link, panel, photo, preview, zoom };

/** @param {PhotoData} data  of the photo whose face the presets are shown on */
function drawPresets(data) {
  presetPictures.show(data, panel.presetArea.querySelectorAll("button"));
}

/** An address that opens the page with the light on screen. */
function link() {
  return `${location.origin}${location.pathname}${toFragment(history.state)}`;
}

/** @type {ReturnType<typeof setTimeout> | null} */
let addressTimer = null;

function updateAddress() {
  addressTimer = null;
  window.history.replaceState(null, "", link());
}

/**
 * Shows the light's state everywhere.
 *
 * @param {boolean} isStep  false while a control is being dragged
 */
function showState(isStep) {
  const { state } = history;
  if (isStep) {
    panel.show();
    showCommands();
    addressTimer ??= setTimeout(updateAddress, ADDRESS_PAUSE);
  } else {
    panel.follow();
  }
  byId("ball-now", HTMLElement).textContent = describeActive();
  byId("undo", HTMLButtonElement).disabled = history.done.length === 0;
  byId("redo", HTMLButtonElement).disabled = history.undone.length === 0;
  ball.show(state, lightOf(state).coefficients, panel.active);
  handle.show(state, panel.active);
  preview.show(state, !isStep, panel.since);
}

/**
 * Shows a photo that was opened.
 *
 * @param {PhotoData} data
 */
function showPhoto(data) {
  camera.end();
  preview.load(data);
  stage.showPhoto();
  stage.showLegend(data.header);
  handle.load(data.header);
  zoom.load(data.header.view, headsOf(data.header).map(({ head }) => head));
  photos.allowDownloads(true);
  showState(true);
}

/**
 * Lays the light's handle where the largest face is now.
 *
 * @param {PhotoHeader} header
 */
function placeHandle(header) {
  handle.load(header);
  handle.show(history.state, panel.active);
}

function describeActive() {
  const { lamps, scene } = history.state;
  if (panel.active === "scene") return scene ? describeScene(scene) : "";
  const lamp = lamps[panel.active];
  return lamp ? describeLamp(lamp, panel.active) : "";
}

function showCommands() {
  const facts = {
    name: photo.title,
    ending: photo.ending,
    wholeImage: photo.header?.whole_image ?? false,
    what: photo.header?.what ?? "person",
    found: photo.header?.found ?? 1,
    relit: photo.header?.relit ?? 1,
  };
  const { text, needsLightFile } = commandLine(history.state, facts);
  byId("command", HTMLElement).textContent = text;
  byId("command-note", HTMLElement).hidden = !needsLightFile;
  byId("python", HTMLElement).textContent = python(history.state, facts);
}

/** Follows the part of the photo that is in sight. */
function showPart() {
  stage.follow(zoom);
  handle.show(history.state, panel.active);
  if (preview.view !== "split") return;
  preview.split = stage.splitShare();
  preview.show(history.state, true);
}

const copyText = (/** @type {string} */ id, /** @type {TextKey} */ notice) =>
  stage.copy(byId(id, HTMLElement).textContent ?? "", notice);

onClick("undo", () => history.undo());
onClick("redo", () => history.redo());
onClick("reset", () => history.replace(defaultState()));
onClick("link", () => stage.copy(link(), "link_copied"));
onClick("copy-command", () => copyText("command", "command_copied"));
onClick("copy-python", () => copyText("python", "python_copied"));
for (const id of ["camera", "camera-again"]) onClick(id, () => camera.start());
onClick("camera-take", () => camera.take());
onClick("camera-stop", () => camera.stop());
onClick("save-photo", () => photos.download("relit", "progress_rendering"));
onClick("save-maps", () => photos.download("maps", "progress_maps"));
onClick("save-film", () => {
  const ending = byId("film-kind", HTMLSelectElement).value;
  photos.download("film", "progress_film", { ending });
});
onClick("save-light", () => photos.saveLight());
const what = byId("what", HTMLSelectElement);
what.addEventListener("change", () => photos.choose(/** @type {What} */ (what.value)));

chooseFile(["choose", "another"], "photo-file", (file) => photos.open(file));
chooseFile(["environment"], "environment-file", (file) => photos.takeLight(file, "environment"));
chooseFile(["reference"], "reference-file", (file) => photos.takeLight(file, "photo"));

say(byId("privacy", HTMLElement), { text: PRIVACY });
for (const id of MISSING) byId(id, HTMLElement).hidden = true;
for (const option of [...byId("film-kind", HTMLSelectElement).options]) {
  if (!settings.films.includes(option.value)) option.remove();
}
showSamples(settings.samples, (name) => photos.openSample(name));

stage.listen({
  dropped: (file) => (isMap(file) ? photos.takeLight(file, "environment") : photos.open(file)),
  viewed: (view) => {
    preview.view = view;
    preview.split = stage.splitShare();
    preview.show(history.state);
  },
  split: (share) => {
    preview.split = share;
    preview.show(history.state, true);
  },
  undo: () => history.undo(),
  redo: () => history.redo(),
});
addEventListener("hashchange", () => {
  const state = fromFragment(location.hash, settings.presets);
  if (state) history.replace(state);
});
gestures.listen({
  more: byId("zoom-in", HTMLElement), less: byId("zoom-out", HTMLElement),
  face: byId("zoom-face", HTMLElement), whole: byId("zoom-whole", HTMLElement),
});
new Sheet(byId("panel", HTMLElement), byId("grip", HTMLButtonElement));
offerLanguages(byId("language", HTMLSelectElement), () => {
  stage.sayError();
  actions.showProgress();
  showState(true);
});
addEventListener("pagehide", () => photo.close());
showState(true);
