"""The controls of the light, its link, and the commands for it."""

import numpy as np
import pytest

import tfrelight
from tests.commands.test_light_flags import wanted as flags_fixture
from tests.lights.test_maps import write_exr
from tests.relighting import heads
from tests.studio.browser.page import Page
from tests.studio.conftest import png
from tfrelight.lights import Light

# `read_flags(*flags)`: the light that the commands' flags describe.
read_flags = flags_fixture


def test_undo_redo_reset_and_the_link(page, browser, server):
    start = page.light()
    page.page.click("[data-name=candle]")
    candle = page.light()
    page.page.click("#undo")
    np.testing.assert_array_equal(page.light(), start)
    page.page.keyboard.press("Control+Shift+Z")
    np.testing.assert_array_equal(page.light(), candle)
    page.page.keyboard.press("Control+Z")
    np.testing.assert_array_equal(page.light(), start)
    page.page.click("#redo")
    page.set_state(strength=0.3, brightness=0.5)
    link = page.evaluate("(studio) => studio.link()")
    page.page.click("#reset")
    np.testing.assert_array_equal(page.light(), start)
    assert page.page.is_enabled("#undo")
    page.page.get_by_label("Left, right").fill("60")
    assert page.state()["lamps"][0]["azimuth"] == -60
    with Page(browser, server.url) as other:
        other.load(link[len(server.url) + 1 :])
        np.testing.assert_array_equal(other.light(), candle)
        state = other.state()
        assert (state["strength"], state["brightness"], state["preset"]) == (0.3, 0.5, "candle")
        other.assert_quiet()


@pytest.mark.parametrize(
    "fragment", ["#light=%%", "#light=e30", "#light=W10", "#light=bnVsbA", "#x"]
)
def test_a_broken_link_does_no_harm(browser, server, fragment):
    with Page(browser, server.url) as page:
        page.load(fragment)
        expected = Light.from_direction(45, 25, ambient=0.1).coefficients
        np.testing.assert_allclose(page.light(), expected, atol=1e-5)
        page.assert_quiet()


def test_another_address_in_the_same_page_brings_its_light(fresh_page):
    fresh_page.page.click("[data-name=candle]")
    candle = fresh_page.light()
    link = fresh_page.evaluate("(studio) => studio.link()")
    fresh_page.page.click("#reset")
    # The address follows after a moment.
    start = fresh_page.evaluate("(studio) => studio.link()")
    fresh_page.page.wait_for_url(start)
    fresh_page.page.evaluate("(link) => (location.href = link)", link)
    fresh_page.page.wait_for_selector("[data-name=candle][aria-pressed=true]")
    np.testing.assert_array_equal(fresh_page.light(), candle)


@pytest.mark.parametrize("control", ["#ball", "[data-key=across]"])
def test_a_held_key_is_one_step_of_undo(fresh_page, control):
    fresh_page.page.focus(control)
    start = fresh_page.light()
    for _ in range(5):
        fresh_page.page.keyboard.down("ArrowRight")
    fresh_page.page.keyboard.up("ArrowRight")
    assert fresh_page.state()["lamps"][0]["azimuth"] == {"#ball": 20}.get(control, 40)
    assert fresh_page.evaluate("(studio) => studio.history.done.length") == 1
    fresh_page.page.click("#undo")
    np.testing.assert_array_equal(fresh_page.light(), start)


def test_the_address_follows_the_light_in_a_few_steps(fresh_page):
    written = fresh_page.evaluate(
        """async (studio) => {
          const links = [];
          const write = window.history.replaceState;
          window.history.replaceState = (...given) => links.push(given[2]);
          for (let k = 0; k < 100; k++) studio.history.set((state) => (state.strength = k / 100));
          await new Promise((go) => setTimeout(go, 1000));
          window.history.replaceState = write;
          return [links.length, links.at(-1) === studio.link()];
        }"""
    )
    assert written == [1, True]


