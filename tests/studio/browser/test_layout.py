"""Names of controls, sizes of screens and contrast."""

import numpy as np
import pytest

from tests.studio.browser.page import Page
from tests.studio.conftest import png
from tfrelight import color


def test_every_control_has_a_name(page):
    page.page.click("[data-key=add]")
    page.view("split")
    nameless = page.page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, canvas[tabindex]')].filter(
          (one) => one.checkVisibility() && !(
            one.textContent.trim() || one.ariaLabel || one.labels?.length))
          .map((one) => one.outerHTML)"""
    )
    assert nameless == []


@pytest.mark.parametrize("size", ["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off(browser, server, photo, size, scheme):
    touch = {"has_touch": True, "is_mobile": True} if size == "phone" else {}
    with Page(browser, server.url, size, color_scheme=scheme, **touch) as page:
        page.load()
        for _ in range(2):
            outside = page.page.evaluate(
                """() => [...document.querySelectorAll('body *')].filter((one) => {
                  const { left, right, width } = one.getBoundingClientRect();
                  const beside = left < -1 || right > innerWidth + 1;
                  // A row that scrolls may be longer.
                  const row = one.closest('.tools, .below, #presets, #frame');
                  const scrolls =
                    row && row !== one && getComputedStyle(row).overflowX !== 'visible';
                  return one.checkVisibility() && width > 0 && beside && !scrolls;
                }).map((one) => one.outerHTML.slice(0, 80))"""
            )
            assert outside == []
            assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            page.drop(png(photo))
        page.assert_quiet()


def contrast(one, other):
    """WCAG 2.1's ratio of two colours "rgb(r, g, b)"."""
    levels = sorted(
        color.to_linear_numpy(np.array([float(n) for n in text[4:-1].split(",")]) / 255)
        @ color.LUMINANCE
        for text in (one, other)
    )
    return (levels[1] + 0.05) / (levels[0] + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(browser, server, scheme):
    with Page(browser, server.url, color_scheme=scheme) as page:
        page.load()
        pairs = page.page.evaluate(
            """() => [['.note', '#panel > section'], ['h2', '#panel > section'], ['h1', 'body'],
              ['button.main', 'button.main'], ['.slider output', '#panel > section'],
              ['button.quiet', '#panel > section'], ['#privacy', '#stage']].map(([text, page]) => [
                getComputedStyle(document.querySelector(text)).color,
                getComputedStyle(document.querySelector(page)).backgroundColor])"""
        )
        for pair in pairs:
            assert contrast(*pair) >= 4.5, pair
        page.assert_quiet()
