"""The graph renders lamps as numpy does: heights, horizons, shading, shadows and highlights."""

import numpy as np
import pytest
import tensorflow as tf

from tests.rendering import surfaces
from tests.rendering.test_shadows import lamp
from tfrelight import rendering
from tfrelight.lights import Light, lamp_rows
from tfrelight.rendering.graph import heights, renderer, shadows
from tfrelight.rendering.height_field import HeightField
from tfrelight.rendering.horizon import horizon

SIZE = 128
# Beside marched and looked up lamps, those at the camera, behind the head, and straight up.
LAMPS = [(60, 15, 10), (-45, 42, 0), (0, 48, 12), (90, 5, 5), (125, 15, 15), (0, 0, 3)]
LAMPS += [(0, 90, 8), (70, 10, 40), (0, 90, 90), (0, -90, 90), (0, 0, 60), (180, 0, 30)]


def field(seed=0):
    """Hills behind a round mask."""
    found = surfaces.of_height(surfaces.hills(seed, SIZE))
    _, inside = surfaces.ball(SIZE, 0.9)
    middle = ((SIZE - 1) / 2, (SIZE - 1) / 2)
    mask = inside.astype(np.float32)
    height = rendering.integrated(found.normals, mask)
    return HeightField(found.normals, mask, 0.9 * SIZE, middle, height)


@pytest.fixture(scope="module")
def rendered():
    """`rendered(surface, lamps)` of any number of lamps, traced once."""

    @tf.function(reduce_retracing=True)
    def call(normals, mask, head, relief, lamps):
        return renderer.render(heights.LitSurface(normals, mask, head, relief), lamps)

    def of(one, lamps):
        head = tf.constant(one.head, tf.float32)
        return [values.numpy() for values in call(one.normals, one.mask, head, one.relief, lamps)]

    return of


def test_heights_are_those_of_numpy():
    of = field()
    found = heights.integrated(of.normals, of.mask)
    inside = of.mask > 0.5
    assert np.abs(found - of.relief)[inside].max() < 0.01 * np.ptp(of.relief[inside])


def test_horizons_are_those_of_numpy():
    """In all eighths of the circle, and only up to each distance."""
    of = field()
    turns = np.linspace(0, 2 * np.pi, 17)
    towards = np.stack([np.cos(turns), np.sin(turns)], -1).astype(np.float32)
    farthest = np.linspace(1, SIZE, 17).astype(np.float32)
    found = np.arctan(shadows.horizons(of.height, towards, farthest))
    inside = of.mask > 0.5
    for direction, distance, one in zip(towards, farthest, found):
        expected = np.arctan(horizon(of.height, tuple(direction), float(distance)))
        # Where the surface ends, both see far below.
        both = np.maximum(np.stack([one, expected]), -1.4)[:, inside]
        np.testing.assert_allclose(*both, atol=2e-3)


@pytest.mark.parametrize("azimuth,elevation,radius", LAMPS)
def test_a_lamp_is_rendered_as_by_numpy(rendered, azimuth, elevation, radius):
    of = field()
    light = Light(lamps=[lamp(azimuth, elevation, radius)]) * (1.0, 0.7, 0.4)
    expected = rendering.render(of, light)
    diffuse, shine, glints = rendered(of, lamp_rows.rows(light))
    assert not glints.any()
    inside = of.mask > 0.5
    for found, wanted in ((diffuse, expected.diffuse), (shine, expected.highlights)):
        difference = np.abs(found - wanted)[inside]
        assert difference.mean() < 1e-3
        assert np.percentile(difference, 99.5) < 0.01


def test_lamps_add_up_and_weights_count(rendered):
    of = field()
    lights = [Light.from_direction(*angles) for angles in ((60, 15), (-50, 40))]
    together = rendered(of, lamp_rows.rows(lights[0] + 0.5 * lights[1]))
    rows = np.concatenate([lamp_rows.rows(light) for light in lights])
    rows[lamp_rows.MOST, 7] = 0.5
    weighted = rendered(of, rows)
    apart = [rendered(of, lamp_rows.rows(light)) for light in lights]
    for both, by_weight, first, second in zip(together, weighted, *apart):
        np.testing.assert_allclose(both, first + 0.5 * second, atol=1e-5)
        np.testing.assert_allclose(by_weight, both, atol=1e-5)


def test_light_from_all_sides_has_neither_shadows_nor_highlights(rendered):
    diffuse, shine, _ = rendered(field(), lamp_rows.rows(Light.even(0.7, (1.0, 0.5, 0.25))))
    np.testing.assert_allclose(diffuse, np.broadcast_to([0.7, 0.35, 0.175], diffuse.shape), 1e-5)
    assert not shine.any()


def test_no_light_is_dark(rendered):
    for values in rendered(field(), np.zeros((4, 8), np.float32)):
        assert not values.any()


def test_a_surface_without_a_face_has_no_shadow(rendered):
    of = field()
    nothing = HeightField(of.normals, np.zeros_like(of.mask), of.head, of.middle, of.relief)
    light = Light(lamps=[lamp(60, 15, 5)])
    expected = rendering.render(nothing, light).diffuse
    np.testing.assert_allclose(rendered(nothing, lamp_rows.rows(light))[0], expected, atol=2e-3)
