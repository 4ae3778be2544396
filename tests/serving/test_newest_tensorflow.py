"""The exported model in an environment of its own, with the newest TensorFlow.

    python -m pytest -m slow tests/serving/test_newest_tensorflow.py

installs that TensorFlow (a few minutes, 1.4 GB) into a temporary folder, and is skipped without a
package index.
"""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tests.serving.conftest import file_of, picture, pixels_of
from tfrelight import Light
from tfrelight.lights import lamp_rows

LEFT = Light.preset("left").coefficients

# Does not import tfrelight, because a server has only the SavedModel.
SCRIPT = """
import pathlib, sys
import numpy as np
import tensorflow as tf

path, stored, outputs = sys.argv[1:]
print(tf.__version__)
loaded = tf.saved_model.load(path)
arrays = np.load(stored)
photos = [arrays[name].tobytes() for name in sorted(arrays.files) if name.startswith("file")]
values = {
    "images": arrays["images"],
    "references": arrays["references"],
    "light": arrays["light"],
    "lamps": arrays["lamps"],
    "image_bytes": np.array(photos, object),
}
found = {}
for name, signature in loaded.signatures.items():
    _, inputs = signature.structured_input_signature
    for key, value in signature(**{k: tf.constant(values[k]) for k in inputs}).items():
        value = value.numpy()
        if value.dtype == object:
            for index, data in enumerate(value):
                found[f"{name}/{key}/{index}"] = np.frombuffer(data, np.uint8)
        else:
            found[f"{name}/{key}"] = value
np.savez(outputs, **found)
"""


@pytest.fixture(scope="module")
def newest(tmp_path_factory):
    """A Python with the newest TensorFlow, and its environment variables."""
    folder = tmp_path_factory.mktemp("newest") / "env"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # Constraints of this environment do not apply there.
    environment.pop("PIP_CONSTRAINT", None)
    python = folder / "bin" / "python"
    install = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "tensorflow-cpu"],
        env=environment,
        capture_output=True,
        text=True,
    )
    if "(from versions: none)" in install.stderr:
        pytest.skip("tensorflow-cpu cannot be installed: no package index")
    assert install.returncode == 0, install.stderr[-3000:]
    return python, environment


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_newest_tensorflow_gives_the_same_outputs(exported, answer, newest, tmp_path):
    python, environment = newest
    pictures = [picture(40, 30), picture(50, 64, 1)]
    files = [file_of(pictures[0]), file_of(pictures[1], "JPEG")]
    floats = np.float32(np.stack([picture(24, 20, 2), picture(24, 20, 3)]) / 255)
    inputs = {
        "images": floats,
        "references": floats[::-1, :, ::-1],
        "light": np.stack([LEFT, LEFT * np.float32([1.0, 0.8, 0.6])]),
        "lamps": np.stack([lamp_rows.rows(Light.preset(name)) for name in ("left", "overcast")]),
    }
    stored = {f"file{i}": np.frombuffer(data, np.uint8) for i, data in enumerate(files)}
    np.savez(tmp_path / "in.npz", **inputs, **stored)
    script = pathlib.Path(tmp_path / "script.py")
    script.write_text(SCRIPT)
    done = subprocess.run(
        [python, script, exported.path, tmp_path / "in.npz", tmp_path / "out.npz"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    # Otherwise the test would compare 2.15 with itself.
    version = tuple(int(part) for part in done.stdout.split()[-1].split(".")[:2])
    assert version > (2, 15)
    found = np.load(tmp_path / "out.npz")
    inputs["image_bytes"] = np.array(files, object)
    names = {
        "serving_default": ["images"],
        "decompose": ["images"],
        "relight": ["images", "light"],
        "relight_lamps": ["images", "lamps"],
        "transfer": ["images", "references"],
        "decompose_bytes": ["image_bytes"],
        "relight_bytes": ["image_bytes", "light"],
        "relight_lamps_bytes": ["image_bytes", "lamps"],
        "relight_jpeg": ["image_bytes", "light"],
        "relight_lamps_jpeg": ["image_bytes", "lamps"],
    }
    for signature, keys in names.items():
        for key, value in answer(signature, **{name: inputs[name] for name in keys}).items():
            if value.dtype != object:
                np.testing.assert_allclose(found[f"{signature}/{key}"], value, atol=1e-4)
                continue
            for index, png in enumerate(value):
                other = pixels_of(found[f"{signature}/{key}/{index}"].tobytes()).astype(int)
                assert np.max(np.abs(other - pixels_of(png))) <= 1
