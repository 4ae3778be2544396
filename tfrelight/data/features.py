"""The example schema (`tfrelight.data.portrait`) as features of TensorFlow Datasets."""

from __future__ import annotations

import numpy as np
import tensorflow_datasets as tfds

from tfrelight.data.portrait import LABELS

__all__ = ["subject", "synthetic_subject"]


def _photo():
    return tfds.features.Image(shape=(None, None, 3), encoding_format="png")


def _map_16_bit():
    return tfds.features.Image(shape=(None, None, 3), dtype=np.uint16, encoding_format="png")


def _light():
    return tfds.features.Tensor(shape=(None, 9, 3), dtype=np.float32)


def _subject():
    return {
        "subject": tfds.features.Text(),
        "images": tfds.features.Sequence(_photo()),
        "mask": tfds.features.Image(shape=(None, None, 1), encoding_format="png"),
        "albedo": _map_16_bit(),
        "normals": _map_16_bit(),
        "light": _light(),
        **{f"has_{label}": tfds.features.Scalar(np.float32) for label in LABELS},
    }


def subject() -> tfds.features.FeaturesDict:
    """The features of any subject."""
    return tfds.features.FeaturesDict(_subject())


def synthetic_subject() -> tfds.features.FeaturesDict:
    """The features of a synthetic subject: those of any subject, and what only rendering knows."""
    return tfds.features.FeaturesDict(
        {
            **_subject(),
            "parts": tfds.features.Image(shape=(None, None, 1), encoding_format="png"),
            "depth": tfds.features.Image(
                shape=(None, None, 1), dtype=np.uint16, encoding_format="png"
            ),
            "unlit": tfds.features.Sequence(
                tfds.features.Image(shape=(None, None, 1), encoding_format="png")
            ),
            "light_fit": _light(),
            "shading": tfds.features.Sequence(_map_16_bit()),
            "shading_scale": tfds.features.Tensor(shape=(None,), dtype=np.float32),
            "visibility": tfds.features.Sequence(_photo()),
        }
    )
