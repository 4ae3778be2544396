"""The client: what it sends and gives back, when it tries again, and what it raises."""

import asyncio
import concurrent.futures
import contextlib
import sys
import time

import grpc
import numpy as np
import PIL.Image
import pytest
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from tests.serving.conftest import file_of, picture, pixels_of
from tfrelight import lights
from tfrelight.errors import InputError
from tfrelight.serving import client

LEFT, RIGHT = lights.Light.preset("left"), lights.Light.preset("right")
FILES = [file_of(picture(20, 30)), file_of(picture(33, 12, 1), "JPEG")]


@pytest.fixture
def address(two_versions):
    return f"127.0.0.1:{two_versions.port}"


@pytest.fixture
def server(address):
    with client.Client(address) as found:
        yield found


def test_relight_gives_each_photo_back_in_its_size(server, answer):
    pngs = server.relight(FILES, LEFT)
    assert [pixels_of(png).shape for png in pngs] == [(20, 30, 3), (33, 12, 3)]
    light = np.stack([LEFT, RIGHT])
    each = server.relight(FILES, light)
    assert each[0] == pngs[0] and each[1] != pngs[1]
    inputs = {"image_bytes": np.array(FILES, object), "light": light}
    assert each == list(answer("relight_bytes", **inputs)["relit_png_bytes"])


def test_decompose_and_its_filter(server):
    maps = server.decompose(FILES)
    assert set(maps) == {"albedo_png_bytes", "normals_png_bytes", "shading_png_bytes", "light"}
    assert pixels_of(maps["normals_png_bytes"][1]).shape == (33, 12, 3)
    only = server.decompose(FILES, outputs=["light"])
    assert list(only) == ["light"]
    np.testing.assert_allclose(only["light"], maps["light"], atol=1e-5)


def test_any_signature(server, answer):
    images = picture(20, 30)[None] / np.float32(255)
    inputs = {"images": images, "references": images[:, ::-1]}
    found = server.predict(inputs, "transfer", outputs=["relit"])
    assert list(found) == ["relit"]
    np.testing.assert_allclose(found["relit"], answer("transfer", **inputs)["relit"], atol=1e-5)
    assert set(server.predict({"images": images})) == {
        "albedo",
        "normals",
        "light",
        "mask",
        "shading",
    }


def test_an_answer_above_four_mebibytes_fits(server):
    images = np.zeros((1, 600, 600, 3), np.float32)
    found = server.predict({"images": images}, outputs=["albedo"])
    assert found["albedo"].shape == (1, 600, 600, 3)


def test_status_and_metadata(server):
    assert server.status() == {1: "AVAILABLE", 2: "AVAILABLE"}
    signature = server.metadata()["relight_bytes"]
    assert signature["inputs"]["image_bytes"] == ("string", [None])
    assert signature["inputs"]["light"] == ("float32", [None, 9, 3])
    assert list(signature["outputs"]) == ["relit_png_bytes"]


def test_versions_and_labels(address):
    for settings, versions in [({"version": 1}, [1]), ({"label": "canary"}, [2])]:
        with client.Client(address, **settings) as one:
            assert list(one.status()) == versions
            assert len(one.relight(FILES, LEFT)) == 2
    with pytest.raises(InputError, match="Expected a version or a label"):
        client.Client(address, version=1, label="stable")


@pytest.mark.parametrize(
    "settings,call,error,code",
    [
        ({}, lambda s: s.relight([b"no"], LEFT), client.InvalidRequest, "INVALID_ARGUMENT"),
        ({}, lambda s: s.predict({}, "zzz"), client.InvalidRequest, "FAILED_PRECONDITION"),
        ({"model": "nope"}, lambda s: s.status(), client.NotServed, "NOT_FOUND"),
        ({"version": 9}, lambda s: s.relight(FILES, LEFT), client.NotServed, "NOT_FOUND"),
        ({"label": "beta"}, lambda s: s.status(), client.InvalidRequest, "INVALID_ARGUMENT"),
        (
            {"max_message": 1000},
            lambda s: s.relight(FILES, LEFT),
            client.ResourceExhausted,
            "RESOURCE_EXHAUSTED",
        ),
        (
            {"timeout": 0.001},
            lambda s: s.relight(FILES, LEFT),
            client.DeadlineExceeded,
            "DEADLINE_EXCEEDED",
        ),
    ],
)
def test_errors_by_type(address, settings, call, error, code):
    with client.Client(address, **settings) as server:
        with pytest.raises(error) as caught:
            call(server)
    assert caught.value.code == code
    assert str(caught.value).startswith(f"{address} answers {code}: ")
    assert isinstance(caught.value, OSError)


