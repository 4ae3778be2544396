"""A job relights a photo like `tfrelight.relight`."""

import dataclasses
import json
import pickle
import socket

import numpy as np
import pytest
from PIL import Image

import tfrelight
from tests.serving.conftest import picture, run_folder
from tfrelight.beam import relighters
from tfrelight.commands.light_flags import LightRequest
from tfrelight.errors import InputError
from tfrelight.lights import Light
from tfrelight.photos import xmp
from tfrelight.relighting import pipeline

LEFT = LightRequest(Light.preset("left"), False, 0.0, 0.0, np.ones(3, np.float32), 0.8, 0.5)
OPTIONS = relighters.RelightOptions(LEFT, whole_image=True)


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
    relighter = relighters.local(run, OPTIONS)
    facts = relighter(photo, tmp_path / "out.png")
    assert facts == {"width": 30, "height": 40, "faces": 1}
    expected = tfrelight.relight(
        photo, LEFT.source, run, whole_image=True, strength=0.8, exposure=0.5
    )
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out.png")), expected.pixels)


def test_the_photo_s_own_light_can_be_turned(run, photo, tmp_path):
    turn = dataclasses.replace(LEFT, source=None, rotate=90.0)
    options = dataclasses.replace(OPTIONS, request=turn)
    relighters.local(run, options)(photo, tmp_path / "turned.png")
    relighters.local(run, OPTIONS)(photo, tmp_path / "left.png")
    turned, left = (np.asarray(Image.open(tmp_path / f"{n}.png")) for n in ("turned", "left"))
    assert (turned != left).any()


def test_pictures_say_that_a_model_edited_them_unless_told_otherwise(run, photo, tmp_path):
    for mark in (True, False):
        options = dataclasses.replace(OPTIONS, mark=mark)
        relighters.local(run, options)(photo, tmp_path / "out.png")
        assert (xmp.EDITED.encode() in (tmp_path / "out.png").read_bytes()) == mark
        (tmp_path / "out.png").unlink()


# The face detector's package uses `np.math`.
@pytest.mark.filterwarnings("ignore:.*np.math:DeprecationWarning")
def test_a_photo_without_a_face_is_refused(run, photo, tmp_path):
    relighter = relighters.local(run, dataclasses.replace(OPTIONS, whole_image=False))
    with pytest.raises(InputError, match="No face found"):
        relighter(photo, tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_a_worker_with_other_weights_is_named(run, photo, tmp_path):
    name = relighters.network_name(pipeline.loaded(run))
    relighters.local(run, OPTIONS, expected=name)(photo, tmp_path / "out.png")
    message = f"^The model {run} on {socket.gethostname()} has other weights, or another engine"
    with pytest.raises(InputError, match=message):
        relighters.local(run, OPTIONS, expected="0" * len(name))


def test_options_are_picklable_and_described_by_what_determines_the_pictures():
    described = OPTIONS.described()
    assert pickle.loads(pickle.dumps(OPTIONS)).described() == described
    assert json.loads(json.dumps(described)) == described
    assert set(described) == {
        *("source", "match_background", "rotate", "ambient", "tint", "strength", "exposure"),
        *("white_balance", "shadows", "highlights", "softness"),
        *("faces", "whole_image", "what", "background", "mark"),
    }
    others = [
        dataclasses.replace(OPTIONS, background=True),
        dataclasses.replace(OPTIONS, mark=False),
        dataclasses.replace(
            OPTIONS, request=dataclasses.replace(LEFT, source=Light.preset("right"))
        ),
        dataclasses.replace(OPTIONS, request=dataclasses.replace(LEFT, source=None)),
    ]
    assert all(other.described() != described for other in others)
