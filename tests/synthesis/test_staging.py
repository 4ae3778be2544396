import numpy as np

from tfrelight.synthesis import environments, staging
from tfrelight.synthesis.illumination import Light


def test_the_environment_behind_the_head_varies():
    """Fifty degrees or more of it are seen: it is a picture, not one flat colour."""
    wall, relative = np.ones((48, 48, 3), np.float32), []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        light = Light("environment", environment=environments.procedural(rng))
        seen = staging.background(rng, light, wall)
        assert seen.shape == (48, 48, 3) and seen.min() >= 0
        relative.append(seen.std((0, 1)).mean() / seen.mean())
    # Behind a few degrees it would be 0.02; a fifth of the photos have the wall behind, even here.
    assert np.median(relative) > 0.1


def test_the_background_is_what_is_behind_the_person_the_right_way_up():
    """Seen from the camera, -z is in the middle, right is right and up is up."""
    environment = np.zeros((64, 128, 3), np.float32)
    directions = np.arange(128)
    behind_right = (directions + 0.5) / 128 * 2 - 1  # azimuth / pi; +-1 is behind
    environment[:, (behind_right > 0.5), 0] = 1
    environment[:32, :, 1] = 1
    light = Light("environment", environment=environment)
    wall = np.ones((32, 32, 3), np.float32)
    for seed in range(20):
        seen = staging.background(np.random.default_rng(seed), light, wall)
        if np.ptp(seen) == 0 or np.allclose(seen, seen[0, 0]):
            continue  # the wall
        assert seen[:, 20:, 0].min() == 1 and seen[:, :12, 0].max() == 0
        assert seen[:12, :, 1].min() == 1 and seen[20:, :, 1].max() == 0
        return
    raise AssertionError("no environment among the backgrounds")
