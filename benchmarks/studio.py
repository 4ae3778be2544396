"""Measures the studio: time to the first picture, a dragged light, the camera, and many sessions.

    python benchmarks/studio.py docs/astronaut.jpg --report=studio.json
    python benchmarks/studio.py docs/astronaut.jpg --page=web/dist

Headless Chromium with software WebGL opens the page of a new studio with the photo, resized to
`--side` pixels, and then shows it to the camera, moving from side to side. Then 20 simultaneous
sessions run without a browser, and the memory of the process is measured after they end. With
`--page` it is the page that needs no server; that has no sessions.
"""

from __future__ import annotations

import argparse
import base64
import concurrent.futures
import contextlib
import io
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import httpx
from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import camera_film, static_server  # noqa: E402
from tfrelight import threads  # noqa: E402

FLAGS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
# Rounds of all sessions; memory that a photo leaks would add up.
ROUNDS = 3
# The page's parts, wherever its module is.
PARTS = "(await import(document.querySelector('script[type=module]').src)).studio"
OPENED = "document.querySelector('#progress').hidden && !document.querySelector('#shown').hidden"
DROP = """(text) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], "photo.jpg", { type: "image/jpeg" }));
  window.dropped = performance.now();
  document.querySelector("#stage").dispatchEvent(
    new DragEvent("drop", { dataTransfer: transfer, bubbles: true }));
}"""


@contextlib.contextmanager
def studio():
    """Starts a studio; yields its address and process id."""
    command = [sys.executable, "-m", "tfrelight.studio", "--port=0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield re.search(r"http://\S+", process.stdout.readline()).group(), process.pid
        finally:
            process.terminate()


@contextlib.contextmanager
def built_page(folder):
    """Serves the page that needs no server; yields its address, and None for a process."""
    with static_server.serving(folder) as address:
        yield f"{address}/", None


def first_picture(page, data):
    """Seconds from the drop to the picture on screen."""
    page.evaluate(DROP, base64.b64encode(data).decode())
    while not page.evaluate(OPENED):
        page.wait_for_timeout(20)
    return page.evaluate(
        """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(
          () => done((performance.now() - window.dropped) / 1000))))"""
    )


def drag(page, steps):
    """Milliseconds from the mouse to the drawn frame, and the resolution, of each frame."""
    ball = page.locator("#ball").bounding_box()
    x, y, width = ball["x"], ball["y"] + 0.45 * ball["height"], ball["width"]
    page.mouse.move(x + 0.2 * width, y)
    page.mouse.down()
    for k in range(steps):
        page.mouse.move(x + width * (0.2 + 0.6 * k / (steps - 1)), y)
        page.wait_for_timeout(16)
    page.mouse.up()
    return page.evaluate(f"async () => {PARTS}.preview.frames")


def camera(page, seconds):
    """Frames and answers of the network in a second, and what a frame costs."""
    page.click("#camera-again")
    while page.get_attribute("#camera-now", "data-text") != "camera_found":
        page.wait_for_timeout(100)
    page.wait_for_timeout(3000)
    return page.evaluate(
        f"""async (seconds) => {{
          const {{ camera: {{ live }}, preview }} = {PARTS};
          const began = performance.now();
          const {{ answers }} = live;
          preview.frames = [];
          await new Promise((go) => setTimeout(go, 1000 * seconds));
          const passed = (performance.now() - began) / 1000;
          const costs = preview.frames.map(({{ cost }}) => cost).sort((a, b) => a - b);
          return {{
            frames_per_second: costs.length / passed,
            answers_per_second: (live.answers - answers) / passed,
            drawing_milliseconds: costs[costs.length >> 1],
            width: preview.width,
          }};
        }}""",
        seconds,
    )


def resident(process):
    """Resident memory of a process, megabytes."""
    status = pathlib.Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024


def session(url, data):
    """Seconds of a session that opens a photo, relights it and leaves."""
    began = time.perf_counter()
    with httpx.Client(base_url=url, timeout=300) as client:
        answer = client.post("photos", content=data)
        answer.raise_for_status()
        light = {"light": [1.0] * 3 + [0.0] * 24, "relative": [0.0] * 27}
        place = f"photos/{answer.headers['X-Photo']}"
        client.post(f"{place}/relit", content=json.dumps(light)).raise_for_status()
        client.post(f"{place}/close").raise_for_status()
    return time.perf_counter() - began


def crowd(url, process, data, count):
    """Sessions without a browser, and the memory of the process."""
    before = resident(process)
    seconds, after = [], []
    for _ in range(ROUNDS):
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            seconds += pool.map(lambda _: session(url, data), range(count))
        after.append(resident(process))
    return {
        "sessions": {"count": count, "slowest_seconds": max(seconds)},
        "resident_mb": {"before": before, "after_each_round": after},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=pathlib.Path)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--page", help="folder of the page that needs no server")
    parser.add_argument("--report", type=pathlib.Path)
    given = parser.parse_args()
    file = io.BytesIO()
    image = Image.open(given.photo).convert("RGB")
    image.resize((given.side, given.side), Image.Resampling.LANCZOS).save(file, "JPEG", quality=95)
    data = file.getvalue()
    started = built_page(given.page) if given.page else studio()
    with (
        tempfile.TemporaryDirectory() as folder,
        started as (url, process),
        sync_playwright() as playwright,
    ):
        path = pathlib.Path(folder, "film.mjpeg")
        camera_film.write(path, image)
        arguments = [*FLAGS, camera_film.flag(path)]
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=arguments
        )
        page = browser.new_page(viewport={"width": 1360, "height": 850})
        page.set_default_timeout(300_000)
        page.goto(url)
        page.wait_for_selector(".preset")
        cold = first_picture(page, data)
        warm = []
        for _ in range(5):
            # The small pictures of the last photo's presets are drawn after it.
            page.wait_for_timeout(3000)
            warm.append(first_picture(page, data))
        page.wait_for_timeout(3000)
        drag(page, 60)
        page.evaluate(f"async () => {{ {PARTS}.preview.frames = []; }}")
        frames = drag(page, 120)
        filmed = camera(page, 20)
        browser.close()
        sessions = {} if process is None else crowd(url, process, data, given.sessions)
    latencies = sorted(frame["latency"] for frame in frames)
    report = {
        "side": given.side,
        "cores": threads.available(),
        "load": os.getloadavg()[0],
        "first_picture_seconds": {"cold": cold, "warm": statistics.median(warm)},
        "drag_milliseconds": {
            "frames": len(frames),
            "median": statistics.median(latencies),
            "p90": latencies[int(0.9 * (len(latencies) - 1))],
            "drawing": statistics.median(frame["cost"] for frame in frames),
        },
        "drag_resolution": statistics.median(frame["scale"] for frame in frames) * given.side,
        # Share of the frames that relit the maps of faces at half their size.
        "drag_half_share": statistics.fmean(frame["half"] for frame in frames),
        "camera": filmed,
        **sessions,
    }
    text = json.dumps(report, indent=2)
    print(text)
    if given.report:
        given.report.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
