"""What a job does to a photo is what `tfrelight.relight` does, here and with a server."""

import dataclasses
import json
import pickle

import numpy as np
import pytest
from PIL import Image

import tfrelight
from tests.serving.conftest import picture, run_folder
from tfrelight.bulk import relighters
from tfrelight.errors import InputError
from tfrelight.light_flags import Wanted
from tfrelight.lights import Light

LEFT = Wanted(Light.preset("left"), False, 0.0, 0.0, np.ones(3, np.float32), 0.8, 0.5)
HOW = relighters.How(LEFT, whole_image=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A training run's folder."""
    folder = tmp_path_factory.mktemp("relighters") / "run"
    run_folder(folder)
    return folder


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(picture(40, 30)).save(path)
    return path


def test_a_photo_is_relit_as_tfrelight_relights_it(run, photo, tmp_path):
    relighter = relighters.local(run, HOW)
    facts = relighter(photo, tmp_path / "out.png")
    assert facts == {"width": 30, "height": 40, "faces": 1}
    expected = tfrelight.relight(
        photo, LEFT.source, run, whole_image=True, strength=0.8, exposure=0.5
    )
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out.png")), expected.pixels)


def test_lights_of_the_photos_own_surroundings(run, photo, tmp_path):
    changed = dataclasses.replace(LEFT, source=None, rotate=90.0)
    how = dataclasses.replace(HOW, wanted=changed)
    relighters.local(run, how)(photo, tmp_path / "turned.png")
    relighters.local(run, HOW)(photo, tmp_path / "left.png")
    turned, left = (np.asarray(Image.open(tmp_path / f"{n}.png")) for n in ("turned", "left"))
    assert (turned != left).any()


# The package that finds faces asks numpy for its old name of `math`.
@pytest.mark.filterwarnings("ignore:.*np.math:DeprecationWarning")
def test_a_photo_without_a_face_is_refused(run, photo, tmp_path):
    relighter = relighters.local(run, dataclasses.replace(HOW, whole_image=False))
    with pytest.raises(InputError, match="No face found"):
        relighter(photo, tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_how_travels_to_workers_and_is_known_by_what_decides_the_pictures():
    described = HOW.described()
    assert pickle.loads(pickle.dumps(HOW)).described() == described
    assert json.loads(json.dumps(described)) == described
    assert set(described) == {
        *("source", "match_background", "rotate", "ambient", "tint", "strength", "exposure"),
        *("faces", "whole_image", "background"),
    }
    others = [
        dataclasses.replace(HOW, background=True),
        dataclasses.replace(HOW, wanted=dataclasses.replace(LEFT, source=Light.preset("right"))),
        dataclasses.replace(HOW, wanted=dataclasses.replace(LEFT, source=None)),
    ]
    assert all(other.described() != described for other in others)
