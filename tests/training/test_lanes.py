"""Both lanes, Keras 2 and Keras 3, give the same numbers: those of `lanes.json`.

    python -m tests.training.test_lanes

writes it again, for when the default weights or the training step are meant to change. Run it on
one lane and the test on the other.
"""

import dataclasses
import functools
import json
import pathlib
import tempfile

import numpy as np
import pytest

import tfrelight
from tests import scenes
from tests.models.test_networks import TINY
from tests.video import ball
from tfrelight.models import networks
from tfrelight.synthesis import dataset, portraits
from tfrelight.training import mixture, run
from tfrelight.training.config import TrainConfig

FIGURES = pathlib.Path(__file__).with_name("lanes.json")
SMALL = {key: value for key, value in TINY["compact"].items() if key != "size"}

# As configs/quick.flags, on balls instead of rendered people.
QUICK = TrainConfig(
    size=32,
    epochs=2,
    steps_per_epoch=5,
    batch_size=2,
    learning_rate=1e-3,
    warmup_steps=2,
    seed=7,
    precision="float32",
    synthetic_share=0.5,
)


def history(folder):
    """The logs of a tiny training, without times."""
    with pytest.MonkeyPatch.context() as patch:
        tiny = functools.partial(networks.NETWORKS["compact"], **SMALL)
        patch.setitem(networks.NETWORKS, "compact", tiny)
        patch.setattr(mixture, "VALIDATION_SUBJECTS", 2)
        patch.setattr(portraits, "subjects", scenes.balls)
        people = folder / "people"
        dataset.write(people, portraits.PortraitConfig(lights=2, size=32, seed=3), 40)
        settings = dataclasses.replace(
            QUICK, synthetic_dir=str(people), workdir=str(folder / "run")
        )
        epochs = run.train(settings)
    return [{name: epoch[name] for name in epoch if name != "seconds"} for epoch in epochs]


def predictions():
    """The light of a ball as the default weights see it, and every sixteenth pixel of the maps."""
    photo = np.float32(ball.picture()[None] / 255)
    maps = tfrelight.load_model().predict(photo, verbose=0)
    light = maps.pop("light")[0]
    return {"light": light} | {name: value[0, 8::16, 8::16] for name, value in maps.items()}


@pytest.fixture(scope="module")
def stored():
    return json.loads(FIGURES.read_text())


def test_training_reaches_the_same_losses(stored, tmp_path):
    found = history(tmp_path)
    assert len(found) == len(stored["history"])
    for epoch, expected in zip(found, stored["history"]):
        assert set(epoch) == set(expected)
        for name, value in expected.items():
            # Of what is nearly 0 another processor rounds a larger share.
            assert epoch[name] == pytest.approx(value, rel=1e-3, abs=1e-6), name


def test_the_default_weights_see_the_same(stored):
    for name, value in predictions().items():
        np.testing.assert_allclose(value, stored["predictions"][name], atol=1e-5, err_msg=name)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        figures = {
            "history": history(pathlib.Path(temporary)),
            "predictions": {
                name: np.round(value.astype(float), 7).tolist()
                for name, value in predictions().items()
            },
        }
    FIGURES.write_text(json.dumps(figures) + "\n")
