"""What each pixel of a photo shows: by hand, and of two faces beside each other."""

import dataclasses

import numpy as np
import pytest

from tests.relighting import heads, made_maps
from tfrelight import photos
from tfrelight.errors import InputError
from tfrelight.relighting import compositing, decomposition, parts


def roof(left, right, **fields):
    """A roof whose slopes show one part each."""
    shares = np.eye(7, dtype=np.float32)[made_maps.half(left, right).astype(int)]
    return made_maps.roof(parts=shares, **fields)


def of_faces(*faces):
    """The parts of a grey photo of 64x64 pixels."""
    size = (made_maps.SIZE, made_maps.SIZE)
    layers = compositing.alphas(np.full((*size, 3), 128, np.uint8), faces)
    return parts.likeliest(size, faces, layers)


def test_each_pixel_is_what_is_likeliest_there():
    found = of_faces(roof(1, 5))
    assert found.dtype == np.uint8
    assert (found[made_maps.LEFT] == 1).all() and (found[made_maps.RIGHT] == 5).all()


def test_the_mask_says_what_is_background():
    """Also where the network thought that the background is likeliest."""
    found = of_faces(roof(0, 6, mask=made_maps.half(0, 1)))
    assert (found[:, :28] == 0).all() and (found[:, 36:] == 6).all()
    unsure = np.full((made_maps.SIZE, made_maps.SIZE, 7), 0.1, np.float32)
    unsure[..., 0], unsure[..., 2] = 0.5, 0.2
    assert (of_faces(made_maps.roof(parts=unsure)) == 2).all()


def test_of_two_faces_each_pixel_has_the_part_of_the_nearer():
    left, right = made_maps.a_face((12.0, 32.0), 8.0), made_maps.a_face((52.0, 32.0), 8.0)
    found = of_faces(roof(2, 2, face=left), roof(3, 3, face=right))
    assert (found[:, :28] == 2).all() and (found[:, 36:] == 3).all()


def test_a_photo_s_parts_have_its_size():
    """Of a ball that is hair above and skin below, before a backdrop."""
    pixels = heads.photo(height=120, width=180)
    model = heads.model(parts=True)
    (one,) = decomposition.decompose([photos.read(pixels)], model, whole_image=True)
    found = one.parts()
    assert parts.known(one.faces) and found.shape == (120, 180) and found.dtype == np.uint8
    np.testing.assert_array_equal(found > 0, one.mask() >= 0.5)
    truth = np.where(np.arange(120)[:, None] < 60, 2, 1) * heads.ball(120, 180)[1]
    assert (found == truth).mean() > 0.97
    assert one.shrunk(60).parts().shape == (40, 60)


def test_a_network_that_does_not_tell_parts_is_one_line():
    (one,) = decomposition.decompose([photos.read(heads.photo())], heads.model(), whole_image=True)
    assert not parts.known(one.faces)
    with pytest.raises(InputError, match="does not tell parts apart. Expected one with") as caught:
        one.parts()
    assert "\n" not in str(caught.value)
    mixed = (roof(1, 1), dataclasses.replace(roof(1, 1), parts=None))
    assert not parts.known(mixed)
