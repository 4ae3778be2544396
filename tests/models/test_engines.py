"""A network without TensorFlow gives what it gives with it."""

import json
import pickle
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests import running
from tests.conftest import ROOT
from tests.models.test_networks import TINY
from tfrelight.errors import InputError
from tfrelight.models import engines, loading, networks, presets, tflite


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A small network of random weights, and its file."""
    network = networks.build("compact", **TINY["compact"])
    path = tmp_path_factory.mktemp("network") / "tiny.tflite"
    path.write_bytes(tflite.convert(network))
    return network, path


def crops(number, size, seed=0):
    return np.random.default_rng(seed).random((number, size, size, 3), np.float32)


@pytest.mark.parametrize("engine,tolerance", [("auto", 2e-3), ("openvino", 3e-2)])
def test_the_default_network_is_the_same_on_every_engine(engine, tolerance):
    if engine == "openvino":
        pytest.importorskip("openvino")
    # On noise, in which there is nothing to see, digits decide what it is.
    astronaut = Image.open(ROOT / "docs" / "astronaut.jpg")
    boxes = (150, 20, 310, 180), (75, 0, 395, 320), (0, 0, 512, 512)
    cuts = [astronaut.crop(box).resize((128, 128)) for box in boxes]
    images = np.stack(cuts).astype(np.float32) / 255
    light, heavy = engines.load(engine=engine), engines.load(engine="tensorflow")
    kind = {"auto": engines.LiteRT, "openvino": engines.OpenVINO}[engine]
    assert type(light) is kind
    assert engines.size_of(light) == engines.size_of(heavy) == 128
    found, expected = light.predict_on_batch(images), heavy.predict_on_batch(images)
    assert set(found) == set(expected)
    for name, values in expected.items():
        assert found[name].shape == values.shape and found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], values, atol=tolerance)
        # A step of bfloat16 is 1/256 of a value.
        assert np.abs(found[name] - values).mean() < tolerance / 8


@pytest.mark.parametrize("engine,tolerance", [("auto", 5e-3), ("openvino", 3e-2)])
def test_a_file_of_ones_own(tiny, engine, tolerance):
    if engine == "openvino":
        pytest.importorskip("openvino")
    network, path = tiny
    size = network.input_shape[1]
    opened = engines.load(path, engine)
    assert opened.size == size
    images = crops(2, size)
    expected = loading.of_any_size(network).predict_on_batch(images)
    found = opened.predict_on_batch(images)
    assert set(found) == set(expected) == {"albedo", "normals", "light", "mask", "parts"}
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], atol=tolerance)


@pytest.mark.parametrize("engine", ["litert", "openvino"])
def test_pickle_opens_a_network_once(tiny, tmp_path, engine):
    if engine == "openvino":
        pytest.importorskip("openvino")
    path = tmp_path / "network.tflite"
    shutil.copy(tiny[1], path)
    opened = engines.load(path, engine)
    sent = pickle.dumps(opened)
    assert len(sent) < 1000
    one, other = pickle.loads(sent), pickle.loads(sent)
    assert one is other and type(one) is type(opened)
    images = crops(1, opened.size)
    for name, values in opened.predict_on_batch(images).items():
        np.testing.assert_array_equal(one.predict_on_batch(images)[name], values)
    preset = engines.load(engine=engine)
    assert pickle.loads(pickle.dumps(preset)).sha256 == preset.sha256
    engines._opened.cache_clear()
    path.write_bytes(tflite.convert(networks.build("compact", **TINY["compact"])))
    with pytest.raises(InputError, match="changed while it was in use"):
        pickle.loads(sent)


def test_what_export_writes_is_read(tiny, tmp_path):
    """It has one more output, the shading."""
    network, _ = tiny

    def decompose(images):
        maps = network(images, training=False)
        return {**maps, "shading": maps["albedo"]}

    path = tmp_path / "exported.tflite"
    path.write_bytes(tflite.convert(network, decompose, half=False))
    assert set(engines.LiteRT(path).predict_on_batch(crops(1, network.input_shape[1]))) == {
        *("albedo", "normals", "light", "mask", "parts")
    }


def test_half_precision_takes_half_the_bytes(tiny):
    network, path = tiny
    assert path.stat().st_size < 0.65 * len(tflite.convert(network, half=False))


def test_photos_that_are_none_are_refused(tiny):
    _, path = tiny
    opened = engines.LiteRT(path)
    with pytest.raises(InputError, match="uint8"):
        opened.predict_on_batch(np.zeros((1, opened.size, opened.size, 3), np.uint8))
    with pytest.raises(InputError, match=f"{opened.size}x{opened.size} pixels. Received: 9x9"):
        opened.predict_on_batch(crops(1, 9))


@pytest.mark.parametrize(
    "content,words",
    [(b"", "is not a network"), (b"TFL3" * 99, "is not a network"), (None, "No such file")],
)
def test_a_damaged_file_is_one_line(tmp_path, content, words):
    path = tmp_path / "x.tflite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        engines.load(path)
    assert "\n" not in str(caught.value)


def test_the_first_half_of_a_file_is_one_line(tiny, tmp_path):
    (tmp_path / "half.tflite").write_bytes(tiny[1].read_bytes()[:20000])
    with pytest.raises(InputError, match="half.tflite is not a network"):
        engines.load(tmp_path / "half.tflite")


def test_a_file_of_another_network_is_named(tiny, tmp_path):
    network, _ = tiny
    path = tmp_path / "other.tflite"
    path.write_bytes(tflite.convert(network, lambda images: {"edges": images * 2.0}))
    with pytest.raises(InputError, match=r"another network. Expected images .*Received: .*edges"):
        engines.load(path)


def test_outputs_of_another_shape_are_another_network(tiny, tmp_path):
    network, _ = tiny

    def doubled(images):
        maps = network(images, training=False)
        return {**maps, "light": tf.concat([maps["light"]] * 2, axis=1)}

    path = tmp_path / "other.tflite"
    path.write_bytes(tflite.convert(network, doubled))
    with pytest.raises(InputError, match=r"another network. .*Received: .*light \[1, 18, 3\]"):
        engines.load(path)


@pytest.mark.parametrize(
    "model,engine,words",
    [
        (
            "compact-128",
            "onnx",
            "Unknown engine 'onnx'. Expected one of: auto, litert, openvino, tensorflow",
        ),
        ("x.tflite", "tensorflow", "TensorFlow does not run .*x.tflite"),
        (
            "run",
            "litert",
            "engine litert runs presets and .* --format=tflite --output_dir=",
        ),
        ("nothing", "litert", "No trained model 'nothing'"),
    ],
)
def test_what_an_engine_cannot_run_is_said(tmp_path, tiny, model, engine, words):
    shutil.copy(tiny[1], tmp_path / "x.tflite")
    (tmp_path / "run/weights").mkdir(parents=True)
    (tmp_path / "run/model.json").write_text("{}")
    (tmp_path / "run/weights/last.weights.h5").touch()
    found = tmp_path / model
    with pytest.raises(InputError, match=words):
        engines.load(str(found) if found.exists() else model, engine)


def test_a_run_folder_is_run_by_tensorflow(tiny, tmp_path):
    network, _ = tiny
    (tmp_path / "weights").mkdir()
    loading.describe(tmp_path, "compact", TINY["compact"])
    network.save_weights(tmp_path / loading.LAST)
    model = engines.load(tmp_path)
    images = crops(1, network.input_shape[1])
    np.testing.assert_allclose(
        model.predict_on_batch(images)["light"],
        network.predict(images, verbose=0)["light"],
        rtol=1e-5,
    )
    with pytest.raises(InputError, match="tiny.tflite is for LiteRT, and cannot be trained"):
        loading.load_network(tiny[1])


def test_a_damaged_file_of_a_preset_is_named(tiny, tmp_path):
    presets.write(tmp_path, "mine", "compact", TINY["compact"], tiny[0], {})
    preset = presets.find("mine", tmp_path)
    of_file = engines.LiteRT(preset.tflite)
    assert engines.LiteRT.of_preset(preset).sha256 == of_file.sha256
    preset.tflite.write_bytes(preset.tflite.read_bytes()[:-1])
    with pytest.raises(InputError, match="preset 'mine' are damaged"):
        engines.LiteRT.of_preset(preset)
    preset.tflite.unlink()
    with pytest.raises(InputError, match="preset 'mine' cannot be read"):
        engines.LiteRT.of_preset(preset)


def without(*packages):
    """What is loaded, and what is refused, in a process that lacks these packages."""
    code = (
        "import sys\n"
        f"for name in {packages}:\n    sys.modules[name] = None\n"
        "from tfrelight.models import engines\n"
        "for engine in ('auto', 'litert', 'openvino'):\n"
        "    try:\n        print(type(engines.load(engine=engine)).__name__)\n"
        "    except Exception as error:\n        print(error)\n"
    )
    done = running.python("-c", code)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_without_the_package_tensorflow_runs_a_preset_and_has_a_litert_of_its_own():
    assert without("ai_edge_litert")[:2] == ["PhotoModel", "LiteRT"]


def test_missing_engines_are_named():
    _, lite, vino = without("ai_edge_litert", "tensorflow.lite.python", "openvino")
    assert lite.startswith("LiteRT is not installed. Install it with pip install ai-edge-litert")
    assert vino == lite
    assert without("openvino")[2] == (
        'OpenVINO is not installed. Install it with pip install "tfrelight[fast]".'
    )


def test_a_preset_needs_no_tensorflow_and_prints_nothing():
    code = (
        "import json, sys\n"
        "import numpy as np\n"
        "from tfrelight.models import engines\n"
        "network = engines.load()\n"
        "network.predict_on_batch(np.zeros((1, 128, 128, 3), np.float32))\n"
        "heavy = ('tensorflow', 'keras', 'tensorflow_graphics', 'matplotlib')\n"
        "print(json.dumps([name for name in heavy if name in sys.modules]))\n"
    )
    done = running.python("-c", code)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == []
