"""Headless Chromium on the studio's page, and what the tests do there."""

import base64
import contextlib
import io
import shutil
import time

import numpy as np
import pytest
from PIL import Image

SIZES = {"desktop": (1360, 850), "phone": (390, 844)}
# WebGL in software, so that every machine draws the same.
FLAGS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


@contextlib.contextmanager
def chromium():
    """A browser, or the test is skipped with the reason."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Page:
    """A page of the studio, which notes what no page of it may do."""

    def __init__(self, browser, url, size="desktop", **options):
        width, height = SIZES[size]
        self.url = url
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, accept_downloads=True, **options
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(120_000)
        self.said, self.foreign = [], []
        self.page.on("console", lambda one: self.said.append(f"{one.type}: {one.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("request", self._asked)

    def _asked(self, request):
        if not request.url.startswith((self.url, "data:", f"blob:{self.url}")):
            self.foreign.append(request.url)

    def go(self, fragment=""):
        self.page.goto(f"{self.url}/{fragment}")
        self.page.wait_for_selector(".preset")
        return self

    def drop(self, data, name="photo.png", kind="image/png"):
        """Drops a file on the page, as a mouse does."""
        transfer = self.page.evaluate_handle(
            """([text, name, type]) => {
              const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
              const transfer = new DataTransfer();
              transfer.items.add(new File([bytes], name, { type }));
              return transfer;
            }""",
            [base64.b64encode(data).decode(), name, kind],
        )
        self.page.dispatch_event("#stage", "drop", {"dataTransfer": transfer})
        self.settle()
        return self

    def until(self, script):
        """Until a function is true: Playwright's own way takes `eval`, which the page forbids."""
        end = time.monotonic() + 120
        while not self.page.evaluate(script):
            assert time.monotonic() < end, script
            self.page.wait_for_timeout(50)

    def settle(self):
        """Until nothing is being worked on."""
        self.until("() => document.querySelector('#progress').hidden")

    def error(self):
        return self.page.inner_text("#error-text") if self.page.is_visible("#error") else None

    def run(self, script, argument=None):
        """Evaluates a function of `studio` and an argument."""
        wrapped = (
            "async (argument) => { const { studio } = await import('/static/main.js'); "
            f"return await ({script})(studio, argument); }}"
        )
        return self.page.evaluate(wrapped, argument)

    def set(self, **values):
        """Changes the light's state."""
        change = "(studio, given) => studio.history.set((state) => Object.assign(state, given))"
        self.run(change, {"preset": None, **values})

    def light(self):
        script = """async (studio) => (await import('/static/lighting.js')).lightOf(
          studio.history.state)"""
        return np.array(self.run(script), np.float32)

    def picture(self):
        """What the canvas shows in full, `[H, W, 3]` uint8."""
        self.until(
            """async () => {
              const { live } = (await import('/static/main.js')).studio;
              const { width } = live.scene.header.view;
              return !live.pending && !live.moving && live.renderer.canvas.width === width;
            }"""
        )
        data = self.run(
            """async (studio) => {
              const canvas = studio.live.renderer.canvas;
              return canvas.toDataURL().split(",")[1];
            }"""
        )
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))

    def view(self, name):
        self.page.click(f"[data-view={name}]")
        return self.picture()

    def check(self):
        """No word on the console, and nobody asked but the studio."""
        assert self.said == [] and self.foreign == []
