"""Measures how much a face descriptor sees of another light: `python tools/measure_identity.py`.

    npm install --no-save @vladmandic/face-api@1.7.15
    python tools/measure_identity.py --data_dir=CroppedYale PHOTO...

The first table has, for each of eight named lights, the distance between the descriptors of a photo
and of what `tfrelight.relight` makes of it, over the photos. The second table says what a distance
means: on people of Extended Yale B, whose photos under other lamps are known, it has the distance
between two true photos under different lamps beside that between a photo and the same photo relit
by the other lamp. Descriptors are those of dlib's network as face-api computes them, in headless
Chromium; two photos count as the same person below 0.6.
"""

from __future__ import annotations

import base64
import contextlib
import io
import pathlib
import shutil
import sys

import numpy as np
from absl import flags
from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import tfrelight  # noqa: E402
from tests import static_server  # noqa: E402
from tfrelight import color  # noqa: E402
from tfrelight.commands import app  # noqa: E402
from tfrelight.data.datasets import yale_b  # noqa: E402
from tfrelight.errors import InputError  # noqa: E402
from tfrelight.lights import Light  # noqa: E402

flags.DEFINE_string("face_api", "node_modules/@vladmandic/face-api", "Folder of the npm package.")
flags.DEFINE_string("data_dir", None, "CroppedYale, for the second table.")
flags.DEFINE_list("subjects", ["01", "02", "03", "05", "06", "07", "09", "10"], "Of CroppedYale.")
flags.DEFINE_integer("longest", 768, "Longer side of the photos, pixels.", lower_bound=128)

LIGHTS = ("front", "left", "top", "under", "rim", "rembrandt", "split", "butterfly")
# Azimuth, positive to the left of the picture, and elevation of lamps in the data set.
LAMPS = ((0, 45), (0, -35), (60, 20), (35, 40), (85, 20), (110, 15))
MODELS = ("ssdMobilenetv1", "faceLandmark68Net", "faceRecognitionNet")
START = """async (names) => {
  await faceapi.tf.setBackend("cpu");
  await faceapi.tf.ready();
  for (const name of names) await faceapi.nets[name].loadFromUri("/model");
}"""
# Of the face that is found, or of the whole picture.
DESCRIBE = """async ([data, isCrop]) => {
  const picture = new Image();
  picture.src = `data:image/png;base64,${data}`;
  await picture.decode();
  if (isCrop) return [...await faceapi.computeFaceDescriptor(picture)];
  const options = new faceapi.SsdMobilenetv1Options({ minConfidence: 0.2 });
  const found = await faceapi.detectSingleFace(picture, options)
    .withFaceLandmarks().withFaceDescriptor();
  return found ? [...found.descriptor] : null;
}"""


@contextlib.contextmanager
def descriptors(folder):
    """Yields a function of pixels, and whether they are a crop: the descriptor, or None."""
    if not (pathlib.Path(folder) / "model").is_dir():
        raise InputError(f"Expected the npm package face-api in {folder}. Install it first.")
    with static_server.serving(folder) as address, sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(600_000)
        page.goto(f"{address}/package.json")
        page.add_script_tag(url=f"{address}/dist/face-api.js")
        page.evaluate(START, list(MODELS))

        def describe(pixels, is_crop):
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "PNG")
            data = base64.b64encode(file.getvalue()).decode()
            found = page.evaluate(DESCRIBE, [data, is_crop])
            return None if found is None else np.array(found)

        yield describe
        browser.close()


def photos_table(paths, describe, model):
    """Prints the distances between photos and what each named light makes of them."""
    print("| light | mean distance | largest |\n|---|---|---|")
    photos = []
    for path in paths:
        with Image.open(path) as opened:
            opened.thumbnail((flags.FLAGS.longest, flags.FLAGS.longest))
            photos.append(np.asarray(opened.convert("RGB")))
    before = [describe(photo, False) for photo in photos]
    everything = []
    for light in LIGHTS:
        distances = []
        for photo, known in zip(photos, before):
            found = describe(tfrelight.relight(photo, light, model), False)
            if known is not None and found is not None:
                distances.append(np.linalg.norm(found - known))
        everything += distances
        print(f"| {light} | {np.mean(distances):.2f} | {np.max(distances):.2f} |", flush=True)
    print(f"| all | {np.mean(everything):.2f} | {np.max(everything):.2f} |\n")


def lamps_table(describe, model):
    """Prints the distances between true photos, and between a photo and what it was relit to."""
    print(
        "| lamp: azimuth, elevation | two true photos | a photo and itself relit |\n|---|---|---|"
    )
    true, relit = {lamp: [] for lamp in LAMPS}, {lamp: [] for lamp in LAMPS}
    for number in flags.FLAGS.subjects:
        person = yale_b.photos(flags.FLAGS.data_dir, number, size=192)
        grey = np.round(255 * color.to_srgb_numpy(person.images)).astype(np.uint8)
        pixels = np.repeat(grey[..., None], 3, axis=-1)
        lit = dict(zip(zip(person.azimuth, person.elevation), pixels))
        before = describe(lit[0, 0], True)
        for lamp in LAMPS:
            # Some photos are missing of some people.
            if lamp not in lit:
                continue
            true[lamp].append(np.linalg.norm(describe(lit[lamp], True) - before))
            light = Light.from_direction(*lamp, radius=2)
            found = tfrelight.relight(lit[0, 0], light, model, whole_image=True)
            relit[lamp].append(np.linalg.norm(describe(found, True) - before))
    for lamp in LAMPS:
        where = f"{lamp[0]}, {lamp[1]}"
        print(f"| {where} | {np.mean(true[lamp]):.2f} | {np.mean(relit[lamp]):.2f} |")
    means = [np.mean([np.mean(values) for values in one.values()]) for one in (true, relit)]
    print(f"| all | {means[0]:.2f} | {means[1]:.2f} |")


def main(paths):
    """Prints the tables."""
    model = tfrelight.load_model()
    with descriptors(flags.FLAGS.face_api) as describe:
        photos_table(paths, describe, model)
        if flags.FLAGS.data_dir:
            lamps_table(describe, model)


if __name__ == "__main__":
    app.run(main, arguments="photo")
