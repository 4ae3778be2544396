"""A run: its folder, its end, an interruption, a NaN, other settings; on a tiny network."""

import functools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfrelight
from tests import scenes
from tests.models.test_networks import TINY, photos
from tfrelight.data import pairs
from tfrelight.errors import InputError
from tfrelight.models import presets
from tfrelight.synthesis import dataset, portraits
from tfrelight.training import callbacks, mixture, run, strategies

LOSSES = {
    "reconstruction": 1,
    "albedo": 1,
    "normal": 1,
    "light": 0.5,
    "mask": 0.1,
    "cross_relighting": 1,
    "albedo_consistency": 0.5,
    "normal_consistency": 0,
}

SETTINGS = {
    "network": "compact",
    "initial_weights": None,
    "size": 32,
    "batch_size": 2,
    "epochs": 4,
    "steps_per_epoch": 3,
    "learning_rate": 1e-3,
    "warmup_steps": 2,
    "learning_rate_drops": [],
    "weight_decay": 1e-4,
    "seed": 7,
    "precision": "float32",
    "strategy": "default",
    "synthetic_dir": None,
    "synthetic_subjects": 4,
    "synthetic_lights": 3,
    "synthetic_seed": 0,
    "synthetic_share": 0.5,
    "yale_b_dir": None,
    "yale_b_subjects": None,
    "photoface_dir": None,
    "multilit_dir": None,
    "sfsnet_dir": None,
    "celeba_dir": None,
    "pseudo_label_dir": None,
    "single_share": 0.2,
    "limit": 0,
    "labelled_multilit_subjects": 0,
    "labelled_multilit_share": 0.5,
    "rendered_targets": ["synthetic", "multilit"],
    "strict": False,
    **{f"{name}_weight": weight for name, weight in LOSSES.items()},
}


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    """A tiny network, and few rendered people in a cache of their own."""
    with pytest.MonkeyPatch.context() as patch:
        tiny = {key: value for key, value in TINY["compact"].items() if key != "size"}
        patch.setitem(
            presets.NETWORKS, "compact", functools.partial(presets.NETWORKS["compact"], **tiny)
        )
        patch.setattr(mixture, "VALIDATION_SUBJECTS", 2)
        patch.setenv("TFRELIGHT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
    keras.mixed_precision.set_global_policy("float32")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "whole"
    return folder, run.train(folder, SETTINGS)


def test_a_run_leaves_everything(finished):
    folder, history = finished
    assert len(history) == SETTINGS["epochs"]
    logged = {name for name, weight in LOSSES.items() if weight} | {"loss", "normal_degrees"}
    for epoch in history:
        assert logged <= set(epoch) and {f"val_{name}" for name in logged} <= set(epoch)
        assert "normal_consistency" not in epoch
    assert json.loads((folder / "metrics.json").read_text())["epochs"] == history
    environment = json.loads((folder / "environment.json").read_text())
    assert environment["precision"] == "float32"
    assert environment["tensorflow"] == tf.__version__
    with Image.open(folder / "samples.png") as picture:
        # Seven columns; two validation pairs and a line of titles.
        assert picture.size == (7 * 32, 14 + 2 * 32)
    assert list((folder / "logs").rglob("events*"))
    maps = tfrelight.load_model(folder).predict(photos(1, 20, 30), verbose=0)
    assert maps["normals"].shape == (1, 20, 30, 3)
    tfrelight.load_model(folder / presets.BEST)


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
            run.train(tmp_path / "cut", SETTINGS)
    assert len(json.loads((tmp_path / "cut" / "metrics.json").read_text())["epochs"]) == 2
    history = run.train(tmp_path / "cut", SETTINGS)
    assert [epoch["epoch"] for epoch in history] == [1, 2, 3, 4]
    for epoch, other in zip(history, expected):
        for name in set(epoch) - {"seconds"}:
            np.testing.assert_allclose(epoch[name], other[name], rtol=1e-5, err_msg=name)


def test_a_finished_run_is_left_as_it_is(finished, capsys):
    folder, history = finished
    before = (folder / presets.LAST).read_bytes()
    assert run.train(folder, SETTINGS) == history
    assert (folder / presets.LAST).read_bytes() == before
    assert "finished run" in capsys.readouterr().out


def test_a_folder_of_another_run_is_refused(finished):
    folder, _ = finished
    with pytest.raises(InputError, match="--seed was '7', now '8'"):
        run.train(folder, {**SETTINGS, "seed": 8})


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(InputError, match="is not empty and holds no run"):
        run.train(tmp_path, SETTINGS)


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
        match="'reconstruction' is not a finite number in batch 2 of epoch 2.*epoch 1 are kept",
    ):
        run.train(tmp_path / "nan", {**SETTINGS, "synthetic_share": 1.0})
    weights = tfrelight.load_model(tmp_path / "nan").get_weights()
    assert all(np.all(np.isfinite(weight)) for weight in weights)
    assert len(json.loads((tmp_path / "nan" / "metrics.json").read_text())["epochs"]) == 1


