"""Callbacks of training: save the run, stop on a broken loss, show samples."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfrelight import files
from tfrelight.data import blocks
from tfrelight.models import loading
from tfrelight.models.relight_model import RelightModel
from tfrelight.photos import pictures
from tfrelight.progress import Progress
from tfrelight.training.pictures import decompositions
from tfrelight.training.run_folder import RunFolder

__all__ = ["EpochProgress", "SaveRun", "SampleImages", "StopOnNonFinite"]


def _broken(logs):
    """Names of the logs that are not finite."""
    return [name for name, value in logs.items() if not np.isfinite(value)]


class SaveRun(keras.callbacks.Callback):
    """Saves the run after each epoch, unless a loss is not finite.

    It writes a checkpoint (weights, optimizer, epoch), the last and the best weights, the metrics,
    and where the next records lie. Put it before `StopOnNonFinite`, which then sees the real error
    in the logs.

    Args:
      folder: folder of the run.
      model: the compiled model.
      real_error: gives the cross-relighting loss on held-out real people after an epoch, which then
        chooses the best weights (`loading.best_epoch`); None without such people.
      resumed_from: the folder of the run, if another worker writes it: `folder` is for what this
        one saves, then, and nobody needs that.
      used: gives the number of records of each source that so many epochs use.
    """

    def __init__(
        self,
        folder: RunFolder,
        model: RelightModel,
        real_error: Callable[[], float] | None = None,
        resumed_from: RunFolder | None = None,
        used: Callable[[int], dict[int, int]] = lambda _: {},
    ) -> None:
        super().__init__()
        self.folder = folder
        self.resumed_from = resumed_from or folder
        self.network = model.network
        self.optimizer = model.optimizer
        self.used = used
        self.places = blocks.Places()
        self.real_error = real_error
        self.history = self.resumed_from.history()
        self.epochs_done = tf.Variable(0, trainable=False, dtype=tf.int64)
        self.checkpoint = tf.train.Checkpoint(
            network=self.network, optimizer=self.optimizer, epochs=self.epochs_done
        )
        # Keeps the previous checkpoint in case the machine stops while it writes the last.
        self.manager = tf.train.CheckpointManager(
            self.checkpoint, str(folder.checkpoints), max_to_keep=2
        )

    def epochs_saved(self) -> int:
        """The number of epochs that the run to resume has done."""
        latest = tf.train.latest_checkpoint(str(self.resumed_from.checkpoints))
        return int(latest.rpartition("-")[2]) if latest else 0

    def restore(self) -> int:
        """Restores the run to its last complete epoch and returns the number of epochs done."""
        latest = tf.train.latest_checkpoint(str(self.resumed_from.checkpoints))
        if latest:
            self.optimizer.build(self.network.trainable_variables)
            status = self.checkpoint.restore(latest)
            status.assert_existing_objects_matched()
        done = int(self.epochs_done)
        self.history = self.history[:done]
        self.places = self.resumed_from.places_after(done)
        return done

    def kept(self) -> str:
        """A sentence that says which weights are kept."""
        if not self.history:
            return "No epoch was finished, so no weights are kept."
        return (
            f"The weights of epoch {len(self.history)} are kept in "
            f"{self.resumed_from.path / loading.LAST}."
        )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts the clock of the epoch."""
        self.started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves the epoch, and adds the error on held-out people to its logs."""
        logs = {} if logs is None else logs
        if self.real_error is not None and not _broken(logs):
            logs[loading.BEST_BY_REAL] = self.real_error()
        if _broken(logs):
            return
        entry = {"epoch": epoch + 1, "seconds": round(time.monotonic() - self.started, 1)}
        entry.update((name, float(value)) for name, value in logs.items())
        self._save_weights(loading.LAST)
        best = loading.best_epoch([*self.history, entry]) is entry
        if best:
            self._save_weights(loading.BEST)
        entry[loading.BEST_SO_FAR] = best
        self.history.append(entry)
        files.write_json(self.folder.metrics, {"epochs": self.history})
        places = self.used(epoch + 1).items()
        self.folder.keep_places(
            epoch + 1, {source: self.places.before(source, number) for source, number in places}
        )
        self.epochs_done.assign(epoch + 1)
        self.manager.save(checkpoint_number=epoch + 1)

    def _save_weights(self, name):
        # Keras requires this suffix.
        with files.replacing(self.folder.path / name, suffix=".weights.h5") as aside:
            self.network.save_weights(aside)


class EpochProgress(keras.callbacks.Callback):
    """Shows the steps of each epoch (`tfrelight.progress`), also while the first one is traced."""

    def __init__(self) -> None:
        super().__init__()
        self._epoch = contextlib.ExitStack()
        self._bar: Progress | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Begins to show an epoch."""
        what = f"Epoch {epoch + 1} of {self.params['epochs']}"
        self._bar = self._epoch.enter_context(Progress(what, "steps", self.params["steps"]))

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Counts a step."""
        if self._bar is not None:
            self._bar.update()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Ends an epoch, after its validation."""
        self.close()

    def close(self) -> None:
        """Ends an epoch that failed; otherwise nothing is left to do."""
        self._epoch.close()


class StopOnNonFinite(keras.callbacks.Callback):
    """Stops training when a loss of training or validation is not finite; `error` names it."""

    error: str | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Remembers the number of the epoch, for the message."""
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Checks the losses of training."""
        self._check(logs or {}, f"batch {batch + 1} of epoch {self.epoch}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Checks the losses of validation."""
        self._check(logs or {}, f"the validation after epoch {self.epoch}")

    def _check(self, logs, where):
        broken = _broken(logs)
        if broken and self.error is None:
            # A broken part breaks the total, so name the part.
            name = next((name for name in broken if name not in ("loss", "val_loss")), broken[0])
            self.error = (
                f"Training stopped: the loss {name!r} is not finite in {where}. Look for broken "
                "photos or labels (NaN), or lower `learning_rate`."
            )
            self.model.stop_training = True


class SampleImages(keras.callbacks.Callback):
    """Writes decompositions to `samples.png` and TensorBoard after each epoch that is kept.

    Args:
      folder: folder of the run.
      pair: the batch of pairs to show after every epoch.
    """

    def __init__(self, folder: RunFolder, pair: dict[str, dict[str, tf.Tensor]]) -> None:
        super().__init__()
        self.folder = folder
        self.pair = pair
        self.writer = tf.summary.create_file_writer(str(folder.logs / "samples"))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes the decompositions."""
        if _broken(logs or {}):
            return
        grid = decompositions(self.model.network, self.pair)
        pictures.save(self.folder.samples, grid)
        with self.writer.as_default(step=epoch + 1):
            tf.summary.image("samples", grid[None])
        self.writer.flush()
