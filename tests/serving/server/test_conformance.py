"""The local server returns TensorFlow Serving's codes, and texts that begin like its own."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    predict_pb2,
)

from tests.serving.conftest import file_of, picture, pixels_of
from tests.serving.local import Raw, held_runs, request_for
from tfrelight import lights
from tfrelight.lights import lamp_rows
from tfrelight.serving import defaults

IMAGES = np.zeros((1, 8, 8, 3), np.float32)
PNG = [file_of(picture(20, 30))]
LEFT = lights.Light.preset("left").coefficients[None]
LAMPS = lamp_rows.rows(lights.Light.preset("left"))[None]


def assert_refused(call, code, text):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    assert caught.value.code().name == code, caught.value.details()
    assert caught.value.details().startswith(text), caught.value.details()


def without(*fields, **inputs):
    request = request_for(**inputs)
    for field in fields:
        request.ClearField(field)
    return request


def unnamed():
    request = request_for(images=IMAGES)
    request.model_spec.name = ""
    return request


def unparsable():
    request = request_for(images=IMAGES)
    request.inputs["images"].tensor_content = b"\0" * 5
    return request


PREDICT = [
    (without("model_spec", images=IMAGES), "INVALID_ARGUMENT", "Missing ModelSpec"),
    (unnamed(), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
    (
        request_for(label="beta", images=IMAGES),
        "INVALID_ARGUMENT",
        "Unrecognized servable version label: beta",
    ),
    (
        request_for(name="nope", label="stable", images=IMAGES),
        "INVALID_ARGUMENT",
        "Unrecognized servable version label: stable",
    ),
    (
        request_for(name="nope", images=IMAGES),
        "NOT_FOUND",
        "Servable not found for request: Latest(nope)",
    ),
    (
        request_for(version=99, images=IMAGES),
        "NOT_FOUND",
        "Servable not found for request: Specific(tfrelight, 99)",
    ),
    (
        request_for("zzz", images=IMAGES),
        "FAILED_PRECONDITION",
        'Serving signature key "zzz" not found.',
    ),
    (
        request_for(images=IMAGES, foo=IMAGES),
        "INVALID_ARGUMENT",
        "input size does not match signature: 2!=1 len({foo,images}) != len({images}). "
        "Sent extra: {foo}. Missing but required: {}.",
    ),
    (
        request_for(),
        "INVALID_ARGUMENT",
        "input size does not match signature: 0!=1 len({}) != len({images}). "
        "Sent extra: {}. Missing but required: {images}.",
    ),
    (
        request_for("relight", images=IMAGES),
        "INVALID_ARGUMENT",
        "input size does not match signature: 1!=2 len({images}) != len({images,light}). "
        "Sent extra: {}. Missing but required: {light}.",
    ),
    (
        request_for(foo=IMAGES),
        "INVALID_ARGUMENT",
        "Signature input alias: images(feed name: serving_default_images:0) not found in request "
        "and no default value provided.",
    ),
    (unparsable(), "INVALID_ARGUMENT", "tensor parsing error: images"),
    (
        request_for(outputs=["x"], images=IMAGES),
        "INVALID_ARGUMENT",
        "output tensor alias not found in signature: x",
    ),
    (
        request_for(outputs=["albedo", "albedo"], images=IMAGES),
        "INVALID_ARGUMENT",
        "duplicate output tensor alias: albedo",
    ),
    (
        request_for(images=IMAGES.astype(np.uint8)),
        "INVALID_ARGUMENT",
        "Type mismatch: actual uint8 vs. expect float",
    ),
    (
        request_for("relight_bytes", image_bytes=np.zeros(1, np.float32), light=LEFT),
        "INVALID_ARGUMENT",
        "Type mismatch: actual float vs. expect string",
    ),
    (request_for(images=IMAGES[0]), "INVALID_ARGUMENT", "Shape of tensor "),
    (request_for(images=IMAGES[..., :2]), "INVALID_ARGUMENT", "Shape of tensor "),
    (
        request_for("relight_bytes", image_bytes=[b"no picture"], light=LEFT),
        "INVALID_ARGUMENT",
        "Unknown image file format. One of JPEG, ",
    ),
    # The order of the checks: model, signature, inputs, filter, types.
    (request_for("zzz", name="nope"), "NOT_FOUND", "Servable not found"),
    (request_for("zzz", outputs=["x"]), "FAILED_PRECONDITION", "Serving signature"),
    (request_for(outputs=["x"], foo=IMAGES), "INVALID_ARGUMENT", "Signature input alias"),
    (
        request_for(outputs=["x"], images=IMAGES.astype(np.uint8)),
        "INVALID_ARGUMENT",
        "output tensor alias not found",
    ),
]


@pytest.mark.parametrize("request_,code,text", PREDICT, ids=[row[2][:40] for row in PREDICT])
def test_predict_refuses(raw, request_, code, text):
    assert_refused(lambda: raw.prediction.Predict(request_, timeout=60), code, text)


def test_a_wrong_rank_is_refused_with_its_shape_and_the_server_survives(raw):
    with pytest.raises(grpc.RpcError) as caught:
        raw.predict(images=IMAGES[0])
    assert "[8,8,3] is not compatible with expected shape [?,?,?,3]." in caught.value.details()
    assert raw.predict(images=IMAGES).outputs["light"].tensor_shape.dim[0].size == 1


def metadata_request(*fields, name="tfrelight", **spec):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    request.model_spec.CopyFrom(request_for(name=name, **spec).model_spec)
    return request


def status_request(name="tfrelight", **spec):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.CopyFrom(request_for(name=name, **spec).model_spec)
    return request


def test_metadata_refuses(raw):
    for request, code, text in [
        (
            get_model_metadata_pb2.GetModelMetadataRequest(),
            "INVALID_ARGUMENT",
            "Missing ModelSpec",
        ),
        (
            metadata_request(),
            "INVALID_ARGUMENT",
            "GetModelMetadataRequest must specify at least one metadata_field",
        ),
        (metadata_request("x"), "INVALID_ARGUMENT", "Metadata field x is not supported"),
        (
            metadata_request("signature_def", "x"),
            "INVALID_ARGUMENT",
            "Metadata field x is not supported",
        ),
        (
            metadata_request("signature_def", name="nope"),
            "NOT_FOUND",
            "Servable not found for request: Latest(nope)",
        ),
    ]:
        assert_refused(lambda r=request: raw.prediction.GetModelMetadata(r, timeout=9), code, text)


def test_status_refuses(raw):
    for request, code, text in [
        (get_model_status_pb2.GetModelStatusRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (status_request("q"), "NOT_FOUND", "Could not find any versions of model q"),
        (
            status_request(version=7),
            "NOT_FOUND",
            "Could not find version 7 of model tfrelight",
        ),
    ]:
        assert_refused(lambda r=request: raw.model.GetModelStatus(r, timeout=9), code, text)


def test_every_signature_returns_what_the_session_computes(raw, answer):
    images = picture(20, 30)[None] / np.float32(255)
    inputs = {
        "serving_default": {"images": images},
        "decompose": {"images": images},
        "relight": {"images": images, "light": LEFT},
        "relight_lamps": {"images": images, "lamps": LAMPS},
        "transfer": {"images": images, "references": images[:, :, ::-1]},
        "decompose_bytes": {"image_bytes": np.array(PNG, object)},
        "relight_bytes": {"image_bytes": np.array(PNG, object), "light": LEFT},
        "relight_lamps_bytes": {"image_bytes": np.array(PNG, object), "lamps": LAMPS},
        "relight_jpeg": {"image_bytes": np.array(PNG, object), "light": LEFT},
        "relight_lamps_jpeg": {"image_bytes": np.array(PNG, object), "lamps": LAMPS},
    }
    assert set(inputs) == set(defaults.SIGNATURES)
    for name, values in inputs.items():
        response = raw.predict(name, **values)
        assert response.model_spec.name == "tfrelight"
        assert response.model_spec.signature_name == name
        expected = answer(name, **values)
        assert set(response.outputs) == set(expected)
        for key, value in expected.items():
            found = tf.make_ndarray(response.outputs[key])
            if value.dtype == object:
                np.testing.assert_array_equal(pixels_of(found[0]), pixels_of(value[0]))
            else:
                np.testing.assert_allclose(found, value, atol=1e-5)


def test_outputs_are_in_typed_fields_as_in_tensorflow_serving(raw):
    response = raw.predict("decompose_bytes", image_bytes=PNG)
    assert len(response.outputs["light"].float_val) == 27
    assert not response.outputs["light"].tensor_content
    assert len(response.outputs["albedo_png_bytes"].string_val) == 1


def test_only_the_filtered_outputs_are_sent(raw):
    response = raw.predict("decompose_bytes", outputs=["light"], image_bytes=PNG)
    assert list(response.outputs) == ["light"]
    response = raw.predict(outputs=["mask", "albedo"], images=IMAGES)
    assert set(response.outputs) == {"mask", "albedo"}


def test_requests_select_versions_by_number_and_label(raw):
    for spec, version in [
        ({}, 2),
        ({"version": 1}, 1),
        ({"version": 2}, 2),
        ({"label": "stable"}, 1),
        ({"label": "canary"}, 2),
    ]:
        response = raw.predict(outputs=["light"], images=IMAGES, **spec)
        assert response.model_spec.version.value == version
        assert response.model_spec.signature_name == "serving_default"
    assert raw.states() == {1: ("AVAILABLE", 0, ""), 2: ("AVAILABLE", 0, "")}
    one = raw.model.GetModelStatus(status_request(version=1)).model_version_status
    assert [status.version for status in one] == [1]


def test_metadata_holds_the_signatures(raw):
    response = raw.prediction.GetModelMetadata(metadata_request("signature_def", label="stable"))
    assert (response.model_spec.name, response.model_spec.version.value) == ("tfrelight", 1)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    signature = signatures.signature_def["relight_bytes"]
    assert signature.inputs["image_bytes"].dtype == tf.string.as_datatype_enum
    assert signature.method_name == "tensorflow/serving/predict"


def test_health_uses_short_service_names(raw):
    stub = health_pb2_grpc.HealthStub(raw.channel)
    for service in ("", "PredictionService", "ModelService"):
        response = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=9)
        assert response.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(health_pb2.HealthCheckRequest(service="tensorflow.serving.PredictionService"))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_an_unparsable_message_is_internal(raw):
    call = raw.channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    with pytest.raises(grpc.RpcError) as caught:
        call(b"\xff\xff\xff", timeout=9)
    assert caught.value.code() == grpc.StatusCode.INTERNAL


@pytest.mark.parametrize("method", ["Classify", "Regress", "MultiInference"])
def test_methods_the_server_does_not_offer_are_unimplemented(raw, method):
    call = raw.channel.unary_unary(f"/tensorflow.serving.PredictionService/{method}")
    with pytest.raises(grpc.RpcError) as caught:
        call(b"", timeout=9)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_response_above_the_client_s_limit(two_versions, raw):
    """gRPC clients accept 4 MiB by default, less than one float32 map above 591x591."""
    images = np.zeros((1, 600, 600, 3), np.float32)
    with Raw(two_versions.port) as small:
        with pytest.raises(grpc.RpcError) as caught:
            small.predict(outputs=["albedo"], images=images)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    response = raw.predict(outputs=["albedo"], images=images)
    assert len(response.outputs["albedo"].float_val) == images.size


def test_a_request_above_the_server_s_limit(raw):
    with pytest.raises(grpc.RpcError) as caught:
        raw.predict("decompose_bytes", image_bytes=[b"\0" * (65 * 2**20)])
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in caught.value.details()


def test_a_small_message_that_declares_a_large_tensor_is_refused(raw):
    request = request_for(images=IMAGES)
    request.inputs["images"].ClearField("tensor_content")
    for size, dim in zip((1, 10**6, 10**6, 3), request.inputs["images"].tensor_shape.dim):
        dim.size = size
    assert_refused(
        lambda: raw.prediction.Predict(request, timeout=9),
        "INVALID_ARGUMENT",
        "tensor parsing error: images (12000000000000 bytes. Expected at most 67108864)",
    )


@pytest.mark.parametrize("shape", [(), (1, 1)], ids=["scalar", "matrix"])
def test_files_of_a_wrong_rank_are_refused_and_workers_survive(raw, shape):
    """Sends more requests than there are workers, so that one that died would be missed."""
    files = np.full(shape, b"x", object)
    for _ in range(4):
        assert_refused(
            lambda: raw.predict("decompose_bytes", image_bytes=files, timeout=20),
            "INVALID_ARGUMENT",
            "Shape of tensor",
        )
    assert raw.predict(images=IMAGES).outputs


def test_a_small_message_that_declares_many_photos_is_refused(raw):
    request = request_for(images=IMAGES)
    request.inputs["images"].ClearField("tensor_content")
    for size, dim in zip((1000, 1, 1, 3), request.inputs["images"].tensor_shape.dim):
        dim.size = size
    assert_refused(
        lambda: raw.prediction.Predict(request, timeout=20),
        "INVALID_ARGUMENT",
        "assertion failed: [Expected 64 photos or fewer]",
    )


def test_declared_tensors_are_limited_together(raw):
    request = request_for("transfer", images=IMAGES, references=IMAGES)
    for tensor in request.inputs.values():
        tensor.ClearField("tensor_content")
        # 36 MiB each.
        for size, dim in zip((1, 1024, 3072, 3), tensor.tensor_shape.dim):
            dim.size = size
    with pytest.raises(grpc.RpcError) as caught:
        raw.prediction.Predict(request, timeout=20)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "37748736 bytes. Expected at most 29360128" in caught.value.details()


def test_a_deadline_passes_during_a_run(raw, monkeypatch):
    with held_runs(monkeypatch) as begun:
        future = raw.prediction.Predict.future(request_for(images=IMAGES), timeout=2)
        assert begun.wait(20)
        assert future.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert raw.predict(images=IMAGES).outputs


def test_long_texts_are_truncated(raw):
    outputs = ["x" * 2000]
    with pytest.raises(grpc.RpcError) as caught:
        raw.predict(images=IMAGES, outputs=outputs)
    assert caught.value.details().endswith("x...TRUNCATED")
    assert len(caught.value.details()) == 1024 + len("...TRUNCATED")


def test_reload_refuses_a_configuration_without_models(raw):
    call = raw.model.HandleReloadConfigRequest
    request = model_management_pb2.ReloadConfigRequest()
    text = "ServerModelConfig type not supported by HandleReloadConfigRequest."
    assert_refused(lambda: call(request, timeout=9), "INVALID_ARGUMENT", text)


def test_an_empty_name_is_the_default_signature(raw):
    request = predict_pb2.PredictRequest()
    request.CopyFrom(request_for(images=IMAGES))
    assert request.model_spec.signature_name == ""
    assert set(raw.prediction.Predict(request, timeout=30).outputs) == {
        "albedo",
        "normals",
        "light",
        "mask",
        "parts",
        "shading",
    }
