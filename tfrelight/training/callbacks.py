"""What happens beside the training step: keeping, stopping, showing."""

import time

import keras
import numpy as np
import tensorflow as tf

from tfrelight.errors import InputError
from tfrelight.models import presets
from tfrelight.training import pictures

__all__ = ["Keep", "ShowSamples", "StopOnNonFinite"]


class Keep(keras.callbacks.Callback):
    """After each epoch: checkpoint (weights, optimizer, epoch), last and best weights, metrics.

    An epoch with a loss that is not a number is not kept.

    Args:
      folder: `RunFolder`.
      monitor: name of the log whose lowest value is best.
    """

    def __init__(self, folder, monitor):
        super().__init__()
        self.folder = folder
        self.monitor = monitor
        self.history = folder.history()
        self.epochs_done = tf.Variable(0, trainable=False, dtype=tf.int64)

    def set_model(self, model):
        super().set_model(model)
        self.checkpoint = tf.train.Checkpoint(
            network=model.network, optimizer=model.optimizer, epochs=self.epochs_done
        )
        self.manager = tf.train.CheckpointManager(
            self.checkpoint, str(self.folder.checkpoints), max_to_keep=2
        )

    def restore(self, model):
        """Brings a run back to its last whole epoch; returns how many epochs are done."""
        self.set_model(model)
        if self.manager.latest_checkpoint:
            model.optimizer.build(model.network.trainable_variables)
            self.checkpoint.restore(
                self.manager.latest_checkpoint
            ).assert_existing_objects_matched()
            self.history = self.history[: int(self.epochs_done)]
        return int(self.epochs_done)

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        if not all(np.isfinite(value) for value in logs.values()):
            return
        network = self.model.network
        network.save_weights(self.folder.path / presets.LAST)
        seconds = time.monotonic() - self.started
        entry = {"epoch": epoch + 1, "seconds": round(seconds, 1)}
        entry.update((name, float(value)) for name, value in logs.items())
        best = min((past[self.monitor] for past in self.history), default=np.inf)
        if entry[self.monitor] < best:
            network.save_weights(self.folder.path / presets.BEST)
        self.history.append(entry)
        self.folder.write_json(self.folder.metrics, {"epochs": self.history})
        self.epochs_done.assign(epoch + 1)
        self.manager.save()


class StopOnNonFinite(keras.callbacks.Callback):
    """Stops when a loss is not a number, and remembers which one (`error`)."""

    error = None

    def on_train_batch_end(self, batch, logs=None):
        broken = [name for name, value in logs.items() if not np.isfinite(value)]
        if broken and self.error is None:
            # The total is broken whenever a part is: name the part.
            name = next((name for name in broken if name != "loss"), "loss")
            self.error = InputError(
                f"Training stopped: the loss {name!r} is not a finite number in batch {batch + 1}. "
                "The weights of the last whole epoch are kept. Look for broken photos or labels "
                "(NaN), or lower --learning_rate."
            )
            self.model.stop_training = True


class ShowSamples(keras.callbacks.Callback):
    """After each epoch a picture of decompositions, as `samples.png` and in TensorBoard.

    Args:
      folder: `RunFolder`.
      pair: one batch of pairs, always the same.
    """

    def __init__(self, folder, pair):
        super().__init__()
        self.folder = folder
        self.pair = pair
        self.writer = tf.summary.create_file_writer(str(folder.logs / "samples"))

    def on_epoch_end(self, epoch, logs=None):
        grid = pictures.decompositions(self.model.network, self.pair)
        pictures.save(self.folder.samples, grid)
        with self.writer.as_default(step=epoch + 1):
            tf.summary.image("samples", grid[None])
        self.writer.flush()
