"""The client: requests and results, retries, and errors."""

import asyncio
import concurrent.futures
import contextlib
import io
import socket
import sys
import time

import grpc
import numpy as np
import PIL.Image
import pytest
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tests import color_profiles
from tests.serving.conftest import file_of, picture, pixels_of
from tfrelight import Light, lights
from tfrelight.errors import InputError
from tfrelight.lights import lamp_rows
from tfrelight.photos import xmp
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


def test_relight_keeps_the_size_of_each_photo(server, answer):
    pngs = server.relight(FILES, LEFT.coefficients)
    assert [pixels_of(png).shape for png in pngs] == [(20, 30, 3), (33, 12, 3)]
    light = np.stack([LEFT, RIGHT])
    each = server.relight(FILES, light)
    assert each[0] == pngs[0] and each[1] != pngs[1]
    each = server.relight(FILES, light, mark=False)
    inputs = {"image_bytes": np.array(FILES, object), "light": light}
    assert each == list(answer("relight_bytes", **inputs)["relit_png_bytes"])


def test_a_light_of_lamps_is_relit_by_its_lamps(server, answer):
    light = Light.preset("window")
    pngs = server.relight(FILES, light, mark=False)
    assert pngs == server.relight(FILES, "window", mark=False)
    rows = np.repeat(lamp_rows.rows(light)[None], 2, axis=0)
    inputs = {"image_bytes": np.array(FILES, object), "lamps": rows}
    assert pngs == list(answer("relight_lamps_bytes", **inputs)["relit_png_bytes"])


@pytest.mark.parametrize(
    "light",
    [
        Light.from_direction(40, 20, distance=2.0),
        Light(LEFT.coefficients),
        sum(Light.from_direction(azimuth, 0) for azimuth in range(lamp_rows.MOST + 1)),
    ],
    ids=["near", "harmonics", "many"],
)
def test_another_light_is_relit_by_its_coefficients(server, answer, light):
    inputs = {"image_bytes": np.array(FILES[:1], object), "light": light.coefficients[None]}
    expected = list(answer("relight_bytes", **inputs)["relit_png_bytes"])
    assert server.relight(FILES[:1], light, mark=False) == expected


def test_decompose_sends_only_the_outputs_asked_for(server):
    maps = server.decompose(FILES)
    assert set(maps) == {"albedo_png_bytes", "normals_png_bytes", "shading_png_bytes", "light"}
    assert pixels_of(maps["normals_png_bytes"][1]).shape == (33, 12, 3)
    only = server.decompose(FILES, outputs=["light"])
    assert list(only) == ["light"]
    np.testing.assert_allclose(only["light"], maps["light"], atol=1e-5)


def test_predict_calls_any_signature(server, answer):
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
        "parts",
        "shading",
    }


def test_a_response_above_four_mebibytes_fits(server):
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


@pytest.mark.parametrize("attempts", [0, 6])
def test_attempts_out_of_range_are_refused(attempts):
    with pytest.raises(InputError, match=f"Expected attempts of 1 to 5. Received: {attempts}"):
        client.Client(attempts=attempts)


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


def test_errors_derive_from_the_standard_ones():
    assert issubclass(client.Unavailable, ConnectionError)
    assert issubclass(client.DeadlineExceeded, TimeoutError)


def test_a_light_by_name_or_file(server, tmp_path):
    LEFT.save(tmp_path / "light.json")
    expected = server.relight(FILES, LEFT)
    for light in ("left", tmp_path / "light.json", str(tmp_path / "light.json")):
        assert server.relight(FILES, light) == expected
    with pytest.raises(InputError, match="Unknown light 'lft'"):
        server.relight(FILES, "lft")


@pytest.mark.parametrize(
    "light",
    [np.zeros((3, 9, 3)), np.zeros(27), np.full((9, 3), np.nan)],
)
def test_other_shapes_and_values_than_a_light_are_refused(server, light):
    with pytest.raises(InputError, match="Invalid light"):
        server.relight(FILES, light)


