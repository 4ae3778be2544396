"""What happens beside the training step: keeping, stopping, showing."""

import time

import keras
import numpy as np
import tensorflow as tf

from tfrelight import files, pictures
from tfrelight.models import presets
from tfrelight.training.pictures import decompositions

__all__ = ["Keep", "ShowSamples", "StopOnNonFinite"]


def _broken(logs):
    """Names of the logs that are not finite numbers."""
    return [name for name, value in logs.items() if not np.isfinite(value)]


class Keep(keras.callbacks.Callback):
    """After each epoch: checkpoint (weights, optimizer, epoch), last and best weights, metrics.

    An epoch with a loss that is not a number is not kept.

    Args:
      folder: `RunFolder`.
      model: the compiled `RelightModel`.
      monitor: name of the log whose lowest value is best.
    """

    def __init__(self, folder, model, monitor):
        super().__init__()
        self.folder = folder
        self.network = model.network
        self.optimizer = model.optimizer
        self.monitor = monitor
        self.history = folder.history()
        self.epochs_done = tf.Variable(0, trainable=False, dtype=tf.int64)
        self.checkpoint = tf.train.Checkpoint(
            network=self.network, optimizer=self.optimizer, epochs=self.epochs_done
        )
        # The one before the last stays, in case the machine stops while the last is written.
        self.manager = tf.train.CheckpointManager(
            self.checkpoint, str(folder.checkpoints), max_to_keep=2
        )

    def restore(self):
        """Brings the run back to its last whole epoch; returns how many epochs are done."""
        if self.manager.latest_checkpoint:
            self.optimizer.build(self.network.trainable_variables)
            status = self.checkpoint.restore(self.manager.latest_checkpoint)
            status.assert_existing_objects_matched()
        done = int(self.epochs_done)
        self.history = self.history[:done]
        return done

    def kept(self):
        """What of the run is kept, a sentence."""
        if not self.history:
            return "No epoch was finished, so no weights are kept."
        return (
            f"The weights of epoch {len(self.history)} are kept in "
            f"{self.folder.path / presets.LAST}."
        )

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        if _broken(logs):
            return
        entry = {"epoch": epoch + 1, "seconds": round(time.monotonic() - self.started, 1)}
        entry.update((name, float(value)) for name, value in logs.items())
        best = min((past[self.monitor] for past in self.history), default=np.inf)
        self._save_weights(presets.LAST)
        if entry[self.monitor] < best:
            self._save_weights(presets.BEST)
        self.history.append(entry)
        files.write_json(self.folder.metrics, {"epochs": self.history})
        self.epochs_done.assign(epoch + 1)
        self.manager.save(checkpoint_number=epoch + 1)

    def _save_weights(self, name):
        # Keras wants this ending of a weights file.
        with files.replacing(self.folder.path / name, suffix=".weights.h5") as aside:
            self.network.save_weights(aside)


class StopOnNonFinite(keras.callbacks.Callback):
    """Stops when a loss, of training or validation, is not a number; `error` says which one."""

    error = None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        self._check(logs, f"batch {batch + 1} of epoch {self.epoch}")

    def on_epoch_end(self, epoch, logs=None):
        self._check(logs, f"the validation after epoch {self.epoch}")

    def _check(self, logs, where):
        broken = _broken(logs)
        if broken and self.error is None:
            # The total is broken whenever a part is: name the part.
            name = next((name for name in broken if name not in ("loss", "val_loss")), broken[0])
            self.error = (
                f"Training stopped: the loss {name!r} is not a finite number in {where}. Look for "
                "broken photos or labels (NaN), or lower --learning_rate."
            )
            self.model.stop_training = True


class ShowSamples(keras.callbacks.Callback):
    """After each epoch that is kept, decompositions: `samples.png`, and in TensorBoard.

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
        if _broken(logs):
            return
        grid = decompositions(self.model.network, self.pair)
        pictures.save(self.folder.samples, grid)
        with self.writer.as_default(step=epoch + 1):
            tf.summary.image("samples", grid[None])
        self.writer.flush()
