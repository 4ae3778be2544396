"""A subject (`tfrelight.data.portrait`) as features of TensorFlow Datasets."""

import numpy as np
import tensorflow_datasets as tfds

from tfrelight.data.portrait import LABELS

__all__ = ["subject", "synthetic_subject"]


def _photo():
    return tfds.features.Image(shape=(None, None, 3), encoding_format="png")


def _deep():
    return tfds.features.Image(shape=(None, None, 3), dtype=np.uint16, encoding_format="png")


def _light():
    return tfds.features.Tensor(shape=(None, 9, 3), dtype=np.float32)


def _subject():
    return {
        "subject": tfds.features.Text(),
        "images": tfds.features.Sequence(_photo()),
        "mask": tfds.features.Image(shape=(None, None, 1), encoding_format="png"),
        "albedo": _deep(),
        "normals": _deep(),
        "light": _light(),
        **{f"has_{label}": tfds.features.Scalar(np.float32) for label in LABELS},
    }


def subject():
    """The features of every subject."""
    return tfds.features.FeaturesDict(_subject())


def synthetic_subject():
    """Those of a synthetic one."""
    return tfds.features.FeaturesDict(
        {
            **_subject(),
            "light_fit": _light(),
            "shading": tfds.features.Sequence(_deep()),
            "shading_scale": tfds.features.Tensor(shape=(None,), dtype=np.float32),
            "visibility": tfds.features.Sequence(_photo()),
        }
    )
