"""Augmentation keeps the physics: albedo x shading gives the augmented photo again."""

import numpy as np
import pytest
import tensorflow as tf

from tests import scenes
from tfrelight import color, shading
from tfrelight.data import augment, pairs, records
from tfrelight.models import losses

YES, NO = tf.constant([True, True]), tf.constant([False, False])


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("augment") / "balls.tfrecord")
    records.write_shard(path, [scenes.ball(f"s{i}", 48, 2) for i in range(2)])
    encoded = next(iter(pairs.pairs([pairs.Source("s", [path])], 2, steps=1, augmented=False)))
    return {name: with_image(portrait, color.to_linear) for name, portrait in encoded.items()}


def with_image(portrait, change):
    return {**portrait, "image": change(portrait["image"])}


def labels(values):
    """Parts, depth and unlit of one map `[B, H, W, 1]`."""
    return {
        "parts": tf.constant(np.round(values * 6), tf.uint8),
        "depth": tf.constant(values, tf.float32),
        "unlit": tf.constant(values, tf.float32),
    }


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
    for key in ("image", "albedo", "normals", "light", "mask", "parts", "depth", "unlit"):
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


def test_exposure_by_hand(pair):
    """A pixel with one channel at its end keeps all of them, its neighbours change."""
    image = np.full((2, 3, 4, 3), 0.4, np.float32)
    image[0, 1, 2] = [0.3, 1.0, 0.4]
    exposed = augment.exposure(
        {**pair["a"], "image": tf.constant(image)}, tf.constant([[0.5, 1.0, 2.0], [1.0, 3.0, 1.0]])
    )
    expected = np.broadcast_to(np.float32([0.2, 0.4, 0.8]), (3, 4, 3)).copy()
    expected[1, 2] = [0.3, 1.0, 0.4]
    np.testing.assert_allclose(exposed["image"][0], expected)
    # What passes 1 is 1; the light knows how bright it would be.
    np.testing.assert_allclose(exposed["image"][1, 0, 0], [0.4, 1.0, 0.4])
    np.testing.assert_allclose(exposed["light"][1], pair["a"]["light"][1] * [1.0, 3.0, 1.0])


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


def test_tone_is_warm_and_belongs_to_the_light(pair):
    toned = augment.tone(pair["a"], tf.constant([1.0, 0.0]))
    assert error(toned) < 3 / 255
    np.testing.assert_allclose(toned["image"][1], pair["a"]["image"][1], atol=1e-6)
    change = toned["light"][0] / pair["a"]["light"][0]
    np.testing.assert_allclose(change, np.exp([[0.15, -0.1, -0.55]] * 9), rtol=1e-4)
    # Blue falls to half of red: exp(-0.55) / exp(0.15) = 0.497.
    assert float(change[0, 2] / change[0, 0]) == pytest.approx(0.5, abs=0.01)


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


def test_parts_stay_whole_and_depth_scales_with_the_photo(pair):
    angle, scale = tf.constant([0.2, -0.1]), tf.constant([1.0, 1.25])
    warped = augment.warp(pair["a"], angle, scale, tf.zeros([2, 2]))
    assert warped["parts"].dtype == tf.uint8
    assert set(np.unique(warped["parts"])) == set(np.unique(pair["a"]["parts"])) == {0, 1, 5}
    # The nearest point of the ball is half its width in front of the plane of its centre, in
    # whatever size it is shown.
    for size, depth, mask in zip(scale.numpy(), warped["depth"].numpy(), warped["mask"].numpy()):
        assert depth[mask > 0.999].min() == pytest.approx(-0.475 * size, abs=0.01)
    # The slope of the depth is that of the normals, which turn.
    depth, normals = warped["depth"][0, ..., 0].numpy(), warped["normals"][0].numpy()
    down, right = np.gradient(-depth * 48)
    inside = normals[..., 2] > 0.6
    inside &= warped["mask"][0, ..., 0].numpy() > 0.999
    np.testing.assert_allclose(
        right[inside], (-normals[..., 0] / normals[..., 2])[inside], atol=0.15
    )
    np.testing.assert_allclose(down[inside], (normals[..., 1] / normals[..., 2])[inside], atol=0.15)


def test_half_a_turn_is_about_the_middle():
    """Of a picture that is higher than it is wide."""
    rng = np.random.default_rng(0)
    maps = {
        name: tf.constant(rng.random((1, 7, 4, channels), np.float32))
        for name, channels in (("image", 3), ("mask", 1), ("albedo", 3), ("normals", 3))
    }
    maps.update(labels(rng.random((1, 7, 4, 1))))
    portrait = {**maps, "light": tf.constant(rng.random((1, 9, 3), np.float32))}
    turned = augment.warp(portrait, tf.constant([np.pi]), tf.ones([1]), tf.zeros([1, 2]))
    for name in ("image", "mask", "albedo", "parts", "depth", "unlit"):
        np.testing.assert_allclose(turned[name][0], maps[name][0, ::-1, ::-1], atol=1e-4)
    normals = tf.math.l2_normalize(maps["normals"], axis=-1)[0, ::-1, ::-1] * [-1.0, -1.0, 1.0]
    np.testing.assert_allclose(turned["normals"][0], normals, atol=1e-4)
    # Odd harmonics of x and y change their signs: y, x, yz, xz.
    signs = np.array([1, -1, 1, -1, 1, -1, 1, -1, 1])[:, None]
    np.testing.assert_allclose(turned["light"][0], portrait["light"][0] * signs, atol=1e-4)


