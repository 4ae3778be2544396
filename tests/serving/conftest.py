"""One small exported model for all serving tests, and a session that runs it as a server does."""

import dataclasses
import functools
import io
import pathlib

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

from tests.models.test_networks import TINY
from tests.serving import local
from tfrelight.models import presets
from tfrelight.serving import versions


def run_folder(path):
    """A run's folder: a small network whose maps are those of a face as little as they may be."""
    # A fixture of the session begins before those that seed each test.
    tf.keras.utils.set_random_seed(0)
    network = presets.build("compact", **TINY["compact"])
    # Away from the initial values, under which every photo has the same maps.
    for index, weight in enumerate(network.weights):
        noise = tf.random.stateless_normal(weight.shape, (index, 0))
        weight.assign_add(noise * (0.3 if "gain" in weight.name else 0.05))
    (path / "weights").mkdir(parents=True)
    network.save_weights(path / presets.LAST)
    presets.describe(path, "compact", TINY["compact"])
    return network


@dataclasses.dataclass
class Exported:
    """run: the training run's folder. base: the folder of versions. path: of version 1."""

    run: pathlib.Path
    base: pathlib.Path
    path: pathlib.Path
    network: object


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    run, base = folder / "run", folder / "tfrelight"
    run_folder(run)
    path = versions.publish(run, base)
    return Exported(run, base, path, presets.load_network(run))


@pytest.fixture(scope="session")
def answer(exported):
    """`answer(signature, **inputs)`: as TensorFlow Serving's session, with no check in Python."""
    graph = tf.Graph()
    session = tf.compat.v1.Session(graph=graph)
    # The graph is the default one here only: other tests run eagerly.
    with graph.as_default():
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(exported.path))

    @functools.cache
    def prepared(name, keys):
        definition = meta.signature_def[name]
        options = config_pb2.CallableOptions(
            feed=[definition.inputs[key].name for key in keys],
            fetch=[info.name for info in definition.outputs.values()],
        )
        return list(definition.outputs), session._make_callable_from_options(options)

    def call(name, **inputs):
        keys, run = prepared(name, tuple(inputs))
        return dict(zip(keys, run(*inputs.values())))

    yield call
    session.close()


def picture(height, width, seed=0):
    """A picture with smooth colour and some detail, `[H, W, 3]` uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / max(height, width)
    smooth = 0.5 + 0.3 * np.sin(4 * x[..., None] + 3 * y[..., None] + rng.uniform(0, 6, 3))
    return np.uint8(np.clip(smooth + rng.normal(0, 0.03, smooth.shape), 0, 1) * 255)


def file_of(pixels, kind="PNG", **options):
    """The bytes of a picture's file."""
    data = io.BytesIO()
    PIL.Image.fromarray(pixels).save(data, kind, **options)
    return data.getvalue()


def pixels_of(data):
    """`[H, W, 3]` uint8 of a file's bytes."""
    image = PIL.Image.open(io.BytesIO(data))
    assert image.mode == "RGB"
    return np.asarray(image)


def strings(*values):
    return np.array(values, object)


@pytest.fixture
def base(exported, tmp_path):
    """A folder of versions of the test's own, with version 1."""
    base = tmp_path / "tfrelight"
    local.copy_version(exported, base, 1)
    return base


@pytest.fixture(scope="session")
def two_versions(exported, tmp_path_factory):
    """A running server with versions 1 and 2, labelled stable and canary."""
    base = tmp_path_factory.mktemp("two") / "tfrelight"
    for number in (1, 2):
        local.copy_version(exported, base, number)
    text = """model_version_policy { all {} }
        version_labels { key: "stable" value: 1 } version_labels { key: "canary" value: 2 }"""
    with local.serving(local.config_of(base, text), metrics_port=0) as server:
        yield server


@pytest.fixture
def raw(two_versions):
    with local.Raw(two_versions.port, **{"grpc.max_receive_message_length": -1}) as stubs:
        yield stubs
