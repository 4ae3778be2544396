"""The camera on the studio's page, whose frames the studio's process decomposes."""

import pytest

from tests import camera_film
from tests.studio.browser.page import Page


@pytest.fixture(scope="module")
def filmed(browser, tmp_path_factory):
    with camera_film.shown(browser, tmp_path_factory.mktemp("camera")) as one:
        yield one


def test_the_camera_s_picture_is_relit_and_a_still_opened(filmed, server):
    before = set(server.opened._entries)
    with Page(filmed, server.url) as page:
        page.page.add_init_script(camera_film.RECORD_STREAMS)
        page.load().page.click("#camera")
        camera_film.wait_lit(page)
        page.drag_right("#picture", 0.2)
        assert page.page.is_visible(".handle") and page.page.is_disabled("#save-photo")
        # No frame is kept.
        assert set(server.opened._entries) <= before
        # A click too many takes no second still.
        sent = []
        page.page.on("request", lambda request: sent.append(request.url))
        page.page.dblclick("#camera-take")
        page.wait_until("() => document.querySelector('#live').hidden")
        page.wait_idle()
        assert page.error() is None and camera_film.states(page) == ["ended"]
        assert sum(url.partition("?")[0].endswith("/photos") for url in sent) == 1
        assert page.picture().shape == (480, 640, 3)
        page.assert_quiet()


def test_a_camera_without_a_face_goes_on(fresh_page):
    fresh_page.page.click("#camera")
    fresh_page.wait_until("() => !document.querySelector('#live').hidden")
    fresh_page.page.click("#camera-take")
    fresh_page.wait_error("No face found")
    assert fresh_page.page.inner_text("#camera-now") == "Looking for a face…"
    fresh_page.page.click("#camera-stop")
    assert fresh_page.page.is_visible("#empty")


def test_a_camera_that_the_browser_refuses_is_said(fresh_page):
    camera_film.refuse(fresh_page, "NotAllowedError")
    fresh_page.page.click("#camera")
    fresh_page.wait_error("may not use the camera")
    fresh_page.assert_quiet()
