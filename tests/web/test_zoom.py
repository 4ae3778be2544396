"""Zoom, pan and the phone's layout of the built page."""

import numpy as np
import pytest

from tests.javascript import MARKS
from tests.studio.conftest import png
from tests.web.expected_values import read
from tests.web.page import WebPage

pytestmark = MARKS

# Fingers, which Playwright's mouse does not have, on places of the frame given as shares of it.
TOUCH = """([type, id, x, y]) => {
  const frame = document.querySelector("#frame");
  const box = frame.getBoundingClientRect();
  frame.dispatchEvent(new PointerEvent(type, {
    pointerId: id, pointerType: "touch", isPrimary: id === 1, bubbles: true, button: 0,
    clientX: box.left + x * box.width, clientY: box.top + y * box.height,
  }));
}"""
# Pointers of events that a script makes cannot be captured.
UNCAPTURED = "Element.prototype.setPointerCapture = () => {};"


def far_away():
    """A photo `[1400, 1400, 3]` with a small face in the lower left."""
    photo = np.full((1400, 1400, 3), 120, np.uint8)
    photo[800:1312, 60:572] = read("astronaut.jpg")
    return photo


@pytest.fixture(scope="module")
def opened(browser, server):
    with WebPage(browser, f"{server}/") as one:
        yield one.load().drop(png(read("astronaut.jpg")))


@pytest.fixture
def page(opened):
    """A page with the whole astronaut and its first light."""
    if opened.page.is_enabled("#zoom-whole"):
        opened.page.click("#zoom-whole")
    opened.page.click("#reset")
    yield opened
    opened.assert_quiet()


def box(page, selector):
    found = page.page.locator(selector).bounding_box()
    return np.array([found[name] for name in ("x", "y", "width", "height")])


def light(page):
    return page.page.inner_text("#ball-now")


def middle(page, selector):
    x, y, width, height = box(page, selector)
    return x + width / 2, y + height / 2


def drag(page, start, by, button="left"):
    page.page.mouse.move(*start)
    page.page.mouse.down(button=button)
    page.page.mouse.move(start[0] + by[0], start[1] + by[1], steps=3)
    page.page.mouse.up(button=button)


def test_the_wheel_magnifies_where_the_mouse_is(page):
    before = box(page, "#picture")
    x, y = before[0] + 0.3 * before[2], before[1] + 0.6 * before[3]
    page.page.mouse.move(x, y)
    page.page.mouse.wheel(0, -400)
    page.wait_until("() => document.querySelector('#frame').classList.contains('zoomed')")
    after = box(page, "#picture")
    assert after[2] == pytest.approx(before[2] * np.exp(0.8), rel=0.01)
    assert x == pytest.approx(after[0] + 0.3 * after[2], abs=2)
    assert y == pytest.approx(after[1] + 0.6 * after[3], abs=2)
    page.page.click("#zoom-whole")
    np.testing.assert_allclose(box(page, "#picture"), before, atol=1)


def test_a_drag_moves_the_light_on_the_whole_photo_and_the_photo_once_magnified(page):
    start, before = light(page), box(page, "#picture")
    drag(page, middle(page, "#frame"), (80, 40))
    moved = light(page)
    assert moved != start
    np.testing.assert_allclose(box(page, "#picture"), before, atol=1)
    page.page.click("#zoom-in")
    page.page.click("#zoom-in")
    before = box(page, "#picture")
    drag(page, middle(page, "#frame"), (80, 40))
    np.testing.assert_allclose(box(page, "#picture") - before, [80, 40, 0, 0], atol=1)
    assert light(page) == moved


def test_the_middle_button_always_pans(page):
    start = light(page)
    drag(page, middle(page, "#frame"), (50, 0), button="middle")
    assert light(page) == start


def test_the_handle_works_and_stays_in_sight_when_magnified(page):
    size = box(page, ".handle")[2:]
    page.page.click("#zoom-face")
    for _ in range(3):
        page.page.click("#zoom-in")
    x, y, width, height = box(page, "#frame")
    at = middle(page, ".handle")
    assert x <= at[0] <= x + width and y <= at[1] <= y + height
    # As large as ever, and the light follows it.
    np.testing.assert_allclose(box(page, ".handle")[2:], size, atol=1)
    photo, before = box(page, "#picture"), light(page)
    drag(page, at, (0.6 * width, 0))
    assert light(page) != before and "right" in light(page)
    np.testing.assert_allclose(box(page, "#picture"), photo, atol=1)


def test_keys_magnify_and_move(page):
    before = box(page, "#picture")
    page.page.keyboard.press("+")
    page.page.keyboard.press("+")
    magnified = box(page, "#picture")
    assert magnified[2] == pytest.approx(2.25 * before[2], rel=0.01)
    page.page.focus("#frame")
    start = light(page)
    page.page.keyboard.press("ArrowRight")
    assert box(page, "#picture")[0] < magnified[0] - 20 and light(page) == start
    page.page.keyboard.press("-")
    assert box(page, "#picture")[2] == pytest.approx(1.5 * before[2], rel=0.01)
    page.page.keyboard.press("0")
    np.testing.assert_allclose(box(page, "#picture"), before, atol=1)


