"""The tables between the pixels of a photo and linear RGB."""

import numpy as np
import pytest

from tfrelight import color
from tfrelight.photos import srgb


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_every_value_survives(kind):
    values = np.arange(np.iinfo(kind).max + 1).astype(kind)
    linear = srgb.decode(values)
    assert linear.dtype == np.float32
    np.testing.assert_allclose(linear, color.to_linear_numpy(values / np.iinfo(kind).max))
    np.testing.assert_array_equal(srgb.encode(linear, kind), values)


def test_floats_are_neither_rounded_nor_left_beyond_white():
    values = np.linspace(0, 1, 7, dtype=np.float32)
    np.testing.assert_allclose(srgb.encode(srgb.decode(values), np.float32), values, atol=1e-6)
    for kind, white in ((np.uint8, 255), (np.uint16, 65535), (np.float32, 1)):
        assert srgb.encode(np.array([-0.5, 1.5]), kind).tolist() == pytest.approx([0, white])
