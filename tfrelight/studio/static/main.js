// The page: what was dropped becomes a picture, and what is moved changes its light.

import { Ball } from "./ball.js";
import { takePhoto } from "./camera.js";
import { commandLine, python } from "./commands.js";
import { History } from "./history.js";
import { lightOf } from "./lighting.js";
import { Live } from "./live.js";
import { Problem, get, save } from "./net.js";
import { Panel, element } from "./panel.js";
import { Photo, isMap, lightIn, sample } from "./photo.js";
import { Renderer } from "./renderer.js";
import { WORDS, Stage } from "./stage.js";

const at = (id) => document.getElementById(id);

const stage = new Stage(at);
const settings = await get("settings").then((answer) => answer.json()).catch((error) => {
  // Without them there is nothing to show but why.
  failed(error);
  throw error;
});
const photo = new Photo(settings.limits);
const live = new Live(new Renderer(at("picture")));
const history = new History(settings.presets, changed);
const panel = new Panel({ lamps: at("lamps"), lamp: at("lamp"), presets: at("presets"), whole: at("whole") }, history);
const ball = new Ball(at("ball"), {
  moved: (azimuth, elevation, since) => moveLamp(azimuth, elevation, since),
  turned: (by, since) => turnScene(by, since),
  chosen: (index) => panel.choose(index),
  done: () => panel.done(),
});
// For tests, and for whoever looks into the page.
export const studio = { history, live, panel, photo };

// Milliseconds between two addresses: Safari takes 100 in 30 seconds.
const PAUSE = 400;
let linking = null;

// Makes the page's address that of its light.
function link() {
  linking = null;
  window.history.replaceState(null, "", history.link());
}

function changed(kept) {
  const { state } = history;
  if (kept) {
    panel.show();
    described(state);
    linking ??= setTimeout(link, PAUSE);
  } else {
    panel.follow();
  }
  const one = state.lamps[panel.active];
  at("ball-now").textContent = one ? WORDS.lamp(panel.active, one) : panel.active === "scene" ? WORDS.scene(state.scene) : "";
  at("undo").disabled = history.done.length === 0;
  at("redo").disabled = history.undone.length === 0;
  ball.show(state, lightOf(state), panel.active);
  live.show(state, !kept, panel.since);
}

function described(state) {
  const faces = { whole: photo.facts?.whole_image, found: photo.facts?.found ?? 1, lit: photo.facts?.faces.length ?? 1 };
  const { text, files } = commandLine(state, photo.title, photo.ending, faces);
  at("command").textContent = text;
  at("command-note").hidden = files.length === 0;
  at("python").textContent = python(state, photo.title, photo.ending, faces);
}

const wrapped = (azimuth) => ((((azimuth + 180) % 360) + 360) % 360) - 180;

function moveLamp(azimuth, elevation, since) {
  panel.moving((state) => {
    Object.assign(state.lamps[panel.active], { azimuth: wrapped(azimuth), elevation });
  }).moved(undefined, since);
}

function turnScene(by, since) {
  panel.moving((state) => (state.scene.rotate = wrapped(state.scene.rotate + by))).moved(undefined, since);
}

function failed(error) {
  if (!(error instanceof Problem)) console.error(error);
  stage.problem(error instanceof Problem ? error : new Problem(`The page met an error of its own: ${error.message}`));
}

const running = [];

// Does something that may not be possible; what it says is shown, and the page stays as it is.
// action: of a function (text, share) that says how far it is. Of several the latest is shown.
async function attempt(action) {
  const one = { text: null };
  const tell = () => {
    const { text, share } = running.findLast((other) => other.text) ?? { text: null };
    stage.working(text, share);
  };
  running.push(one);
  stage.problem(null);
  try {
    await action((text, share) => {
      Object.assign(one, { text, share });
      tell();
    });
  } catch (error) {
    failed(error);
  } finally {
    running.splice(running.indexOf(one), 1);
    tell();
  }
}

let opening = Promise.resolve();

// Opens a photo, after those that came before it.
function open(file, whole = false) {
  const before = opening;
  opening = attempt(async (say) => {
    say("Another photo is being opened; then comes this one…");
    await before;
    stage.problem(null);
    try {
      const scene = await photo.open(file, whole, say);
      live.load(scene);
      stage.show(scene.header);
      for (const id of ["save-photo", "save-maps", "save-film"]) at(id).disabled = false;
      changed(true);
    } catch (error) {
      if (error.reason === "no_face") stage.offerWhole(() => open(file, true));
      throw error;
    }
  });
}

