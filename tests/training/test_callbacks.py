"""What is kept after each epoch, and when training stops."""

import json
import threading
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.models.test_networks import TINY
from tfrelight import progress
from tfrelight.data import part_pictures
from tfrelight.models import loading, networks
from tfrelight.training import callbacks
from tfrelight.training.run_folder import RunFolder

NAN = float("nan")


class Model:
    """What the callbacks see of a `RelightModel`: a network of one weight and its optimizer."""

    stop_training = False

    def __init__(self):
        self.network = keras.Sequential([keras.layers.Dense(1, use_bias=False)])
        self.network.build([None, 1])
        self.optimizer = keras.optimizers.SGD(momentum=0.9)
        self.optimizer.build(self.network.trainable_variables)

    @property
    def weight(self):
        return float(self.network.get_weights()[0][0, 0])


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.create({}, "float32")
    return folder


def saving(folder, *losses, first=0, real=None):
    """The callback after epochs of these validation losses; the weight is the epoch's number."""
    model = Model()
    save = callbacks.SaveRun(folder, model, real and iter(real).__next__)
    for epoch, loss in enumerate(losses, start=first):
        save.on_epoch_begin(epoch)
        model.network.set_weights([np.full((1, 1), epoch + 1)])
        save.on_epoch_end(epoch, {"loss": 1.0, "val_loss": loss})
    return save


def epoch_of(folder, name):
    """The epoch whose weights a file holds."""
    model = Model()
    model.network.load_weights(folder.path / name)
    return model.weight


@pytest.mark.parametrize(
    "losses,best", [((3.0, 1.0, 2.0), 2), ((3.0, 2.0, 1.0), 3), ((1.0, 1.0), 1)]
)
def test_the_best_weights_are_those_of_the_lowest_loss(folder, losses, best):
    saving(folder, *losses)
    assert epoch_of(folder, loading.BEST) == best
    assert epoch_of(folder, loading.LAST) == len(losses)


def test_real_people_choose_the_best_weights(folder):
    saving(folder, 3.0, 2.0, 1.0, real=[0.3, 0.1, 0.2])
    assert epoch_of(folder, loading.BEST) == 2
    epochs = folder.history()
    assert [epoch["val_real_cross_relighting"] for epoch in epochs] == [0.3, 0.1, 0.2]
    assert loading.best_epoch(epochs) == epochs[1]
    # A run that was begun without them goes on as it began.
    del epochs[0]["val_real_cross_relighting"]
    assert loading.best_epoch(epochs) == epochs[2]


@pytest.mark.parametrize("broken", [NAN, np.inf, -np.inf])
@pytest.mark.parametrize("name", [loading.BEST_BY, loading.BEST_BY_REAL])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_number_that_is_none_is_never_the_best(broken, name, place):
    epochs = [{"val_loss": 1.0, name: value} for value in (0.3, 0.2)]
    epochs.insert(place, {"val_loss": 1.0, name: broken})
    assert loading.best_epoch(epochs)[name] == 0.2


@pytest.mark.parametrize("broken", [NAN, np.inf])
@pytest.mark.parametrize("place", [0, 1])
def test_an_epoch_whose_real_error_is_no_number_is_not_kept(folder, broken, place):
    real = [0.3, 0.1][:place] + [broken]
    save = saving(folder, *[2.0] * (place + 1), real=real)
    assert [epoch["val_real_cross_relighting"] for epoch in save.history] == real[:place]
    assert (folder.path / loading.BEST).exists() == (folder.path / loading.LAST).exists() == place
    if place:
        assert epoch_of(folder, loading.LAST) == epoch_of(folder, loading.BEST) == 1


def test_training_stops_at_a_real_error_that_is_no_number(folder):
    logs = {"loss": 1.0, "val_loss": 1.0}
    save = callbacks.SaveRun(folder, Model(), lambda: NAN)
    stop = callbacks.StopOnNonFinite()
    stop.set_model(Model())
    for one in (save, stop):
        one.on_epoch_begin(2)
    for one in (save, stop):
        one.on_epoch_end(2, logs)
    assert stop.model.stop_training
    assert "'val_real_cross_relighting' is not finite in the validation after epoch 3" in stop.error


def marked(folder):
    """The last epoch that says that its weights are the best."""
    return [epoch["epoch"] for epoch in folder.history() if epoch["best_so_far"]][-1]


@pytest.mark.parametrize(
    "before, real, after, best",
    [
        # Held-out people disappear: by `val_loss` another of the old epochs would be the best.
        ((1.0, 3.0), [0.3, 0.1], (2.0,), 2),
        ((1.0, 3.0), [0.3, 0.1], (0.5, 0.7), 3),
        ((2.0, 3.0, 1.0), [0.3, 0.1, 0.2], (), 2),
        # They appear.
        ((1.0, 3.0), None, (2.0,), 1),
    ],
)
def test_the_mark_of_the_best_follows_its_weights(folder, before, real, after, best):
    saving(folder, *before, real=real)
    saving(folder, *after, first=len(before), real=None if real else [0.1] * len(after))
    assert epoch_of(folder, loading.BEST) == marked(folder) == best


