"""Opening photos, downloading files, and what may go wrong with either."""

import base64
import pathlib
import sys
import time

import numpy as np
from PIL import Image

import tfrelight
from tests.conftest import ROOT
from tests.studio.browser.page import Page
from tests.studio.conftest import png, running
from tfrelight.lights import Light


def saved_pixels(download):
    with Image.open(download.path()) as image:
        return np.asarray(image)


def saved_as(download, ending):
    path = pathlib.Path(download.path()).with_suffix(ending)
    download.save_as(path)
    return path


def test_downloads(page, photo, model):
    page.page.click("[data-name=left]")
    with page.page.expect_download() as download:
        page.page.click("#save-photo")
    assert download.value.suggested_filename == "photo-relit.png"
    saved = saved_pixels(download.value)
    expected = tfrelight.relight(photo, "left", model)
    # The page's light is Python's but for rounding, which may move a value across a step.
    assert np.abs(saved.astype(int) - expected).max() <= 1 and np.mean(saved != expected) < 1e-4
    assert np.abs(page.picture().astype(int) - saved).mean() < 0.5
    with page.page.expect_download() as download:
        page.page.click("#save-light")
    light = Light.from_file(saved_as(download.value, ".json"))
    np.testing.assert_allclose(light.coefficients, Light.preset("left").coefficients, atol=1e-4)
    with page.page.expect_download() as download:
        page.page.click("#save-maps")
    assert download.value.suggested_filename == "photo-maps.zip"


def test_a_photo_that_the_studio_forgot_is_sent_again(page, server, photo):
    for name in list(server.opened._entries):
        server.opened.close(name)
    with page.page.expect_download() as download:
        page.page.click("#save-photo")
    assert saved_pixels(download.value).shape == (1024, 1024, 3)
    page.console.clear()  # the browser's own note of the 404


def test_only_films_that_can_be_written_are_offered(fresh_page, monkeypatch):
    kinds = "(one) => [...one.options].map((kind) => kind.value)"
    assert fresh_page.page.locator("#film-kind").evaluate(kinds) == [".mp4", ".webp"]
    monkeypatch.setitem(sys.modules, "av", None)
    fresh_page.page.reload()
    fresh_page.page.wait_for_selector(".preset")
    assert fresh_page.page.locator("#film-kind").evaluate(kinds) == [".webp"]


def test_a_photo_waits_for_the_one_that_is_being_opened(fresh_page, photo):
    for pixels in (photo, photo[:, 100:900]):
        file = {"name": "photo.png", "mimeType": "image/png", "buffer": png(pixels)}
        fresh_page.page.set_input_files("#photo-file", file)
    assert "Waiting" in fresh_page.page.inner_text("#progress-text")
    fresh_page.wait_idle()
    assert fresh_page.error() is None and fresh_page.picture().shape == (1024, 800, 3)
    fresh_page.assert_quiet()


def test_progress_is_that_of_the_latest_action_that_still_runs(fresh_page):
    """Two files that cannot be read yet: the page waits for both, and then for one."""
    fresh_page.evaluate(
        """() => {
          window.files = [0, 1].map((k) => {
            const file = new File(["x"], `${k}.hdr`);
            const read = new Promise((_, fail) => (file.fail = fail));
            return Object.assign(file, { slice: () => ({ arrayBuffer: () => read }) });
          });
          for (const file of window.files) {
            const event = new Event("drop");
            event.dataTransfer = { files: [file] };
            dispatchEvent(event);
          }
        }"""
    )
    for k in (1, 0):
        assert fresh_page.page.inner_text("#progress-text") == "Finding the light in the file…"
        assert fresh_page.page.is_visible("#progress")
        fresh_page.evaluate("(_, k) => window.files[k].fail()", k)
        fresh_page.wait_error(f"{k}.hdr")
    fresh_page.wait_idle()
    # Empty, not hidden: a screen reader announces changes in what is there already.
    text = fresh_page.page.locator("#progress-text")
    assert text.inner_text() == "" and text.evaluate("(one) => one.checkVisibility()")


