"""Thousands of malformed requests: each gets a fitting code, and later results do not change."""

import concurrent.futures
import struct
import zlib

import grpc
import numpy as np
import pytest
import tensorflow as tf

from tests.serving import local
from tests.serving.conftest import file_of, picture
from tfrelight import lights

COUNT = 2000


def fitting(request):
    """The codes that fit a request, given the order of the server's checks."""
    if request.model_spec.HasField("version"):
        return {"NOT_FOUND"}
    if request.model_spec.signature_name == "zzz":
        return {"FAILED_PRECONDITION"}
    return {"INVALID_ARGUMENT", "OK"}


PNG, JPEG = file_of(picture(24, 24)), file_of(picture(24, 24), "JPEG")
LEFT = lights.Light.preset("left").coefficients[None]


def some_bytes(rng):
    """Random bytes, or a damaged photo."""
    kind = rng.integers(8)
    noise = rng.bytes(int(rng.integers(0, 200)))
    if kind == 0:
        return noise
    if kind == 1:
        return (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM")[rng.integers(4)] + noise
    source = bytearray((PNG, JPEG)[rng.integers(2)])
    if kind == 2:
        return bytes(source[: rng.integers(len(source))])
    if kind == 3:
        for _ in range(rng.integers(1, 20)):
            source[rng.integers(len(source))] = rng.integers(256)
        return bytes(source)
    if kind == 4:
        return bytes(source) + noise
    if kind == 5:
        # A valid header, checksum included, that declares another size.
        size = [int(2 ** rng.uniform(0, 31)) for _ in range(2)]
        chunk = b"IHDR" + struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
        return PNG[:8] + b"\0\0\0\r" + chunk + struct.pack(">I", zlib.crc32(chunk)) + PNG[33:]
    if kind == 6:
        # A chunk before the header, with the size of a small photo or noise.
        chunk = b"abCd" + (struct.pack(">II", 1, 1) if rng.integers(2) else noise)
        first = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        return PNG[:8] + first + PNG[8:]
    start = JPEG.index(b"\xff\xc0") + 5
    return JPEG[:start] + rng.bytes(4) + JPEG[start + 4 :]


def some_floats(rng, shape, photo=False):
    """Normal noise, or a photo in [0, 1]; half of both with special values."""
    values = (rng.random(shape) if photo else rng.normal(size=shape)).astype(np.float32)
    special = [np.nan, np.inf, -np.inf, 1e-45, 0.0, *([] if photo else [3e38, -3e38])]
    if values.size and rng.integers(2):
        spots = rng.integers(values.size, size=1 + values.size // 4)
        values.reshape(-1)[spots] = rng.choice(np.float32(special), len(spots))
    return values


def some_shape(rng):
    sound = [(1, 8, 8, 3), (1, 9, 3), (2, 5, 7, 3), (1,), (2,)]
    if rng.integers(2):
        return sound[rng.integers(len(sound))]
    return tuple(int(n) for n in rng.integers(0, 5, size=rng.integers(0, 6)))


def some_tensor(rng):
    kind = rng.integers(6)
    if kind < 2:
        return tf.make_tensor_proto(some_floats(rng, some_shape(rng)))
    if kind == 2:
        shape = some_shape(rng)
        count = int(np.prod(shape))
        values = [some_bytes(rng) for _ in range(min(count, 3))] or [b""]
        array = np.resize(np.array(values, object), shape)
        return tf.make_tensor_proto(array, tf.string, shape=shape)
    if kind == 3:
        types = [np.uint8, np.int64, np.float64, np.float16, np.bool_, np.complex64]
        return tf.make_tensor_proto(np.zeros(some_shape(rng), types[rng.integers(len(types))]))
    # A message whose fields contradict each other.
    proto = tf.make_tensor_proto(some_floats(rng, (1, 4, 4, 3)))
    if kind == 4:
        proto.tensor_content = proto.tensor_content[: rng.integers(len(proto.tensor_content))]
        return proto
    if rng.integers(2):
        # A few bytes that declare any number of rows or pixels.
        proto.ClearField("tensor_content")
    else:
        proto.dtype = int(rng.integers(0, 30))
    for dim in proto.tensor_shape.dim:
        if rng.integers(2):
            dim.size = int(rng.choice([-1, 0, 1, 100, 2**40, 2**62]))
    if rng.integers(8) == 0:
        proto.tensor_shape.dim[0].size = 2**18
    proto.tensor_shape.unknown_rank = bool(rng.integers(4) == 0)
    return proto


def some_request(rng):
    names = ["serving_default", "decompose", "relight", "transfer", "decompose_bytes"]
    names += ["relight_bytes", "relight_bytes", "relight_lamps", "relight_lamps_bytes", "zzz"]
    signature = names[rng.integers(len(names))]
    request = local.request_for(signature)
    if rng.integers(2):
        # Valid except for one input.
        if signature.endswith("_bytes"):
            request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto([some_bytes(rng)]))
        else:
            shape = (int(rng.integers(0, 3)), *(int(n) for n in rng.integers(0, 40, 2)), 3)
            request.inputs["images"].CopyFrom(tf.make_tensor_proto(some_floats(rng, shape, True)))
        if signature in ("relight", "relight_bytes"):
            light = LEFT if rng.integers(2) else some_floats(rng, (rng.integers(0, 3), 9, 3))
            request.inputs["light"].CopyFrom(tf.make_tensor_proto(light))
        if signature in ("relight_lamps", "relight_lamps_bytes"):
            lamps = some_floats(rng, (1, rng.integers(0, 5), 8), bool(rng.integers(2)))
            request.inputs["lamps"].CopyFrom(tf.make_tensor_proto(lamps))
        if signature == "transfer":
            request.inputs["references"].CopyFrom(some_tensor(rng))
    else:
        for name in ("images", "image_bytes", "light", "lamps", "references", "é" * 5):
            if rng.integers(2):
                request.inputs[name].CopyFrom(some_tensor(rng))
    if rng.integers(10) == 0:
        request.output_filter.append(["light", "relit", "", "x" * 3000][rng.integers(4)])
    if rng.integers(20) == 0:
        request.model_spec.version.value = int(rng.integers(-(2**63), 2**63 - 1))
    return request


@pytest.mark.timeout(600)
def test_fuzzed_requests(two_versions):
    rng = np.random.default_rng(7)
    requests = [some_request(rng) for _ in range(COUNT)]
    good = [
        local.request_for("relight_bytes", image_bytes=[PNG], light=LEFT),
        local.request_for("decompose", images=picture(20, 16)[None] / np.float32(255)),
    ]
    options = {"grpc.max_receive_message_length": -1}
    with local.Raw(two_versions.port, **options) as raw:

        def code_for(request):
            try:
                raw.prediction.Predict(request, timeout=120)
                return "OK"
            except grpc.RpcError as error:
                return error.code().name

        before = [raw.prediction.Predict(request, timeout=60) for request in good]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            codes = list(pool.map(code_for, requests))
        after = [raw.prediction.Predict(request, timeout=60) for request in good]
    counts = {code: codes.count(code) for code in set(codes)}
    unexpected = [
        (code, text_of(request))
        for code, request in zip(codes, requests)
        if code not in fitting(request)
    ]
    assert not unexpected, unexpected[:3]
    # Both valid and invalid requests were among them.
    assert counts["OK"] > COUNT / 20 and counts["INVALID_ARGUMENT"] > COUNT / 3, counts
    for one, other in zip(before, after):
        for name in one.outputs:
            first, second = (tf.make_ndarray(one_.outputs[name]) for one_ in (one, other))
            if first.dtype == object:
                assert list(first) == list(second)
            else:
                np.testing.assert_array_equal(first, second)


def text_of(request):
    return str(request)[:400]
