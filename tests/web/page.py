"""The page without a server in headless Chromium, and what the tests do there."""

import base64
import io

import numpy as np
from PIL import Image

from tests.studio.browser.page import Page

WITHOUT_WEBGL = """
  HTMLCanvasElement.prototype.getContext = new Proxy(HTMLCanvasElement.prototype.getContext, {
    apply: (call, canvas, [kind, ...more]) =>
      kind === "webgl2" ? null : Reflect.apply(call, canvas, [kind, ...more]),
  });
"""
# The modules of a page in one file cannot be imported.
IS_FILE = "location.protocol === 'file:'"
# The picture that the canvas shows in full, once it does.
PICTURE = f"""async () => {{
  const canvas = document.querySelector("#picture");
  const frame = () => new Promise(requestAnimationFrame);
  // A browser may take the context away and give it back.
  if (canvas.getContext("webgl2").isContextLost()) return false;
  const picture = () => canvas.toDataURL().split(",")[1];
  if ({IS_FILE}) return frame().then(frame).then(picture);
  const {{ preview }} = (await import(new URL("main.js", location.href))).studio;
  if (preview.isLive) return preview.frames.length > 0 && picture();
  const {{ width }} = preview.data.header.view;
  return !preview.pending && !preview.moving && canvas.width === width && picture();
}}"""


class WebPage(Page):
    """A page whose modules cannot be imported by name."""

    def load(self, fragment=""):
        self.page.goto(f"{self.url}{fragment}")
        self.page.wait_for_selector(".preset")
        return self

    def picture(self):
        """What the canvas shows in full, `[H, W, 3]` uint8."""
        if self.page.evaluate(IS_FILE):
            # Nothing tells that it is drawn, a quarter of a second after the last movement.
            self.page.wait_for_timeout(700)
        data = self.wait_until(PICTURE)
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))

    def download(self):
        """The relit photo: name of the file, and content."""
        with self.page.expect_download() as download:
            self.page.click("#save-photo")
        with open(download.value.path(), "rb") as file:
            return download.value.suggested_filename, file.read()

    def speak(self, language):
        """Chooses a language."""
        self.page.select_option("#language", language)
