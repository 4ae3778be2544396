import numpy as np
import pytest

from tfrelight import lights
from tfrelight.lights import Environment, Lamp, Light
from tfrelight.synthesis import environments, scenery


def test_the_environment_behind_the_head_varies():
    """The photo shows fifty degrees of it or more: a picture, not a flat colour."""
    wall, relative = np.ones((48, 48, 3), np.float32), []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        light = Light(environments=[Environment.of(environments.procedural(rng))])
        seen = scenery.background(rng, light, "environment", wall)
        assert seen.shape == (48, 48, 3) and seen.min() >= 0
        relative.append(seen.std((0, 1)).mean() / seen.mean())
    # A few degrees would give 0.02. A fifth of the photos show the wall even here.
    assert np.median(relative) > 0.1


def test_the_background_is_what_is_behind_the_person_the_right_way_up():
    """From the camera, -z is in the centre, +x on the right and +y at the top."""
    environment = np.zeros((64, 128, 3), np.float32)
    directions = np.arange(128)
    behind_right = (directions + 0.5) / 128 * 2 - 1  # azimuth / pi; +-1 is behind
    environment[:, (behind_right > 0.5), 0] = 1
    environment[:32, :, 1] = 1
    light = Light(environments=[Environment.of(environment)])
    wall = np.ones((32, 32, 3), np.float32)
    for seed in range(20):
        seen = scenery.background(np.random.default_rng(seed), light, "environment", wall)
        if np.ptp(seen) == 0 or np.allclose(seen, seen[0, 0]):
            continue  # the wall
        if not np.isin(seen, [0, 1]).any() or seen[..., 2].any():
            continue  # with lamps or haze in it
        assert seen[:, 20:, 0].min() == 1 and seen[:, :12, 0].max() == 0
        assert seen[:12, :, 1].min() == 1 and seen[20:, :, 1].max() == 0
        return
    raise AssertionError("no environment among the backgrounds")


@pytest.mark.parametrize("kind", scenery.WALLS)
def test_walls_are_albedo_and_differ(kind, monkeypatch):
    monkeypatch.setattr(scenery, "WALLS", {kind: 1.0})
    walls = [scenery.wall(np.random.default_rng(seed), 48) for seed in range(8)]
    for one, other in zip(walls, walls[1:]):
        assert one.shape == (48, 48, 3) and one.dtype == np.float32
        assert 0 < one.min() and one.max() < 1 and not np.array_equal(one, other)
    if kind != "plain":  # most of them are pictures
        assert np.median([one.std((0, 1)).max() / one.mean() for one in walls]) > 0.1


def test_a_wall_is_lit_by_the_light_of_the_person():
    """Twice the light is twice as bright, in its colour, and brighter on the lamp's side."""
    behind = np.full((32, 32, 3), 0.3, np.float32)
    lamp = Lamp(lights.direction_vector(-60, 0), 0.1, np.array([1.0, 0.5, 0.25]))
    brighter = 0
    for seed in range(20):
        one, two = (
            scenery.background(
                np.random.default_rng(seed),
                Light(lamps=[lamp]) * factor,
                "studio",
                behind,
            )
            for factor in (1.0, 2.0)
        )
        if one.max() > 1.0:  # lamps in the picture shine by themselves
            continue
        np.testing.assert_allclose(two, 2 * one, rtol=1e-3)
        np.testing.assert_allclose(one[..., 1] / one[..., 0], 0.5, rtol=1e-3)
        # Negative azimuth is towards the right of the image.
        brighter += one[:, 24:].mean() >= one[:, :8].mean()
    assert brighter > 10
