"""From flags to lights."""

import numpy as np
import pytest
from absl import flags

from tests.lights.test_maps import write_exr
from tfrelight.commands import light_flags
from tfrelight.errors import InputError
from tfrelight.lights import Light, colors

OWN = Light.from_direction(-20, 10, 0.8, ambient=0.3, color=(1, 0.9, 0.8))


@pytest.fixture
def wanted():
    """`wanted(*flags)`: their `LightRequest`, with `OWN` as the light of the reference photo."""
    # Another test may have imported a command with a flag of the same name.
    others = {name: flags.FLAGS[name] for name in ("light",) if name in flags.FLAGS}
    for name in others:
        delattr(flags.FLAGS, name)
    light_flags.define()
    names = [flag.name for flag in flags.FLAGS.get_flags_for_module(light_flags.__name__)]

    def call(*arguments):
        flags.FLAGS.unparse_flags()
        for name in names:
            flags.FLAGS[name].unparse()
        flags.FLAGS(["command", *arguments])
        return light_flags.requested(lambda path: OWN if path == "other.jpg" else None)

    yield call
    for name in names:
        delattr(flags.FLAGS, name)
    for name, flag in others.items():
        flags.FLAGS[name] = flag


def same(light, expected):
    np.testing.assert_allclose(light.coefficients, expected.coefficients, atol=1e-5)


def test_a_name(wanted):
    same(wanted("--light=left").light(), Light.preset("left"))


def test_names_add_up(wanted):
    light = wanted("--light=left,0.5*rim").light()
    same(light, Light.preset("left") + 0.5 * Light.preset("rim"))


def test_a_lamp(wanted):
    light = Light.from_direction(60, 15)
    same(wanted("--azimuth=60", "--elevation=15", "--ambient=0").light(), light)
    same(wanted("--elevation=15", "--ambient=0").light(), Light.from_direction(0, 15))
    # A single lamp gets a little fill by default.
    same(wanted("--azimuth=60", "--elevation=15").light(), light + Light.even(0.1))


def test_what_is_done_to_the_sum(wanted):
    left = Light.preset("left")
    same(wanted("--light=left", "--ambient=0.4").light(), left + Light.even(0.4))
    same(wanted("--light=left", "--color=1,0.5,0").light(), left * (1, 0.5, 0))
    warm = colors.of_temperature(2700)
    same(wanted("--light=left", "--temperature=2700").light(), left * warm)
    same(wanted("--light=left", "--rotate=-120").light(), left.rotated(azimuth=-120))
    everything = wanted("--light=left", "--rotate=30", "--ambient=0.1", "--temperature=2700")
    same(everything.light(), (left.rotated(azimuth=30) + Light.even(0.1)) * warm)


def test_intensity_is_in_factors_and_exposure_in_stops(wanted):
    assert wanted("--light=left").exposure == 0
    assert wanted("--light=left", "--intensity=2").exposure == 1
    assert wanted("--intensity=0.5").exposure == -1


def test_without_a_light_the_photos_own_is_changed(wanted):
    same(wanted("--rotate=90").light(OWN.coefficients), OWN.rotated(azimuth=90))
    same(wanted("--intensity=1.5").light(OWN), OWN)
    same(wanted("--temperature=3000").light(OWN), OWN * colors.of_temperature(3000))
    # Relative to the photo's light, whatever its scale.
    for own in (OWN, 7 * OWN):
        same(wanted("--ambient=0.5").light(own), own + Light.even(0.5 * own.exposure))


def test_environments_are_exposed_and_turned(wanted, tmp_path):
    radiance = np.full((32, 64, 3), 3.0, np.float32)
    radiance[10:14, 20:24] = 500
    write_exr(tmp_path / "room.exr", radiance)
    light = Light.from_environment(radiance)
    got = wanted(f"--environment={tmp_path / 'room.exr'}", "--rotate=40").light()
    np.testing.assert_allclose(
        got.coefficients, light.exposed().rotated(azimuth=40).coefficients, rtol=0.02, atol=0.01
    )


def test_light_files(wanted, tmp_path):
    OWN.save(tmp_path / "own.json")
    same(wanted(f"--light_file={tmp_path / 'own.json'}").light(), OWN.exposed())
    path = tmp_path / "light.txt"
    np.savetxt(path, OWN.numbers())
    same(wanted(f"--light_file={path}").light(), OWN.exposed())
    np.savetxt(path, OWN.numbers("sfsnet"))
    same(wanted(f"--light_file={path}", "--light_order=sfsnet").light(), OWN.exposed())
    np.savetxt(path, OWN.numbers("dpr"))
    grey = Light(OWN.coefficients.mean(-1, keepdims=True).repeat(3, -1)).exposed()
    same(wanted(f"--light_file={path}", "--light_order=dpr").light(), grey)


def test_a_reference_photo_and_a_name(wanted):
    same(wanted("--reference=other.jpg").light(), OWN.exposed())
    both = wanted("--reference=other.jpg", "--light=rim").light()
    same(both, OWN.exposed() + Light.preset("rim"))


def test_flatten(wanted):
    same(wanted("--flatten").light(OWN), Light.even())
    assert wanted("--flatten", "--strength=0.3").strength == 0.3


def test_only_what_depends_on_the_photo_is_not_constant(wanted):
    assert wanted("--light=left").is_constant and wanted("--flatten").is_constant
    for given in (["--match_background"], ["--match_background", "--light=rim"], ["--rotate=90"]):
        assert not wanted(*given).is_constant


def test_match_background(wanted):
    image = np.full((60, 60, 3), 0.2)
    image[:, :20] = (1, 0.6, 0.3)
    person = np.zeros((60, 60))
    person[20:, 20:40] = 1
    asked = []

    def background():
        asked.append(1)
        return image, person

    light = wanted("--match_background").light(OWN.coefficients, background)
    same(light, Light.from_background(image, person).exposed())
    assert light.direction[0] < -0.5
    both = wanted("--match_background", "--light=rim").light(OWN, background)
    same(both, light + Light.preset("rim"))
    wanted("--light=left").light(OWN, background)
    assert len(asked) == 2
    with pytest.raises(InputError, match="Expected a photo for --match_background"):
        wanted("--match_background").light(OWN)


def test_changing_the_photos_own_light_takes_a_photo(wanted):
    with pytest.raises(InputError, match="Expected a photo whose light to change"):
        wanted("--rotate=20").light()


@pytest.mark.parametrize(
    "arguments,expected",
    [
        ([], "No light given"),
        (["--strength=0.5"], "No light given"),
        (["--light=lft"], "Unknown light 'lft'"),
        (["--light=x*left"], "Invalid --light=x*left"),
        (["--light=-1*left"], "at least 0"),
        (["--azimuth=nan"], "Invalid --azimuth=nan"),
        (["--light=left", "--rotate=inf"], "Invalid --rotate=inf"),
        (["--light=left", "--strength=nan"], "Invalid --strength=nan"),
        (["--light=left", "--temperature=100"], "1000 to 15000"),
        (["--light=left", "--color=rosy"], "Invalid colour 'rosy'"),
        (["--light=left", "--light_order=dpr"], "no --light_file"),
        (["--flatten", "--light=left"], "--light as well"),
        (["--flatten", "--reference=other.jpg"], "--reference as well"),
        (["--flatten", "--match_background"], "--match_background as well"),
    ],
)
def test_wrong_flags_are_refused_in_one_line(wanted, arguments, expected):
    with pytest.raises(InputError) as error:
        wanted(*arguments)
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_are_not_there(wanted):
    for flag in ("--environment=nowhere.exr", "--light_file=nowhere.txt"):
        with pytest.raises(FileNotFoundError):
            wanted(flag)


@pytest.mark.parametrize("argument", ["--strength=1.5", "--strength=-0.1", "--intensity=0"])
def test_values_out_of_range(wanted, argument):
    with pytest.raises(flags.IllegalFlagValueError):
        wanted("--light=left", argument)


def test_how_lamps_are_drawn(wanted):
    assert wanted("--light=left").drawing == {"shadows": 1.0, "highlights": 1.0, "softness": 0.0}
    drawn = wanted("--light=left", "--shadows=0.5", "--highlights=0", "--softness=12").drawing
    assert drawn == {"shadows": 0.5, "highlights": 0.0, "softness": 12.0}


@pytest.mark.parametrize("flag", ["--shadows=1.1", "--highlights=-0.1", "--softness=91"])
def test_shares_and_softness_have_bounds(wanted, flag):
    with pytest.raises(flags.IllegalFlagValueError):
        wanted("--light=left", flag)


def test_lamps_keep_being_lamps(wanted):
    light = wanted("--light=rembrandt,0.5*rim", "--rotate=20", "--temperature=4000").light()
    assert len(light.lamps) == 3 and not light.environments
