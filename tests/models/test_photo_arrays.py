"""What a network takes for photos."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models.test_networks import TINY
from tfrelight.errors import InputError
from tfrelight.models import loading, networks, photo_arrays

FLOATS = np.random.default_rng(0).random((2, 20, 30, 3), np.float32)
BYTES = np.uint8(FLOATS * 255)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return loading.of_any_size(networks.build("compact", **TINY["compact"]))


@pytest.mark.parametrize(
    "images, expected",
    [
        (BYTES, r"as floats in \[0, 1\]. Received: uint8. .* / 255"),
        (BYTES.astype(np.uint16) * 257, r"Received: uint16. .* / 65535"),
        (BYTES.astype(np.int64), "Received: int64"),
        (BYTES > 100, "Received: bool"),
        (BYTES.astype(np.float32), "Divide photos in 0..255 by 255"),
        (BYTES.astype(np.float64), "Divide photos in 0..255 by 255"),
        (FLOATS * 2 - 1, "Received numbers from -1 to 1"),
        (FLOATS[0], r"\[N, H, W, 3\]. Received: \[20, 30, 3\]. Add a batch axis: photo\[None\]"),
        (FLOATS[0, ..., 0], r"\[N, H, W, 3\]. Received: \[20, 30\]"),
        (FLOATS[..., :1], r"Received: \[2, 20, 30, 1\]"),
        (np.concatenate([FLOATS, FLOATS[..., :1]], -1), r"Received: \[2, 20, 30, 4\]"),
        (np.moveaxis(FLOATS, -1, 1), r"Received: \[2, 3, 20, 30\]"),
    ],
)
def test_what_is_no_photo_is_refused_in_one_line(model, images, expected):
    for call in (model.predict, model.predict_on_batch, model, photo_arrays.check):
        for given in (images, tf.constant(images)):
            with pytest.raises(InputError, match=expected) as error:
                call(given)
            assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "images",
    [
        FLOATS,
        FLOATS.astype(np.float64),
        FLOATS.astype(np.float16),
        FLOATS * 1.4 - 0.2,
        FLOATS[:0],
        np.full((1, 4, 4, 3), np.nan, np.float32),
        np.full((1, 4, 4, 3), np.inf, np.float32),
        tf.data.Dataset.from_tensors(BYTES),
        keras.Input((None, None, 3)),
    ],
    ids=lambda images: type(images).__name__,
)
def test_photos_and_what_holds_no_numbers_yet_pass(images):
    photo_arrays.check(images)


def test_photos_give_what_the_network_gives(model):
    plain = keras.Model(model.inputs, model.outputs)
    named = dict(zip(sorted(model.output), plain.predict(FLOATS, verbose=0)))
    found = model.predict(FLOATS, verbose=0)
    for name in found:
        np.testing.assert_array_equal(found[name], named[name])
        # The two compile the graph in ways of their own, which round differently.
        on_batch = model.predict_on_batch(FLOATS)[name]
        np.testing.assert_allclose(found[name], on_batch, atol=1e-6)


def test_a_graph_and_a_saved_model_hold_the_model(model, tmp_path):
    compiled = tf.function(lambda x: model(x, training=False)["albedo"])
    expected = model.predict(FLOATS, verbose=0)["albedo"]
    np.testing.assert_allclose(compiled(tf.constant(FLOATS)), expected, atol=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, loading.PhotoModel)
    np.testing.assert_array_equal(loaded.predict(FLOATS, verbose=0)["albedo"], expected)
    with pytest.raises(InputError):
        loaded.predict(BYTES)
