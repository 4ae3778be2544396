"""One of several workers of a tiny training.

    python -m tests.training.worker PEOPLE RUN STRATEGY SECONDS

SECONDS are waited after each step, so that a test can kill a worker in time.
"""

import functools
import sys
import time

import pytest

from tests.models.test_networks import TINY
from tfrelight.errors import InputError
from tfrelight.models import networks
from tfrelight.models.relight_model import RelightModel
from tfrelight.training import callbacks, mixture, run
from tfrelight.training.config import TrainConfig

# Two kinds of pairs in each batch, labelled and not, and a different number of each kind on each
# worker: the means of the losses are over other numbers of pixels on each.
CONFIG = dict(
    size=32,
    epochs=3,
    steps_per_epoch=4,
    batch_size=6,
    learning_rate=1e-3,
    warmup_steps=2,
    seed=7,
    precision="float32",
    synthetic_share=0.4,
)


def main(people, workdir, strategy, seconds):
    small = {key: value for key, value in TINY["compact"].items() if key != "size"}
    stop = callbacks.StopOnNonFinite.on_train_batch_end

    def slowly(self, batch, logs=None):
        time.sleep(float(seconds))
        stop(self, batch, logs)

    with pytest.MonkeyPatch.context() as patch:
        tiny = functools.partial(networks.NETWORKS["compact"], **small)
        patch.setitem(networks.NETWORKS, "compact", tiny)
        patch.setattr(mixture, "VALIDATION_SUBJECTS", 6)
        # XLA takes longer to compile the step than this training takes.
        plain = RelightModel._score_and_gradients.python_function
        patch.setattr(RelightModel, "_score_and_gradients", plain)
        patch.setattr(callbacks.StopOnNonFinite, "on_train_batch_end", slowly)
        config = TrainConfig(**CONFIG, synthetic_dir=people, workdir=workdir, strategy=strategy)
        run.train(config)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except InputError as error:
        sys.exit(f"error: {error}")
