"""The page without a server in headless Chromium, and what the tests do there."""

import base64
import io

import numpy as np
from PIL import Image

from tests.studio.browser.page import Page


class WebPage(Page):
    """A page whose modules cannot be imported by name."""

    def load(self, fragment=""):
        self.page.goto(f"{self.url}{fragment}")
        self.page.wait_for_selector(".preset")
        return self

    def picture(self):
        """What the canvas shows in full, `[H, W, 3]` uint8."""
        self.page.wait_for_timeout(700)
        data = self.page.evaluate("document.querySelector('#picture').toDataURL().split(',')[1]")
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
