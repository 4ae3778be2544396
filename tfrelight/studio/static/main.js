// @ts-check
// The page: a dropped photo becomes a picture, and the controls move its light.

import { Ball } from "./ball.js";
import { takePhoto } from "./camera.js";
import { commandLine, python } from "./commands.js";
import { byId, chooseFile, onClick, saveFile } from "./dom.js";
import { Gestures } from "./gestures.js";
import { Handle } from "./handle.js";
import { History } from "./history.js";
import { defaultState, lightOf } from "./lighting.js";
import { fromFragment, toFragment } from "./links.js";
import { Panel } from "./panel.js";
import { MISSING, PRIVACY, Photo, fetchLight, fetchSample, fetchSettings } from "./photo.js";
import { headsOf } from "./photo_data.js";
import { isMap } from "./photo_file.js";
import { PresetPictures } from "./preset_pictures.js";
import { Preview } from "./preview.js";
import { Renderer } from "./renderer.js";
import { StudioError } from "./requests.js";
import { showSamples } from "./samples.js";
import { Sheet } from "./sheet.js";
import { Stage, describeLamp, describeScene } from "./stage.js";
import { offerLanguages, say, speakFirst } from "./texts.js";
import { Zoom } from "./zoom.js";
import { Actions } from "./actions.js";

/** @import { RelightRequest } from "./photo_file.js" */
/** @import { TextKey } from "./texts.js" */

// Milliseconds between changes of the page's address: Safari allows 100 in 30 seconds.
const ADDRESS_PAUSE = 400;
// Degrees for a drag across the whole picture.
const DRAG_DEGREES = 180;
const DOWNLOADS = ["save-photo", "save-maps", "save-film"];
const BASIS =
  "real orthonormal spherical harmonics of the incoming radiance, linear RGB, x right, y up, " +
  "z to the camera: 1, y, z, x, xy, yz, 3zz-1, xz, xx-yy";

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
const ball = new Ball(byId("ball", HTMLCanvasElement), {
  moved: moveLamp,
  turned: turnScene,
  chosen: (index) => panel.choose(index),
  done: () => panel.done(),
});
const zoom = new Zoom(byId("frame", HTMLElement), byId("plane", HTMLElement), showPart);
const handle = new Handle(zoom, { moved: moveLamp, done: () => panel.done() });
const gestures = new Gestures(zoom, { dragged: dragLight, released: () => panel.done() });
const presetPictures = new PresetPictures(settings.presets);
/** The page's parts, for tests and for the browser's console. */
export const studio = { history, link, panel, photo, preview, zoom };

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

/** @type {(azimuth: number) => number} in [-180, 180) */
const wrapped = (azimuth) => ((((azimuth + 180) % 360) + 360) % 360) - 180;

/**
 * Moves the active lamp.
 *
 * @param {number} azimuth  degrees
 * @param {number} elevation  degrees
 * @param {number} since  time of the event, milliseconds
 */
function moveLamp(azimuth, elevation, since) {
  const move = panel.movement(({ lamps }) => {
    Object.assign(lamps[Number(panel.active)], { azimuth: wrapped(azimuth), elevation });
  });
  move.moved(0, since);
}

/**
 * Turns the scene.
 *
 * @param {number} degrees  to the left
 * @param {number} since  time of the event, milliseconds
 */
function turnScene(degrees, since) {
  const move = panel.movement(({ scene }) => {
    if (scene) scene.rotate = wrapped(scene.rotate + degrees);
  });
  move.moved(0, since);
}

/**
 * Moves the light by a drag on the photo.
 *
 * @param {number} dx  to the right, in units of the photo's width
 * @param {number} dy  down
 * @param {number} since  time of the event, milliseconds
 */
function dragLight(dx, dy, since) {
  if (panel.active === "scene") {
    turnScene(-DRAG_DEGREES * dx, since);
    return;
  }
  const lamp = history.state.lamps[panel.active];
  if (!lamp) return;
  const elevation = Math.min(90, Math.max(-90, lamp.elevation - DRAG_DEGREES * dy));
  moveLamp(lamp.azimuth - DRAG_DEGREES * dx, elevation, since);
}

let opening = Promise.resolve();

/**
 * Opens a photo, after the photos that were chosen before it.
 *
 * @param {File} file
 * @param {boolean} [wholeImage]  use the whole photo as the face
 */
