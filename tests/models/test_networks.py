"""Every network: its outputs, precisions, and the same outputs after saving and loading."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfrelight
from tfrelight.errors import InputError
from tfrelight.models import layers, loading, networks, precision, presets

TINY = {
    "compact": {"size": 32, "filters": (4, 6, 8), "blocks": (1, 1, 1)},
    "sfsnet": {"size": 32, "width": 4, "blocks": 1},
}


@pytest.fixture(autouse=True)
def float32():
    yield
    keras.mixed_precision.set_global_policy("float32")


def photos(*shape):
    return np.random.default_rng(0).uniform(size=(*shape, 3)).astype(np.float32)


@pytest.mark.parametrize("name", networks.NETWORKS)
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_outputs(name, policy):
    keras.mixed_precision.set_global_policy(policy)
    network = networks.build(name, **TINY[name])
    outputs = network(photos(2, 32, 32))
    assert {key: tuple(value.shape) for key, value in outputs.items()} == {
        "albedo": (2, 32, 32, 3),
        "normals": (2, 32, 32, 3),
        "light": (2, 9, 3),
        "mask": (2, 32, 32, 1),
        **({"parts": (2, 32, 32, 7)} if name == "compact" else {}),
    }
    assert all(value.dtype == tf.float32 for value in outputs.values())
    np.testing.assert_allclose(np.linalg.norm(outputs["normals"], axis=-1), 1, atol=1e-3)
    assert np.min(outputs["mask"]) >= 0 and np.max(outputs["mask"]) <= 1


def test_parts_are_probabilities_and_the_mask_is_what_is_not_background():
    network = changed("compact")
    # So that the shares differ from pixel to pixel.
    network.get_layer("parts_out").kernel.assign_add(
        tf.random.stateless_normal(network.get_layer("parts_out").kernel.shape, (3, 4))
    )
    outputs = network(photos(2, 32, 32))
    parts = outputs["parts"].numpy()
    assert parts.min() >= 0 and np.ptp(parts[..., 0]) > 0.1
    np.testing.assert_allclose(parts.sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(outputs["mask"][..., 0], parts[..., 1:].sum(-1), atol=1e-5)


def test_a_network_without_parts_is_that_of_the_first_presets():
    network = networks.build("compact", parts=False, **TINY["compact"])
    assert set(network(photos(1, 32, 32))) == {"albedo", "normals", "light", "mask"}
    more = presets.variables(networks.build("compact", **TINY["compact"]))
    heads = presets.variables(network).keys() ^ more.keys()
    assert {name.partition("/")[0] for name in heads} == {"mask_out", "parts_out"}


def test_sfsnet_is_sfsnet():
    network = networks.build("sfsnet")
    # About 3.42 M with Caffe's scale-free BN; 65 of them are our mask.
    trainable = sum(int(np.prod(w.shape)) for w in network.trainable_weights)
    assert 3.40e6 < trainable < 3.43e6
    assert network.get_layer("conv1").kernel_size == (7, 7)
    assert network.get_layer("conv3").strides == (2, 2)
    assert network.get_layer("light_features").output.shape[-1] == 384
    blocks = [layer for layer in network.layers if layer.name.endswith("_add")]
    assert len(blocks) == 10


def test_compact_fits_in_the_wheel():
    # 8 MiB of half precision for all weights: under 4.19 M parameters.
    assert networks.build("compact").count_params() < 4.19e6


def test_compact_wants_a_size_it_can_halve():
    with pytest.raises(InputError, match="multiple of 16. Received: 100"):
        networks.build("compact", size=100)


def test_sfsnet_wants_an_even_size():
    with pytest.raises(InputError, match="even number. Received: 33"):
        networks.build("sfsnet", size=33)


def test_unknown_network():
    with pytest.raises(InputError, match="Unknown network 'unet'. Expected one of: compact"):
        networks.build("unet")


def test_gain_starts_blocks_as_the_identity():
    x = keras.Input((4, 4, 2))
    y = layers.Gain()(x)
    model = keras.Model(x, y)
    np.testing.assert_array_equal(model(np.ones((1, 4, 4, 2))), 0)


def test_attention_starts_as_the_identity_and_then_joins_distant_cells():
    plain = networks.build("compact", **TINY["compact"])
    attentive = networks.build("compact", attention=True, **TINY["compact"])
    given, more = presets.variables(plain), presets.variables(attentive)
    assert given.keys() < more.keys() and len(given) == len(plain.weights)
    for name, weight in given.items():
        more[name].assign(weight)
    x = photos(1, 32, 32)
    for key, value in plain(x).items():
        np.testing.assert_array_equal(attentive(x)[key], value)
    lowest = keras.Model(attentive.input, attentive.get_layer("attention_add").output)
    corner = x.copy()
    corner[:, :4, :4] = 0.0

    def far_cell_changes():
        return np.ptp([lowest(x)[:, -1, -1], lowest(corner)[:, -1, -1]], axis=0).max()

    assert far_cell_changes() == 0
    attentive.get_layer("attention_gain").gain.assign(1.0)
    assert far_cell_changes() > 1e-4


def test_space_to_depth_and_back():
    x = photos(1, 8, 8)
    np.testing.assert_array_equal(layers.DepthToSpace()(layers.SpaceToDepth()(x)), x)


def test_smoothing_removes_patterns_of_two_pixels_and_keeps_slopes():
    y, x = np.mgrid[:8, :10].astype(np.float32)
    for pattern in ((-1.0) ** y, (-1.0) ** x, (-1.0) ** (x + y)):
        smooth = layers.Smooth()(pattern[None, :, :, None]).numpy()[0, 1:-1, 1:-1]
        np.testing.assert_allclose(smooth, 0, atol=1e-6)
    slope = (2.0 * x - y)[None, :, :, None]
    np.testing.assert_allclose(layers.Smooth()(slope)[0, 1:-1, 1:-1], slope[0, 1:-1, 1:-1])


def test_the_gradient_of_smoothing_is_that_of_its_sums():
    rng = np.random.default_rng(0)
    maps, after = (tf.constant(rng.random((2, 5, 7, 3)), tf.float32) for _ in range(2))
    with tf.GradientTape() as tape:
        tape.watch(maps)
        smooth = layers.Smooth()(maps)
    found = tape.gradient(smooth, maps, output_gradients=after)
    # <S x, y> is linear in x: its derivative by each pixel is the sum of a picture of that pixel.
    for place in ((0, 0, 0, 0), (0, 4, 6, 1), (1, 2, 0, 2), (1, 3, 3, 0)):
        single = np.zeros(maps.shape, np.float32)
        single[place] = 1.0
        expected = np.vdot(layers.Smooth()(single), after)
        np.testing.assert_allclose(found[place], expected, rtol=1e-5)


def changed(name):
    """A tiny network with changed weights and statistics of BatchNormalization."""
    network = networks.build(name, **TINY[name])
    for weight in network.weights:
        weight.assign(weight + 0.05 * tf.random.stateless_normal(weight.shape, (1, 2)) ** 2)
    return network


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_a_saved_model_loads_without_custom_objects(name, tmp_path):
    """All layers are registered: the networks and `of_any_size` use every one of them."""
    model = loading.of_any_size(changed(name))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for key, value in model(photos(2, 40, 24)).items():
        np.testing.assert_array_equal(loaded(photos(2, 40, 24))[key], value)


def test_every_layer_returns_its_arguments():
    for layer in (
        *(layers.Gain(), layers.SpaceToDepth(), layers.DepthToSpace(), layers.Smooth()),
        layers.Foreground(),
        layers.UnitNormals(scale=2.0, offset=(-1.0, 0.5, 1.0), name="normals"),
        *(layers.Resize(7), layers.Resize(unit=True)),
    ):
        assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()
        registered = keras.saving.get_registered_object(f"tfrelight>{type(layer).__name__}")
        assert registered is type(layer)
    config = layers.UnitNormals(scale=2.0, offset=(-1.0, 0.5, 1.0)).get_config()
    assert (config["scale"], config["offset"]) == (2.0, (-1.0, 0.5, 1.0))
    assert layers.Resize(7, unit=True).get_config().items() >= {"size": 7, "unit": True}.items()


def run_folder(path, name):
    network = changed(name)
    (path / "weights").mkdir()
    network.save_weights(path / loading.LAST)
    loading.describe(path, name, TINY[name])
    return network


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_save_load_predict(name, tmp_path):
    network = run_folder(tmp_path, name)
    expected = network.predict(photos(3, 32, 32), verbose=0)
    loaded = tfrelight.load_model(tmp_path).predict(photos(3, 32, 32), verbose=0)
    assert set(loaded) == set(expected)
    expected["albedo"] = np.clip(expected["albedo"], 0, 1)
    for key in expected:
        np.testing.assert_allclose(loaded[key], expected[key], atol=1e-5)
    one_file = tfrelight.load_model(tmp_path / loading.LAST).predict(photos(3, 32, 32), verbose=0)
    np.testing.assert_array_equal(one_file["light"], loaded["light"])


def test_photos_of_any_size(tmp_path):
    run_folder(tmp_path, "compact")
    model = tfrelight.load_model(tmp_path)
    outputs = model.predict(photos(2, 50, 38), verbose=0)
    assert outputs["albedo"].shape == (2, 50, 38, 3)
    assert outputs["mask"].shape == (2, 50, 38, 1)
    # Also between the network's own pixels.
    np.testing.assert_allclose(outputs["parts"].sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(outputs["mask"], 1 - outputs["parts"][..., :1], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(outputs["normals"], axis=-1), 1, atol=1e-4)
    again = tf.function(model)(photos(2, 50, 38))
    np.testing.assert_allclose(again["albedo"], outputs["albedo"], atol=1e-4)


def test_a_loaded_model_answers_in_float32_whatever_the_policy(tmp_path):
    run_folder(tmp_path, "compact")
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    outputs = tfrelight.load_model(tmp_path).predict(photos(1, 20, 20), verbose=0)
    assert all(value.dtype == np.float32 for value in outputs.values())
    np.testing.assert_allclose(np.linalg.norm(outputs["normals"], axis=-1), 1, atol=1e-5)


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(InputError, match="No trained model in .*nothing.*model.json is missing"):
        tfrelight.load_model(tmp_path / "nothing")


def test_weights_of_another_network(tmp_path):
    run_folder(tmp_path, "compact")
    loading.describe(tmp_path, "sfsnet", TINY["sfsnet"])
    with pytest.raises(InputError, match="does not hold the weights of sfsnet"):
        tfrelight.load_model(tmp_path)


def test_corrupt_weights_and_description(tmp_path):
    run_folder(tmp_path, "compact")
    (tmp_path / loading.LAST).write_bytes(b"nonsense")
    with pytest.raises(InputError, match="does not hold the weights of compact"):
        tfrelight.load_model(tmp_path)
    (tmp_path / "model.json").write_text("[]")
    with pytest.raises(InputError, match="is not a model description"):
        tfrelight.load_model(tmp_path)
    (tmp_path / "model.json").write_text(json.dumps({"network": "compact"}))
    with pytest.raises(InputError, match="is not a model description"):
        tfrelight.load_model(tmp_path)


def test_precision_names():
    assert precision.policy("float32") == "float32"
    assert precision.policy("bfloat16") == "mixed_bfloat16"
    assert precision.policy("auto") in ("float32", "mixed_bfloat16", "mixed_float16")