def test_enlarging_is_about_the_middle_too():
    """Twice as large: the outer quarters are gone, and what is kept is spread."""
    columns = np.broadcast_to(np.arange(9, dtype=np.float32)[:, None], (1, 9, 9, 1))
    maps = {"image": columns, "mask": columns, "albedo": columns, "normals": columns + [0, 0, 1]}
    portrait = {name: tf.constant(value, tf.float32) for name, value in maps.items()}
    portrait.update(labels(columns), light=tf.zeros([1, 9, 3]))
    still = tf.zeros([1])
    larger = augment.warp(portrait, still, still + 2.0, tf.zeros([1, 2]))
    np.testing.assert_allclose(larger["image"][0, 0, :, 0], 2 + np.arange(9) / 2, atol=1e-5)


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


@pytest.fixture
def drawn(monkeypatch):
    """What 4000 pairs are augmented with: of each photo the arguments of each function."""
    calls = {}

    def record(name):
        def augmentation(portrait, *arguments):
            calls.setdefault(name, []).append([one.numpy() for one in arguments])
            return portrait

        return augmentation

    for name in ("mirror", "warp", "backdrop", "exposure", "single_channel", "tone"):
        monkeypatch.setattr(augment, name, record(name))
    photo = {"image": tf.zeros([4000, 1, 1, 3])}
    augment.augment_pair({"a": photo, "b": photo}, tf.constant([3, 700]))
    return calls


def assert_uniform(values, low, high):
    """Between two bounds, as often below as above their middle."""
    spread = high - low
    assert low <= values.min() < low + 0.01 * spread and high - 0.01 * spread < values.max() <= high
    assert values.mean() == pytest.approx((low + high) / 2, abs=0.03 * spread)


def test_ranges_of_the_augmentation(drawn):
    (flip,), _ = drawn["mirror"]
    (angle, scale, shift), _ = drawn["warp"]
    assert flip.mean() == pytest.approx(0.5, abs=0.03)
    # Ten degrees each way; between 0.89 and 1.20 times as large; a sixteenth of the frame.
    assert_uniform(angle, -0.17, 0.17)
    assert_uniform(np.log(scale), -0.12, 0.18)
    for axis in (0, 1):
        assert_uniform(shift[:, axis], -0.06, 0.06)
    for behind, moved, step in drawn["backdrop"]:
        assert behind.mean() == pytest.approx(0.4, abs=0.03)
        for axis in (0, 1):
            assert_uniform(moved[:, axis], 0, 65536)
            shares = [(step[:, axis] == one).mean() for one in (-2, -1, 1, 2)]
            np.testing.assert_allclose(shares, 0.25, atol=0.03)
    for (gain,) in drawn["exposure"]:
        # A stop down to half a stop up, and a tenth of the natural logarithm a channel.
        gain = np.log(gain)
        assert -0.7 <= gain.min() < -0.67 and 0.42 < gain.max() <= 0.45
        assert gain.mean() == pytest.approx(-0.125, abs=0.03)
        apart = gain[:, 0] - gain[:, 1]
        assert np.abs(apart).max() <= 0.2 and apart.std() == pytest.approx(0.2 / 6**0.5, rel=0.05)
    (grey, channel), _ = drawn["single_channel"]
    assert grey.mean() == pytest.approx(0.35, abs=0.03)
    np.testing.assert_allclose([(channel == one).mean() for one in range(3)], 1 / 3, atol=0.03)


def test_photos_of_a_pair_share_what_is_of_the_person_and_nothing_else(drawn):
    for name in ("mirror", "warp", "single_channel"):
        first, second = drawn[name]
        tf.nest.map_structure(np.testing.assert_array_equal, first, second)
    for name in ("backdrop", "exposure", "tone"):
        for one, other in zip(*drawn[name]):
            assert (one != other).any()


def test_a_quarter_of_the_grey_pairs_is_toned_each_photo_in_its_own_strength(drawn):
    (grey, _), _ = drawn["single_channel"]
    (one,), (other,) = drawn["tone"]
    np.testing.assert_array_equal(one > 0, other > 0)
    assert not (one > 0)[~grey].any()
    assert (one > 0)[grey].mean() == pytest.approx(0.25, abs=0.04)
    toned = one > 0
    assert abs(np.corrcoef(one[toned], other[toned])[0, 1]) < 0.2


def test_every_random_number_is_another(drawn):
    columns = [value for name in ("mirror", "warp", "single_channel") for value in drawn[name][0]]
    for behind, (gain,) in zip(drawn["backdrop"], drawn["exposure"]):
        columns += [*behind, gain.mean(1), gain[:, 0] - gain[:, 1]]
    columns = np.concatenate([column.reshape(4000, -1) for column in columns], 1).astype(float)
    related = np.corrcoef(columns, rowvar=False)
    assert related.shape == (21, 21)
    # Of 4000 unrelated pairs of numbers the correlation has a standard deviation of 0.016.
    assert np.abs(related - np.eye(21)).max() < 0.07
