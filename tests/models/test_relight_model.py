"""The training step: named losses by hand, switches, falling loss, no NaN in the weights."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import scenes
from tests.models.test_networks import TINY
from tfrelight import shading
from tfrelight.data import pairs, records
from tfrelight.errors import InputError
from tfrelight.models import losses, networks
from tfrelight.models.relight_model import RelightModel, pair_losses, pair_weights


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
    known = {key: portraits[key] for key in ("albedo", "normals", "light", "mask")}
    return {**known, "parts": tf.one_hot(tf.cast(portraits["parts"][..., 0], tf.int32), 7)}


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


MULTILIT = ("cross_relighting", "albedo_consistency", "normals_consistency")


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


@pytest.mark.parametrize("name", ["reconstruction", "cross_relighting"])
def test_labelled_and_unlabelled_photos_vote_alike(pair, name):
    """A network that says black is off by the photo itself, in its mask."""
    portraits = concatenated(pair)
    known = tf.constant([1.0, 0.0, 0.0, 1.0] * 2)
    for label in ("albedo", "normals", "light"):
        portraits[f"has_{label}"] = known
    outputs = perfect(portraits)
    outputs["albedo"] = 0 * outputs["albedo"]
    value = pair_losses([name], outputs, portraits)[name]
    expected = losses.absolute(0.0, portraits["image"], portraits["mask"])
    np.testing.assert_allclose(value, expected, rtol=5e-3)


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
    outputs["parts"] = tf.ones_like(outputs["parts"]) / 7
    values = pair_losses(["albedo", "normals", "light", "mask", "parts"], outputs, portraits)
    # Linear 0.21404 and 0.31855 are sRGB 0.5 and 0.6.
    assert float(values["albedo"]) == pytest.approx(0.1, abs=1e-3)
    # L1: (0 + 0.6 + 0.2) / 3; angle: 1 - 0.8.
    assert float(values["normals"]) == pytest.approx(0.8 / 3 + 0.2, abs=1e-5)
    # (1.5 - 1)² of the light itself.
    assert float(values["light"]) == pytest.approx(0.25, abs=1e-5)
    # -log 0.5 whatever the target.
    assert float(values["mask"]) == pytest.approx(0.69315, abs=1e-4)
    # -log 1/7 likewise.
    assert float(values["parts"]) == pytest.approx(1.94591, abs=1e-4)


def test_consistency_compares_the_two_photos(pair):
    portraits = concatenated(pair)
    outputs = perfect(portraits)
    outputs["albedo"] = tf.ones_like(outputs["albedo"]) * halves(0.21404, 0.31855)
    up = tf.zeros_like(outputs["normals"]) + [0.0, 0.0, 1.0]
    outputs["normals"] = tf.where(halves(0, 1) > 0, up * 0.8 + [0.6, 0.0, 0.0], up)
    values = pair_losses(["albedo_consistency", "normals_consistency"], outputs, portraits)
    assert float(values["albedo_consistency"]) == pytest.approx(0.1, abs=1e-3)
    assert float(values["normals_consistency"]) == pytest.approx(0.2, abs=1e-5)


def test_where_there_is_no_albedo_there_is_no_label(pair):
    portraits = concatenated(pair)
    portraits["albedo"] = portraits["albedo"] * halves(0.0, 1.0)
    outputs = perfect(portraits)
    outputs["normals"] = outputs["normals"] * halves(-1.0, 1.0)
    assert float(pair_losses(["normals"], outputs, portraits)["normals"]) == pytest.approx(
        0, abs=1e-5
    )


def test_hidden_labels_do_not_count(pair):
    portraits = concatenated(pair)
    for label in ("albedo", "normals", "light", "mask", "parts"):
        portraits[f"has_{label}"] = tf.zeros(8)
    outputs = perfect(portraits)
    outputs["albedo"] = outputs["albedo"] * 0.1
    outputs["light"] = outputs["light"] * 5
    outputs["parts"] = 1 - outputs["parts"]
    values = pair_losses(["albedo", "normals", "light", "mask", "parts"], outputs, portraits)
    assert all(float(value) == 0 for value in values.values())


def model(name, weights=None, rate=3e-3):
    keras.utils.set_random_seed(1)
    result = RelightModel(
        networks.build(name, **TINY[name]), weights or dict.fromkeys(losses.NAMES, 1.0)
    )
    result.compile(optimizer=keras.optimizers.Adam(rate))
    return result


def test_the_loss_is_the_weighted_sum(pair):
    trained = model("compact", {"reconstruction": 2.0, "normals": 0.5})
    logs = trained.evaluate(tf.data.Dataset.from_tensors(pair), verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(
        2 * logs["reconstruction"] + 0.5 * logs["normals"], rel=1e-4
    )


@pytest.fixture
def eagerly():
    """Without graphs and XLA, which take ten seconds to build for one step."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def regularized(layer):
    """The same layer, with a loss of its own if it is the stem."""
    config = layer.get_config()
    if layer.name == "stem":
        config["kernel_regularizer"] = keras.regularizers.L2(0.1)
    return type(layer).from_config(config)


@pytest.mark.parametrize("scaled,replicas", [(False, 1), (True, 1), (False, 4)])
def test_a_step_goes_down_the_gradient_of_the_weighted_sum(
    pair, eagerly, monkeypatch, scaled, replicas
):
    """The network's own losses, as regularization is one, are of the sum too.

    The optimizer adds up what replicas send: each sends its share.
    """
    weights = {"reconstruction": 2.0, "normals": 0.5, "light": 1.0}
    network = keras.models.clone_model(model("compact").network, clone_function=regularized)
    trained = RelightModel(network, weights)
    assert len(network.losses) == 1
    optimizer = keras.optimizers.SGD(1.0)
    if scaled:
        optimizer = keras.mixed_precision.LossScaleOptimizer(optimizer, initial_scale=1024.0)
    trained.compile(optimizer=optimizer)
    portraits = concatenated(pair)
    with tf.GradientTape() as tape:
        parts = pair_losses(weights, network(portraits["image"], training=True), portraits)
        total = tf.add_n([weights[name] * parts[name] for name in parts] + network.losses)
    variables = network.trainable_variables
    # None where no loss reaches.
    gradients = [0.0 if g is None else g for g in tape.gradient(total, variables)]
    before = network.get_weights()
    if replicas > 1:
        strategy = types.SimpleNamespace(num_replicas_in_sync=replicas)
        monkeypatch.setattr(tf.distribute, "get_strategy", lambda: strategy)
    logs = trained.train_step(pair)
    assert float(logs["loss"]) == pytest.approx(float(total), rel=1e-5)
    for value, variable, gradient in zip(before, variables, gradients):
        step = value - variable.numpy()
        np.testing.assert_allclose(step, gradient / replicas, rtol=1e-3, atol=1e-6)


def test_the_mean_of_two_replicas_is_the_loss_of_all(pair, monkeypatch):
    """Each replica has one of two pairs, one of them with labels and the other without."""
    hidden = {name: tf.zeros_like(value) for name, value in pair["a"].items() if "has_" in name}
    parts = [
        concatenated(
            {name: {key: value[:1] for key, value in pair[name].items()} for name in "ab"}
        ),
        concatenated(
            {
                name: {
                    key: (value * 0 if key in hidden else value)[1:2]
                    for key, value in pair[name].items()
                    if key != "subject"
                }
                for name in "ab"
            }
        ),
    ]
    # The masks differ, too.
    parts[1]["mask"] *= tf.cast(tf.range(32)[None, None, :, None] < 12, tf.float32)
    keys = [key for key in parts[1] if key != "subject"]
    # All first photos, then all second ones.
    whole = {
        key: tf.concat([part[key][place : place + 1] for place in (0, 1) for part in parts], 0)
        for key in keys
    }
    network = networks.build("compact", **TINY["compact"])
    expected = pair_losses(losses.NAMES, network(whole["image"]), whole)
    trained = RelightModel(network, dict.fromkeys(losses.NAMES, 1.0))
    sums = [
        {name: tf.reduce_sum(weight) for name, weight in pair_weights(losses.NAMES, part).items()}
        for part in parts
    ]
    total = {name: sums[0][name] + sums[1][name] for name in losses.NAMES}
    context = types.SimpleNamespace(num_replicas_in_sync=2, all_reduce=lambda *_: total)
    monkeypatch.setattr(tf.distribute, "get_replica_context", lambda: context)
    found = [
        trained._score(network(part["image"]), part, trained._shares(part))[1] for part in parts
    ]
    for name in losses.NAMES:
        mean = (float(found[0][name]) + float(found[1][name])) / 2
        assert mean == pytest.approx(float(expected[name]), rel=1e-4, abs=1e-7), name


@pytest.mark.parametrize("off", losses.NAMES)
def test_any_loss_can_be_switched_off(pair, eagerly, off):
    """Then no other loss may reach a head, as with the mask's."""
    trained = model("compact", {**dict.fromkeys(losses.NAMES, 1.0), off: 0.0})
    logs = trained.train_step(pair)
    assert off not in logs and np.isfinite(logs["loss"])


class Tells:
    """A network that says the same whatever it sees, with losses of its own."""

    def __init__(self, outputs, *losses):
        self.outputs = self.output = outputs
        self.losses = losses

    def __call__(self, images, training):
        return self.outputs


