"""Headless Chromium on the studio's page, and what the tests do there."""

import base64
import contextlib
import io
import json
import shutil
import time

import numpy as np
import pytest
from PIL import Image

from tfrelight.lights import Light, light_json

# The last is that of a desktop at a zoom of 200 %.
SIZES = {"desktop": (1360, 850), "phone": (390, 844), "narrow": (320, 640), "zoomed": (680, 425)}
# WebGL in software, so that every machine draws the same.
FLAGS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
# Seconds to wait for anything: shared machines are slow.
TIMEOUT = 120
# Keeps every notice, which the page itself shows for a few seconds.
RECORD_NOTICES = """
  window.notices = [];
  addEventListener("DOMContentLoaded", () => {
    const notice = document.querySelector("#notice");
    new MutationObserver(() => {
      if (notice.textContent) window.notices.push(notice.textContent);
    }).observe(notice, { childList: true });
  });
"""


@contextlib.contextmanager
def chromium():
    """A browser, or the test is skipped with the reason."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = program()
    if path is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def program():
    """The path of Chromium, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextlib.contextmanager
def with_flags(browser, *flags):
    """A browser beside another one, with further flags."""
    one = browser.browser_type.launch(executable_path=program(), args=[*FLAGS, *flags])
    try:
        yield one
    finally:
        one.close()


class Page:
    """A page of the studio, in a browser's session of its own."""

    def __init__(self, browser, url, size="desktop", **options):
        width, height = SIZES[size]
        self.url = url
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, accept_downloads=True, **options
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(1000 * TIMEOUT)
        self.page.add_init_script(RECORD_NOTICES)
        self.console, self.foreign_requests = [], []
        self.page.on("console", lambda one: self.console.append(f"{one.type}: {one.text}"))
        self.page.on("pageerror", lambda error: self.console.append(f"error: {error}"))
        self.page.on("request", self._note_request)

    def _note_request(self, request):
        if not request.url.startswith((self.url, "data:", f"blob:{self.url}")):
            self.foreign_requests.append(request.url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def load(self, fragment=""):
        self.page.goto(f"{self.url}/{fragment}")
        self.page.wait_for_selector(".preset")
        return self

    def drop(self, data, name="photo.png", kind="image/png"):
        """Drops a file on the page, and waits until it is open."""
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
        self.wait_idle()
        return self

    def wait_until(self, script):
        """The value of a function once it is true, without `eval`, which the page forbids."""
        end = time.monotonic() + TIMEOUT
        while not (value := self.page.evaluate(script)):
            assert time.monotonic() < end, script
            self.page.wait_for_timeout(50)
        return value

    def wait_idle(self):
        """Waits until no action is running."""
        self.wait_until("() => document.querySelector('#progress').hidden")

    def wait_error(self, text=""):
        """Waits until an error that contains a text is shown."""
        self.page.wait_for_selector("#error:not([hidden])")
        self.page.locator("#error-text", has_text=text).wait_for()

    def error(self):
        """The error that is shown, or None."""
        return self.page.inner_text("#error-text") if self.page.is_visible("#error") else None

    def notices(self):
        """All notices so far."""
        return self.page.evaluate("window.notices")

    def evaluate(self, script, argument=None):
        """Evaluates a function of `studio` and an argument."""
        wrapped = (
            "async (argument) => { const { studio } = await import('/static/main.js'); "
            f"return await ({script})(studio, argument); }}"
        )
        return self.page.evaluate(wrapped, argument)

    def state(self):
        return self.evaluate("(studio) => studio.history.state")

    def set_state(self, **values):
        change = "(studio, given) => studio.history.set((state) => Object.assign(state, given))"
        self.evaluate(change, values)

    def light(self):
        """The light on screen."""
        script = """async (studio) => (await import('/static/lighting.js')).lightOf(
          studio.history.state)"""
        shown = {"version": 2, "environments": [], **self.evaluate(script)}
        return Light(**light_json.parse(json.dumps(shown)))

    def picture(self):
        """What the canvas shows in full, `[H, W, 3]` uint8."""
        data = self.wait_until(
            """async () => {
              const { preview } = (await import('/static/main.js')).studio;
              const { width } = preview.data.header.view;
              const { canvas } = preview.renderer;
              const isLost = canvas.getContext("webgl2").isContextLost();
              const isDrawn = !preview.pending && !preview.moving && canvas.width === width;
              return !isLost && isDrawn && canvas.toDataURL().split(",")[1];
            }"""
        )
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))

    def view(self, name):
        """Chooses a view, and returns its picture."""
        self.page.click(f"[data-view={name}]")
        return self.picture()

    def drag_right(self, selector, share):
        """Drags from the middle of an element to the right by a share of its width."""
        box = self.page.locator(selector).bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + share * box["width"], y, steps=4)
        self.page.mouse.up()

    def assert_quiet(self):
        """The console is empty, and only the studio was asked for anything."""
        assert self.console == [] and self.foreign_requests == []
