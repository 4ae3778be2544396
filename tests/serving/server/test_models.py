"""Versions, policies, labels, reloads and warm-up of a server's models."""

import shutil
import time

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import model_management_pb2, prediction_log_pb2

from tests.serving import local
from tfrelight.errors import InputError
from tfrelight.serving import defaults
from tfrelight.serving.server import models
from tfrelight.serving.server.errors import RequestError

IMAGES = np.zeros((1, 8, 8, 3), np.float32)
LIMIT = 2**26


@pytest.fixture
def served():
    """`Models` without a server around them."""
    served = models.Models(LIMIT)
    yield served
    served.close(seconds=10)


def version_of(served, **spec):
    number, servable = served.acquire(local.request_for(**spec).model_spec)
    servable.release()
    return number


def states(served):
    spec = local.request_for().model_spec
    return {number: state.state for number, state in served.states(spec).items()}


def test_the_latest_version_is_served_and_the_old_one_unloaded(exported, base, served):
    served.apply(local.config_of(base))
    assert version_of(served) == 1
    local.copy_version(exported, base, 3)
    served.update()
    assert version_of(served) == 3
    assert states(served) == {1: "END", 3: "AVAILABLE"}
    with pytest.raises(RequestError, match=r"Specific\(tfrelight, 1\)"):
        version_of(served, version=1)
    # An older one that appears later is not loaded.
    local.copy_version(exported, base, 2)
    served.update()
    assert version_of(served) == 3
    assert states(served) == {1: "END", 3: "AVAILABLE"}


@pytest.mark.parametrize(
    "policy,expected",
    [
        ("", [3]),
        ("model_version_policy { latest { num_versions: 2 } }", [2, 3]),
        ("model_version_policy { all {} }", [1, 2, 3]),
        ("model_version_policy { specific { versions: 1 versions: 3 } }", [1, 3]),
    ],
)
def test_policies_select_versions(exported, base, served, policy, expected):
    for number in (2, 3):
        local.copy_version(exported, base, number)
    served.apply(local.config_of(base, policy))
    assert states(served) == dict.fromkeys(expected, "AVAILABLE")


def test_a_removed_version_is_unloaded_and_the_older_one_returns(exported, base, served):
    served.apply(local.config_of(base))
    local.copy_version(exported, base, 2)
    served.update()
    shutil.rmtree(base / "2")
    served.update()
    assert version_of(served) == 1


def test_an_unreadable_folder_keeps_loaded_versions(base, served, tmp_path, caplog):
    served.apply(local.config_of(base))
    base.rename(tmp_path / "away")
    for _ in range(3):
        served.update()
    assert version_of(served) == 1
    assert len([r for r in caplog.records if "Cannot read" in r.getMessage()]) == 1


def test_an_incomplete_version_is_not_offered(exported, base, served):
    served.apply(local.config_of(base))
    (base / ".unfinished-abc").mkdir()
    (base / "2").mkdir()
    (base / "2" / "saved_model.pb").write_bytes(b"no graph")
    served.update()
    assert version_of(served) == 1
    state = served.states(local.request_for().model_spec)[2]
    assert state.state == "END" and state.code != "OK"
    # It is retried only after its folder was removed and restored.
    shutil.rmtree(base / "2")
    served.update()
    local.copy_version(exported, base, 2)
    served.update()
    assert version_of(served) == 2


def require_a_newer_tensorflow(version):
    path = version / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    saved.meta_graphs[0].graph_def.versions.min_consumer = 99999
    path.write_bytes(saved.SerializeToString())


def test_a_version_for_a_newer_tensorflow_is_not_offered_and_other_models_go_on(
    exported, base, served, tmp_path
):
    other = tmp_path / "other"
    local.copy_version(exported, other, 1)
    both = local.config_of(base, name="a")
    both.MergeFrom(local.config_of(other, name="b"))
    served.apply(both)
    require_a_newer_tensorflow(local.copy_version(exported, base, 2))
    local.copy_version(exported, other, 2)
    served.update()
    assert version_of(served, name="a") == 1
    assert version_of(served, name="b") == 2
    state = served.states(local.request_for(name="a").model_spec)[2]
    assert (state.state, state.code) == ("END", "INTERNAL")
    assert "Could not load" in state.text and "99999" in state.text


def test_an_error_of_one_model_does_not_stop_the_others(
    exported, base, served, tmp_path, caplog, monkeypatch
):
    other = tmp_path / "other"
    local.copy_version(exported, other, 1)
    both = local.config_of(base, name="a")
    both.MergeFrom(local.config_of(other, name="b"))
    served.apply(both)
    local.copy_version(exported, other, 2)

    def fails():
        raise ZeroDivisionError

    monkeypatch.setattr(served._models["a"], "update", fails)
    served.update()
    assert version_of(served, name="b") == 2
    assert "Cannot look for new versions of a" in caplog.text


@pytest.mark.parametrize("name", ["007", str(2**63 - 1)])
def test_leading_zeros_and_the_largest_number_are_versions(base, served, name):
    (base / "1").rename(base / name)
    (base / str(2**64)).mkdir()
    served.apply(local.config_of(base))
    assert version_of(served) == int(name)
    for number, state in served.states(local.request_for().model_spec).items():
        assert state.proto(number).version == int(name)


def write_warm_up(version, *logs):
    path = version / defaults.WARM_UP
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for log in logs:
            writer.write(log)