def test_arrays_that_are_no_photos_are_refused_before_they_are_sent(server):
    photo = np.random.default_rng(0).random((1, 20, 30, 3))
    for wrong, expected in (
        (np.uint8(photo * 255), "Received: uint8"),
        (photo * 255, "Divide photos in 0..255 by 255"),
        (photo[0], "Add a batch axis"),
    ):
        with pytest.raises(InputError, match=expected):
            server.predict({"images": wrong})
        with pytest.raises(InputError, match=expected):
            server.predict({"images": photo, "references": wrong}, "transfer")
    # NumPy's own floats become the network's.
    found = server.predict(
        {"images": photo, "light": np.float64(LEFT.coefficients)[None]}, "relight"
    )
    expected = server.predict(
        {"images": np.float32(photo), "light": LEFT.coefficients[None]}, "relight"
    )
    np.testing.assert_array_equal(found["relit"], expected["relit"])


@pytest.mark.parametrize("photos", [b"bytes", "photo.jpg", ["photo.jpg"], [FILES[0], 3]])
def test_other_things_than_photos_are_refused(server, photos):
    with pytest.raises(InputError, match="Expected a list of photos"):
        server.relight(photos, LEFT)


def test_threads_share_one_client(server):
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
    """Answers with the given codes, one after the other, then with success."""

    def __init__(self, codes):
        self.codes = list(codes)
        self.times = []

    def _next(self, context):
        self.times.append(time.monotonic())
        if self.codes:
            context.abort(grpc.StatusCode[self.codes.pop(0)], "scripted")

    def Predict(self, request, context):
        self._next(context)
        return predict_pb2.PredictResponse()

    def GetModelStatus(self, request, context):
        self._next(context)
        response = get_model_status_pb2.GetModelStatusResponse()
        response.model_version_status.add(version=5, state=30)
        return response


@contextlib.contextmanager
def scripted(*codes, port=0):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    servicer = Scripted(codes)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(servicer, server)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(servicer, server)
    servicer.address = f"127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}"
    server.start()
    try:
        yield servicer
    finally:
        server.stop(None).wait()


def call(kind, address, method, *arguments, **settings):
    """The result of a method of either client."""
    if kind == "sync":
        with client.Client(address, **settings) as server:
            return getattr(server, method)(*arguments)

    async def main():
        async with client.AsyncClient(address, **settings) as server:
            return await getattr(server, method)(*arguments)

    return asyncio.run(main())


def status(kind, address, **settings):
    return call(kind, address, "status", **settings)


BOTH = pytest.mark.parametrize("kind", ["sync", "async"])


@BOTH
def test_unavailable_is_retried_after_growing_waits(kind):
    with scripted("UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE") as server:
        assert status(kind, server.address) == {5: "AVAILABLE"}
    waits = np.diff(server.times)
    assert len(waits) == 3
    # gRPC draws each from 80 % to 120 % of 0.1, 0.2 and 0.4 seconds.
    for wait, mean in zip(waits, (0.1, 0.2, 0.4)):
        assert 0.7 * mean <= wait


@BOTH
def test_large_requests_are_retried(kind):
    """By default gRPC gives up a request of more than 256 KiB at its first failure."""
    inputs = {"images": np.zeros((1, 512, 512, 3), np.float32)}
    with scripted("UNAVAILABLE", "UNAVAILABLE") as server:
        assert call(kind, server.address, "predict", inputs) == {}
    assert len(server.times) == 3


@BOTH
@pytest.mark.parametrize("attempts", [1, 3])
def test_attempts_are_limited(kind, attempts):
    with scripted(*["UNAVAILABLE"] * 9) as server:
        with pytest.raises(client.Unavailable, match="UNAVAILABLE: scripted"):
            status(kind, server.address, attempts=attempts)
    assert len(server.times) == attempts


@BOTH
@pytest.mark.parametrize(
    "code", ["INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "INTERNAL", "DEADLINE_EXCEEDED", "ABORTED"]
)
def test_other_codes_are_not_retried(kind, code):
    with scripted(code) as server:
        with pytest.raises(client.ServingError) as caught:
            status(kind, server.address)
    assert caught.value.code == code
    assert len(server.times) == 1


@BOTH
def test_the_deadline_is_for_all_attempts_together(kind):
    with scripted(*["UNAVAILABLE"] * 99) as server:
        started = time.monotonic()
        with pytest.raises(client.DeadlineExceeded):
            status(kind, server.address, timeout=0.5)
        assert time.monotonic() - started < 5
    # The waits before the fifth attempt are 1.2 seconds at least.
    assert 1 < len(server.times) < 5


@BOTH
def test_no_server_is_unavailable(kind):
    with pytest.raises(client.Unavailable, match="127.0.0.1:1 answers UNAVAILABLE: .*refused"):
        status(kind, "127.0.0.1:1", attempts=2)


@BOTH
def test_a_server_that_starts_between_attempts_is_found(kind):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        found = pool.submit(status, kind, f"127.0.0.1:{port}")
        time.sleep(0.2)
        with scripted(port=port):
            assert found.result(30) == {5: "AVAILABLE"}


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "grpc", None)
    with pytest.raises(InputError, match=r'pip install "tfrelight\[serving\]"'):
        client.Client()


