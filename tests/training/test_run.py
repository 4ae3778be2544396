"""A run: its folder, its end, an interruption, a NaN, other settings; on a tiny network."""

import dataclasses
import functools
import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfrelight
from tests import dataset_folders as folders
from tests import scenes
from tests.models.test_networks import TINY, photos
from tfrelight.data import blocks, pairs
from tfrelight.errors import InputError
from tfrelight.models import loading, networks, presets
from tfrelight.models.relight_model import RelightModel
from tfrelight.synthesis import dataset, portraits
from tfrelight.training import callbacks, mixture, run, strategies
from tfrelight.training.config import TrainConfig

LOSSES = {
    "reconstruction": 1,
    "albedo": 1,
    "normals": 1,
    "light": 0.5,
    "mask": 0.1,
    "parts": 0.1,
    "cross_relighting": 1,
    "albedo_consistency": 0.5,
    "normals_consistency": 0,
}

BASE = TrainConfig(
    size=32,
    batch_size=2,
    epochs=4,
    steps_per_epoch=3,
    learning_rate=1e-3,
    warmup_steps=2,
    seed=7,
    precision="float32",
    synthetic_subjects=4,
    synthetic_lights=3,
    **{f"{name}_weight": float(weight) for name, weight in LOSSES.items()},
)


def config(workdir="", **changes):
    """`BASE` in a folder, with other values."""
    return dataclasses.replace(BASE, workdir=str(workdir), **changes)


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    """A tiny network, and few rendered people in a cache of their own."""
    with pytest.MonkeyPatch.context() as patch:
        tiny = {key: value for key, value in TINY["compact"].items() if key != "size"}
        patch.setitem(
            networks.NETWORKS, "compact", functools.partial(networks.NETWORKS["compact"], **tiny)
        )
        patch.setattr(mixture, "VALIDATION_SUBJECTS", 2)
        patch.setenv("TFRELIGHT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
    keras.mixed_precision.set_global_policy("float32")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "whole"
    return folder, run.train(config(folder))


def test_a_run_leaves_everything(finished):
    folder, history = finished
    assert len(history) == BASE.epochs
    logged = {name for name, weight in LOSSES.items() if weight}
    logged |= {"loss", "normals_degrees", "parts_iou"}
    for epoch in history:
        assert logged <= set(epoch) and {f"val_{name}" for name in logged} <= set(epoch)
        assert "normals_consistency" not in epoch
    assert json.loads((folder / "metrics.json").read_text())["epochs"] == history
    environment = json.loads((folder / "environment.json").read_text())
    assert environment["precision"] == "float32"
    assert environment["tensorflow"] == tf.__version__
    with Image.open(folder / "samples.png") as picture:
        # Nine columns; two validation pairs, a line of titles and the legend of the parts.
        assert picture.size == (9 * 32, 14 + 2 * 32 + 16)
    assert list((folder / "logs").rglob("events*"))
    maps = tfrelight.load_model(folder).predict(photos(1, 20, 30), verbose=0)
    assert maps["normals"].shape == (1, 20, 30, 3)
    tfrelight.load_model(folder / loading.BEST)


def test_its_flags_are_a_flagfile(finished):
    folder, _ = finished
    lines = (folder / "flags.txt").read_text().splitlines()
    assert "--seed=7" in lines and "--batch_size=2" in lines
    assert f"--workdir={folder}" in lines
    assert all(line.startswith("--") for line in lines)


@pytest.mark.parametrize("step", [6, 8])
def test_an_interrupted_run_reaches_the_same_numbers(finished, tmp_path, monkeypatch, step):
    """Cut off between the second and third epoch, and in the middle of the third."""
    _, expected = finished
    seen = []

    def killed(self, batch, logs=None):
        if len(seen) == step:
            raise KeyboardInterrupt
        seen.append(batch)

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.StopOnNonFinite, "on_train_batch_end", killed)
        with pytest.raises(KeyboardInterrupt):
            run.train(config(tmp_path / "cut"))
    assert len(json.loads((tmp_path / "cut" / "metrics.json").read_text())["epochs"]) == 2
    kept = json.loads((tmp_path / "cut" / "places.json").read_text())["2"]
    begun = []

    def begins(self, *place):
        begun.append(place)

    with monkeypatch.context() as patch:
        patch.setattr(blocks.Places, "begins", begins)
        history = run.train(config(tmp_path / "cut"))
    # What was used before is not read again.
    assert sorted(kept) == sorted({str(source) for source, _, _ in begun})
    for source, place in kept.items():
        assert place[0] > 0
        first = next((block, number) for which, block, number in begun if str(which) == source)
        assert first == tuple(place)
    assert [epoch["epoch"] for epoch in history] == [1, 2, 3, 4]
    for epoch, other in zip(history, expected):
        for name in set(epoch) - {"seconds"}:
            np.testing.assert_allclose(epoch[name], other[name], rtol=1e-5, err_msg=name)