def test_errors_are_the_standard_ones_too():
    assert issubclass(client.Unavailable, ConnectionError)
    assert issubclass(client.DeadlineExceeded, TimeoutError)


@pytest.mark.parametrize(
    "light",
    [np.zeros((3, 9, 3)), np.zeros(27), np.full((9, 3), np.nan)],
)
def test_a_light_that_is_none(server, light):
    with pytest.raises(InputError, match="Invalid light"):
        server.relight(FILES, light)


@pytest.mark.parametrize("photos", [b"bytes", "photo.jpg", ["photo.jpg"], [FILES[0], 3]])
def test_photos_that_are_none(server, photos):
    with pytest.raises(InputError, match="Expected a list of photos"):
        server.relight(photos, LEFT)


def test_one_client_for_many_threads(server):
    expected = server.relight(FILES[:1], LEFT)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: server.relight(FILES[:1], LEFT), range(32)))
    for (png,) in found:
        difference = pixels_of(png).astype(int) - pixels_of(expected[0])
        assert np.max(np.abs(difference)) <= 1


class Scripted(
    model_service_pb2_grpc.ModelServiceServicer,
    prediction_service_pb2_grpc.PredictionServiceServicer,
):
    """Answers `GetModelStatus` with the given codes, one after the other, then well."""

    def __init__(self, codes):
        self.codes = list(codes)
        self.times = []

    def GetModelStatus(self, request, context):
        self.times.append(time.monotonic())
        if self.codes:
            context.abort(grpc.StatusCode[self.codes.pop(0)], "scripted")
        response = get_model_status_pb2.GetModelStatusResponse()
        response.model_version_status.add(version=5, state=30)
        return response


@contextlib.contextmanager
def scripted(*codes):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    servicer = Scripted(codes)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(servicer, server)
    servicer.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield servicer
    finally:
        server.stop(None).wait()


def status(kind, address, **settings):
    """`status()` of either client."""
    if kind == "sync":
        with client.Client(address, **settings) as server:
            return server.status()

    async def main():
        async with client.AsyncClient(address, **settings) as server:
            return await server.status()

    return asyncio.run(main())


BOTH = pytest.mark.parametrize("kind", ["sync", "async"])


@BOTH
def test_unavailable_is_tried_again_after_growing_waits(kind):
    with scripted("UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE") as server:
        assert status(kind, server.address) == {5: "AVAILABLE"}
    waits = np.diff(server.times)
    assert len(waits) == 3
    # Drawn from the upper half of 0.1, 0.2 and 0.4 seconds.
    for wait, longest in zip(waits, (0.1, 0.2, 0.4)):
        assert longest / 2 <= wait


@BOTH
def test_attempts_end(kind):
    with scripted(*["UNAVAILABLE"] * 9) as server:
        with pytest.raises(client.Unavailable, match="UNAVAILABLE: scripted"):
            status(kind, server.address, attempts=3)
    assert len(server.times) == 3


@BOTH
@pytest.mark.parametrize(
    "code", ["INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "INTERNAL", "DEADLINE_EXCEEDED", "ABORTED"]
)
def test_nothing_else_is_tried_again(kind, code):
    with scripted(code) as server:
        with pytest.raises(client.ServingError) as caught:
            status(kind, server.address)
    assert caught.value.code == code
    assert len(server.times) == 1


@BOTH
def test_the_deadline_is_for_all_attempts_together(kind):
    with scripted(*["UNAVAILABLE"] * 99) as server:
        with pytest.raises(client.Unavailable):
            status(kind, server.address, timeout=0.5, attempts=99)
    # The waits before the fifth attempt are 0.75 seconds at least; 99 would take minutes.
    assert 1 < len(server.times) < 6


@BOTH
def test_no_server_at_all(kind):
    with pytest.raises(client.Unavailable):
        status(kind, "127.0.0.1:1", attempts=2)


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "grpc", None)
    with pytest.raises(InputError, match=r'pip install "tfrelight\[serving\]"'):
        client.Client()