def stream(address, paths, light=LEFT, **settings):
    async def main():
        async with client.AsyncClient(address) as server:
            return {p: r async for p, r in server.relight_many(paths, light, **settings)}

    return asyncio.run(main())


def test_pictures_have_the_profile_and_metadata_of_their_photos(address, server):
    profile, tags = color_profiles.display_p3(), PIL.Image.Exif()
    tags[0x010F], tags[0x0112] = "Camera", 6
    for kind in ("JPEG", "PNG"):
        file = io.BytesIO()
        PIL.Image.fromarray(picture(20, 30)).save(
            file, kind, icc_profile=profile, exif=tags, dpi=(300, 300)
        )
        sent = file.getvalue()
        (png,) = server.relight([sent], LEFT)
        # Turned as it was sent.
        with PIL.Image.open(io.BytesIO(png)) as image:
            assert image.size == (30, 20)
            assert image.info["icc_profile"] == profile
            assert image.getexif()[0x010F] == "Camera" and image.getexif()[0x0112] == 6
            assert round(image.info["dpi"][0]) == 300
        assert xmp.EDITED.encode() in png
        (unmarked,) = server.relight([sent], LEFT, mark=False)
        assert xmp.EDITED.encode() not in unmarked
        np.testing.assert_array_equal(pixels_of(unmarked), pixels_of(png))


def test_photos_in_other_formats_keep_their_profile(address, tmp_path):
    profile, tags = color_profiles.display_p3(), PIL.Image.Exif()
    tags[0x0112] = 6
    photo = PIL.Image.fromarray(picture(20, 30))
    photo.save(tmp_path / "a.webp", icc_profile=profile, exif=tags, lossless=True)
    photo.convert("CMYK").save(tmp_path / "b.jpg", icc_profile=profile)
    found = stream(address, [tmp_path / "a.webp", tmp_path / "b.jpg"], mark=True)
    with PIL.Image.open(io.BytesIO(found[tmp_path / "a.webp"])) as image:
        assert image.size == (20, 30) and image.getexif()[0x0112] == 1
        assert image.info["icc_profile"] == profile
    assert xmp.EDITED.encode() in found[tmp_path / "b.jpg"]


def test_relight_many_yields_pictures_and_failures(address, server, tmp_path):
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


def test_relight_many_limits_requests_in_flight(tmp_path):
    """Nor does it run ahead of its reader."""
    at_once, started = [], []

    class Counting(client.AsyncClient):
        async def relight(self, photos, light, mark):
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


def test_closing_relight_many_cancels_its_requests(tmp_path):
    waiting, cancelled = [], []

    class Slow(client.AsyncClient):
        async def relight(self, photos, light, mark):
            if photos == [b"now"]:
                # The answer comes when both others wait for theirs.
                while len(waiting) < 2:
                    await asyncio.sleep(0.001)
                return [b"done"]
            waiting.append(photos)
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
            await asyncio.sleep(0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tfrelight.serving.client.photos.read", lambda path: path.encode())
        asyncio.run(main())
    assert len(cancelled) == 2


def test_photos_are_sent_upright(server, tmp_path):
    """EXIF orientation 6: stored on its side, turned a quarter clockwise for display."""
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


def test_other_formats_are_sent_as_png(tmp_path):
    from tfrelight.serving.client import photos

    PIL.Image.fromarray(picture(20, 30)).save(tmp_path / "photo.webp", lossless=True)
    data = photos.read(tmp_path / "photo.webp")
    assert data.startswith(b"\x89PNG")
    np.testing.assert_array_equal(pixels_of(data), picture(20, 30))
    for kind in ("PNG", "JPEG"):
        (tmp_path / "photo").write_bytes(file_of(picture(20, 30), kind))
        assert photos.read(tmp_path / "photo") == (tmp_path / "photo").read_bytes()
