"""The camera on the built page: its picture relit as it comes, and a still of it."""

import io

import numpy as np
import pytest
from PIL import Image

from tests import camera_film
from tests.javascript import MARKS
from tests.studio.conftest import png
from tests.web.expected_values import read
from tests.web.page import WITHOUT_WEBGL, WebPage

pytestmark = MARKS


@pytest.fixture(scope="module")
def filmed(browser, tmp_path_factory):
    """A browser whose camera shows a face."""
    with camera_film.shown(browser, tmp_path_factory.mktemp("camera")) as one:
        yield one


def started(page, light="left"):
    page.page.add_init_script(camera_film.RECORD_STREAMS)
    page.load()
    page.page.click(f"[data-name={light}]")
    page.page.click("#camera")
    camera_film.wait_lit(page)
    return page


# Notes where the handle was since each answer of the network. True once it has been at three places
# under one of them, the last of which is its way from the answer before, and has gone far.
FOLLOWED = """async () => {
  const { camera: { live } } = (await import(new URL("main.js", location.href))).studio;
  const { left } = document.querySelector(".handle").getBoundingClientRect();
  const { places, all } = (window.followed ??= { places: {}, all: [] });
  (places[live.answers] ??= new Set()).add(Math.round(left));
  all.push(left);
  const isFar = Math.max(...all) - Math.min(...all) > 25;
  return isFar && Object.values(places).some(({ size }) => size > 2);
}"""


def focused(page):
    """The id of what has the focus."""
    return page.page.evaluate("document.activeElement.id")


def test_the_light_is_dragged_on_the_camera_s_picture(filmed, server):
    with WebPage(filmed, f"{server}/") as page:
        started(page)
        page.context.set_offline(True)
        assert camera_film.states(page) == ["live"]
        # The handle goes with the face, also between two answers of the network.
        page.wait_until(FOLLOWED)
        page.drag_right("#picture", 0.45)
        assert "right" in page.page.inner_text("#ball-now")
        page.page.click("[data-view=photo]")
        page.page.click("[data-view=relit]")
        assert page.page.is_disabled("#save-photo")
        assert page.error() is None
        page.page.click("#camera-stop")
        assert camera_film.states(page) == ["ended"]
        assert page.page.is_visible("#empty") and not page.page.is_visible("#shown")
        page.assert_quiet()


def test_the_picture_is_relit(filmed, server):
    """Lit from the left and from the right, the halves of the face differ."""
    shares = {}
    with WebPage(filmed, f"{server}/") as page:
        started(page)
        for light in ("left", "right"):
            page.page.click(f"[data-name={light}]")
            differences = []
            for _ in range(5):
                page.page.wait_for_timeout(300)
                differences.append(balance(page))
            shares[light] = np.median(differences)
        page.page.click("#camera-stop")
        page.assert_quiet()
    assert shares["left"] > shares["right"] + 0.1


def balance(page):
    """How much brighter the left half of the face is, as a share of both."""
    data = page.page.evaluate(
        """() => {
          const shown = document.querySelector("#picture");
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [640, 480];
          const context = canvas.getContext("2d");
          context.drawImage(shown, 0, 0, 640, 480);
          return [...context.getImageData(0, 115, 640, 60).data];
        }"""
    )
    rows = np.reshape(data, (60, 640, 4))[..., :3].astype(float)
    # The face is what is the colour of skin.
    skin = (rows[..., 0] > rows[..., 2] + 40) & (rows[..., 0] > 90)
    columns = np.nonzero(skin)[1]
    middle = np.median(columns)
    places = np.arange(640)[None] + np.zeros((60, 1))
    left, right = (rows[skin & side].mean() for side in (places < middle, places >= middle))
    return (left - right) / (left + right)


def test_a_still_is_opened_as_a_photo(filmed, server):
    with WebPage(filmed, f"{server}/") as page:
        started(page, "right")
        page.page.click("#camera-take")
        page.wait_until("() => document.querySelector('#live').hidden")
        page.wait_idle()
        assert page.error() is None and camera_film.states(page) == ["ended"]
        assert page.picture().shape == (480, 640, 3)
        name, data = page.download()
        assert name == "camera-relit.png"
        assert Image.open(io.BytesIO(data)).size == (640, 480)
        # And back to the camera, and from it to the photo.
        page.page.click("#camera-again")
        camera_film.wait_lit(page)
        page.page.click("#camera-stop")
        assert page.page.is_visible("#shown") and page.page.is_enabled("#save-photo")
        assert page.picture().shape == (480, 640, 3)
        page.assert_quiet()