def warm_up_log(**inputs):
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.CopyFrom(local.request_for("decompose", **inputs))
    return log.SerializeToString()


@pytest.mark.parametrize(
    "logs,code,text",
    [
        ([b"\xff\xff"], "INVALID_ARGUMENT", "Failed to parse warmup record"),
        ([warm_up_log(images=IMAGES[0])], "INVALID_ARGUMENT", "Shape of tensor"),
        ([warm_up_log(imags=IMAGES)], "INVALID_ARGUMENT", "Signature input alias"),
        (
            [prediction_log_pb2.PredictionLog().SerializeToString()],
            "UNIMPLEMENTED",
            "Unsupported log_type for warmup",
        ),
        (
            [warm_up_log(images=IMAGES)] * 1001,
            "INVALID_ARGUMENT",
            "Number of warmup records exceeds the maximum (1000)",
        ),
    ],
    ids=["no record", "wrong shape", "wrong input", "no request", "too many"],
)
def test_a_version_whose_warm_up_fails_is_not_offered(exported, base, served, logs, code, text):
    served.apply(local.config_of(base))
    write_warm_up(local.copy_version(exported, base, 2), *logs)
    served.update()
    assert version_of(served) == 1
    state = served.states(local.request_for().model_spec)[2]
    assert (state.state, state.code) == ("END", code)
    assert state.text.startswith(text)


def test_a_corrupt_warm_up_file_is_data_loss(exported, base, served):
    path = local.copy_version(exported, base, 2) / defaults.WARM_UP
    path.parent.mkdir()
    path.write_bytes(b"no records at all, but long enough for a header")
    served.apply(local.config_of(base, "model_version_policy { all {} }"))
    state = served.states(local.request_for().model_spec)[2]
    assert state.code == "DATA_LOSS"
    assert "Please verify your warmup data is in TFRecord format." in state.text


def test_the_exported_warm_up_runs(exported, tmp_path, served):
    base = tmp_path / "warm"
    local.copy_version(exported, base, 1, warm_up=True)
    served.apply(local.config_of(base))
    assert states(served) == {1: "AVAILABLE"}


LABELS = """model_version_policy {{ all {{}} }} version_labels {{ key: "stable" value: {} }}"""


def test_a_reload_moves_labels_only_to_available_versions(exported, base):
    local.copy_version(exported, base, 2)

    def reload(raw, text):
        request = model_management_pb2.ReloadConfigRequest(config=local.config_of(base, text))
        return raw.model.HandleReloadConfigRequest(request, timeout=60)

    def labelled(raw):
        response = raw.predict(label="stable", outputs=["light"], images=IMAGES)
        return response.model_spec.version.value

    with local.serving(local.config_of(base, LABELS.format(1))) as server:
        with local.Raw(server.port) as raw:
            assert labelled(raw) == 1
            reload(raw, LABELS.format(2))
            assert labelled(raw) == 2
            with pytest.raises(grpc.RpcError) as caught:
                reload(raw, LABELS.format(7))
            assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
            assert caught.value.details() == (
                "Request to assign label to version 7 of model tfrelight, which is not currently "
                "available for inference"
            )
            assert labelled(raw) == 2


def test_a_reload_adds_and_removes_models(base, served):
    both = local.config_of(base)
    both.MergeFrom(local.config_of(base, name="other"))
    served.apply(both)
    assert version_of(served, name="other") == 1
    served.apply(local.config_of(base, name="other"))
    assert "tfrelight" not in served and "other" in served
    with pytest.raises(RequestError, match=r"Latest\(tfrelight\)"):
        version_of(served)


@pytest.mark.parametrize(
    "text,message",
    [
        ('model_config_list { config { name: "a" base_path: "/b" } }', "model_platform"),
        ('model_config_list { config { name: "a" model_platform: "tensorflow" } }', "base_path"),
        (
            'model_config_list { config { name: "a" base_path: "/b" model_platform: "tensorflow" }'
            ' config { name: "a" base_path: "/c" model_platform: "tensorflow" } }',
            "multiple times",
        ),
        ("", "Only ModelConfigList is currently supported"),
    ],
)
def test_an_invalid_configuration_is_refused(served, text, message):
    with pytest.raises(RequestError, match=message):
        served.apply(models.parse_config(text, "models.config"))


def test_an_unparsable_configuration_is_refused():
    with pytest.raises(InputError, match=r"models\.config is not a model configuration"):
        models.parse_config("models: yes", "models.config")


def test_a_model_without_versions_is_refused_with_the_reason(tmp_path, exported):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"tfrelight \(no numbered folders in .*empty\)"):
        with local.serving(local.config_of(tmp_path / "empty")):
            pass
    base = tmp_path / "broken"
    write_warm_up(local.copy_version(exported, base, 1), b"\xff\xff")
    with pytest.raises(InputError, match=r"tfrelight \(1: Failed to parse warmup record"):
        with local.serving(local.config_of(base)):
            pass


def test_unloading_waits_for_the_last_request(base, served):
    served.apply(local.config_of(base))
    _, servable = served.acquire(local.request_for().model_spec)
    import threading

    # A new version takes its place.
    shutil.move(base / "1", base / "2")
    closing = threading.Thread(target=served.update)
    closing.start()
    time.sleep(0.1)
    assert closing.is_alive()
    (light,) = servable.run("decompose", {"images": IMAGES}, ("light",))
    assert light.shape == (1, 9, 3)
    servable.release()
    closing.join(10)
    assert not closing.is_alive()