def test_everything_can_be_done_with_the_keyboard(page):
    page.page.focus("#ball")
    page.page.keyboard.press("ArrowLeft")
    page.page.keyboard.press("ArrowUp")
    lamp = page.state()["lamps"][0]
    assert (lamp["azimuth"], lamp["elevation"]) == (50, 30)
    page.page.keyboard.press("Home")
    lamp = page.state()["lamps"][0]
    assert (lamp["azimuth"], lamp["elevation"]) == (0, 0)
    assert page.page.inner_text("#ball-now") == "Light 1: 0° left, 0° up"
    slider = page.page.get_by_label("Softness")
    slider.focus()
    for _ in range(3):
        page.page.keyboard.press("ArrowRight")
    assert slider.input_value() == "3" and page.page.evaluate("document.activeElement.value") == "3"
    page.page.focus("[data-key=add]")
    page.page.keyboard.press("Enter")
    assert len(page.state()["lamps"]) == 2


def test_the_ball_is_dragged_with_the_first_button_only(fresh_page):
    start = fresh_page.light()
    fresh_page.page.click("#ball", button="right", position={"x": 120, "y": 120})
    np.testing.assert_array_equal(fresh_page.light(), start)
    fresh_page.page.click("#ball", position={"x": 120, "y": 120})
    moved = fresh_page.light().coefficients - start.coefficients
    assert np.abs(moved).max() > 0.1


def test_lights_are_added_coloured_and_removed(fresh_page):
    fresh_page.page.click("[data-key=add]")
    fill = fresh_page.state()["lamps"][1]
    assert (fill["azimuth"], fill["elevation"], fill["power"], fill["radius"]) == (-45, 5, 0.4, 20)
    fresh_page.page.select_option("#tint-1-kind", "kelvin")
    fresh_page.page.get_by_label("Kelvin").fill("3000")
    tint = fresh_page.state()["lamps"][1]["tint"]
    assert (tint["kind"], tint["kelvin"]) == ("kelvin", 3000)
    fresh_page.page.select_option("#tint-1-kind", "colour")
    fresh_page.page.fill("[data-key=tint-1-colour]", "#ff0000")
    assert fresh_page.state()["lamps"][1]["tint"]["rgb"] == [1, 0, 0]
    fresh_page.page.click("text=Remove this light")
    assert len(fresh_page.state()["lamps"]) == 1
    assert fresh_page.page.evaluate("document.activeElement.dataset.key") == "add"
    for _ in range(4):
        fresh_page.page.click("#undo")
    assert fresh_page.page.is_visible("[data-key=lamp-1]")
    fresh_page.assert_quiet()


STATES = {
    "lamp": {"lamps": [dict(azimuth=-30, elevation=12, power=2, radius=0)]},
    "warm lamp": {
        "lamps": [
            dict(azimuth=20, elevation=60, power=1, radius=0, tint=dict(kind="kelvin", kelvin=3000))
        ],
        "ambient": {"power": 0.2, "tint": {"kind": "kelvin", "kelvin": 3000}},
    },
    "two lamps": {
        "lamps": [
            dict(azimuth=120, elevation=10, power=1, radius=15),
            dict(
                azimuth=-40,
                elevation=0,
                power=0.5,
                radius=30,
                tint=dict(kind="colour", rgb=[1, 0.5, 0.1]),
            ),
        ]
    },
    "only ambient": {"lamps": [], "ambient": {"power": 0.5, "tint": {"kind": "white"}}},
    "another photo": {
        "lamps": [],
        "ambient": {"power": 0.2, "tint": {"kind": "white"}},
        "scene": {"kind": "photo", "name": "other.jpg", "power": 1, "rotate": 40},
    },
}


def with_tint(source):
    white = {"kind": "white", "kelvin": 5000, "rgb": [1, 1, 1]}
    return {**source, "tint": {**white, **source.get("tint", {})}}


