"""One small exported model for all serving tests, and a session that runs it like a server."""

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
from tfrelight.models import loading, networks
from tfrelight.serving import versions


def run_folder(path):
    """Writes a training run of a small, untrained network, and returns the network."""
    # Session fixtures run before the fixture that seeds each test.
    tf.keras.utils.set_random_seed(0)
    network = networks.build("compact", **TINY["compact"])
    # With the initial weights every photo has the same maps.
    for index, weight in enumerate(network.weights):
        noise = tf.random.stateless_normal(weight.shape, (index, 0))
        weight.assign_add(noise * (0.3 if "gain" in weight.name else 0.05))
    (path / "weights").mkdir(parents=True)
    network.save_weights(path / loading.LAST)
    loading.describe(path, "compact", TINY["compact"])
    return network


@dataclasses.dataclass
class Exported:
    """An exported model.

    Attributes:
      run: folder of the training run.
      base: folder of the versions.
      path: folder of version 1.
      network: the model in this process.
    """

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
    return Exported(run, base, path, loading.load_network(run))


@pytest.fixture(scope="session")
def answer(exported):
    """`answer(signature, **inputs)`: runs a session like TensorFlow Serving, without checks."""
    graph = tf.Graph()
    session = tf.compat.v1.Session(graph=graph)
    # The default graph only here: other tests run eagerly.
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
    """A smooth picture with some noise, `[H, W, 3]` uint8."""
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
    """A folder of versions for one test, with version 1."""
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
