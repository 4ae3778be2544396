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


def unlabelled(portraits):
    """As photos of which nothing is known."""
    hidden = {name: tf.zeros_like(value) for name, value in portraits.items() if "has_" in name}
    return {**portraits, **hidden}


def halves(first, second):
    """`[8, 1, 1, 1]`: a value for the four first photos of the pairs, one for the second ones."""
    return tf.reshape(tf.constant([first] * 4 + [second] * 4, tf.float32), [8, 1, 1, 1])


def test_cross_relighting_lends_the_light_and_keeps_the_surface(pair):
    """Photo a's albedo halved and its normals tilted: only what is rendered for b goes wrong."""
    portraits = concatenated(pair)
    outputs = perfect(portraits)
    outputs["albedo"] = outputs["albedo"] * halves(0.5, 1.0)
    tilted = tf.math.l2_normalize(outputs["normals"] + halves(0.3, 0.0) * [1.0, 0.0, 0.0], axis=-1)
    outputs["normals"] = tilted
    portraits = unlabelled(portraits)
    value = pair_losses(["cross_relighting"], outputs, portraits)["cross_relighting"]
    a, b = pair["a"], pair["b"]
    wrong = shading.render(a["albedo"] * 0.5, tilted[:4], b["light"])
    right = shading.render(b["albedo"], b["normals"], a["light"])
    expected = (
        losses.photometric(wrong, b["image"], b["mask"])
        + losses.photometric(right, a["image"], a["mask"])
    ) / 2
    # The same ball twice and no saturated pixel: both directions have as many votes.
    np.testing.assert_allclose(value, expected, rtol=1e-3)
    assert value > 0.05
    # Under its own light the wrong surface gives another number.
    own = pair_losses(["reconstruction"], outputs, portraits)["reconstruction"]
    assert abs(float(own - value)) > 1e-4


MULTILIT = ("cross_relighting", "albedo_consistency", "normal_consistency")


def test_single_photos_have_no_multilit_losses(pair):
    """Of two pairs the one of single photos changes nothing but the losses of single photos."""
    portraits = concatenated(pair)
    outputs = perfect(portraits)
    for name in ("albedo", "normals"):
        turned = tf.reverse(outputs[name], [1])
        outputs[name] = tf.concat([turned[:4], outputs[name][4:]], 0)
    every = pair_losses(losses.NAMES, outputs, portraits)
    single = tf.constant([1.0, 1.0, 0.0, 0.0] * 2)
    two = {key: tf.boolean_mask(value, single > 0) for key, value in portraits.items()}
    of_two = {key: tf.boolean_mask(value, single > 0) for key, value in outputs.items()}
    expected = pair_losses(MULTILIT, of_two, two)
    half = pair_losses(losses.NAMES, outputs, {**portraits, "multilit": single})
    none = pair_losses(losses.NAMES, outputs, {**portraits, "multilit": 0 * single})
    for name in losses.NAMES:
        if name in MULTILIT:
            np.testing.assert_allclose(half[name], expected[name], rtol=1e-5, err_msg=name)
            assert float(every[name]) > 1e-3 and float(none[name]) == 0
        else:
            np.testing.assert_allclose(none[name], every[name], err_msg=name)


def test_reconstruction_is_under_the_photos_own_light(pair):
    portraits = concatenated(pair)
    outputs = perfect(portraits)
    outputs["light"] = tf.concat([pair["b"]["light"], pair["a"]["light"]], 0)
    value = pair_losses(["reconstruction"], outputs, unlabelled(portraits))["reconstruction"]
    rendered = shading.render(portraits["albedo"], portraits["normals"], outputs["light"])
    expected = losses.photometric(rendered, portraits["image"], portraits["mask"])
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    assert value > 0.02


@pytest.mark.parametrize("name", ["reconstruction", "cross_relighting"])
def test_cast_shadows_and_highlights_count_only_where_labels_do_not_tell_them(pair, name):
    portraits = concatenated(pair)
    outputs = perfect(portraits)
    spoiled = tf.where(halves(1.0, 0.0) > 0, portraits["image"] * 0.6, 0.9)
    spoiled = {**portraits, "image": spoiled}
    assert float(pair_losses([name], outputs, spoiled)[name]) < 1e-5
    for label in ("albedo", "normals", "light"):
        partly = {**spoiled, f"has_{label}": tf.zeros_like(portraits[f"has_{label}"])}
        assert float(pair_losses([name], outputs, partly)[name]) > 0.1


@pytest.mark.parametrize("name", ["reconstruction", "cross_relighting"])
def test_labels_that_must_not_stand_for_the_photo_do_not(pair, name):
    portraits = concatenated(pair)
    spoiled = {**portraits, "image": portraits["image"] * 0.6}
    outputs = perfect(portraits)
    hidden = {**spoiled, "rendered": tf.zeros_like(portraits["rendered"])}
    value = pair_losses([name], outputs, hidden)[name]
    np.testing.assert_allclose(
        value, pair_losses([name], outputs, unlabelled(spoiled))[name], rtol=0.02
    )
    assert float(value) > 0.1


@pytest.mark.parametrize("name", ["reconstruction", "cross_relighting"])
def test_saturated_pixels_of_unlabelled_photos_do_not_vote(pair, name):
    portraits = unlabelled(concatenated(pair))
    outputs = perfect(portraits)
    expected = pair_losses([name], outputs, portraits)[name]
    half = tf.reshape(tf.range(32) < 16, [1, 1, 32, 1])
    saturated = {**portraits, "image": tf.where(half, 1.0, portraits["image"])}
    assert abs(float(pair_losses([name], outputs, saturated)[name] - expected)) < 0.005


