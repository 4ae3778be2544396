"""The exported SavedModel: names, numbers, any size, clean refusals, whole versions only."""

import numpy as np
import pytest
import tensorflow as tf

import tfrelight
from tests.models.test_networks import photos, run_folder
from tfrelight import color, lights, shading
from tfrelight.errors import InputError
from tfrelight.serving import versions


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    (folder / "run").mkdir()
    run_folder(folder / "run", "compact")
    path = versions.publish(folder / "run", folder / "models")
    return tfrelight.load_model(folder / "run"), path


def signature(path, name):
    # The loaded object must outlive its functions.
    loaded = tf.saved_model.load(str(path))
    return lambda **inputs: loaded.signatures[name](**inputs)


@pytest.mark.parametrize("height,width", [(128, 128), (200, 152), (31, 7)])
def test_decompose_is_predict(exported, height, width):
    model, path = exported
    images = photos(2, height, width)
    expected = model.predict(images, verbose=0)
    for name in ("serving_default", "decompose"):
        outputs = signature(path, name)(images=tf.constant(images))
        assert set(outputs) == {"albedo", "normals", "light", "mask", "shading"}
        for key in expected:
            np.testing.assert_allclose(outputs[key], expected[key], atol=1e-4)
        np.testing.assert_allclose(
            outputs["shading"], shading.shade(expected["normals"], expected["light"]), atol=1e-4
        )


def test_relight_and_transfer(exported):
    model, path = exported
    images, references = photos(2, 40, 24), photos(2, 20, 30)[..., ::-1]
    maps = model.predict(images, verbose=0)
    light = np.stack([lights.Light.preset("left"), lights.Light.preset("sunset")])
    relit = signature(path, "relight")(images=tf.constant(images), light=tf.constant(light))
    expected = color.to_srgb(shading.render(maps["albedo"], maps["normals"], light))
    np.testing.assert_allclose(relit["relit"], expected, atol=1e-4)

    moved = signature(path, "transfer")(
        images=tf.constant(images), references=tf.constant(np.ascontiguousarray(references))
    )
    light = model.predict(references, verbose=0)["light"]
    np.testing.assert_allclose(moved["light"], light, atol=1e-4)
    expected = color.to_srgb(shading.render(maps["albedo"], maps["normals"], light))
    np.testing.assert_allclose(moved["relit"], expected, atol=1e-4)


def run_session(path, name, feeds):
    """Runs a signature as TensorFlow Serving does: `Session.run` with no check in Python."""
    from tensorflow.core.protobuf import config_pb2

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(path))
        definition = meta.signature_def[name]
        options = config_pb2.CallableOptions(
            feed=[definition.inputs[key].name for key in feeds],
            fetch=[info.name for info in definition.outputs.values()],
        )
        run = session._make_callable_from_options(options)
        return dict(zip(definition.outputs, run(*feeds.values())))


@pytest.mark.parametrize("shape", [(8, 8, 3), (1, 8, 8, 4), (8,), ()])
def test_a_wrong_shape_is_refused_by_the_first_op(exported, shape):
    _, path = exported
    with pytest.raises(tf.errors.InvalidArgumentError, match="is not compatible with expected"):
        run_session(path, "decompose", {"images": np.zeros(shape, np.float32)})


def test_the_graph_has_standard_ops_only(exported):
    _, path = exported
    outputs = run_session(path, "decompose", {"images": photos(1, 8, 8)})
    assert outputs["light"].shape == (1, 9, 3)
    from tensorflow.python.tools import saved_model_utils

    graph = saved_model_utils.get_meta_graph_def(str(path), "serve").graph_def
    nodes = list(graph.node) + [n for f in graph.library.function for n in f.node_def]
    assert not [node.op for node in nodes if "Addons" in node.op or node.op == "PyFunc"]


def test_versions_count_up_and_nothing_unfinished_stays(exported, tmp_path):
    _, path = exported
    assert path.name == "1"
    run = tmp_path / "run"
    run.mkdir()
    run_folder(run, "compact")
    assert versions.publish(run, tmp_path / "models").name == "1"
    assert versions.publish(run, tmp_path / "models").name == "2"
    assert sorted(p.name for p in (tmp_path / "models").iterdir()) == ["1", "2"]


def test_a_failed_export_leaves_nothing(tmp_path):
    with pytest.raises(InputError, match="No trained model"):
        versions.publish(tmp_path / "none", tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_an_output_folder_that_is_a_file(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    run_folder(run, "compact")
    (tmp_path / "models").write_text("")
    with pytest.raises(InputError, match="Cannot write to"):
        versions.publish(run, tmp_path / "models")