@pytest.mark.parametrize("case", STATES)
def test_command_and_python_describe_the_light(read_flags, fresh_page, tmp_path, monkeypatch, case):
    own = Light(np.asarray(heads.OWN), np.zeros((9, 3)))
    state = dict(STATES[case])
    state["lamps"] = [with_tint(lamp) for lamp in state["lamps"]]
    if "ambient" in state:
        state["ambient"] = with_tint(state["ambient"])
    if "scene" in state:
        state["scene"] = {**state["scene"], "light": own.exposed().coefficients.ravel().tolist()}
    fresh_page.set_state(**state, strength=0.7, brightness=-0.5)
    shown = fresh_page.light()
    words = fresh_page.page.inner_text("#command").split()
    assert words[:3] == ["python", "-m", "tfrelight.relight"]
    monkeypatch.chdir(tmp_path)
    shown.save("light.json")
    flags = [word for word in words if word.startswith("--") and "--output" not in word]
    monkeypatch.setattr("tests.commands.test_light_flags.OWN", own)
    request = read_flags(*flags)
    for name in ("coefficients", "relative"):
        found = getattr(request.light(own), name)
        np.testing.assert_allclose(found, getattr(shown, name), atol=2e-4)
    assert (request.strength, request.exposure) == (0.7, pytest.approx(-0.5, abs=1e-4))
    calls = []

    class Saved:
        def save(self, path):
            assert path == "relit.png"

    def relight(*arguments, **options):
        calls.append((arguments, options))
        return Saved()

    monkeypatch.setattr(tfrelight, "relight", relight)
    monkeypatch.setattr(tfrelight, "light_of", lambda name: own)
    exec(fresh_page.page.inner_text("#python"), {})
    ((arguments, options),) = calls
    assert arguments[0] == "photo.png" and options == {"strength": 0.7, "exposure": -0.5}
    for name in ("coefficients", "relative"):
        found = getattr(arguments[1], name)
        np.testing.assert_allclose(found, getattr(shown, name), atol=2e-4)
    fresh_page.assert_quiet()


def test_a_name_that_looks_like_a_flag(fresh_page):
    fresh_page.evaluate(
        """(studio) => {
          studio.photo.file = new File(["x"], "-a b.jpg");
          studio.history.set(() => {});
        }"""
    )
    assert "'./-a b.jpg'" in fresh_page.page.inner_text("#command")


def test_an_environment_map_dropped_on_the_page(page, tmp_path):
    radiance = np.full((32, 64, 3), 0.05, np.float32)
    radiance[10:14, 20:24] = 50
    write_exr(tmp_path / "room.exr", radiance)
    page.drop((tmp_path / "room.exr").read_bytes(), "room.exr", "")
    expected = Light.from_environment(tmp_path / "room.exr").exposed()
    np.testing.assert_allclose(page.light(), expected.coefficients, atol=1e-4)
    assert "--environment=room.exr" in page.page.inner_text("#command")
    page.drag_right("#ball", 1 / 2)
    turned = expected.rotated(azimuth=-90).coefficients
    np.testing.assert_allclose(page.light(), turned, atol=1e-4)
    assert "--rotate" in page.page.inner_text("#command")
    assert "90° to the right" in page.page.inner_text("#ball-now")
    page.page.focus("#ball")
    page.page.keyboard.press("Home")
    np.testing.assert_allclose(page.light(), expected.coefficients, atol=1e-4)
    assert "--rotate" not in page.page.inner_text("#command")
    page.page.click("text=Remove this light")
    assert page.state()["scene"] is None


def test_the_light_of_another_photo_is_used(page, photo, decomposed):
    page.page.set_input_files(
        "#reference-file", {"name": "other.png", "mimeType": "image/png", "buffer": png(photo)}
    )
    page.page.wait_for_selector("[data-key=lamp-scene]")
    expected = decomposed.light.exposed().coefficients
    np.testing.assert_allclose(page.light(), expected, atol=1e-3)