def test_the_supervised_losses_by_hand(pair):
    portraits = concatenated(pair)
    # Labels of one value, so that a prediction is off by the same everywhere.
    up = tf.zeros_like(portraits["normals"]) + [0.0, 0.0, 1.0]
    portraits["normals"] = up
    portraits["albedo"] = tf.ones_like(up) * 0.21404
    outputs = perfect(portraits)
    outputs["albedo"] = tf.ones_like(up) * 0.31855
    outputs["normals"] = up * 0.8 + [0.0, 0.6, 0.0]
    outputs["light"] = portraits["light"] * 1.5
    outputs["mask"] = tf.ones_like(portraits["mask"]) * 0.5
    values = pair_losses(["albedo", "normal", "light", "mask"], outputs, portraits)
    # Linear 0.21404 and 0.31855 are sRGB 0.5 and 0.6.
    assert float(values["albedo"]) == pytest.approx(0.1, abs=1e-3)
    # L1: (0 + 0.6 + 0.2) / 3; angle: 1 - 0.8.
    assert float(values["normal"]) == pytest.approx(0.8 / 3 + 0.2, abs=1e-5)
    # (1.5 - 1)² of the light itself.
    assert float(values["light"]) == pytest.approx(0.25, abs=1e-5)
    # -log 0.5 whatever the target.
    assert float(values["mask"]) == pytest.approx(0.69315, abs=1e-4)


def test_consistency_compares_the_two_photos(pair):
    portraits = concatenated(pair)
    outputs = perfect(portraits)
    outputs["albedo"] = tf.ones_like(outputs["albedo"]) * halves(0.21404, 0.31855)
    up = tf.zeros_like(outputs["normals"]) + [0.0, 0.0, 1.0]
    outputs["normals"] = tf.where(halves(0, 1) > 0, up * 0.8 + [0.6, 0.0, 0.0], up)
    values = pair_losses(["albedo_consistency", "normal_consistency"], outputs, portraits)
    assert float(values["albedo_consistency"]) == pytest.approx(0.1, abs=1e-3)
    assert float(values["normal_consistency"]) == pytest.approx(0.2, abs=1e-5)


def test_where_there_is_no_albedo_there_is_no_label(pair):
    portraits = concatenated(pair)
    portraits["albedo"] = portraits["albedo"] * halves(0.0, 1.0)
    outputs = perfect(portraits)
    outputs["normals"] = outputs["normals"] * halves(-1.0, 1.0)
    assert float(pair_losses(["normal"], outputs, portraits)["normal"]) == pytest.approx(
        0, abs=1e-5
    )


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


def test_the_loss_is_the_weighted_sum(pair):
    trained = model("compact", {"reconstruction": 2.0, "normal": 0.5})
    logs = trained.evaluate(tf.data.Dataset.from_tensors(pair), verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(
        2 * logs["reconstruction"] + 0.5 * logs["normal"], rel=1e-4
    )


@pytest.mark.parametrize("scaled", [False, True])
def test_a_step_goes_down_the_gradient_of_the_weighted_sum(pair, scaled):
    """The network's own losses, as regularization is one, are of the sum too."""
    weights = {"reconstruction": 2.0, "normal": 0.5, "light": 1.0}
    trained = model("compact", weights)
    network = trained.network
    network.add_loss(lambda: 0.1 * tf.reduce_sum(network.get_layer("stem").kernel ** 2))
    optimizer = keras.optimizers.SGD(1.0)
    if scaled:
        optimizer = keras.mixed_precision.LossScaleOptimizer(
            optimizer, dynamic=False, initial_scale=1024.0
        )
    trained.compile(optimizer=optimizer)
    portraits = concatenated(pair)
    with tf.GradientTape() as tape:
        parts = pair_losses(weights, network(portraits["image"], training=True), portraits)
        total = tf.add_n([weights[name] * parts[name] for name in parts] + network.losses)
    variables = network.trainable_variables
    gradients = tape.gradient(total, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    before = network.get_weights()
    history = trained.fit(tf.data.Dataset.from_tensors(pair), verbose=0).history
    assert history["loss"][0] == pytest.approx(float(total), rel=1e-5)
    for value, variable, gradient in zip(before, variables, gradients):
        np.testing.assert_allclose(value - variable.numpy(), gradient, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("off", losses.NAMES)
def test_any_loss_can_be_switched_off(pair, off):
    """Then no other loss may reach a head, as with the mask's."""
    trained = model("compact", {**dict.fromkeys(losses.NAMES, 1.0), off: 0.0})
    history = trained.fit(tf.data.Dataset.from_tensors(pair), verbose=0).history
    assert off not in history and np.isfinite(history["loss"][0])


def test_unknown_and_missing_losses():
    network = presets.build("compact", **TINY["compact"])
    with pytest.raises(InputError, match="Unknown loss 'gan'"):
        RelightModel(network, {"gan": 1.0})
    with pytest.raises(
        InputError, match="Invalid weight of the loss 'albedo'. Expected at least 0"
    ):
        RelightModel(network, {"albedo": float("nan")})
    with pytest.raises(InputError, match="at least one loss"):
        RelightModel(network, {"albedo": 0.0})
