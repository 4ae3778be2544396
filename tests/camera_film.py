"""A film for the browser's false camera: a picture moves from side to side."""

import contextlib
import io
import math

from PIL import Image

from tests.conftest import ROOT
from tests.studio.browser.page import with_flags

SIZE = (640, 480)
FRAMES = 60
# Pixels that the face moves from the middle.
REACH = 50


def write(path, image):
    """Writes a film of a picture as Motion JPEG, which is JPEG files one after another."""
    photo = image.convert("RGB").resize((480, 480))
    with open(path, "wb") as file:
        for k in range(FRAMES):
            frame = Image.new("RGB", SIZE, (90, 100, 110))
            frame.paste(photo, (80 + round(REACH * math.sin(2 * math.pi * k / FRAMES)), 0))
            encoded = io.BytesIO()
            frame.save(encoded, "JPEG", quality=90)
            file.write(encoded.getvalue())


@contextlib.contextmanager
def shown(browser, folder):
    """A browser whose camera shows the astronaut; the film lies in the folder."""
    with Image.open(ROOT / "docs" / "astronaut.jpg") as image:
        write(folder / "film.mjpeg", image)
    with with_flags(browser, flag(folder / "film.mjpeg")) as one:
        yield one


def flag(path):
    """Chromium's flag that shows the film."""
    return f"--use-file-for-fake-video-capture={path}"


def wait_lit(page):
    """Waits until a face in the camera's picture is relit."""
    page.wait_until("() => document.querySelector('#camera-now').dataset.text === 'camera_found'")


# Notes the streams that the page gets.
RECORD_STREAMS = """
  window.streams = [];
  const { mediaDevices } = navigator;
  const ask = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = async (wanted) => {
    const stream = await ask(wanted);
    window.streams.push(stream);
    return stream;
  };
"""


def states(page):
    """Whether each track of each stream is "live" or "ended"."""
    return page.page.evaluate(
        "window.streams.flatMap((one) => one.getTracks().map(({ readyState }) => readyState))"
    )


def refuse(page, name):
    """Has the browser refuse the camera with an error of that name."""
    page.page.evaluate(
        """(name) => {
          navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", name));
        }""",
        name,
    )
