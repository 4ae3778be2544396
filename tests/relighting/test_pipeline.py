"""Photos in groups, models by name, and errors in their places."""

import threading

import numpy as np
import pytest
from PIL import Image

from tests.relighting import heads
from tfrelight import photos, threads
from tfrelight.errors import InputError
from tfrelight.models import presets
from tfrelight.relighting import decomposition, pipeline


@pytest.fixture(scope="module")
def model():
    return heads.model()


def small(number):
    """A photo of 10 x (20 + number) pixels."""
    return heads.photo(height=10, width=20 + number)


def sizes(results):
    return [one if isinstance(one, InputError) else one.photo.size[1] - 20 for one in results]


@pytest.fixture
def groups(monkeypatch):
    """How many photos are decomposed at once, a number each time."""
    counts = []
    decompose = decomposition.decompose

    def counted(photos, *arguments, **named):
        counts.append(len(photos))
        return decompose(photos, *arguments, **named)

    monkeypatch.setattr(decomposition, "decompose", counted)
    return counts


def grouped(model, sources):
    return list(pipeline.in_groups(sources, lambda one, _: one, model, whole_image=True))


def test_as_many_pixels_at_once_as_memory_allows(model, groups, monkeypatch):
    monkeypatch.setattr(pipeline, "_PIXELS_AT_ONCE", 410)
    # 200 and 210 pixels fit; 220 more do not, and 220 and 230 are too many.
    found = grouped(model, [small(k) for k in range(4)])
    assert sizes(found) == [0, 1, 2, 3] and groups == [2, 1, 1]


def test_a_photo_larger_than_that_goes_alone(model, groups, monkeypatch):
    monkeypatch.setattr(pipeline, "_PIXELS_AT_ONCE", 100)
    assert sizes(grouped(model, [small(0), small(1)])) == [0, 1] and groups == [1, 1]


def test_no_more_photos_at_once_than_their_number(model, groups, monkeypatch):
    monkeypatch.setattr(pipeline, "_PHOTOS_AT_ONCE", 2)
    assert sizes(grouped(model, [small(k) for k in range(5)])) == list(range(5))
    assert groups == [2, 2, 1]
    assert grouped(model, []) == []


def test_memory_is_for_ten_photos_of_six_megapixels_or_sixteen_small_ones(
    model, groups, monkeypatch
):
    """What each decomposed pixel takes, 18 bytes, is then 1.2 GB at most."""

    class Large:
        size, legibility = (2000, 3000), 1.0

    monkeypatch.setattr(photos, "read", lambda source: Large())
    monkeypatch.setattr(
        decomposition, "decompose", lambda many, *_, **__: groups.append(len(many)) or many
    )
    assert len(grouped(model, range(24))) == 24 and groups == [10, 10, 4]
    groups.clear()
    Large.size = (10, 10)
    assert len(grouped(model, range(40))) == 40 and groups == [16, 16, 8]


@pytest.mark.parametrize("room,expected", [(10**9, 2), (300, 1)])
def test_photos_are_used_two_at_a_time_if_there_is_room(model, monkeypatch, room, expected):
    """Each has 210 pixels or a few more."""
    monkeypatch.setattr(threads, "available", lambda: 2)
    monkeypatch.setattr(pipeline, "_PIXELS_IN_WORK", room)
    together, busy, most = threading.Barrier(expected, timeout=20), [], []

    def use(decomposed, source):
        busy.append(source)
        together.wait()
        most.append(len(busy))
        together.wait()
        busy.pop()
        return source

    sources = [small(number) for number in range(4)]
    found = list(pipeline.in_groups(sources, use, model, whole_image=True))
    assert [one is source for one, source in zip(found, sources)] == [True] * 4
    assert max(most) == expected


def test_errors_stay_in_their_places(model, groups):
    def use(decomposed, source):
        if source is second:
            raise InputError("not this one")
        return decomposed

    first, second = small(1), small(2)
    sources = ["nowhere.jpg", first, second, "nor.jpg"]
    found = list(pipeline.in_groups(sources, use, model, whole_image=True))
    assert [isinstance(one, InputError) for one in found] == [True, False, True, True]
    assert "nowhere.jpg" in str(found[0]) and "not this one" in str(found[2])
    assert sizes(found[1:2]) == [1] and groups == [2]
    found = list(pipeline.in_groups(["nowhere.jpg"], use, model, whole_image=True))
    assert len(found) == 1 and isinstance(found[0], InputError) and groups == [2]


def test_of_a_list_the_error_says_at_which_place(model):
    with pytest.raises(InputError, match="^Photo 1: .*nowhere.jpg"):
        pipeline.each([small(0), "nowhere.jpg"], lambda *_: 0, model, whole_image=True)
    with pytest.raises(InputError, match="^(?!Photo).*nowhere.jpg"):
        pipeline.each("nowhere.jpg", lambda *_: 0, model, whole_image=True)


def test_one_photo_gives_one_result_and_a_list_a_list(model):
    def shape(decomposed, source):
        assert source.shape[:2] == decomposed.photo.size
        return decomposed.photo.size

    assert pipeline.each(small(1), shape, model, whole_image=True) == (10, 21)
    for many in ([small(1), small(2)], (small(1), small(2))):
        assert pipeline.each(many, shape, model, whole_image=True) == [(10, 21), (10, 22)]
    assert pipeline.each([small(1)], shape, model, whole_image=True) == [(10, 21)]


def test_a_wrong_number_of_faces_is_refused_before_anything_is_read(model):
    with pytest.raises(InputError, match="Invalid `faces`"):
        list(pipeline.in_groups(["nowhere.jpg"], lambda *_: 0, model, faces=0))


def test_the_light_of_a_photo_is_the_network_s(model):
    light = pipeline.light_of(small(0), model, whole_image=True)
    np.testing.assert_allclose(light.coefficients, np.asarray(heads.OWN), atol=1e-5)


def test_a_model_that_is_one_is_used_and_a_bundled_one_is_kept(model):
    assert pipeline.loaded(model) is model
    first = pipeline.loaded(None)
    assert pipeline.loaded(presets.DEFAULT) is first and pipeline.loaded(None) is first


def test_a_line_names_the_photo_whose_face_is_nearly_black(tmp_path, model, caplog):
    dark, bright = tmp_path / "dark.png", tmp_path / "bright.png"
    Image.fromarray(heads.photo() // 128).save(dark)
    Image.fromarray(heads.photo()).save(bright)
    with caplog.at_level("WARNING", logger="absl"):
        grouped(model, [str(dark), str(bright), heads.photo() // 128])
    texts = [record.getMessage() for record in caplog.records]
    assert texts[0].startswith(f"{dark}: a face is nearly black, and is relit by ")
    assert texts[1].startswith("A face is nearly black") and len(texts) == 2