function open(file, wholeImage = false) {
  const before = opening;
  opening = actions.run(async (report) => {
    report("progress_waiting");
    await before;
    stage.showError(null);
    try {
      const data = await photo.open(file, wholeImage, report);
      preview.load(data);
      stage.showPhoto(data.header);
      handle.load(data.header);
      zoom.load(data.header.view, headsOf(data.header).map(({ head }) => head));
      presetPictures.show(data, panel.presetArea.querySelectorAll("button"));
      for (const id of DOWNLOADS) byId(id, HTMLButtonElement).disabled = false;
      showState(true);
    } catch (error) {
      if (error instanceof StudioError && error.reason === "no_face") {
        stage.offerWholeImage(() => open(file, true));
      }
      throw error;
    }
  });
}

/**
 * Replaces the light with the light of a file.
 *
 * @param {File} file
 * @param {"environment" | "photo"} kind
 */
function takeLight(file, kind) {
  actions.run(async (report) => {
    report("progress_light");
    await photo.check(file);
    const light = await fetchLight(file, kind, report);
    panel.active = "scene";
    history.set((state) => {
      state.scene = { kind, name: file.name, light, power: 1, rotate: 0 };
      state.lamps = [];
      state.preset = null;
      state.ambient.power = 0;
    });
    stage.notify(kind === "photo" ? "took_photo_light" : "took_map_light");
  });
}

/**
 * Downloads a file that the studio renders.
 *
 * @param {"relit" | "maps" | "film"} what
 * @param {TextKey} progress  shown meanwhile
 * @param {Partial<RelightRequest>} [more]
 */
function download(what, progress, more = {}) {
  actions.run(async (report) => {
    report(progress);
    const { strength, brightness, background } = history.state;
    const { coefficients, relative } = lightOf(history.state);
    const light = { light: coefficients.flat(), relative: relative.flat() };
    const request = { ...light, strength, exposure: brightness, background, ...more };
    await photo.download(what, request, report);
    stage.notify("saved");
  });
}

function saveLight() {
  const described = { basis: BASIS, ...lightOf(history.state) };
  saveFile(`${JSON.stringify(described, null, 2)}\n`, "application/json", "light.json");
}

async function openFromCamera() {
  if (!navigator.mediaDevices) throw new StudioError("camera_not_here");
  try {
    const file = await takePhoto({
      dialog: byId("camera-window", HTMLDialogElement),
      video: byId("camera-video", HTMLVideoElement),
      take: byId("camera-take", HTMLButtonElement),
      cancel: byId("camera-close", HTMLButtonElement),
    });
    if (file) open(file);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    throw new StudioError("no_camera");
  }
}

const copyText = (/** @type {string} */ id, /** @type {TextKey} */ notice) =>
  stage.copy(byId(id, HTMLElement).textContent ?? "", notice);

onClick("undo", () => history.undo());
onClick("redo", () => history.redo());
onClick("reset", () => history.replace(defaultState()));
onClick("link", () => stage.copy(link(), "link_copied"));
onClick("copy-command", () => copyText("command", "command_copied"));
onClick("copy-python", () => copyText("python", "python_copied"));
onClick("camera", () => actions.run(openFromCamera));
onClick("save-photo", () => download("relit", "progress_rendering"));
onClick("save-maps", () => download("maps", "progress_maps"));
onClick("save-film", () => {
  const ending = byId("film-kind", HTMLSelectElement).value;
  download("film", "progress_film", { ending });
});
onClick("save-light", saveLight);

chooseFile(["choose", "another"], "photo-file", open);
chooseFile(["environment"], "environment-file", (file) => takeLight(file, "environment"));
chooseFile(["reference"], "reference-file", (file) => takeLight(file, "photo"));

say(byId("privacy", HTMLElement), { text: PRIVACY });
for (const id of MISSING) byId(id, HTMLElement).hidden = true;
for (const option of [...byId("film-kind", HTMLSelectElement).options]) {
  if (!settings.films.includes(option.value)) option.remove();
}
showSamples(settings.samples, (name) => actions.run(async () => open(await fetchSample(name))));

stage.listen({
  dropped: (file) => (isMap(file) ? takeLight(file, "environment") : open(file)),
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
