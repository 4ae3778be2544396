"""Records docs/studio.webp, a film of the studio's page.

    apt-get install chromium
    pip install -c constraints.txt -e ".[dev]"
    python tools/record_studio.py

Headless Chromium opens the page of `python -m tfrelight.studio` with the head of docs/astronaut.jpg
(NASA, public domain), drags the light and shows the maps. Every frame is a screenshot of the page
at rest, with the pointer drawn in, because screenshots omit it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import math
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
from PIL import Image, ImageDraw
from playwright.sync_api import sync_playwright

from tfrelight import files
from tfrelight.photos import pictures

ROOT = pathlib.Path(__file__).resolve().parent.parent
VIEW = {"width": 1120, "height": 700}
SHOWN = (896, 560)
# The head in the astronaut's photo (left, top, right, bottom), and its size on the page.
HEAD, SIZE = (75, 0, 395, 320), (800, 800)
# Milliseconds of a frame, and of a frame that viewers should look at.
FRAME, LOOK = 70, 900
POINTER = [(0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12)]
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


@contextlib.contextmanager
def studio():
    """Starts a studio and yields its address."""
    command = [sys.executable, "-m", "tfrelight.studio", "--port=0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield re.search(r"http://\S+", process.stdout.readline()).group()
        finally:
            process.terminate()


class Film:
    """Records frames of a page with the pointer."""

    def __init__(self, page):
        self.page, self.frames, self.durations = page, [], []
        self.at = (VIEW["width"] / 2, VIEW["height"] / 2)

    def look(self, milliseconds=FRAME):
        """Takes a frame when the picture is complete."""
        self.page.evaluate(
            """async () => {
              const { preview } = (await import('/static/main.js')).studio;
              while (preview.pending || preview.moving)
                await new Promise((go) => setTimeout(go, 20));
            }"""
        )
        frame = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        draw = ImageDraw.Draw(frame)
        shape = [(self.at[0] + x, self.at[1] + y) for x, y in POINTER]
        draw.polygon(shape, fill="white", outline="black")
        self.frames.append(frame.resize(SHOWN, Image.Resampling.LANCZOS))
        self.durations.append(milliseconds)

    def move(self, x, y):
        self.at = (x, y)
        self.page.mouse.move(x, y)

    def press(self, selector):
        """Moves to a control and clicks it."""
        self.page.locator(selector).scroll_into_view_if_needed()
        box = self.page.locator(selector).bounding_box()
        goal = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        start = self.at
        for k in range(1, 5):
            self.move(*(a + (b - a) * k / 4 for a, b in zip(start, goal)))
            self.look()
        self.page.mouse.down()
        self.page.mouse.up()
        self.look(LOOK)


def head():
    """The astronaut's head, as a PNG file."""
    with Image.open(ROOT / "docs" / "astronaut.jpg") as photo:
        return pictures.png(np.asarray(photo.crop(HEAD).resize(SIZE, Image.Resampling.LANCZOS)))


def record(page, film):
    """Opens the photo, drags the light in a circle, and shows a preset and the maps."""
    page.set_input_files(
        "#photo-file", {"name": "astronaut.png", "mimeType": "image/png", "buffer": head()}
    )
    page.wait_for_selector("#shown:not([hidden])")
    page.wait_for_selector("#notice:empty", state="attached")
    film.look(LOOK)
    ball = page.locator("#ball").bounding_box()
    x, y, half = ball["x"] + ball["width"] / 2, ball["y"] + ball["height"] / 2, ball["width"] / 2
    for k in range(33):
        angle = math.radians(155 - 360 * k / 32)
        film.move(x + 0.55 * half * math.cos(angle), y - 0.45 * half * math.sin(angle))
        if k == 0:
            page.mouse.down()
        film.look()
    page.mouse.up()
    film.look(LOOK)
    film.press("[data-name=neon]")
    film.press("[data-view=normals]")
    film.press("[data-view=albedo]")
    film.press("[data-view=split]")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output_dir", type=pathlib.Path, default=ROOT / "docs")
    given = parser.parse_args()
    with studio() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport=VIEW, color_scheme="light")
        page.set_default_timeout(120_000)
        page.goto(url)
        page.wait_for_selector(".preset")
        film = Film(page)
        record(page, film)
        browser.close()
    path = given.output_dir / "studio.webp"
    with files.replacing(path) as aside:
        film.frames[0].save(
            aside,
            format="WEBP",
            save_all=True,
            append_images=film.frames[1:],
            duration=film.durations,
            loop=0,
            quality=70,
            method=6,
        )
    print(f"{path}: {len(film.frames)} frames, {path.stat().st_size / 2**20:.2f} MB")


if __name__ == "__main__":
    main()
