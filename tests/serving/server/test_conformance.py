"""The local server against what TensorFlow Serving answers: codes exactly, texts by prefix."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

from tests.serving.conftest import file_of, picture, pixels_of
from tests.serving.local import Raw, held_runs, request_for
from tfrelight import lights

IMAGES = np.zeros((1, 8, 8, 3), np.float32)
PNG = [file_of(picture(20, 30))]
LEFT = lights.Light.preset("left").coefficients[None]


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
        "Unknown image file format. One of JPEG, PNG, GIF, BMP required.",
    ),
    # In the order of the checks: the model, the signature, the inputs, the filter, the types.
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


def test_a_wrong_rank_is_told_its_shape_and_the_server_lives(raw):
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


def test_other_methods_say_that_the_signature_is_none_of_theirs(raw):
    for method, request, kind in [
        (raw.prediction.Classify, classification_pb2.ClassificationRequest(), "classification"),
        (raw.prediction.Regress, regression_pb2.RegressionRequest(), "regression"),
    ]:
        assert_refused(lambda m=method, r=request: m(r), "INVALID_ARGUMENT", "Missing ModelSpec")
        request.model_spec.name = "tfrelight"
        short = {"classification": "classify", "regression": "regress"}[kind]
        text = (
            f"Expected {kind} signature method_name to be tensorflow/serving/{short}. "
            "Was: tensorflow/serving/predict"
        )
        assert_refused(lambda m=method, r=request: m(r), "INVALID_ARGUMENT", text)
        request.model_spec.signature_name = "zzz"
        text = "No signature was found with the name: zzz"
        assert_refused(lambda m=method, r=request: m(r), "INVALID_ARGUMENT", text)
    request = inference_pb2.MultiInferenceRequest()
    assert_refused(
        lambda: raw.prediction.MultiInference(request),
        "INVALID_ARGUMENT",
        "ModelSpec has no name specified.",
    )
    task = request.tasks.add(method_name="tensorflow/serving/predict")
    task.model_spec.name = "tfrelight"
    assert_refused(
        lambda: raw.prediction.MultiInference(request),
        "UNIMPLEMENTED",
        "Unsupported signature method_name: tensorflow/serving/predict",
    )


def test_every_signature_answers_as_the_session_does(raw, answer):
    images = picture(20, 30)[None] / np.float32(255)
    inputs = {
        "serving_default": {"images": images},
        "decompose": {"images": images},
        "relight": {"images": images, "light": LEFT},
        "transfer": {"images": images, "references": images[:, :, ::-1]},
        "decompose_bytes": {"image_bytes": np.array(PNG, object)},
        "relight_bytes": {"image_bytes": np.array(PNG, object), "light": LEFT},
    }
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


def test_outputs_are_in_typed_fields_as_of_tensorflow_serving(raw):
    response = raw.predict("decompose_bytes", image_bytes=PNG)
    assert len(response.outputs["light"].float_val) == 27
    assert not response.outputs["light"].tensor_content
    assert len(response.outputs["albedo_png_bytes"].string_val) == 1


def test_an_output_filter_is_kept_to(raw):
    response = raw.predict("decompose_bytes", outputs=["light"], image_bytes=PNG)
    assert list(response.outputs) == ["light"]
    response = raw.predict(outputs=["mask", "albedo"], images=IMAGES)
    assert set(response.outputs) == {"mask", "albedo"}


def test_versions_and_labels(raw):
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


def test_metadata_is_the_signatures(raw):
    response = raw.prediction.GetModelMetadata(metadata_request("signature_def", label="stable"))
    assert (response.model_spec.name, response.model_spec.version.value) == ("tfrelight", 1)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    signature = signatures.signature_def["relight_bytes"]
    assert signature.inputs["image_bytes"].dtype == tf.string.as_datatype_enum
    assert signature.method_name == "tensorflow/serving/predict"


def test_health_goes_by_the_short_names(raw):
    stub = health_pb2_grpc.HealthStub(raw.channel)
    for service in ("", "PredictionService", "ModelService"):
        response = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=9)
        assert response.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(health_pb2.HealthCheckRequest(service="tensorflow.serving.PredictionService"))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_a_request_that_is_no_message(raw):
    call = raw.channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    with pytest.raises(grpc.RpcError) as caught:
        call(b"\xff\xff\xff", timeout=9)
    assert caught.value.code() == grpc.StatusCode.INTERNAL


def test_a_method_that_is_none(raw):
    call = raw.channel.unary_unary("/tensorflow.serving.PredictionService/Nothing")
    with pytest.raises(grpc.RpcError) as caught:
        call(b"", timeout=9)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_response_of_more_than_the_client_takes(two_versions, raw):
    """gRPC's limit of 4 MiB is the client's: one float32 map above 591x591 does not fit."""
    images = np.zeros((1, 600, 600, 3), np.float32)
    with Raw(two_versions.port) as small:
        with pytest.raises(grpc.RpcError) as caught:
            small.predict(outputs=["albedo"], images=images)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    response = raw.predict(outputs=["albedo"], images=images)
    assert len(response.outputs["albedo"].float_val) == images.size


def test_a_request_of_more_than_the_server_takes(raw):
    with pytest.raises(grpc.RpcError) as caught:
        raw.predict("decompose_bytes", image_bytes=[b"\0" * (65 * 2**20)])
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in caught.value.details()


def test_a_small_request_for_a_large_tensor(raw):
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
def test_files_of_a_wrong_rank_are_refused_and_workers_live(raw, shape):
    """More often than there are workers: one that ended would be missed."""
    files = np.full(shape, b"x", object)
    for _ in range(4):
        assert_refused(
            lambda: raw.predict("decompose_bytes", image_bytes=files, timeout=20),
            "INVALID_ARGUMENT",
            "Shape of tensor",
        )
    assert raw.predict(images=IMAGES).outputs


def test_many_rows_of_nothing_are_refused(raw):
    """Without contents, a tensor of a few bytes is as large as it says, in each of its rows."""
    request = request_for(images=IMAGES)
    request.inputs["images"].ClearField("tensor_content")
    for size, dim in zip((1000, 1, 1, 3), request.inputs["images"].tensor_shape.dim):
        dim.size = size
    assert_refused(
        lambda: raw.prediction.Predict(request, timeout=20),
        "INVALID_ARGUMENT",
        "assertion failed: [Expected 64 photos or fewer]",
    )


def test_small_requests_for_large_tensors_are_counted_together(raw):
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


def test_a_deadline_that_passes(raw, monkeypatch):
    with held_runs(monkeypatch) as begun:
        future = raw.prediction.Predict.future(request_for(images=IMAGES), timeout=2)
        assert begun.wait(20)
        assert future.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert raw.predict(images=IMAGES).outputs


def test_long_texts_are_cut(raw):
    outputs = ["x" * 2000]
    with pytest.raises(grpc.RpcError) as caught:
        raw.predict(images=IMAGES, outputs=outputs)
    assert caught.value.details().endswith("x...TRUNCATED")
    assert len(caught.value.details()) == 1024 + len("...TRUNCATED")


def test_reload_refuses_what_is_no_list_of_models(raw):
    call = raw.model.HandleReloadConfigRequest
    request = model_management_pb2.ReloadConfigRequest()
    text = "ServerModelConfig type not supported by HandleReloadConfigRequest."
    assert_refused(lambda: call(request, timeout=9), "INVALID_ARGUMENT", text)


def test_the_default_signature_is_the_empty_name(raw):
    request = predict_pb2.PredictRequest()
    request.CopyFrom(request_for(images=IMAGES))
    assert request.model_spec.signature_name == ""
    assert set(raw.prediction.Predict(request, timeout=30).outputs) == {
        "albedo",
        "normals",
        "light",
        "mask",
        "shading",
    }
