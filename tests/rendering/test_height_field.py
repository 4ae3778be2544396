"""Heights from normals."""

import dataclasses

import numpy as np
import pytest

from tests.rendering import surfaces
from tfrelight.rendering.height_field import integrated
from tfrelight.rendering.horizon import FAR_BELOW


def test_heights_of_a_ball():
    field, inside = surfaces.ball()
    expected = field.normals[..., 2] * 0.8 * surfaces.SIZE / 2
    # Where it is not too steep for pixels.
    seen = inside & (field.normals[..., 2] > 0.3)
    error = field.height[seen] - expected[seen]
    assert error.std() < 0.5
    assert (field.height[~inside] == FAR_BELOW).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_heights_of_hills(seed):
    height = surfaces.hills(seed)
    error = surfaces.of_height(height).height - height
    assert error.std() < 0.5


def test_what_is_behind_a_head_does_not_pull_on_it():
    field, inside = surfaces.ball(size=128)
    wild = np.where(inside[..., None], field.normals, np.float32([0.8, 0.0, 0.6]))
    seen = inside & (field.normals[..., 2] > 0.3)
    plain, pulled = integrated(field.normals, field.mask), integrated(wild, field.mask)
    difference = (plain - pulled)[seen]
    assert np.ptp(difference) < 0.5
    # Unless it belongs to the surface.
    everywhere = integrated(wild, np.ones_like(field.mask))
    assert np.ptp((everywhere - plain)[seen]) > 2


@pytest.mark.parametrize("longest,step", [(300, 1), (256, 1), (128, 2), (96, 3)])
def test_a_reduced_field_is_the_same_surface(longest, step):
    field, inside = surfaces.ball()
    small = field.reduced(longest)
    side = -(-surfaces.SIZE // step)
    assert small.mask.shape == (side, side)
    assert small.head == pytest.approx(field.head / step)
    np.testing.assert_allclose(np.linalg.norm(small.normals, axis=-1), 1, atol=1e-4)
    row = round(small.middle[1])
    np.testing.assert_allclose(small.normals[row, row], [0, 0, 1], atol=0.03)
    peak = small.height[small.mask > 0.5].max() * step
    assert peak == pytest.approx(field.height[inside].max(), abs=4)


def test_places_are_measured_from_the_middle_of_the_face():
    field, inside = surfaces.ball()
    places = dataclasses.replace(field, middle=(100.0, 120.0)).places()
    np.testing.assert_allclose(places[120, 100, :2], 0)
    np.testing.assert_allclose(places[110, 103, :2], [3, 10])
    assert np.median(places[inside][:, 2]) == pytest.approx(0, abs=1e-3)
