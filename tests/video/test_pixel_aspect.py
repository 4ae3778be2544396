"""Pixels that are not square: they are seen square, and stay where nothing changed."""

import fractions

import numpy as np
import pytest

from tfrelight.video import pixel_aspect
from tfrelight.video.reading import Frame

ZERO = fractions.Fraction(0)


def frame(aspect):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (48, 60, 3), np.uint8)
    return Frame(pixels, ZERO, fractions.Fraction(aspect))


@pytest.mark.parametrize(
    "aspect,shape",
    [("1", (48, 60)), ("4/3", (48, 80)), ("3/4", (64, 60)), ("100", (48, 60)), ("1/9", (48, 60))],
)
def test_the_smaller_side_grows(aspect, shape):
    one = frame(aspect)
    square = pixel_aspect.square(one)
    assert square.shape == (*shape, 3) and square.dtype == np.uint8
    assert (square is one.pixels) == (shape == (48, 60))


@pytest.mark.parametrize("aspect", ["1", "4/3", "16/15", "8/9", "2"])
def test_only_changes_come_back(aspect):
    one = frame(aspect)
    before = pixel_aspect.square(one)
    same = pixel_aspect.stored(one, before, before.copy())
    np.testing.assert_array_equal(same.pixels, one.pixels)
    assert (same.time, same.aspect) == (one.time, one.aspect)
    # Ten levels brighter on the left half, which the right half does not notice.
    after = before.copy()
    half = before.shape[1] // 2
    after[:, :half] = np.minimum(before[:, :half].astype(int) + 10, 255)
    changed = pixel_aspect.stored(one, before, after).pixels.astype(int) - one.pixels
    inner = one.pixels[:, :28] <= 200
    assert np.median(changed[:, :28][inner]) == 10
    assert (changed[:, 33:] == 0).all()
