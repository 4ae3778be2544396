"""A light from the scene behind a person."""

import numpy as np
import pytest

from tfrelight import harmonics
from tfrelight.errors import InputError
from tfrelight.lights import Light

CHEEKS = np.array([[-0.7, 0, 0.714], [0.7, 0, 0.714]])


def person(height=90, width=120):
    mask = np.zeros((height, width))
    mask[height // 4 :, width // 3 : 2 * width // 3] = 1
    return mask


def test_an_even_scene_is_an_even_light():
    image = np.full((90, 120, 3), 0.3) * [1, 0.8, 0.6]
    light = Light.from_background(image, person())
    shading = harmonics.shade(np.eye(3), light)
    np.testing.assert_allclose(shading, shading[:1].repeat(3, 0), rtol=0.01)
    # It has the tint of the scene, slightly stronger in the brighter channel.
    assert shading[0, 0] > shading[0, 1] > shading[0, 2] > 0


@pytest.mark.parametrize("side", ["left", "right", "top"])
def test_light_comes_from_the_bright_side_of_the_picture(side):
    image = np.full((90, 120, 3), 0.1)
    image[{"left": np.s_[:, :30], "right": np.s_[:, 90:], "top": np.s_[:20]}[side]] = 1
    x, y, _ = Light.from_background(image, person()).direction
    expected = {"left": (-1, 0), "right": (1, 0), "top": (0, 1)}[side]
    assert np.dot([x, y], expected) > 0.9


def test_the_person_does_not_count():
    rng = np.random.default_rng(0)
    image = np.full((90, 120, 3), 0.1)
    image[:, :30] = 0.9
    lit = Light.from_background(image, person())
    painted = np.where(person()[..., None] > 0, rng.uniform(0, 1, 3), image)
    np.testing.assert_allclose(
        Light.from_background(painted, person()).coefficients, lit.coefficients, atol=1e-5
    )


def test_clothes_do_not_count():
    """Only the head is in the mask; below it the picture shows a body."""
    image = np.full((90, 120, 3), 0.2)
    head = np.zeros((90, 120))
    head[15:50, 45:75] = 1
    plain = Light.from_background(image, head)
    image[60:, 45:75] = (1, 0.1, 0)
    dressed = Light.from_background(image, head)
    np.testing.assert_allclose(dressed.coefficients, plain.coefficients, atol=1e-5)


def test_any_size_and_a_clipped_window_is_brighter_than_it_looks():
    image = np.full((90, 120, 3), 0.1)
    image[:, :30] = 0.5
    half = harmonics.shade(CHEEKS, Light.from_background(image, person()))
    image[:, :30] = 1.0
    full = harmonics.shade(CHEEKS, Light.from_background(image, person()))
    assert full[0, 0] / full[1, 0] > 1.5 * half[0, 0] / half[1, 0]
    large = Light.from_background(image.repeat(5, 0).repeat(5, 1), person(450, 600))
    np.testing.assert_allclose(harmonics.shade(CHEEKS, large), full, rtol=0.05)


def test_no_background_no_light():
    with pytest.raises(InputError, match="background on at least 2% of the photo. Received: 0.0%"):
        Light.from_background(np.ones((20, 20, 3)), np.ones((20, 20)))
