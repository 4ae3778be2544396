"""Augmentation keeps the physics: albedo x shading gives the augmented photo again."""

import numpy as np
import pytest
import tensorflow as tf

from tests import scenes
from tfrelight import color, losses, shading
from tfrelight.data import augment, pairs, records

YES, NO = tf.constant([True, True]), tf.constant([False, False])


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("augment") / "balls.tfrecord")
    records.write_shard(path, [scenes.ball(f"s{i}", 48, 2) for i in range(2)])
    encoded = next(iter(pairs.pairs([pairs.Source("s", [path])], 2, steps=1, augmented=False)))
    return {name: with_image(portrait, color.to_linear) for name, portrait in encoded.items()}


def with_image(portrait, change):
    return {**portrait, "image": change(portrait["image"])}


def error(portrait, margin=0.999):
    """Largest difference between photo and albedo x shading, linear, well inside the ball."""
    rendered = shading.render(portrait["albedo"], portrait["normals"], portrait["light"])
    inside = portrait["mask"] > margin
    # Away from the rim, where a pixel of a warped photo mixes ball and background.
    inside &= portrait["normals"][..., 2:] > 0.45
    assert np.mean(inside) > 0.3
    votes = tf.cast(inside, tf.float32) * tf.cast(portrait["image"] < 0.999, tf.float32)
    return float(tf.reduce_max(tf.abs(rendered - portrait["image"]) * votes))


def test_the_scene_itself_is_consistent(pair):
    assert error(pair["a"]) < 3 / 255


def test_mirror(pair):
    mirrored = augment.mirror(pair["a"], YES)
    assert error(mirrored) < 3 / 255
    assert not np.allclose(mirrored["light"], pair["a"]["light"], atol=1e-3)
    twice = augment.mirror(mirrored, YES)
    for key in ("image", "albedo", "normals", "light", "mask"):
        np.testing.assert_allclose(twice[key], pair["a"][key], atol=1e-5)


def test_mirror_only_where_asked(pair):
    half = augment.mirror(pair["a"], tf.constant([True, False]))
    np.testing.assert_array_equal(half["image"][1], pair["a"]["image"][1])
    np.testing.assert_array_equal(half["image"][0], pair["a"]["image"][0][:, ::-1])


def test_exposure(pair):
    exposed = augment.exposure(pair["a"], tf.constant([[0.5, 0.6, 0.7], [1.2, 1.1, 1.3]]))
    assert error(exposed) < 3 / 255
    brighter = exposed["image"][1] >= pair["a"]["image"][1] - 1e-6
    assert np.all(brighter)


def test_what_had_saturated_does_not_begin_to_vote(pair):
    image = pair["a"]["image"].numpy()
    image[0, 20, 20] = [0.3, 1.0, 0.4]
    bright = {**pair["a"], "image": tf.constant(image)}
    before = losses.vote(color.to_srgb(bright["image"]))
    for gain in (0.3, 0.9, 1.4):
        exposed = augment.exposure(bright, tf.fill([2, 3], gain))
        after = losses.vote(color.to_srgb(exposed["image"]))
        assert np.all(after <= before)
        assert after[0, 20, 20, 0] == 0


def test_backdrop_changes_nothing_but_what_is_behind_a_labelled_head(pair):
    shift, step = tf.constant([[5, 30], [0, 0]]), tf.constant([[1, -2], [-1, 1]])
    portrait = {**pair["a"], "mask": tf.round(pair["a"]["mask"])}
    behind = augment.backdrop(portrait, YES, shift, step)
    assert error(behind) < 3 / 255
    head = np.broadcast_to(portrait["mask"] > 0, portrait["image"].shape)
    np.testing.assert_array_equal(behind["image"][head], portrait["image"][head])
    one, two = portrait["image"].numpy()
    rows = np.arange(48)
    moved = two[(rows + 5) % 48][:, (30 - 2 * rows) % 48]
    np.testing.assert_array_equal(behind["image"][0][~head[0]], moved[~head[0]])
    np.testing.assert_array_equal(behind["image"][1][~head[1]], one[-rows % 48][~head[1]])
    for key in ("mask", "albedo", "normals", "light"):
        assert behind[key] is portrait[key]


def test_backdrop_only_where_asked_and_where_the_mask_is_known(pair):
    shift, step = tf.constant([[5, 30], [5, 30]]), tf.constant([[1, 1], [1, 1]])
    half = augment.backdrop(pair["a"], tf.constant([True, False]), shift, step)
    assert np.any(half["image"][0] != pair["a"]["image"][0])
    np.testing.assert_array_equal(half["image"][1], pair["a"]["image"][1])
    unknown = {**pair["a"], "has_mask": tf.zeros([2])}
    same = augment.backdrop(unknown, YES, shift, step)
    np.testing.assert_array_equal(same["image"], pair["a"]["image"])


def test_single_channel(pair):
    grey = augment.single_channel(pair["a"], tf.constant([True, False]), tf.constant([1, 2]))
    assert error(grey) < 3 / 255
    np.testing.assert_array_equal(grey["image"][0, ..., 0], pair["a"]["image"][0, ..., 1])
    np.testing.assert_array_equal(grey["image"][0, ..., 0], grey["image"][0, ..., 2])
    np.testing.assert_array_equal(grey["image"][1], pair["a"]["image"][1])


@pytest.mark.parametrize("angle", [-0.6, 0.3])
def test_warp(pair, angle):
    warped = augment.warp(
        pair["a"],
        tf.constant([angle, 0.2]),
        tf.constant([1.0, 1.2]),
        tf.constant([[0, 0], [0.1, 0.05]]),
    )
    assert error(warped) < 5 / 255
    # A ball that is turned in its plane is the same ball: its normals turned with the picture.
    before, after = pair["a"]["normals"][0].numpy(), warped["normals"][0].numpy()
    inside = (before[..., 2] > 0.45) & (after[..., 2] > 0.45) & (before[..., 2] < 0.999)
    assert inside.mean() > 0.3
    np.testing.assert_allclose(after[inside], before[inside], atol=0.03)


def test_warp_moves_right_and_up(pair):
    dot = dict(pair["a"])
    image = np.zeros((2, 48, 48, 3), np.float32)
    image[:, 24, 24] = 1
    dot["image"] = tf.constant(image)
    still = tf.zeros(2)
    moved = augment.warp(dot, still, still + 1, tf.constant([[0.25, 0.125]] * 2))["image"].numpy()
    assert np.unravel_index(moved[0, ..., 0].argmax(), (48, 48)) == (24 - 6, 24 + 12)


def test_the_whole_augmentation_is_consistent_and_repeatable(pair):
    pair = {name: with_image(portrait, color.to_srgb) for name, portrait in pair.items()}
    for number in range(8):
        seed = tf.constant([5, number * 100])
        augmented = augment.augment_pair(pair, seed)
        again = augment.augment_pair(pair, seed)
        tf.nest.map_structure(np.testing.assert_array_equal, augmented, again)
        for portrait in augmented.values():
            assert error(with_image(portrait, color.to_linear)) < 6 / 255
        # Both photos of a pair still show one person.
        np.testing.assert_array_equal(augmented["a"]["normals"], augmented["b"]["normals"])
        np.testing.assert_array_equal(augmented["a"]["albedo"], augmented["b"]["albedo"])


def test_in_a_graph_as_eagerly(pair):
    seed = tf.constant([1, 200])
    graph = next(
        iter(tf.data.Dataset.from_tensors(pair).map(lambda p: augment.augment_pair(p, seed)))
    )
    eager = augment.augment_pair(pair, seed)
    np.testing.assert_allclose(graph["a"]["image"], eager["a"]["image"], atol=1e-5)