def stream(address, paths, light=LEFT, **settings):
    async def main():
        async with client.AsyncClient(address) as server:
            return {p: r async for p, r in server.relight_many(paths, light, **settings)}

    return asyncio.run(main())


def test_many_photos_and_those_that_fail(address, server, tmp_path):
    paths = []
    for index in range(6):
        paths.append(tmp_path / f"{index}.png")
        paths[-1].write_bytes(file_of(picture(16 + index, 20, index)))
    paths[2].write_bytes(b"no picture")
    paths[4].write_bytes(paths[4].read_bytes()[:-60])
    missing = tmp_path / "missing.png"
    found = stream(address, [*paths, missing], concurrency=3)
    assert set(found) == {*paths, missing}
    assert isinstance(found[paths[2]], InputError)
    assert isinstance(found[paths[4]], client.InvalidRequest)
    assert isinstance(found[missing], FileNotFoundError)
    for index in (0, 1, 3, 5):
        (expected,) = server.relight([paths[index].read_bytes()], LEFT)
        difference = pixels_of(found[paths[index]]).astype(int) - pixels_of(expected)
        assert np.max(np.abs(difference)) <= 1


def test_no_more_requests_at_a_time_than_asked_for(tmp_path):
    """Nor does the stream run ahead of who reads it."""
    at_once, started = [], []

    class Counting(client.AsyncClient):
        async def relight(self, photos, light):
            at_once.append(at_once[-1] + 1 if at_once else 1)
            await asyncio.sleep(0.01)
            at_once.append(at_once[-1] - 1)
            return photos

    def paths():
        for index in range(20):
            path = tmp_path / f"{index}.png"
            path.write_bytes(FILES[0])
            started.append(path)
            yield path

    async def main():
        async with Counting("127.0.0.1:1") as server:
            async for _ in server.relight_many(paths(), LEFT, concurrency=3):
                assert len(started) - len(done) <= 4
                done.append(1)

    done = []
    asyncio.run(main())
    assert len(done) == 20
    assert max(at_once) == 3


def test_who_stops_reading_leaves_nothing_running(tmp_path):
    cancelled = []

    class Slow(client.AsyncClient):
        async def relight(self, photos, light):
            if len(cancelled) == 0 and photos == [b"now"]:
                return [b"done"]
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                cancelled.append(photos)
                raise

    async def main():
        async with Slow("127.0.0.1:1") as server:
            many = server.relight_many(["now", "later", "later"], LEFT, concurrency=3)
            async for _ in many:
                break
            await many.aclose()
            await asyncio.sleep(0.05)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tfrelight.serving.client.photos.read", lambda path: path.encode())
        asyncio.run(main())
    assert len(cancelled) == 2


def test_photos_are_sent_upright(server, tmp_path):
    """EXIF's orientation 6: stored on its side, to be turned a quarter clockwise."""
    from tfrelight.serving.client import photos

    sideways = PIL.Image.fromarray(picture(20, 30))
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    sideways.save(tmp_path / "photo.jpg", exif=exif)
    data = photos.read(tmp_path / "photo.jpg")
    (png,) = server.relight([data], LEFT)
    assert pixels_of(png).shape == (30, 20, 3)
    stored = np.asarray(PIL.Image.open(tmp_path / "photo.jpg"))
    np.testing.assert_array_equal(pixels_of(data), np.rot90(stored, -1))


def test_other_kinds_of_files_are_sent_as_png(tmp_path):
    from tfrelight.serving.client import photos

    PIL.Image.fromarray(picture(20, 30)).save(tmp_path / "photo.webp", lossless=True)
    data = photos.read(tmp_path / "photo.webp")
    assert data.startswith(b"\x89PNG")
    np.testing.assert_array_equal(pixels_of(data), picture(20, 30))
    for kind in ("PNG", "JPEG"):
        (tmp_path / "photo").write_bytes(file_of(picture(20, 30), kind))
        assert photos.read(tmp_path / "photo") == (tmp_path / "photo").read_bytes()
