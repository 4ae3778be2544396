"""Exporting: complete versions only, their manifest, and warm-up that a server can run."""

import json
import os
import threading

import numpy as np
import pytest
import tensorflow as tf

from tests.serving.conftest import run_folder
from tfrelight.errors import InputError
from tfrelight.models import loading, presets
from tfrelight.serving import defaults, folders, manifest, signatures, versions, warm_up


@pytest.fixture
def quick(monkeypatch):
    """Exports without TensorFlow's part, which takes seconds."""

    class Archive:
        def write_out(self, folder):
            with open(os.path.join(folder, "saved_model.pb"), "wb") as file:
                file.write(b"")

    monkeypatch.setattr(signatures, "archive", lambda network: Archive())
    monkeypatch.setattr(manifest, "describe", lambda *args: {})


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    run_folder(folder)
    return folder


def test_versions_count_up_and_leave_no_unfinished_folder(run, tmp_path, quick):
    base = tmp_path / "models"
    assert versions.publish(run, base, with_warm_up=False).name == "1"
    assert versions.publish(run, base, with_warm_up=False).name == "2"
    (base / "9").mkdir()
    (base / "old").mkdir()
    assert versions.publish(run, base, with_warm_up=False).name == "10"
    assert sorted(p.name for p in base.iterdir()) == ["1", "10", "2", "9", "old"]
    assert sorted(folders.versions(base)) == [1, 2, 9, 10]


def test_versions_are_the_folders_that_tensorflow_serving_reads(tmp_path):
    for name in ("1", "007", str(2**63 - 1), str(2**63), "-1", "1.5", "²", ".unfinished-1"):
        (tmp_path / name).mkdir()
    (tmp_path / "8").write_text("a file")
    found = folders.versions(tmp_path)
    assert {number: path.name for number, path in found.items()} == {
        1: "1",
        7: "007",
        2**63 - 1: str(2**63 - 1),
    }