def test_a_page_without_settings_shows_why(browser, server):
    with Page(browser, server.url) as page:
        page.page.route("**/settings", lambda route: route.abort())
        page.page.goto(server.url)
        page.wait_error("does not answer")
        page.page.click("#error-close")
        assert page.error() is None


def test_a_file_that_cannot_be_opened_leaves_the_page_usable(fresh_page, photo, tmp_path):
    # The studio refuses these: the browser itself notes that on the console.
    fresh_page.drop(b"just text", "notes.txt", "text/plain")
    assert "not a photo" in fresh_page.error()
    (tmp_path / "large.jpg").write_bytes(bytes(50 * 2**20))
    fresh_page.page.set_input_files("#photo-file", tmp_path / "large.jpg")
    fresh_page.wait_error("large.jpg has 50 MB, more than the limit of 40 MB")
    noise = np.random.default_rng(0).integers(90, 160, (96, 96, 3)).astype(np.uint8)
    fresh_page.drop(png(noise))
    assert "No face found" in fresh_page.error()
    fresh_page.page.click("#error-whole")
    fresh_page.page.wait_for_selector("#shown:not([hidden])")
    fresh_page.wait_idle()
    assert fresh_page.error() is None
    assert "--whole_image" in fresh_page.page.inner_text("#command")
    fresh_page.drop(png(photo))
    assert fresh_page.error() is None and fresh_page.picture().shape == (1024, 1024, 3)


def test_a_stopped_studio_is_reported_and_the_preview_goes_on(browser, model, photo):
    with running(lambda: model) as studio:
        page = Page(browser, studio.url).load().drop(png(photo))
        before = page.picture()
    with page:
        page.page.click("#save-photo")
        page.wait_idle()
        assert "does not answer" in page.error() and "tfrelight.studio" in page.error()
        page.page.click("[data-name=right]")
        assert np.abs(page.picture().astype(int) - before).mean() > 0.5
        page.drop(png(photo))
        assert "does not answer" in page.error()
        page.page.click("#error-close")
        # The samples are hidden behind the photo.
        page.evaluate("() => document.querySelector('.sample').click()")
        page.wait_error("does not answer")


def test_leaving_closes_the_photo(browser, server, photo):
    with Page(browser, server.url) as page:
        page.load().drop(png(photo))
        name = page.evaluate("(studio) => studio.photo.name")
        assert name in server.opened._entries
        # Browsers give up on a page that is still busy, here with measuring how fast it draws.
        page.page.evaluate("() => new Promise((done) => setTimeout(done, 2000))")
        page.page.goto("about:blank")
        # The page says so as it goes, and waits for no answer.
        until = time.monotonic() + 30
        while name in server.opened._entries and time.monotonic() < until:
            page.page.wait_for_timeout(100)
        assert name not in server.opened._entries


def test_a_photo_is_pasted_and_a_sample_chosen(fresh_page, photo):
    fresh_page.page.evaluate(
        """(text) => {
          const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          const clipboardData = new DataTransfer();
          const type = "image/png";
          clipboardData.items.add(new File([bytes], "a.png", { type }));
          dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
        }""",
        base64.b64encode(png(photo)).decode(),
    )
    fresh_page.page.wait_for_selector("#shown:not([hidden])")
    fresh_page.wait_idle()
    fresh_page.page.reload()
    fresh_page.page.click(".sample")
    fresh_page.page.wait_for_selector("#shown:not([hidden])")
    fresh_page.wait_idle()
    assert fresh_page.error() is None
    with Image.open(ROOT / "docs" / "astronaut.jpg") as image:
        assert fresh_page.picture().shape[1::-1] == image.size
    fresh_page.assert_quiet()


def test_what_the_process_refuses_is_said_in_the_page_s_language(browser, server):
    """Python's own sentence, in English, is the detail in parentheses."""
    with Page(browser, server.url, locale="de") as page:
        page.load().drop(b"just text", "notes.txt", "text/plain")
        said = page.error()
        assert said.startswith("Das Studio kann diese Datei nicht verwenden.")
        assert said.endswith(")") and "not a photo" in said
        page.page.select_option("#language", "en")
        assert "not a photo" in page.error() and "Studio" not in page.error()