def test_the_best_stays_the_best_when_the_run_goes_on(folder):
    saving(folder, 1.0, 2.0)
    again = saving(folder, 1.5, first=2)
    assert epoch_of(folder, loading.BEST) == 1
    assert epoch_of(folder, loading.LAST) == 3
    assert again.kept().startswith("The weights of epoch 3 are kept in ")


def test_a_worker_that_saves_aside_names_the_folder_of_the_run(folder, tmp_path):
    saving(folder, 1.0, 2.0)
    aside = callbacks.SaveRun(RunFolder(tmp_path / "aside"), Model(), resumed_from=folder)
    assert aside.epochs_saved() == aside.restore() == 2
    assert aside.kept() == f"The weights of epoch 2 are kept in {folder.path / loading.LAST}."


def test_an_epoch_that_is_no_number_is_not_kept(folder):
    save = saving(folder, 2.0, NAN)
    assert [epoch["val_loss"] for epoch in save.history] == [2.0]
    assert epoch_of(folder, loading.LAST) == epoch_of(folder, loading.BEST) == 1


def test_a_run_goes_on_after_its_last_whole_epoch(folder):
    saving(folder, 3.0, 1.0)
    model = Model()
    save = callbacks.SaveRun(folder, model)
    assert save.restore() == model.weight == 2
    written = json.loads(folder.metrics.read_text())["epochs"]
    assert save.history == written and [epoch["epoch"] for epoch in written] == [1, 2]
    # Metrics of an epoch whose checkpoint was not written any more do not count.
    folder.metrics.write_text(json.dumps({"epochs": [*written, written[-1]]}))
    save = callbacks.SaveRun(folder, Model())
    assert save.restore() == len(save.history) == 2


def test_the_checkpoint_before_the_last_stays(folder):
    saving(folder, 3.0, 2.0, 1.0)
    stored = {path.stem for path in folder.checkpoints.glob("*.index")}
    assert stored == {"ckpt-2", "ckpt-3"}


def test_a_new_run_begins_at_nothing(folder):
    save = callbacks.SaveRun(folder, Model())
    assert save.restore() == 0
    assert save.kept() == "No epoch was finished, so no weights are kept."


def stopped(*logs):
    """The callback and its model after an epoch of batches with these logs and its end."""
    stop = callbacks.StopOnNonFinite()
    stop.set_model(Model())
    stop.on_epoch_begin(4)
    for batch, one in enumerate(logs[:-1]):
        stop.on_train_batch_end(batch, one)
    stop.on_epoch_end(4, logs[-1])
    return stop


def test_training_stops_at_the_first_loss_that_is_no_number():
    fine = {"loss": 1.0, "albedo": 1.0}
    stop = stopped(fine, {"loss": NAN, "albedo": np.inf}, {"loss": NAN, "light": NAN}, fine)
    assert stop.model.stop_training
    assert "'albedo'" in stop.error and "batch 2 of epoch 5" in stop.error
    assert "'loss'" in stopped({"loss": NAN}, fine).error
    stop = stopped(fine, {**fine, "val_loss": NAN, "val_mask": NAN})
    assert "'val_mask'" in stop.error and "the validation after epoch 5" in stop.error


def test_training_goes_on_while_losses_are_numbers():
    stop = stopped({"loss": 1e30}, {"loss": 0.0}, {"loss": -1.0})
    assert stop.error is None and not stop.model.stop_training


def test_samples_are_shown_after_epochs_that_are_kept(folder):
    photos = {"image": tf.fill([2, 32, 32, 3], 0.5), "parts": tf.ones([2, 32, 32, 1], tf.uint8)}
    show = callbacks.SampleImages(folder, {"a": photos, "b": photos})
    model = Model()
    model.network = networks.build("compact", **TINY["compact"])
    show.set_model(model)
    show.on_epoch_end(0, {"loss": NAN})
    assert not folder.samples.exists()
    show.on_epoch_end(0, {"loss": 1.0})
    with Image.open(folder.samples) as picture:
        # Nine columns, two rows, a line of titles and the legend of the parts.
        assert picture.size == (9 * 32, 14 + 2 * 32 + 16)
        page = np.asarray(picture)
    skin = part_pictures.COLOURS[1]
    assert (page[14:-16, -32:] == skin).all() and (page[-16:] == skin).all(-1).any()
    assert list((folder.logs / "samples").rglob("events*"))


def test_epochs_are_shown_without_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(progress, "SECONDS", 0.02)
    shown = callbacks.EpochProgress()
    shown.set_params({"epochs": 2, "steps": 3})
    shown.on_epoch_begin(1)
    shown.on_train_batch_end(0)
    time.sleep(0.2)
    shown.on_epoch_end(1)
    assert "Epoch 2 of 2: 1 of 3 steps, 0 s" in capsys.readouterr().err
    time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_a_failed_epoch_is_no_longer_shown(monkeypatch, capsys):
    shown = callbacks.EpochProgress()
    shown.set_params({"epochs": 1, "steps": 3})
    before = threading.active_count()
    shown.on_epoch_begin(0)
    shown.close()
    shown.close()
    assert threading.active_count() == before
