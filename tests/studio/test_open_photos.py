import types

import numpy as np
import pytest

from tfrelight.photos import Photo
from tfrelight.studio.errors import StudioError
from tfrelight.studio.open_photos import OpenPhotos


def decomposed(side=100, surfaces=1, alpha=None):
    photo = Photo(np.zeros((side, side, 3), np.uint8), alpha)
    return types.SimpleNamespace(photo=photo, surfaces=[None] * surfaces)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_an_unused_photo_is_forgotten_and_a_used_one_is_not():
    clock = Clock()
    opened = OpenPhotos(10, 2**30, 60, clock)
    used, unused = opened.add(decomposed()), opened.add(decomposed())
    clock.now = 50
    opened.get(used)
    clock.now = 100
    opened.forget_idle()
    assert len(opened) == 1 and opened.get(used)
    with pytest.raises(StudioError, match="no longer open") as raised:
        opened.get(unused)
    assert raised.value.status == 404


def test_memory_is_limited_by_what_photos_take():
    opened = OpenPhotos(1000, 40 * 2**20, 60)
    count = 0
    with pytest.raises(StudioError, match="open, as many as fit"):
        while count < 100:
            opened.add(decomposed(1000))
            count += 1
    # 12 MB a head or body, 4 MB a photo of a megapixel.
    assert count == 3


def test_transparency_takes_memory_too():
    alpha = np.zeros((8000, 8000), np.uint8)
    opened = OpenPhotos(1000, alpha.nbytes, 60)
    opened.add(decomposed(alpha=alpha))
    with pytest.raises(StudioError, match="open, as many as fit"):
        opened.add(decomposed())


def test_closing_makes_room_and_may_be_done_twice():
    opened = OpenPhotos(1, 2**30, 60)
    name = opened.add(decomposed())
    opened.close(name)
    opened.close(name)
    assert opened.add(decomposed()) != name