@pytest.mark.parametrize(
    "name,value,expected",
    [
        ("network", "unet", "Invalid --network. Expected one of: compact, sfsnet"),
        ("precision", "int8", "Invalid --precision"),
        ("initial_weights", "missing", "No trained model 'missing'"),
        ("learning_rate", 0.0, "Invalid --learning_rate. Expected above 0"),
        ("learning_rate_drops", ["5", "3"], "--learning_rate_drops. Expected rising numbers"),
        ("learning_rate_drops", ["0"], "--learning_rate_drops. Expected rising numbers"),
        ("learning_rate_drops", ["x"], "Received: x"),
        ("learning_rate_drops", ["3"], "Expected --warmup_steps=0. Received: 2"),
        ("rendered_targets", ["photos"], "Expected some of: synthetic, multilit, single"),
        ("yale_b_dir", "missing", "No such folder: missing"),
        ("labelled_multilit_subjects", 50, "Expected at most 2"),
    ],
)
def test_wrong_settings_are_refused_before_training(tmp_path, name, value, expected):
    with pytest.raises(InputError, match=expected):
        run.train(tmp_path / "run", {**SETTINGS, name: value})
    assert not (tmp_path / "run").exists()


def test_training_begins_with_other_weights(finished, tmp_path):
    folder, _ = finished
    changed = {**SETTINGS, "initial_weights": str(folder), "epochs": 1, "learning_rate": 1e-9}
    run.train(tmp_path / "more", changed)
    before, after = (presets.load_network(f).get_weights() for f in (folder, tmp_path / "more"))
    for one, other in zip(before, after):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_weights_of_another_size_are_refused(finished, tmp_path):
    folder, _ = finished
    changed = {**SETTINGS, "initial_weights": str(folder), "size": 64}
    with pytest.raises(InputError, match="Expected weights of .* compact for photos of 64"):
        run.train(tmp_path / "run", changed)
    assert not (tmp_path / "run").exists()


def test_the_learning_rate_falls_in_steps(tmp_path):
    changed = {"learning_rate_drops": ["6", "9"], "warmup_steps": 0, "learning_rate": 0.1}
    rate = run._optimizer({**SETTINGS, **changed})._learning_rate
    steps = [0, 5, 6, 7, 9, 10, 11]
    rates = [float(rate(tf.constant(step))) for step in steps]
    # Keras counts the step of a drop to those before.
    np.testing.assert_allclose(rates, [0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001], rtol=1e-6)
    settings = {**SETTINGS, **changed, "epochs": 1, "synthetic_share": 1.0}
    assert len(run.train(tmp_path / "drops", settings)) == 1


def test_time_runs_out_after_a_whole_epoch(tmp_path):
    history = run.train(tmp_path / "short", SETTINGS, max_minutes=0.001)
    assert len(history) == 1
    again = run.train(tmp_path / "short", SETTINGS)
    assert len(again) == SETTINGS["epochs"]


def test_mirrored_training_is_training(finished, tmp_path):
    """On one device the mirrored strategy reaches the same numbers."""
    _, expected = finished
    strategy = strategies.create("mirrored")
    history = run.train(tmp_path / "mirrored", {**SETTINGS, "strategy": "mirrored"}, strategy)
    for epoch, other in zip(history, expected):
        np.testing.assert_allclose(epoch["loss"], other["loss"], rtol=1e-4)


def test_unknown_strategy():
    with pytest.raises(InputError, match="Invalid --strategy. Expected one of: default, mirrored"):
        strategies.create("tpu")


def test_the_limited_setting_labels_the_first_people():
    options = {**SETTINGS, "synthetic_share": 0.0, "labelled_multilit_subjects": 1}
    sources = mixture.mixture(options).training
    assert [source.labelled for source in sources] == [True, False]
    assert len(sources[0].subjects) == 1 and len(sources[1].subjects) == 3
    assert not set(sources[0].subjects) & set(sources[1].subjects)
    assert sum(source.share for source in sources) == pytest.approx(1)


@pytest.fixture
def a_set(tmp_path, monkeypatch):
    """A folder of the synthesize command with forty people of 32 pixels, balls."""

    monkeypatch.setattr(portraits, "subjects", scenes.balls)
    dataset.write(tmp_path, portraits.Settings(lights=2, size=32, seed=3), 40)
    return tmp_path


@pytest.mark.parametrize("share, labelled, unlabelled", [(1.0, 36, 0), (0.5, 18, 18), (0.0, 0, 36)])
def test_a_rendered_set_takes_the_place_of_built_in_people(a_set, share, labelled, unlabelled):
    options = {**SETTINGS, "synthetic_dir": str(a_set), "synthetic_share": share}
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
    with pytest.raises(InputError, match="are 32 pixels wide. Expected 64. Change --size"):
        mixture.mixture({**SETTINGS, "synthetic_dir": str(a_set), "size": 64})


def test_the_summary_names_the_rendered_set(a_set):
    assert str(a_set) in mixture.mixture({**SETTINGS, "synthetic_dir": str(a_set)}).summary
