"""Compares the page that needs no server with Python, on photos: `python tools/measure_page.py`.

    npm ci && npm run build
    python tools/measure_page.py [PHOTO...]

Without photos it takes twelve that it makes of the repository's own: as they are, enlarged, turned,
dark, without colour, tinted, with bars, at the border, small, and two people. Each is opened in
headless Chromium. The table says for each how many faces Python and the page found; how far the
corners of their windows, which eyes and roll decide, are apart, in eye distances; by how many
degrees the normals differ on average; and by how much of 255 the downloads differ from
`tfrelight.relight` at full size, for five lights: the largest mean and 99th percentile of them.
"""

from __future__ import annotations

import base64
import functools
import http.server
import io
import pathlib
import shutil
import threading

import numpy as np
from absl import app, flags
from PIL import Image
from playwright.sync_api import sync_playwright

import tfrelight
from tfrelight import photos
from tfrelight.faces import find, framing
from tfrelight.relighting import decomposition, pipeline
from tfrelight.studio import page as page_settings

flags.DEFINE_string("page", "web/dist", "Folder of the built page.")

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "tfrelight" / "studio" / "samples"
LIGHTS = ("left", "top", "rim", "sunset", "split")
BROWSER = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
SECONDS = 600
DROP = """(text) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], "photo.png", { type: "image/png" }));
  document.querySelector("#stage").dispatchEvent(
    new DragEvent("drop", { dataTransfer: transfer, bubbles: true }));
}"""
WHERE = """async () => {
  const { studio } = await import(new URL("main.js", location.href));
  const { header, places } = studio.photo.data;
  return { found: header.found, places: places.slice(0, header.relit) };
}"""
# The picture once it is drawn in full; a browser may take its context away and give it back.
PICTURE = """async () => {
  const { preview } = (await import(new URL("main.js", location.href))).studio;
  const { canvas } = preview.renderer;
  const isLost = canvas.getContext("webgl2").isContextLost();
  const isWhole = canvas.width === preview.data.header.view.width;
  const isDrawn = isWhole && !preview.pending && !preview.moving;
  return !isLost && isDrawn && canvas.toDataURL().split(",")[1];
}"""


def made():
    """The twelve photos `[H, W, 3]` uint8, by name."""
    samples = {name.split(".")[0]: _pixels(SAMPLES / name) for name in page_settings.SAMPLES}
    astronaut, curls, glasses = samples.values()
    small = Image.fromarray(astronaut).resize((256, 256))
    grey = np.asarray(Image.fromarray(glasses).convert("L").convert("RGB"))
    far = np.full((1400, 1400, 3), 120, np.uint8)
    far[800 : 800 + len(astronaut), 60 : 60 + len(astronaut)] = astronaut
    return {
        **samples,
        "enlarged": np.asarray(Image.fromarray(astronaut).resize((2600, 2600))),
        "turned": np.asarray(small.rotate(100, Image.Resampling.BICUBIC, expand=True)),
        "dark": np.round(astronaut * 0.12).astype(np.uint8),
        "grey": grey,
        "tinted": np.round(curls * [1.0, 0.8, 0.55]).astype(np.uint8),
        "bars": np.pad(curls, ((60, 60), (0, 0), (0, 0)), constant_values=3),
        "border": np.ascontiguousarray(astronaut[40:, 150:300]),
        "small": far,
        "two": np.hstack([astronaut[:, 50:400], curls[:512, 100:560]]),
    }


def _pixels(path):
    return photos.read(path).as_uint8()


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class _Page:
    """The page in a browser."""

    def __init__(self, page):
        self._page = page

    def open(self, pixels):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        self._page.evaluate(DROP, base64.b64encode(file.getvalue()).decode())
        while not self._page.evaluate("document.querySelector('#progress').hidden"):
            self._page.wait_for_timeout(50)
        error = self._page.inner_text("#error-text")
        return None if error else self._page.evaluate(WHERE)

    def normals(self):
        """What the view shows, `[H, W, 3]`."""
        self._page.click("[data-view=normals]")
        while not (picture := self._page.evaluate(PICTURE)):
            self._page.wait_for_timeout(50)
        shown = _image(base64.b64decode(picture)) / 127.5 - 1
        self._page.click("[data-view=relit]")
        return shown / np.linalg.norm(shown, axis=-1, keepdims=True)

    def relit(self, light):
        self._page.click(f"[data-name={light}]")
        with self._page.expect_download() as download:
            self._page.click("#save-photo")
        return _image(pathlib.Path(download.value.path()).read_bytes())


def _image(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(float)


def _corners(corner, axes):
    return corner + np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) @ np.asarray(axes).T


def compared(page, model, pixels):
    """The figures of a photo: a row of the table."""
    faces = find.find(pixels)
    there = page.open(pixels)
    if there is None or not faces:
        return [f"{len(faces)}, {there['found'] if there else 0}", "", "", "", ""]
    windows = 0.0
    for face, place in zip(faces, there["places"]):
        window = framing.around(face, framing.HEAD)
        ours = _corners(window.corner, window.axes)
        theirs = _corners(place["corner"], np.linalg.inv(place["inverse"]))
        apart = np.linalg.norm(ours - theirs, axis=1).max() / face.interocular_distance
        windows = max(windows, apart)
    known = [faces[: page_settings.MOST_FACES]]
    (decomposed,) = decomposition.decompose([photos.read(pixels)], model, known_faces=known)
    shown = page.normals()
    view = decomposed.shrunk(max(shown.shape[:2]))
    head = view.mask() > 0.99
    cosine = np.sum(shown * view.normals(), -1)[head]
    degrees = np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean()
    means, highest = [], []
    for light in LIGHTS:
        expected = tfrelight.relight(pixels, light, model).astype(float)
        difference = np.abs(page.relit(light) - expected)
        means.append(difference.mean())
        highest.append(np.percentile(difference, 99))
    return [
        f"{len(faces)}, {there['found']}",
        f"{windows:.2%}",
        f"{degrees:.2f}",
        f"{max(means):.2f}",
        f"{max(highest):.0f}",
    ]


def main(arguments):
    """Prints a table."""
    given = {pathlib.Path(path).name: _pixels(path) for path in arguments[1:]} or made()
    handler = functools.partial(_Silent, directory=flags.FLAGS.page)
    print("| photo | pixels | faces | windows | normals, degrees | mean of 255 | 99th percentile |")
    print("|---|---|---|---|---|---|---|")
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        sync_playwright() as playwright,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER)
        model = pipeline.loaded(None)
        for name, pixels in given.items():
            page = browser.new_page(accept_downloads=True)
            page.set_default_timeout(1000 * SECONDS)
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            page.wait_for_selector(".preset")
            height, width = pixels.shape[:2]
            cells = [name, f"{width} x {height}", *compared(_Page(page), model, pixels)]
            print(f"| {' | '.join(cells)} |", flush=True)
            page.close()
        browser.close()
        server.shutdown()


if __name__ == "__main__":
    app.run(main)
