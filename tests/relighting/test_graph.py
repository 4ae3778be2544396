"""The graph's relighting of a crop, part by part, against numpy's, with parts and without."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.relighting.test_eyes import maps as two_eyes
from tfrelight.data.portrait import PARTS
from tfrelight.lights import Light, lamp_rows
from tfrelight.photos import filters
from tfrelight.relighting import eyes, gloss, lost_light, materials, ratio_image, shoulder
from tfrelight.relighting.graph import crop_maps
from tfrelight.relighting.graph import eyes as graph_eyes
from tfrelight.relighting.graph import gloss as graph_gloss
from tfrelight.relighting.graph import lost_light as graph_lost_light
from tfrelight.relighting.graph import materials as graph_materials
from tfrelight.relighting.graph import ratio_image as graph_ratio_image

LIGHTS = {
    "left": Light.preset("left"),
    "moonlight": Light.preset("moonlight"),
    "window": Light.preset("window"),
}


def smooth(rng, size, *channels):
    noise = rng.normal(size=(*channels, size, size)).astype(np.float32)
    noise = np.stack([filters.gaussian(one, 8.0) for one in noise.reshape(-1, size, size)])
    noise /= noise.std()
    return np.moveaxis(noise.reshape(*channels, size, size), (-2, -1), (0, 1))


def uneven(known):
    """Maps of a face with two eyes, a black half, hair, and a rough surface."""
    rng = np.random.default_rng(2)
    size = len(known.mask)
    rows, columns = np.mgrid[:size, :size] / size
    region = crop_maps.face_oval(tf.constant(size)).numpy()
    photo = np.clip(known.photo * np.exp(0.3 * smooth(rng, size))[..., None], 0, 1)
    photo[:, : size // 5] *= 0.002
    photo[200:215, 150:170, 0] = 1.0
    slopes = np.dstack([3 * (columns - 0.5), -3 * (rows - 0.5)]) + 0.3 * smooth(rng, size, 2)
    normals = np.dstack([slopes, np.ones((size, size))])
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    parts = known.parts
    if parts is not None:
        parts = parts.copy()
        parts[: size // 4] = 0
        parts[: size // 4, :, PARTS.index("hair")] = 1
    return dataclasses.replace(
        known,
        photo=np.float32(photo),
        albedo=np.float32(np.clip(known.albedo + 0.05 * smooth(rng, size, 3), 0.02, 1)),
        normals=np.float32(normals),
        mask=np.float32(np.clip(2 - 2 * np.hypot(columns - 0.5, rows - 0.5), 0, 1)),
        region=region,
        light=Light.from_direction(-60, 0, ambient=0.03, color=(1.2, 1.0, 0.8)).coefficients,
        residual=np.float32(0.4 * smooth(rng, size) - 2.0 * (columns < 0.2)),
        parts=parts,
    )


def in_graph(maps):
    parts = None if maps.parts is None else tf.constant(maps.parts)
    names = ("photo", "guide", "albedo", "normals", "mask", "region", "residual")
    values = {name: tf.constant(getattr(maps, name)) for name in names}
    light = tf.constant(maps.light, tf.float32)
    return crop_maps.CropMaps(**values, light=light, parts=parts)


@pytest.fixture(scope="module", params=["parts", "no parts"])
def maps(request):
    known = two_eyes()
    if request.param == "no parts":
        known = dataclasses.replace(known, parts=None)
    return uneven(known)


@pytest.fixture(scope="module")
def face(maps):
    return ratio_image.prepare(maps)


def close(found, wanted, mean, most):
    difference = np.abs(np.asarray(found) - wanted)
    assert difference.mean() <= mean and np.percentile(difference, 99.5) <= most


def test_what_a_photo_did_not_record(maps, face):
    shading = tf.constant(face.shading, tf.float32)
    evidence = lost_light.shadows(maps, face.shading)
    found = graph_lost_light.shadows(in_graph(maps), shading)
    assert evidence.max() > 0.5
    close(found, evidence, 5e-3, 0.08)
    things = lost_light.things(maps, evidence)
    close(graph_lost_light.things(in_graph(maps), tf.constant(evidence)), things, 1e-5, 1e-4)
    inside = lost_light.on_face(maps)
    close(graph_lost_light.on_face(in_graph(maps)), inside, 1e-4, 1e-3)
    light = graph_lost_light.residual(in_graph(maps), tf.constant(evidence), tf.constant(things))
    close(light, lost_light.residual(maps, evidence, things), 1e-5, 1e-4)
    black = lost_light.black(maps, evidence, inside, face.metered)
    found = graph_lost_light.black(
        in_graph(maps), tf.constant(evidence), tf.constant(inside), tf.constant(face.metered)
    )
    close(found, black, 1e-3, 0.02)
    surface = lost_light.surface_color(maps, face.shading)
    close(graph_lost_light.surface_color(in_graph(maps), shading), surface, 1e-4, 1e-3)


def test_the_white_part_of_skin(maps, face):
    photo = maps.photo.copy()
    photo[100:120, 60:100] = (1.0, 0.8, 0.55)
    photo[120:140, 60:100] = (1.0, 1.0, 0.7)
    photo[140:160, 60:100] = 1.0
    photo[100:160, 100:140] = (0.9, 0.8, 0.72)
    maps = dataclasses.replace(maps, photo=photo)
    skin = np.float32(maps.mask * (np.arange(len(maps.mask)) > 110)[:, None])
    surface, faded = gloss.separated(maps, face.shading, skin)
    assert np.abs(faded).max() > 0.1
    graph_surface, graph_faded = graph_gloss.separated(
        in_graph(maps), tf.constant(face.shading, tf.float32), tf.constant(skin)
    )
    close(graph_surface, surface, 1e-4, 2e-3)
    close(graph_faded, faded, 1e-4, 2e-3)


def test_clipped_pixels_darken_alike(maps, face):
    rng = np.random.default_rng(0)
    factor = rng.uniform(0.1, 2.0, maps.photo.shape).astype(np.float32)
    wanted = lost_light.darkened(maps.photo, face.surface_color, factor)
    found = graph_lost_light.darkened(
        *(tf.constant(one) for one in (maps.photo, face.surface_color, factor))
    )
    close(found, wanted, 1e-5, 1e-4)


def test_what_a_face_is_made_of(maps, face):
    things = np.zeros_like(maps.mask)
    close(graph_materials.skin(in_graph(maps), tf.constant(things)), materials.skin(maps, things),
          1e-3, 0.02)  # fmt: skip
    wanted, found = face.relief, graph_materials.relief(in_graph(maps))
    close(found.normals, wanted.normals, 1e-4, 2e-3)
    inside = maps.mask > 0.5
    close(found.relief[inside], wanted.relief[inside], 0.05, 0.3)
    assert float(found.head) == wanted.head


def test_eyes(maps, face):
    things = np.zeros_like(maps.mask)
    wanted, old = eyes.find(maps, things, float(len(things)), face.metered)
    found = graph_eyes.find(in_graph(maps), tf.constant(things), tf.constant(face.metered))
    if maps.parts is None:
        assert wanted is None and found is None
        return
    close(found.wet.wet.numpy()[wanted.places], wanted.wet, 1e-4, 1e-3)
    assert (found.wet.wet.numpy() > 2e-3).sum() <= len(wanted.wet)
    close(found.wet.reflected.numpy()[wanted.places], wanted.reflected, 1e-4, 1e-3)
    assert float(found.wet.blur) == pytest.approx(wanted.blur, rel=1e-5)
    close(found.old.numpy()[old.places], old.share, 1e-4, 1e-3)
    assert (found.old.numpy() > 2e-3).sum() <= len(old.share)
    close(found.below.numpy()[old.places], old.below, 1e-5, 1e-4)


def test_eyes_of_a_black_photo_are_numbers():
    black = in_graph(dataclasses.replace(two_eyes(), photo=np.zeros((256, 256, 3), np.float32)))
    found = graph_eyes.find(black, tf.zeros((256, 256)), tf.constant(0.0))
    assert np.isfinite(found.old.numpy()).all() and found.old.numpy().max() == 0


@pytest.mark.parametrize("name", LIGHTS)
def test_a_light_changes_a_face_alike(maps, face, name):
    light = LIGHTS[name].balanced(face.white)
    drawn = ratio_image.rendered(face, light)
    factor = ratio_image.exposure(face, drawn)
    share = ratio_image.legibility(maps)
    mixed = ratio_image.own(face) * (1.0 - share) + drawn * (share * factor)
    wanted = ratio_image.change(face, mixed, ratio_image.sameness(face, mixed))
    rows = tf.constant(lamp_rows.rows(LIGHTS[name]))
    found = graph_ratio_image.change(in_graph(maps), rows).numpy()
    slope, factors, lost, fill, surface = np.split(
        found, np.cumsum(graph_ratio_image.CHANNELS)[:-1], -1
    )
    inside = maps.mask > 0.5
    close(slope[inside][:, 0], wanted.slope[inside], 2e-3, 0.02)
    close(np.log(factors[inside]), np.log(wanted.factor[inside]), 3e-3, 0.03)
    close(surface, wanted.surface_color, 1e-3, 0.01)
    assert wanted.lost is not None
    close(lost[inside][:, 0], wanted.lost[inside], 2e-3, 0.05)
    seen = inside & (wanted.lost > 0.05)
    close(fill[seen], wanted.fill[seen], 5e-3, 0.06)


def test_pixels_approach_white_alike():
    rng = np.random.default_rng(1)
    around = rng.uniform(0.01, 1, (20, 20, 3)).astype(np.float32)
    log_ratio = rng.normal(size=(20, 20, 3)).astype(np.float32)
    found = graph_ratio_image.shouldered(tf.constant(around), tf.constant(log_ratio))
    np.testing.assert_allclose(found, shoulder.shouldered(around, log_ratio), atol=1e-5)
