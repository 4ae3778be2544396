"""Weights that one lane saved give the same maps on the other.

    python -m tests.models.test_lanes

writes the files of the Keras that runs it, a tiny network with simple weights, and checks nothing.
"""

import pathlib

import keras
import numpy as np
import pytest

from tfrelight.models import loading, networks, presets

FOLDER = pathlib.Path(__file__).with_name("lanes")
SMALLEST = {"size": 2, "filters": (2,), "blocks": (1,)}


def network():
    """The smallest network, each of its weights a wave of its own."""
    built = networks.build("compact", **SMALLEST)
    for number, (_, variable) in enumerate(sorted(presets.variables(built).items())):
        count = int(np.prod(variable.shape))
        variable.assign(np.sin(np.arange(count) + number).reshape(variable.shape) / 2)
    return built


@pytest.mark.parametrize("lane", ["keras2", "keras3"])
def test_a_run_folder_of_either_lane_is_loaded(lane):
    photos = np.random.default_rng(0).uniform(size=(2, 2, 2, 3)).astype(np.float32)
    loaded = loading.load_network(FOLDER / lane)
    expected = network().predict(photos, verbose=0)
    for name, value in loaded.predict(photos, verbose=0).items():
        np.testing.assert_allclose(value, expected[name], atol=1e-5, err_msg=name)


if __name__ == "__main__":
    folder = FOLDER / f"keras{keras.__version__.partition('.')[0]}"
    (folder / "weights").mkdir(parents=True, exist_ok=True)
    network().save_weights(folder / loading.LAST)
    loading.describe(folder, "compact", SMALLEST)
