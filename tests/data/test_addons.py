"""The stand-in for tensorflow-addons gives what tensorflow-addons gives."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfrelight.data import addons

BOTH = pytest.mark.skipif(addons.tfa is addons.STAND_IN, reason="no tensorflow-addons here")
LANES = [addons.STAND_IN, pytest.param(addons.tfa, marks=BOTH)]


@BOTH
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("fill_mode", ["nearest", "constant"])
def test_the_same_transform(interpolation, fill_mode):
    random = np.random.default_rng(0)
    images = random.uniform(size=(3, 9, 12, 4)).astype(np.float32)
    # Turned, sheared and shifted by some pixels.
    turn = np.float32([1, 0, 0, 0, 1, 0, 0, 0]) + random.normal(0, 0.1, (3, 8)) * np.float32(
        [1, 1, 20, 1, 1, 20, 0, 0]
    )
    expected = addons.tfa.image.transform(images, turn, interpolation, fill_mode)
    found = addons.STAND_IN.image.transform(
        images, tf.cast(turn, tf.float32), interpolation, fill_mode
    )
    np.testing.assert_array_equal(found, expected)


def test_a_shift_shifts_the_picture():
    images = np.arange(12, dtype=np.float32).reshape(1, 3, 4, 1)
    # Output (x, y) comes from input (x + 1, y); the border is repeated.
    shift = tf.constant([[1.0, 0, 1, 0, 1, 0, 0, 0]])
    found = addons.tfa.image.transform(images, shift, interpolation="bilinear", fill_mode="nearest")
    np.testing.assert_array_equal(found[0, 0, :, 0], [1, 2, 3, 3])


def fit(*callbacks):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(loss="mse", optimizer="sgd")
    x = np.ones((8, 2), np.float32)
    return model.fit(x, x[:, :1], batch_size=4, epochs=3, verbose=0, callbacks=list(callbacks))


@pytest.mark.parametrize("given", LANES)
def test_training_stops_after_the_epoch_in_which_time_runs_out(given):
    assert len(fit(given.callbacks.TimeStopping(0)).epoch) == 1
    assert len(fit(given.callbacks.TimeStopping(600)).epoch) == 3


@pytest.mark.parametrize("given", LANES)
def test_a_bar_counts_epochs_and_steps(given, capsys):
    fit(given.callbacks.TQDMProgressBar())
    sys.stderr.flush()
    text = capsys.readouterr().err
    assert "3/3" in text and "loss" in text
