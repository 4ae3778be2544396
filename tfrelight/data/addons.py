"""What training takes from tensorflow-addons, or its stand-in; no other module imports it.

tensorflow-addons ends with TensorFlow 2.15. Where it is not installed, `tfa` is `STAND_IN`: the
same names with the same results, which a test compares where both are there. An exported graph must
not hold any of its ops.
"""

from __future__ import annotations

import time
import types
import warnings
from typing import Any

import keras
import tensorflow as tf
from tqdm.keras import TqdmCallback

__all__ = ["STAND_IN", "tfa"]


def _transform(images, transforms, interpolation, fill_mode):
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=tf.shape(images)[1:3],
        interpolation=interpolation.upper(),
        fill_mode=fill_mode.upper(),
        fill_value=0.0,
    )


class _TimeStopping(keras.callbacks.Callback):
    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def on_train_begin(self, logs=None):
        self.stopping_time = time.time() + self.seconds

    def on_epoch_end(self, epoch, logs=None):
        if time.time() >= self.stopping_time:
            self.model.stop_training = True


STAND_IN = types.SimpleNamespace(
    image=types.SimpleNamespace(transform=_transform),
    callbacks=types.SimpleNamespace(TimeStopping=_TimeStopping, TQDMProgressBar=TqdmCallback),
)

try:
    with warnings.catch_warnings():
        # Each import announces the end of life of tensorflow-addons (see BUILD_NOTES.md).
        warnings.filterwarnings("ignore", r"\s*TensorFlow Addons \(TFA\)", UserWarning)
        import tensorflow_addons
    tfa: Any = tensorflow_addons
except ImportError:
    tfa = STAND_IN