def test_the_command_says_where_the_run_is(tmp_path, capsys):
    run.train(config(tmp_path / "run", epochs=1))
    assert capsys.readouterr().out.endswith(f"Trained 1 of 1 epochs: {tmp_path / 'run'}\n")


def test_a_finished_run_is_left_as_it_is(finished, capsys):
    folder, history = finished
    before = (folder / loading.LAST).read_bytes()
    assert run.train(config(folder)) == history
    assert (folder / loading.LAST).read_bytes() == before
    assert "finished run" in capsys.readouterr().out


def test_a_folder_of_another_run_is_refused(finished):
    folder, _ = finished
    with pytest.raises(InputError, match="`seed` was '7', now '8'"):
        run.train(config(folder, seed=8))


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(InputError, match="is not empty and holds no run"):
        run.train(config(tmp_path))


def test_a_run_of_another_keras_is_refused_before_its_data(finished, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    file = folder / "environment.json"
    environment = json.loads(file.read_text())
    began = "3.12.0" if environment["keras"].startswith("2.") else "2.15.0"
    file.write_text(json.dumps({**environment, "keras": began}))
    monkeypatch.setattr(run, "mixture", lambda config: pytest.fail("The data were read."))
    with pytest.raises(InputError, match=f"a run that Keras {began} began.*--initial_weights="):
        run.train(config(folder))


def test_a_nan_stops_the_run_and_keeps_the_weights(tmp_path, monkeypatch):
    calls = []
    pairs = run.pairs.pairs

    def poisoned(sources, *args, **kwargs):
        dataset = pairs(sources, *args, **kwargs)
        calls.append(sources)
        if len(calls) == 1:
            return dataset

        def spoil(number, pair):
            spoiled = tf.where(number >= 4, tf.constant(np.nan), 0.0)
            return {**pair, "a": {**pair["a"], "albedo": pair["a"]["albedo"] + spoiled}}

        return dataset.enumerate().map(spoil)

    monkeypatch.setattr(run.pairs, "pairs", poisoned)
    with pytest.raises(
        InputError,
        match="'(reconstruction|albedo)' is not finite in batch 2 of epoch 2.*epoch 1 are kept",
    ):
        run.train(config(tmp_path / "nan", synthetic_share=1.0))
    weights = tfrelight.load_model(tmp_path / "nan").get_weights()
    assert all(np.all(np.isfinite(weight)) for weight in weights)
    assert len(json.loads((tmp_path / "nan" / "metrics.json").read_text())["epochs"]) == 1


@pytest.mark.parametrize(
    "name,value,expected",
    [
        ("network", "unet", "Invalid `network`. Expected one of: compact, sfsnet"),
        ("precision", "int8", "Invalid `precision`"),
        ("initial_weights", "missing", "No trained model 'missing'"),
        ("rendered_targets", ("photos",), "Expected some of: synthetic, multilit, single"),
        ("yale_b_dir", "missing", "No such folder: missing"),
        ("labelled_multilit_subjects", 50, "Expected at most 2"),
    ],
)
def test_wrong_settings_are_refused_before_training(tmp_path, name, value, expected):
    with pytest.raises(InputError, match=expected):
        run.train(config(tmp_path / "run", **{name: value}))
    assert not (tmp_path / "run").exists()


def test_training_begins_with_other_weights(finished, tmp_path):
    folder, _ = finished
    changed = {"initial_weights": str(folder), "epochs": 1, "learning_rate": 1e-9}
    run.train(config(tmp_path / "more", **changed))
    before, after = (loading.load_network(f).get_weights() for f in (folder, tmp_path / "more"))
    for one, other in zip(before, after):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_network_with_parts_begins_with_the_weights_of_one_without(tmp_path, capsys):
    without = networks.build("compact", size=32, parts=False)
    (tmp_path / "without" / "weights").mkdir(parents=True)
    without.save_weights(tmp_path / "without" / loading.LAST)
    loading.describe(tmp_path / "without", "compact", {"size": 32, "parts": False})
    network = networks.build("compact", size=32)
    fresh = presets.variables(network)["parts_out/kernel"].numpy()
    run._initialise(network, str(tmp_path / "without"))
    given, taken = presets.variables(without), presets.variables(network)
    for name in given.keys() & taken.keys():
        np.testing.assert_array_equal(given[name], taken[name])
    np.testing.assert_array_equal(taken["parts_out/kernel"], fresh)
    printed = capsys.readouterr().out
    assert "without lacks parts_out/bias, parts_out/kernel, which start at random." in printed


def test_weights_of_another_network_are_refused(finished):
    folder, _ = finished
    with pytest.raises(InputError, match="Expected weights of the network sfsnet for photos of 32"):
        run._initialise(networks.build("sfsnet", **TINY["sfsnet"]), str(folder))


def test_weights_of_another_size_are_refused(finished, tmp_path):
    folder, _ = finished
    changed = config(tmp_path / "run", initial_weights=str(folder), size=64)
    with pytest.raises(InputError, match="Expected weights of .* compact for photos of 64"):
        run.train(changed)
    assert not (tmp_path / "run").exists()


def test_the_learning_rate_falls_in_steps(tmp_path):
    changed = {"learning_rate_drops": (6, 9), "warmup_steps": 0, "learning_rate": 0.1}
    rate = run._optimizer(config(**changed))._learning_rate
    steps = [0, 5, 6, 7, 9, 10, 11]
    rates = [float(rate(tf.constant(step))) for step in steps]
    # Keras counts the step of a drop to those before.
    np.testing.assert_allclose(rates, [0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001], rtol=1e-6)
    changed.update(epochs=1, synthetic_share=1.0)
    assert len(run.train(config(tmp_path / "drops", **changed))) == 1


def test_time_runs_out_after_a_whole_epoch(tmp_path):
    history = run.train(config(tmp_path / "short", max_minutes=0.001))
    assert len(history) == 1
    again = run.train(config(tmp_path / "short"))
    assert len(again) == BASE.epochs


def test_mirrored_training_is_training(finished, tmp_path):
    """On one device the mirrored strategy reaches the same numbers."""
    _, expected = finished
    history = run.train(config(tmp_path / "mirrored", strategy="mirrored"))
    for epoch, other in zip(history, expected):
        np.testing.assert_allclose(epoch["loss"], other["loss"], rtol=1e-4)


def test_unknown_strategy():
    with pytest.raises(InputError, match="Invalid `strategy`. Expected one of: default, mirrored"):
        strategies.create("tpu")


def test_the_limited_setting_labels_the_first_people():
    options = config(synthetic_share=0.0, labelled_multilit_subjects=1)
    sources = mixture.mixture(options).training
    assert [source.labelled for source in sources] == [True, False]
    assert len(sources[0].subjects) == 1 and len(sources[1].subjects) == 3
    assert not set(sources[0].subjects) & set(sources[1].subjects)
    assert sum(source.share for source in sources) == pytest.approx(1)


@pytest.fixture
def a_set(tmp_path, monkeypatch):
    """A folder of the synthesize command with forty people of 32 pixels, balls."""

    monkeypatch.setattr(portraits, "subjects", scenes.balls)
    dataset.write(tmp_path, portraits.PortraitConfig(lights=2, size=32, seed=3), 40)
    return tmp_path


@pytest.mark.parametrize("share, labelled, unlabelled", [(1.0, 36, 0), (0.5, 18, 18), (0.0, 0, 36)])
def test_a_rendered_set_takes_the_place_of_built_in_people(a_set, share, labelled, unlabelled):
    options = config(synthetic_dir=str(a_set), synthetic_share=share)
    found = mixture.mixture(options)
    names = {True: set(), False: set()}
    for source in found.training:
        names[source.labelled] |= set(source.subjects)
    assert (len(names[True]), len(names[False])) == (labelled, unlabelled)
    assert not names[True] & names[False]
    seen = {
        bytes(subject).decode()
        for pair in pairs.pairs(found.training, 2, steps=60)
        for subject in pair["a"]["subject"].numpy()
    }
    assert seen <= names[True] | names[False]
    assert found.validation.subjects == ("synthetic-3-000018", "synthetic-3-000038")


def test_a_rendered_set_of_another_size_is_refused(a_set):
    with pytest.raises(InputError, match="are 32 pixels wide. Expected 64. Change `size`"):
        mixture.mixture(config(synthetic_dir=str(a_set), size=64))


def test_the_summary_names_the_rendered_set(a_set):
    assert str(a_set) in mixture.mixture(config(synthetic_dir=str(a_set))).summary


def test_real_people_that_are_held_out_choose_the_best_weights(finished, tmp_path, capsys):
    folders.multilit(tmp_path / "data", ["train/anna", "train/bo", "validation/cy"])
    real = dict(multilit_dir=str(tmp_path / "data"))
    history = run.train(config(tmp_path / "run", **real))
    errors = [epoch["val_real_cross_relighting"] for epoch in history]
    assert len(errors) == BASE.epochs and np.isfinite(errors).all() and len(set(errors)) > 1
    assert "chosen on 1 person held out of the multi-lit folder" in capsys.readouterr().out
    # The best weights give the lowest error again, on the same pairs.
    network = loading.load_network(tmp_path / "run" / loading.BEST)
    model = RelightModel(network, {"albedo": 1})
    held_out = mixture.mixture(config(**real)).held_out
    again = run._real_error(model, held_out, BASE.batch_size)()
    assert again == pytest.approx(min(errors), rel=1e-4)
    # The same command reaches the same numbers.
    other = run.train(config(tmp_path / "again", **real))
    for epoch, repeated in zip(history, other):
        for name in set(epoch) - {"seconds"}:
            np.testing.assert_allclose(epoch[name], repeated[name], rtol=1e-5, err_msg=name)
    # Another run, without real people, has no such log.
    assert not any("val_real_cross_relighting" in epoch for epoch in finished[1])
