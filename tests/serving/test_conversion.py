"""Other formats and precisions agree with the SavedModel, or are refused."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfrelight.errors import InputError
from tfrelight.models import loading
from tfrelight.serving import conversion, parity


@pytest.fixture(scope="module", autouse=True)
def few_probes():
    """Noise in place of portraits, which take seconds to render."""
    pictures = np.random.default_rng(0).uniform(size=(2, 32, 32, 3)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parity, "probes", lambda size: pictures)
        yield pictures


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_a_file_agrees_with_the_signature(exported, answer, tmp_path, few_probes, kind):
    if kind == "onnx":
        pytest.importorskip("tf2onnx")
    path = conversion.convert(exported.run, tmp_path / "new", kind)
    assert path == tmp_path / "new" / f"tfrelight.{kind}"
    run = {"tflite": conversion.run_tflite, "onnx": conversion.run_onnx}[kind]
    expected, found = answer("decompose", images=few_probes[:1]), run(path, few_probes[:1])
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=1e-4)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_file_that_disagrees_is_not_kept(exported, tmp_path, monkeypatch):
    def wrong(path, images):
        return {
            name: np.asarray(value) + 0.02
            for name, value in conversion._decompose(exported.network)(images).items()
        }

    write, _ = conversion._FORMATS["tflite"]
    monkeypatch.setitem(conversion._FORMATS, "tflite", (write, wrong))
    with pytest.raises(InputError, match="tflite file does not agree with float32.*0.02"):
        conversion.convert(exported.run, tmp_path, "tflite")
    assert list(tmp_path.iterdir()) == []


def test_onnx_names_the_extra_it_needs(exported, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(InputError, match=r"pip install \"tfrelight\[onnx\]\""):
        conversion.convert(exported.run, tmp_path, "onnx")
    assert list(tmp_path.iterdir()) == []


def test_bfloat16_is_accepted_where_it_agrees(exported, monkeypatch):
    # On noise this network differs by about 0.01, by a little more or less on different CPUs.
    monkeypatch.setattr(parity, "TOLERANCE", 0.05)
    network = parity.load_network(exported.run, "bfloat16")
    assert network.get_layer("stem").compute_dtype == "bfloat16"
    assert keras.mixed_precision.global_policy().name == "float32"
    assert loading.load_network(exported.run).get_layer("stem").compute_dtype == "float32"


def test_bfloat16_is_refused_where_it_does_not(exported, monkeypatch):
    monkeypatch.setattr(parity, "TOLERANCE", 1e-6)
    with pytest.raises(InputError, match="in bfloat16 does not agree.*--precision=float32"):
        parity.load_network(exported.run, "bfloat16")
    assert keras.mixed_precision.global_policy().name == "float32"


def test_differences_are_relative_to_the_scale():
    ours = {"mask": np.float32([0.5, 0.2]), "light": np.float32([4.0, 0.0])}
    theirs = {"mask": np.float32([0.5, 0.25]), "light": np.float32([4.0, 0.2])}
    found = parity.differences(ours, theirs)
    assert found == {"mask": pytest.approx(0.05), "light": pytest.approx(0.05)}
    theirs["mask"] = np.float32([np.nan, 0.2])
    assert parity.differences(ours, theirs)["mask"] == float("inf")
    # A single value among many counts.
    many = np.zeros(100_000, np.float32)
    one = many.copy()
    one[7] = 0.02
    with pytest.raises(InputError, match="It does not agree.*0.02.*Leave it."):
        parity.expect({"a": many}, {"a": one}, "It", "Leave it.")
    parity.expect({"a": tf.ones(2)}, {"a": np.float32([1.0, 1.005])}, "It", "Leave it.")