def test_two_exports_at_once_get_different_numbers(run, tmp_path, quick, monkeypatch):
    base = tmp_path / "models"
    real, both_have_counted, met = os.rename, threading.Barrier(2), set()

    def rename(source, target):
        if source not in met:
            met.add(source)
            both_have_counted.wait()
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    found = []
    threads = [
        threading.Thread(
            target=lambda: found.append(versions.publish(run, base, with_warm_up=False))
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.name for path in found) == ["1", "2"]
    assert sorted(p.name for p in base.iterdir()) == ["1", "2"]


def test_a_failed_export_leaves_nothing(run, tmp_path, quick, monkeypatch):
    with pytest.raises(InputError, match="No trained model"):
        versions.publish(tmp_path / "none", tmp_path / "models")
    assert not (tmp_path / "models").exists()

    def fails(*args):
        raise ZeroDivisionError

    monkeypatch.setattr(manifest, "describe", fails)
    with pytest.raises(ZeroDivisionError):
        versions.publish(run, tmp_path / "models", with_warm_up=False)
    assert list((tmp_path / "models").iterdir()) == []


def test_an_output_folder_that_is_a_file(run, tmp_path):
    (tmp_path / "models").write_text("")
    with pytest.raises(InputError, match="Cannot write to"):
        versions.publish(run, tmp_path / "models")


def test_every_user_may_read_a_version(exported):
    for path in [exported.path, *exported.path.rglob("*")]:
        assert path.stat().st_mode & 0o044 == 0o044, path


def test_the_manifest_describes_the_version(exported):
    stored = json.loads((exported.path / defaults.MANIFEST).read_text())
    assert set(stored["signatures"]) == set(defaults.SIGNATURES)
    assert stored["signatures"]["relight"] == {
        "inputs": {
            "images": {"dtype": "float32", "shape": [None, None, None, 3]},
            "light": {"dtype": "float32", "shape": [None, 9, 3]},
        },
        "outputs": {"relit": {"dtype": "float32", "shape": [None, None, None, 3]}},
    }
    assert stored["signatures"]["relight_lamps"]["inputs"]["lamps"] == {
        "dtype": "float32",
        "shape": [None, None, 8],
    }
    assert stored["signatures"]["relight_bytes"]["inputs"]["image_bytes"] == {
        "dtype": "string",
        "shape": [None],
    }
    assert set(stored["signatures"]["decompose_bytes"]["outputs"]) == {
        "albedo_png_bytes",
        "normals_png_bytes",
        "shading_png_bytes",
        "light",
    }
    assert stored["model"] == {
        "network": "compact",
        "size": 32,
        "parameters": exported.network.count_params(),
    }
    assert stored["precision"] == "float32"
    assert stored["versions"]["tensorflow"] == tf.__version__
    assert (stored["preset"], stored["figures"]) == (None, {})
    assert {entry["signature"] for entry in stored["warm_up"]} == set(defaults.SIGNATURES)


def test_weights_hash_depends_on_the_weights(exported):
    stored = json.loads((exported.path / defaults.MANIFEST).read_text())
    assert stored["weights_sha256"] == manifest.weights_hash(loading.load_network(exported.run))
    other = loading.load_network(exported.run)
    other.weights[0].assign_add(tf.ones_like(other.weights[0]) * 1e-3)
    assert manifest.weights_hash(other) != stored["weights_sha256"]


def test_figures_are_those_of_the_exported_epoch(run, tmp_path):
    # The second epoch was the best on people who were no longer held out in the last two.
    losses, best = [1.0, 3.0, 2.0, 1.5], [True, True, False, False]
    epochs = [
        {"epoch": n, "loss": 9.0, "val_loss": loss, "best_so_far": so_far}
        for n, (loss, so_far) in enumerate(zip(losses, best))
    ]
    (run / "metrics.json").write_text(json.dumps({"epochs": epochs}))
    for model, loss in ((run, 1.5), (run / loading.LAST, 1.5), (run / loading.BEST, 3.0)):
        # A path that exists is not a preset's name.
        model.touch()
        assert manifest.origin(model) == {"preset": None, "figures": {"val_loss": loss}}
    assert manifest.origin(tmp_path) == {"preset": None, "figures": {}}


def test_the_origin_of_a_preset_is_its_description(tmp_path, monkeypatch):
    # The current folder's metrics are not the preset's.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "metrics.json").write_text(json.dumps({"epochs": [{"val_loss": 1.0}]}))
    found = manifest.origin(presets.DEFAULT)
    assert found["preset"] == presets.DEFAULT
    about = presets.find(presets.DEFAULT).about
    assert found["licence"] == about["licence"]
    assert found["figures"] == about.get("figures", {})


def test_warm_up_runs_every_signature(exported, answer):
    from tensorflow_serving.apis import prediction_log_pb2

    path = exported.path / defaults.WARM_UP
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record.numpy())
        for record in tf.data.TFRecordDataset(str(path))
    ]
    # TensorFlow Serving's limit.
    assert 0 < len(logs) <= 1000
    seen = set()
    for log in logs:
        request = log.predict_log.request
        assert request.model_spec.name == "tfrelight"
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        outputs = answer(request.model_spec.signature_name, **inputs)
        assert all(len(value) == len(next(iter(inputs.values()))) for value in outputs.values())
        seen.add(request.model_spec.signature_name)
    assert seen == set(defaults.SIGNATURES)
    stored = json.loads((exported.path / defaults.MANIFEST).read_text())
    assert len(stored["warm_up"]) == len(logs)


def test_warm_up_names_the_extra_it_needs(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorflow_serving.apis", None)
    with pytest.raises(InputError, match=r"tfrelight\[serving\].*--nowarm_up"):
        warm_up.write(tmp_path, {"decompose": ["images"]})


def test_warm_up_pictures_have_the_given_size():
    assert warm_up.photo(3, 5).shape == (3, 5, 3)
    assert warm_up.photo(64, 64).dtype == np.uint8
    assert np.ptp(warm_up.photo(64, 64)) > 100