function takeLight(file, kind) {
  attempt(async (say) => {
    say(kind === "photo" ? "Looking for the light in the photo…" : "Reading the map…");
    await photo.check(file);
    const light = await lightIn(file, kind);
    panel.active = "scene";
    history.set((state) => {
      state.scene = { kind, name: file.name, light, power: 1, rotate: 0 };
      Object.assign(state, { lamps: [], preset: null });
      state.ambient.power = 0;
    });
    stage.say(kind === "photo" ? "The light of that photo is on." : "The map lights the face. Drag on the ball to turn it.");
  });
}

const take = (file) => (isMap(file) ? takeLight(file, "environment") : open(file));

const wanted = (more = {}) => ({
  light: lightOf(history.state).flat(),
  strength: history.state.strength,
  exposure: history.state.brightness,
  background: history.state.background,
  ...more,
});

function download(what, words, more, suffix) {
  attempt(async (say) => {
    say(words);
    await photo.download(what, wanted(more), suffix, say);
    stage.say("Saved.");
  });
}

const on = (id, action) => at(id).addEventListener("click", action);

on("undo", () => history.undo());
on("redo", () => history.redo());
on("reset", () => history.reset());
on("link", () => stage.copy(history.link(), "Link copied: it holds the light, not the photo."));
on("copy-command", () => stage.copy(at("command").textContent, "Command copied."));
on("copy-python", () => stage.copy(at("python").textContent, "Python copied."));
on("another", () => at("photo-file").click());
on("choose", () => at("photo-file").click());
on("environment", () => at("environment-file").click());
on("reference", () => at("reference-file").click());
on("save-photo", () => download("relit", "Rendering the photo at full size…", {}, "relit"));
on("save-maps", () => download("maps", "Writing the maps…", {}, "maps"));
on("save-film", () => download("film", "Rendering the film; this takes a while…", { ending: at("film-kind").value }, "film"));
on("save-light", () => {
  const rows = lightOf(history.state);
  save(JSON.stringify({ basis: WORDS.basis, coefficients: rows }, null, 2) + "\n", "application/json", "light.json");
});
on("camera", () =>
  attempt(async () => {
    if (!navigator.mediaDevices) throw new Problem("This page may not use a camera here: open it as http://localhost, or choose a photo.");
    try {
      const file = await takePhoto(at("camera-window"), at("camera-video"), at("camera-take"), at("camera-close"));
      if (file) open(file);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      throw new Problem("The camera is not there, or the browser was not allowed to use it. Allow it, or choose a photo.");
    }
  }),
);

for (const [id, action] of [
  ["photo-file", open],
  ["environment-file", (file) => takeLight(file, "environment")],
  ["reference-file", (file) => takeLight(file, "photo")],
]) {
  at(id).addEventListener("change", ({ target }) => {
    const [file] = target.files;
    target.value = "";
    if (file) action(file);
  });
}

for (const option of [...at("film-kind").options]) {
  if (!settings.films.includes(option.value)) option.remove();
}
for (const name of settings.samples) {
  const title = name.replace(/\.\w+$/, "");
  const picture = element("img", { src: `samples/${name}`, alt: "", width: 72, height: 72 });
  const button = element("button", { type: "button", className: "sample" }, picture, element("span", { textContent: title }));
  button.addEventListener("click", () => attempt(async () => open(await sample(name))));
  at("samples").append(button);
}

stage.listen({
  dropped: take,
  view: (view) => {
    live.view = view;
    live.show(history.state);
  },
  split: (share) => {
    live.split = share;
    live.show(history.state, true);
  },
  // One width of the picture is half a turn.
  dragged: (dx, dy, since) => {
    const lamp = history.state.lamps[panel.active];
    if (panel.active === "scene") turnScene(-180 * dx, since);
    else if (lamp) moveLamp(lamp.azimuth - 180 * dx, Math.min(90, Math.max(-90, lamp.elevation - 180 * dy)), since);
  },
  released: () => panel.done(),
  undo: () => history.undo(),
  redo: () => history.redo(),
});
addEventListener("hashchange", () => {
  const state = history.linked();
  if (state) history.set((now) => Object.assign(now, state));
});
changed(true);
