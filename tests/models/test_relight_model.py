"""The training step: named losses by hand, switches, falling loss, no NaN in the weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import scenes
from tests.models.test_networks import TINY
from tfrelight import losses, shading
from tfrelight.data import pairs, records
from tfrelight.errors import InputError
from tfrelight.models import presets
from tfrelight.models.relight_model import RelightModel, pair_losses


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("model") / "balls.tfrecord")
    records.write_shard(path, [scenes.ball(f"s{i}", 32, 3) for i in range(4)])
    return pairs.Source("balls", [path])


@pytest.fixture(scope="module")
def pair(source):
    return next(iter(pairs.pairs([source], 4, steps=1, augmented=False)))


def perfect(portraits):
    """What a network would say that knows the truth."""
    return {key: portraits[key] for key in ("albedo", "normals", "light", "mask")}


def concatenated(pair):
    return {key: tf.concat([pair["a"][key], pair["b"][key]], 0) for key in pair["a"]}


def test_the_truth_has_no_loss(pair):
    portraits = concatenated(pair)
    values = pair_losses(losses.NAMES, perfect(portraits), portraits)
    assert set(values) == set(losses.NAMES)
    # The photos are 8-bit, and a pixel of the rim mixes ball and background.
    limits = {"reconstruction": 0.01, "cross_relighting": 0.01}
    for name, value in values.items():
        assert float(value) <= limits.get(name, 1e-5), name


def test_cross_relighting_swaps_the_lights(pair):
    """Photo 1's maps under photo 2's light against photo 2, and the other way round."""
    portraits = concatenated(pair)
    outputs = perfect(portraits)
    outputs["albedo"] = outputs["albedo"] * 0.5
    value = pair_losses(["cross_relighting"], outputs, portraits)["cross_relighting"]
    half = 0.0
    for one, other in (("a", "b"), ("b", "a")):
        rendered = shading.render(
            pair[one]["albedo"] * 0.5, pair[one]["normals"], pair[other]["light"]
        )
        half += losses.photometric(rendered, pair[other]["image"], pair[one]["mask"]) / 2
    # Both directions have the same number of votes: the same ball, no saturated pixel.
    np.testing.assert_allclose(value, half, rtol=1e-3)
    assert value > 0.05


def test_consistency_compares_the_two_photos(pair):
    portraits = concatenated(pair)
    outputs = perfect(portraits)
    shift = tf.concat([tf.zeros(4), tf.ones(4)], 0)[:, None, None, None]
    outputs["albedo"] = tf.ones_like(outputs["albedo"]) * (0.21404 + shift * (0.31855 - 0.21404))
    value = pair_losses(["albedo_consistency"], outputs, portraits)["albedo_consistency"]
    # Linear 0.21404 and 0.31855 are sRGB 0.5 and 0.6.
    assert float(value) == pytest.approx(0.1, abs=1e-3)


def test_hidden_labels_do_not_count(pair):
    portraits = concatenated(pair)
    for label in ("albedo", "normals", "light", "mask"):
        portraits[f"has_{label}"] = tf.zeros(8)
    outputs = perfect(portraits)
    outputs["albedo"] = outputs["albedo"] * 0.1
    outputs["light"] = outputs["light"] * 5
    values = pair_losses(["albedo", "normal", "light", "mask"], outputs, portraits)
    assert all(float(value) == 0 for value in values.values())


def model(name, weights=None, rate=3e-3):
    keras.utils.set_random_seed(1)
    result = RelightModel(
        presets.build(name, **TINY[name]), weights or dict.fromkeys(losses.NAMES, 1.0)
    )
    result.compile(optimizer=keras.optimizers.Adam(rate))
    return result


@pytest.mark.parametrize("name", presets.NETWORKS)
def test_training_lowers_the_loss(name, pair):
    trained = model(name)
    batches = tf.data.Dataset.from_tensors(pair).repeat()
    # Without the moving statistics of BatchNormalization, as training sees it.
    first = trained.fit(batches, steps_per_epoch=1, verbose=0).history
    later = trained.fit(batches, steps_per_epoch=20, verbose=0).history
    last = trained.fit(batches, steps_per_epoch=1, verbose=0).history
    assert last["loss"][0] < later["loss"][0] < first["loss"][0]
    assert set(losses.NAMES) < set(first)


def test_a_loss_with_weight_zero_is_neither_computed_nor_logged(pair, monkeypatch):
    def never(*args):
        raise AssertionError("computed")

    monkeypatch.setattr(losses, "light", never)
    weights = {**dict.fromkeys(losses.NAMES, 1.0), "light": 0.0}
    trained = model("compact", weights)
    history = trained.fit(tf.data.Dataset.from_tensors(pair), verbose=0).history
    assert "light" not in history and "mask" in history


def test_the_loss_is_the_weighted_sum(pair):
    trained = model("compact", {"reconstruction": 2.0, "normal": 0.5})
    logs = trained.evaluate(tf.data.Dataset.from_tensors(pair), verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(
        2 * logs["reconstruction"] + 0.5 * logs["normal"], rel=1e-4
    )


def test_a_nan_in_a_batch_does_not_reach_the_weights(pair):
    trained = model("compact")
    broken = tf.nest.map_structure(lambda x: x, pair)
    image = broken["a"]["image"].numpy()
    image[0, 16, 16] = np.nan
    broken["a"]["image"] = tf.constant(image)
    before = [weight.numpy() for weight in trained.network.weights]
    history = trained.fit(tf.data.Dataset.from_tensors(broken), verbose=0).history
    assert np.isnan(history["reconstruction"][0])
    for weight, old in zip(trained.network.weights, before):
        np.testing.assert_array_equal(weight, old)


def test_unknown_and_missing_losses():
    network = presets.build("compact", **TINY["compact"])
    with pytest.raises(InputError, match="Unknown loss 'gan'"):
        RelightModel(network, {"gan": 1.0})
    with pytest.raises(InputError, match="at least one loss"):
        RelightModel(network, {"albedo": 0.0})
