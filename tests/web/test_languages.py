"""The page's languages: chosen by the browser and by hand, remembered, and read both ways."""

import json

import pytest

from tests.conftest import ROOT
from tests.javascript import MARKS
from tests.studio.conftest import png
from tests.web.expected_values import read
from tests.web.page import WebPage

pytestmark = MARKS

TEXTS = json.loads(
    (ROOT / "tfrelight" / "studio" / "static" / "texts.json").read_text(encoding="utf-8")
)
LANGUAGES = list(TEXTS["undo"])
REFUSING = """
  Object.defineProperty(window, "localStorage", {
    get: () => { throw new DOMException("refused", "SecurityError"); },
  });
"""


def said(page):
    """Texts on the page, by the key of each."""
    return page.page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("[data-text]")].map(
          (one) => [one.dataset.text, one.textContent]))"""
    )


@pytest.fixture(scope="module")
def page(browser, server):
    with WebPage(browser, f"{server}/", locale="fr-CA") as one:
        yield one.load()


def test_the_browser_s_language_is_spoken_first(page):
    assert page.page.evaluate("document.documentElement.lang") == "fr"
    assert page.page.inner_text("#undo") == TEXTS["undo"]["fr"]
    assert page.page.input_value("#language") == "fr"


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_said_in_the_chosen_language(page, language):
    page.speak(language)
    page.drop(b"text", "notes.txt", "")
    for key, shown in said(page).items():
        assert shown == TEXTS[key][language], key
    before, after = TEXTS["file_unknown"][language].split("{name}")
    error = page.error()
    assert error.startswith(before) and error.endswith(after) and "notes.txt" in error
    page.speak("en" if language != "en" else "de")
    assert page.error() != error
    page.speak(language)
    assert page.error() == error
    direction = page.page.evaluate("getComputedStyle(document.body).direction")
    assert direction == ("rtl" if language == "ar" else "ltr")
    page.assert_quiet()


def test_the_choice_is_remembered(browser, server):
    with WebPage(browser, f"{server}/") as page:
        page.load().speak("ja")
        page.load()
        assert page.page.inner_text("#undo") == TEXTS["undo"]["ja"]
        assert page.page.input_value("#language") == "ja"


def test_a_browser_that_stores_nothing_changes_the_language_all_the_same(browser, server):
    with WebPage(browser, f"{server}/", locale="de") as page:
        page.page.add_init_script(REFUSING)
        page.load()
        assert page.page.inner_text("#undo") == TEXTS["undo"]["de"]
        page.speak("es")
        assert page.page.inner_text("#undo") == TEXTS["undo"]["es"]
        page.assert_quiet()


def test_arabic_mirrors_the_page_but_neither_photo_nor_light(browser, server):
    """The panel changes sides; what is left of the photo stays left, also on the sliders."""
    places = {}
    with WebPage(browser, f"{server}/") as page:
        page.load().drop(png(read("astronaut.jpg")))
        page.page.click("[data-name=left]")
        for language in ("en", "ar"):
            page.speak(language)
            slider = page.page.locator("[data-key=across]")
            slider.focus()
            page.page.keyboard.press("ArrowRight")
            places[language] = (
                page.page.locator("#panel").bounding_box()["x"],
                page.page.locator("#picture").bounding_box(),
                page.page.locator(".handle").bounding_box(),
                slider.input_value(),
                page.page.evaluate("document.querySelector('#ball').toDataURL()"),
            )
            page.page.click("#undo")
        page.assert_quiet()
    (left, photo, handle, value, ball), (other, photo_too, handle_too, value_too, ball_too) = (
        places["en"],
        places["ar"],
    )
    assert other < photo_too["x"] and left > photo["x"]
    # Texts of another length leave the photo another size.
    across, across_too = (
        (held["x"] + held["width"] / 2 - shown["x"]) / shown["width"]
        for held, shown in ((handle, photo), (handle_too, photo_too))
    )
    assert across_too == pytest.approx(across, abs=0.01)
    assert (value, ball) == (value_too, ball_too) == ("-59", ball)