def test_a_file_s_page_has_the_camera_too(filmed, folder):
    with WebPage(filmed, (folder / "tfrelight.html").as_uri()) as page:
        started(page)
        page.page.click("#camera-stop")
        camera_film.refuse(page, "NotAllowedError")
        page.page.click("#camera")
        page.wait_error("opened from a file")
        assert page.console == []


def test_without_a_face_the_picture_is_shown_as_it_is(browser, server):
    """The browser's own false camera shows a pattern."""
    with WebPage(browser, f"{server}/") as page:
        page.load()
        page.page.click("#camera")
        page.wait_until("() => !document.querySelector('#live').hidden")
        assert page.page.inner_text("#camera-now") == "Looking for a face…"
        assert np.ptp(page.picture()) > 100
        page.page.click("#camera-take")
        page.wait_error("No face found")
        # The camera goes on.
        assert page.page.is_visible("#camera-stop")
        page.assert_quiet()


def test_a_camera_that_is_turned_is_shown_in_its_shape(filmed, server):
    with WebPage(filmed, f"{server}/") as page:
        started(page)
        page.page.evaluate(
            """() => window.streams[0].getVideoTracks()[0].applyConstraints(
              { width: { exact: 240 }, height: { exact: 320 }, resizeMode: "crop-and-scale" })"""
        )
        page.wait_until(
            """() => {
              const { width, height } = document.querySelector("#picture");
              return Math.abs(width / height - 3 / 4) < 0.02;
            }"""
        )
        # And its face is found again.
        camera_film.wait_lit(page)
        box = page.page.locator("#picture").bounding_box()
        assert box["width"] / box["height"] == pytest.approx(3 / 4, abs=0.02)
        page.assert_quiet()


def test_a_camera_whose_picture_cannot_be_drawn_by_webgl_is_switched_off(browser, server):
    with WebPage(browser, f"{server}/") as page:
        page.page.add_init_script(WITHOUT_WEBGL)
        page.page.add_init_script(camera_film.RECORD_STREAMS)
        page.load()
        for count in (1, 2):
            page.page.click("#camera")
            page.wait_idle()
            page.wait_error("WebGL2")
            assert camera_film.states(page) == ["ended"] * count
        assert page.page.is_visible("#empty")


def test_the_focus_follows_the_buttons(browser, server):
    """And what is said of a photo is hidden meanwhile."""
    with WebPage(browser, f"{server}/") as page:
        page.load()
        page.page.click("#camera")
        page.wait_until("() => !document.querySelector('#live').hidden")
        assert focused(page) == "camera-stop"
        assert not page.page.is_visible("#command") and not page.page.is_visible("#zoom-face")
        page.page.keyboard.press("Enter")
        assert focused(page) == "camera" and page.page.is_visible("#command")
        page.drop(png(read("curls.jpg")))
        page.page.click("#camera-again")
        page.wait_until("() => !document.querySelector('#live').hidden")
        assert focused(page) == "camera-stop"
        page.page.keyboard.press("Enter")
        assert focused(page) == "camera-again" and page.page.is_visible("#zoom-face")
        page.assert_quiet()


@pytest.mark.parametrize(
    "name, text",
    [
        ("NotAllowedError", "may not use the camera"),
        ("NotFoundError", "There is no camera"),
        ("NotReadableError", "gives no picture"),
    ],
)
def test_why_there_is_no_camera_is_said(browser, server, name, text):
    with WebPage(browser, f"{server}/") as page:
        page.load()
        camera_film.refuse(page, name)
        page.page.click("#camera")
        page.wait_error(text)
        assert page.page.is_visible("#empty")
        page.assert_quiet()


def test_a_camera_that_is_taken_away_is_said(filmed, server):
    with WebPage(filmed, f"{server}/") as page:
        started(page)
        page.page.evaluate(
            "() => window.streams[0].getTracks()[0].dispatchEvent(new Event('ended'))"
        )
        page.wait_error("There is no camera")
        assert page.page.is_visible("#empty") and camera_film.states(page) == ["ended"]