def test_before_and_after_meet_at_the_divider_when_magnified(page):
    page.page.click("[data-view=split]")
    page.page.click("#zoom-in")
    page.page.click("#zoom-in")
    frame, divider = box(page, "#frame"), box(page, "#divider")
    assert frame[0] <= divider[0] + 1 and divider[0] + divider[2] <= frame[0] + frame[2] + 1
    page.page.click("[data-view=relit]")


def test_a_small_face_is_shown_first(browser, server):
    with WebPage(browser, f"{server}/") as page:
        page.load().drop(png(far_away()))
        frame, photo = box(page, "#frame"), box(page, "#picture")
        assert photo[2] > 1.5 * frame[3]
        # The face, at 290 and 930 of 1400 pixels, is about in the middle of the frame.
        face = photo[:2] + np.array([290, 930]) / 1400 * photo[2:]
        inside = (face - frame[:2]) / frame[2:]
        assert np.all(np.abs(inside - 0.5) < 0.2)
        page.page.click("#zoom-whole")
        assert box(page, "#picture")[3] == pytest.approx(frame[3], abs=1)
        page.assert_quiet()


PHONES = [(320, 640), (390, 844), (480, 900)]


@pytest.mark.parametrize("size", PHONES)
@pytest.mark.parametrize("language", ["de", "ar"])
def test_on_a_phone_nothing_covers_the_photo(browser, server, size, language):
    options = {"has_touch": True, "is_mobile": True, "locale": language}
    with WebPage(browser, f"{server}/", "phone", **options) as page:
        page.page.set_viewport_size({"width": size[0], "height": size[1]})
        page.load().drop(png(read("astronaut.jpg")))
        assert page.page.evaluate("document.documentElement.scrollWidth") == size[0]
        photo = box(page, "#picture")
        # It has the whole width, but for a screen that is hardly higher than wide.
        assert photo[2] > 0.9 * size[0] or photo[3] > 0.4 * size[1]
        for selector in ("#save-photo", "[data-key=strength]", "#grip", ".preset >> nth=0"):
            (x, y, width, height), photo = box(page, selector), box(page, "#picture")
            assert 0 <= x and x + width <= size[0] and 0 <= y and y + height <= size[1], selector
            assert y + height <= photo[1] + 1 or y >= photo[1] + photo[3] - 1, selector
        page.page.evaluate("document.querySelector('#notice').textContent = 'x '.repeat(60)")
        notice, photo = box(page, "#notice"), box(page, "#picture")
        assert notice[1] + notice[3] <= photo[1] + 1
        assert not page.page.is_visible("#ball")
        page.page.tap("#grip")
        assert page.page.is_visible("#ball")
        assert page.page.get_attribute("#grip", "aria-expanded") == "true"
        assert box(page, "#picture")[3] > 60
        page.page.tap("#grip")
        assert not page.page.is_visible("#ball")
        page.assert_quiet()


def test_fingers_on_a_phone(browser, server):
    """One moves the light, two magnify and move the photo; then one moves the photo."""
    options = {"has_touch": True, "is_mobile": True}
    with WebPage(browser, f"{server}/", "phone", **options) as page:
        page.page.add_init_script(UNCAPTURED)
        page.load().drop(png(read("astronaut.jpg")))

        def touch(*events):
            for event in events:
                page.page.evaluate(TOUCH, list(event))

        start, photo = light(page), box(page, "#picture")
        touch(
            ("pointerdown", 1, 0.5, 0.5), ("pointermove", 1, 0.7, 0.5), ("pointerup", 1, 0.7, 0.5)
        )
        moved = light(page)
        assert moved != start
        touch(
            ("pointerdown", 1, 0.4, 0.5),
            ("pointerdown", 2, 0.6, 0.5),
            ("pointermove", 1, 0.2, 0.5),
            ("pointermove", 2, 0.8, 0.5),
            ("pointerup", 2, 0.8, 0.5),
            ("pointerup", 1, 0.2, 0.5),
        )
        larger = box(page, "#picture")
        assert larger[2] == pytest.approx(3 * photo[2], rel=0.02) and light(page) == moved
        touch(
            ("pointerdown", 1, 0.5, 0.5), ("pointermove", 1, 0.6, 0.5), ("pointerup", 1, 0.6, 0.5)
        )
        width = box(page, "#frame")[2]
        assert box(page, "#picture")[0] - larger[0] == pytest.approx(0.1 * width, abs=1)
        assert light(page) == moved
        page.assert_quiet()


@pytest.mark.parametrize("size", [(640, 360), (680, 425), (320, 256)])
def test_at_200_percent_everything_can_be_reached(browser, server, size):
    """Zoomed by 200 %, a window has half its pixels."""
    with WebPage(browser, f"{server}/") as page:
        page.page.set_viewport_size({"width": size[0], "height": size[1]})
        page.load().drop(png(read("astronaut.jpg")))
        assert page.page.evaluate("document.documentElement.scrollWidth") == size[0]
        for selector in ("#save-photo", "#picture", "[data-key=strength]", "#ball", "#copy-python"):
            page.page.locator(selector).scroll_into_view_if_needed()
            assert page.page.is_visible(selector)
            box_now = box(page, selector)
            assert 0 <= box_now[1] + box_now[3] / 2 <= size[1], selector
        page.assert_quiet()
