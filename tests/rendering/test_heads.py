"""Synthetic heads, whose surface is known, against the ray caster."""

import numpy as np
import pytest
from scipy import ndimage

from tfrelight.lights import Light
from tfrelight.rendering import HeightField, diffuse, shadows
from tfrelight.synthesis import portraits

SIZE = 128
SETTINGS = portraits.PortraitConfig(size=SIZE, directions=48, seed=5)
BLACK = np.zeros((SIZE, SIZE, 3), np.float32)


@pytest.fixture(scope="module", params=[0, 1])
def head(request):
    """A scene and its surface."""
    scene = portraits.scene(SETTINGS, request.param)
    mask = (scene.coverage > 0.9).astype(np.float32)
    middle = (SIZE - 1) / 2, (SIZE - 1) / 2
    return scene, HeightField(scene.normals.astype(np.float32), mask, float(SIZE), middle)


def random_lamps(count):
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield Light.from_direction(rng.uniform(-65, 65), rng.uniform(-25, 50), radius=1.0)


def test_diffuse_shading_is_the_renderers_to_1_of_255(head):
    scene, field = head
    for light in random_lamps(8):
        photo = scene.photograph(light, BLACK, specular=False, subsurface=False)
        found = diffuse.of_lamp(field, light.lamps[0])
        inside = field.mask > 0
        assert np.abs(found - photo.shading[..., 0])[inside].max() < 1 / 255


def test_the_lit_part_of_a_head_ends_where_rays_say(head):
    """Heights from normals know no gap between hair and skin, so that the median counts."""
    scene, field = head
    away, shared, either = [], 0, 0
    for light in random_lamps(8):
        photo = scene.photograph(light, BLACK, specular=False, subsurface=False)
        inside = field.mask > 0
        expected = inside & (photo.shading[..., 0] * photo.visibility[..., 0] < 0.05)
        (lamp,) = light.lamps
        seen = diffuse.of_lamp(field, lamp) * shadows.of_lamp(field, lamp)
        found = inside & (seen < 0.05)
        shared, either = shared + (expected & found).sum(), either + (expected | found).sum()
        edge, other = (one & ~ndimage.binary_erosion(one) for one in (expected, found))
        if edge.sum() > 30 and other.any():
            away.append(np.median(ndimage.distance_transform_edt(~other)[edge]))
    assert len(away) > 2 and np.median(away) <= 3 * SIZE / 256
    assert shared / either > 0.6