def test_the_error_of_normals_is_logged_in_degrees_where_they_are_known(pair):
    portraits = concatenated(pair)
    up = tf.zeros_like(portraits["normals"]) + [0.0, 0.0, 1.0]
    outputs = perfect(portraits)
    # The first photos' normals are off by the angle whose sine is 0.6.
    outputs["normals"] = tf.where(halves(1, 0) > 0, up * 0.8 + [0.6, 0.0, 0.0], up)
    tells = RelightModel(Tells(outputs), {"normals": 1.0})
    known = {name: {**half, "normals": up[:4]} for name, half in pair.items()}
    logs = tells.test_step(known)
    assert float(logs["normals_degrees"]) == pytest.approx(36.8699 / 2, abs=0.05)
    # Neither unknown normals nor those where photometric stereo left no albedo count.
    for hidden in ("has_normals", "albedo", "mask"):
        some = {**known["b"], hidden: tf.zeros_like(known["b"][hidden])}
        tells.means["normals_degrees"].reset_state()
        logs = tells.test_step({"a": known["a"], "b": some})
        assert float(logs["normals_degrees"]) == pytest.approx(36.8699, abs=0.05), hidden


def test_the_overlap_of_parts_is_logged_where_they_are_known(pair):
    """A ball is background, skin on its left and cloth on its right."""
    portraits = concatenated(pair)
    outputs = perfect(portraits)
    # Of the first photos the network takes the cloth for skin.
    mistaken = np.array(portraits["parts"])
    mistaken[:4][mistaken[:4] == 5] = 1
    outputs["parts"] = tf.one_hot(mistaken[..., 0].astype(int), 7)
    tells = RelightModel(Tells(outputs), {"albedo": 1.0})
    # Skin: half as much again is called so. Cloth: half is found. Background: all.
    logs = tells.test_step(pair)
    assert float(logs["parts_iou"]) == pytest.approx((1 + 2 / 3 + 1 / 2) / 3, abs=0.01)
    tells.overlap.reset_state()
    unknown = {**pair["a"], "has_parts": tf.zeros(4)}
    logs = tells.test_step({**pair, "a": unknown})
    assert float(logs["parts_iou"]) == pytest.approx(1)
    assert tells.overlap in tells.metrics  # so that every epoch counts anew


def test_a_network_that_does_not_tell_parts_trains_without_their_loss(pair, eagerly):
    trained = model("sfsnet", {"albedo": 1.0, "parts": 1.0})
    logs = trained.train_step(pair)
    assert "albedo" in logs and not {"parts", "parts_iou"} & logs.keys()
    with pytest.raises(InputError, match="at least one loss"):
        model("sfsnet", {"parts": 1.0})


@pytest.mark.parametrize("sign,degrees", [(1.0, 0.0), (-1.0, 180.0)])
def test_the_error_of_normals_is_a_number_where_rounding_leaves_the_cosine(pair, sign, degrees):
    """Of unit vectors in float32 a product may be a little more than 1."""
    outputs = perfect(concatenated(pair))
    normals = outputs["normals"]
    assert np.max(tf.reduce_sum(normals * normals, axis=-1)) > 1
    outputs["normals"] = sign * normals
    logs = RelightModel(Tells(outputs), {"normals": 1.0}).test_step(pair)
    assert float(logs["normals_degrees"]) == pytest.approx(degrees, abs=0.05)


def test_the_network_s_own_losses_are_of_the_sum(pair):
    tells = Tells(perfect(concatenated(pair)), tf.constant(0.25), tf.constant(0.5))
    logs = RelightModel(tells, {"albedo": 1.0}).test_step(pair)
    assert float(logs["loss"]) == pytest.approx(0.75, abs=1e-5)
    assert float(logs["albedo"]) == pytest.approx(0, abs=1e-5)


def test_a_network_s_output_may_have_any_precision(pair):
    outputs = {name: tf.cast(one, tf.float16) for name, one in perfect(concatenated(pair)).items()}
    logs = RelightModel(Tells(outputs), {"albedo": 1.0, "light": 1.0}).test_step(pair)
    assert logs["albedo"].dtype == tf.float32 and float(logs["loss"]) < 1e-3


def test_unknown_and_missing_losses():
    network = networks.build("compact", **TINY["compact"])
    with pytest.raises(InputError, match="Unknown loss 'gan'"):
        RelightModel(network, {"gan": 1.0})
    with pytest.raises(
        InputError, match="Invalid weight of the loss 'albedo'. Expected at least 0"
    ):
        RelightModel(network, {"albedo": float("nan")})
    with pytest.raises(InputError, match="at least one loss"):
        RelightModel(network, {"albedo": 0.0})


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_training_lowers_the_loss(name, pair):
    trained = model(name)
    batches = tf.data.Dataset.from_tensors(pair).repeat()
    # Without the moving statistics of BatchNormalization, as training sees it.
    first = trained.fit(batches, steps_per_epoch=1, shuffle=False, verbose=0).history
    later = trained.fit(batches, steps_per_epoch=20, shuffle=False, verbose=0).history
    last = trained.fit(batches, steps_per_epoch=1, shuffle=False, verbose=0).history
    assert last["loss"][0] < later["loss"][0] < first["loss"][0]
    expected = set(losses.NAMES) | {"parts_iou"}
    assert set(first) >= (expected if name == "compact" else set(losses.NAMES) - {"parts"})
    assert ("parts" in first) == ("parts_iou" in first) == (name == "compact")
