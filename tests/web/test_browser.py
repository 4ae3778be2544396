"""The built page in headless Chromium: from a file, and from a server that sets no headers."""

import base64
import io
import time

import numpy as np
import pytest
from PIL import Image

import tfrelight
from tests.conftest import ROOT
from tests.javascript import MARKS
from tests.studio.conftest import png
from tests.web.expected_values import read
from tests.web.page import WITHOUT_WEBGL, WebPage
from tfrelight.data import part_pictures
from tfrelight.photos import Photo
from tfrelight.relighting import decomposition, map_files, pipeline
from tfrelight.studio import page as page_settings

pytestmark = MARKS

# Names of the parts, as the legend has them.
PARTS = ["Skin", "Hair", "Eyes", "Mouth", "Clothes", "Things"]


@pytest.fixture(scope="module")
def served(browser, server):
    with WebPage(browser, f"{server}/") as one:
        yield one.load()


@pytest.fixture(scope="module")
def model():
    return pipeline.loaded(None)


def pixels_of(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def apart(one, other):
    return np.abs(one.astype(int) - other)


def test_from_a_file_a_photo_is_opened_dragged_and_saved(browser, folder, model):
    photo = read("astronaut.jpg")
    with WebPage(browser, (folder / "tfrelight.html").as_uri()) as page:
        page.load()
        page.context.set_offline(True)
        page.drop(png(photo))
        assert page.error() is None
        before = page.picture()
        page.drag_right("#picture", 0.3)
        assert apart(page.picture(), before).mean() > 0.5
        page.page.click("[data-name=left]")
        expected = tfrelight.relight(photo, "left", model)
        name, data = page.download()
        assert name == "photo-relit.png"
        assert apart(pixels_of(data), expected).mean() < 0.2
        assert page.page.locator(".sample img").first.evaluate("(one) => one.naturalWidth") > 0
        assert page.console == []


@pytest.mark.parametrize("name", page_settings.SAMPLES)
def test_pictures_are_those_of_python(served, model, name):
    photo = read(name)
    served.drop(png(photo))
    assert served.error() is None
    (decomposed,) = decomposition.decompose([Photo(photo, input_type="array")], model)
    normals = served.view("normals").astype(float) / 127.5 - 1
    head = decomposed.mask() > 0.99
    cosine = np.sum(normals * decomposed.normals(), -1) / np.linalg.norm(normals, axis=-1)
    assert np.degrees(np.arccos(np.clip(cosine[head], -1, 1))).mean() < 0.5
    mask = map_files.picture("mask", decomposed.mask())
    assert apart(served.view("mask"), mask).mean() < 0.5
    parts = part_pictures.picture(decomposed.parts())
    assert np.mean(np.any(apart(served.view("parts"), parts) > 3, -1)) < 0.005
    legend = served.page.locator("#legend li")
    assert [legend.nth(k).inner_text() for k in range(legend.count())] == PARTS
    served.page.click("[data-view=relit]")
    assert not legend.first.is_visible()
    for light in ("left", "top", "rim", "sunset", "split"):
        served.page.click(f"[data-name={light}]")
        expected = tfrelight.relight(photo, light, model)
        shown = apart(served.picture(), expected)
        assert shown.mean() < 0.3 and np.percentile(shown, 99) <= 4, light
        assert shown[head].mean() < 0.6, light
    # And nothing has complained so far.
    served.assert_quiet()


def test_downloads_have_the_size_of_the_photo(served, model):
    """Larger than the preview and than a tile, and with a face across two tiles."""
    photo = np.asarray(Image.fromarray(read("astronaut.jpg")).resize((4200, 4200)))
    photo = np.ascontiguousarray(photo[:, :2600])
    served.drop(png(photo))
    served.page.click("[data-name=right]")
    shown = served.picture()
    assert max(shown.shape) == 1600
    _, data = served.download()
    difference = apart(pixels_of(data), tfrelight.relight(photo, "right", model))
    assert difference.mean() < 0.2 and np.percentile(difference, 99.9) <= 4
    served.assert_quiet()


def test_a_jpeg_is_turned_upright_and_keeps_exif_and_profile(served, model):
    photo = Image.fromarray(read("astronaut.jpg"))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "a camera"
    file = io.BytesIO()
    photo.rotate(90, expand=True).save(file, "JPEG", quality=95, exif=exif, icc_profile=b"profile")
    served.drop(file.getvalue(), "portrait.jpg", "image/jpeg")
    assert served.error() is None
    served.page.click("[data-name=left]")
    name, data = served.download()
    assert name == "portrait-relit.jpg"
    with Image.open(io.BytesIO(data)) as saved:
        assert saved.getexif()[0x010F] == "a camera" and saved.getexif()[0x0112] == 1
        assert saved.info["icc_profile"] == b"profile"
        expected = tfrelight.relight(np.asarray(photo), "left", model)
        # JPEG twice.
        assert apart(np.asarray(saved), expected).mean() < 3
    served.assert_quiet()


def test_files_that_cannot_be_opened_are_named_in_a_sentence(served):
    file = io.BytesIO()
    Image.fromarray(read("astronaut.jpg")).save(file, "JPEG")
    noise = np.random.default_rng(0).integers(90, 160, (96, 96, 3)).astype(np.uint8)
    for data, name, text in [
        (b"just text", "notes.txt", "notes.txt is not a photo that this browser can read"),
        (file.getvalue()[:300], "cut.jpg", "cut.jpg is broken or cut off"),
        (b"\0\0\0\x18ftypheic", "a.heic", "cannot read HEIC"),
        (b"", "none.jpg", "none.jpg is empty"),
        (png(noise), "noise.png", "No face found"),
    ]:
        served.drop(data, name, "")
        assert text in served.error()
    served.page.click("#error-whole")
    served.wait_idle()
    assert served.error() is None
    assert "--whole_image" in served.page.inner_text("#command")
    served.assert_quiet()


def test_less_than_the_person_is_relit(browser, server, model):
    # On a page of its own: the choice stays for the photos that follow.
    photo = read("astronaut.jpg")
    with WebPage(browser, f"{server}/") as page:
        page.load().drop(png(photo))
        page.page.click("[data-name=left]")
        for what in ("face", "head"):
            page.page.select_option("#what", what)
            page.wait_idle()
            expected = tfrelight.relight(photo, "left", model, what=what)
            assert apart(page.picture(), expected).mean() < 0.3
            # The suit stays as it is.
            assert apart(page.picture(), photo)[-40:].max() <= 3
            assert f"--what={what}" in page.page.inner_text("#command")
        page.assert_quiet()


COUNT = """() => {
  const { prototype } = MessagePort;
  const { postMessage } = prototype;
  globalThis.answers = 0;
  prototype.postMessage = function (...given) {
    globalThis.answers++;
    return postMessage.apply(this, given);
  };
}"""


@pytest.mark.parametrize("as_file", [False, True], ids=["server", "file"])
def test_a_second_worker_takes_its_steps(browser, server, folder, as_file):
    with WebPage(
        browser, (folder / "tfrelight.html").as_uri() if as_file else f"{server}/"
    ) as page:
        page.load().drop(png(read("astronaut.jpg")))
        # The second worker starts while the first is at work.
        end = time.monotonic() + 60
        while len(page.page.workers) < 2 and time.monotonic() < end:
            page.page.wait_for_timeout(100)
        second = page.page.workers[1]
        second.evaluate(COUNT)
        while second.evaluate("answers") == 0 and time.monotonic() < end:
            page.drop(png(read("curls.jpg")))
        # The wide crop, and of the body its crop, its mask and what relighting needs.
        assert second.evaluate("answers") == 4


def test_two_faces_are_both_relit(served, model):
    photo = np.hstack([read("astronaut.jpg")[:, 50:400], read("curls.jpg")[:512, 100:560]])
    served.drop(png(photo))
    served.page.click("[data-name=left]")
    assert apart(served.picture(), tfrelight.relight(photo, "left", model)).mean() < 0.3
    assert "2 faces found" in served.notices()[-1]


def test_the_light_of_another_photo(served, model):
    served.drop(png(read("astronaut.jpg")))
    file = {"name": "other.png", "mimeType": "image/png", "buffer": png(read("glasses.jpg"))}
    served.page.set_input_files("#reference-file", file)
    served.wait_idle()
    light = tfrelight.light_of(read("glasses.jpg"), model)
    expected = tfrelight.relight(read("astronaut.jpg"), light, model)
    assert apart(served.picture(), expected).mean() < 0.3


def test_faults_between_frames_and_shaders_that_fail_are_told(browser, server):
    with WebPage(browser, f"{server}/") as page:
        page.load()
        page.page.evaluate("() => { setTimeout(() => { throw new Error('a fault'); }); }")
        page.wait_error("a fault")
        page.page.evaluate("() => { Promise.reject(new Error('another')); }")
        page.wait_error("another")
        # A view's shader is linked when it is first looked at.
        page.drop(png(read("astronaut.jpg")))
        assert page.error() is None
        refuse = "() => { WebGL2RenderingContext.prototype.getShaderParameter = () => false; }"
        page.page.evaluate(refuse)
        page.page.click("[data-view=normals]")
        page.wait_error("WebGL could not compile a shader")
        # And that of every photo before it is shown.
        page.page.reload()
        page.page.wait_for_selector(".preset")
        page.page.evaluate(refuse)
        page.drop(png(read("astronaut.jpg")))
        assert "WebGL could not compile a shader" in page.error()


def test_a_picture_is_awaited_while_webgl_is_lost(browser, server):
    """What the other tests read is never the blank canvas of a context that the browser took."""
    with WebPage(browser, f"{server}/") as page:
        page.load().drop(png(read("astronaut.jpg")))
        before = page.picture()
        page.page.evaluate(
            """() => {
              const gl = document.querySelector("#picture").getContext("webgl2");
              const extension = gl.getExtension("WEBGL_lose_context");
              extension.loseContext();
              setTimeout(() => extension.restoreContext(), 2000);
            }"""
        )
        np.testing.assert_array_equal(page.picture(), before)


@pytest.mark.parametrize(
    "script, text",
    [("delete window.WebAssembly;", "WebAssembly switched off"), (WITHOUT_WEBGL, "WebGL2")],
)
def test_what_a_browser_lacks_is_said(browser, server, script, text):
    with WebPage(browser, f"{server}/") as page:
        page.page.add_init_script(script)
        page.load().drop(png(read("astronaut.jpg")))
        assert text in page.error()


# What a browser does that has no memory left for a canvas, and how it has some again.
REFUSE = """() => {
  const { prototype } = OffscreenCanvas;
  globalThis.kept = prototype.getContext;
  prototype.getContext = () => null;
}"""
GRANT = "() => { OffscreenCanvas.prototype.getContext = globalThis.kept; }"


def test_refused_memory_is_one_sentence_and_the_page_goes_on(browser, server):
    with WebPage(browser, f"{server}/") as page:
        page.load().drop(png(read("astronaut.jpg")))
        before = page.picture()
        # For the photo in full, in the page's own thread.
        page.page.evaluate(REFUSE)
        page.page.click("#save-photo")
        page.wait_error("0.26 megapixels")
        page.page.evaluate(GRANT)
        assert page.download()[0].endswith(".png")
        # For the pixels of another photo, in the worker that decodes it.
        worker = page.page.workers[0]
        worker.evaluate(REFUSE)
        page.drop(png(read("curls.jpg")))
        assert "0.41 megapixels" in page.error()
        np.testing.assert_array_equal(page.picture(), before)
        worker.evaluate(GRANT)
        page.drop(png(read("curls.jpg")))
        assert page.error() is None and page.picture().shape == (640, 640, 3)


def test_what_only_the_studio_has_is_hidden(served):
    for selector in ("#save-maps", "#save-film", "#environment"):
        assert not served.page.is_visible(selector)
    assert "stay on this device" in served.page.text_content("#privacy")


def test_the_second_visit_needs_no_network(browser, server):
    """The page's files are kept, by a service worker."""
    with WebPage(browser, f"{server}/") as page:
        page.load()
        page.wait_until(
            """async () => {
              const found = await navigator.serviceWorker.getRegistration();
              return found?.active?.state === "activated";
            }"""
        )
        page.context.set_offline(True)
        page.load().drop(png(read("curls.jpg")))
        assert page.error() is None
        page.page.click("[data-name=left]")
        assert page.picture().shape == (640, 640, 3)
        page.assert_quiet()


@pytest.mark.parametrize(
    "size, scheme, language",
    [
        ("desktop", "light", "en"),
        ("desktop", "dark", "ar"),
        ("phone", "dark", "en"),
        ("phone", "light", "ar"),
        ("narrow", "light", "de"),
        ("zoomed", "dark", "de"),
    ],
)
def test_axe_finds_nothing(browser, server, size, scheme, language):
    """axe-core's rules for accessibility, before and after a photo is opened, and with the camera.

    And nothing runs over the page's sides.
    """
    axe = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    with WebPage(browser, f"{server}/", size, color_scheme=scheme, locale=language) as page:

        def use_camera():
            page.page.click("#camera-again")
            page.wait_until("() => !document.querySelector('#live').hidden")

        page.load()
        for step in (lambda: None, lambda: page.drop(png(read("curls.jpg"))), use_camera):
            step()
            page.page.evaluate(axe)
            found = page.page.evaluate("axe.run()")["violations"]
            assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
            width = "document.documentElement.scrollWidth"
            assert page.page.evaluate(width) <= page.page.viewport_size["width"]


def test_the_handle_on_the_photo_moves_the_light(served):
    served.drop(png(read("astronaut.jpg")))
    served.page.click("[data-name=left]")
    before = served.picture()
    handle = served.page.locator(".handle").bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    frame = served.page.locator("#picture").bounding_box()
    # The face is at 44 % of the width.
    assert x < frame["x"] + 0.4 * frame["width"]
    served.page.mouse.move(x, y)
    served.page.mouse.down()
    served.page.mouse.move(x + 0.3 * frame["width"], y, steps=4)
    served.page.mouse.up()
    assert "right" in served.page.inner_text("#ball-now")
    assert apart(served.picture(), before).mean() > 0.5
    moved = served.page.locator(".handle").bounding_box()
    assert moved["x"] == pytest.approx(handle["x"] + 0.3 * frame["width"], abs=3)
    served.page.click("#undo")
    assert "left" in served.page.inner_text("#ball-now")


def test_presets_are_shown_on_the_face(served):
    served.drop(png(read("astronaut.jpg")))
    presets = served.page.locator(".preset").count()
    served.wait_until(
        f"() => document.querySelectorAll('.preset canvas.portrait').length === {presets}"
    )
    script = "(one) => one.querySelector('canvas').toDataURL().split(',')[1]"
    left, right = (
        pixels_of(base64.b64decode(served.page.locator(f"[data-name={name}]").evaluate(script)))
        for name in ("left", "right")
    )
    # The face is in the middle, and lit from either side.
    middle = left.shape[1] // 2
    sides = [picture[30:70, middle - 25 : middle].mean() for picture in (left, right)]
    assert sides[0] > sides[1] + 5
