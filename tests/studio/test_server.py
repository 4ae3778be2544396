"""What the studio answers, over HTTP: photos, lights, limits, who may ask."""

import concurrent.futures
import gc
import io
import json
import sys
import threading
import weakref
import zipfile

import httpx
import numpy as np
import pytest
from PIL import Image

import tfrelight
from tests import color_profiles
from tests.relighting import heads
from tests.studio.conftest import ball, pixels_of, png, running
from tfrelight import photos
from tfrelight.faces import find
from tfrelight.lights import PRESETS, Light
from tfrelight.photos import xmp
from tfrelight.relighting import decomposition, pipeline
from tfrelight.serving import client as serving_client
from tfrelight.studio import access, photo_data


def wanted(light="left", **more):
    named = Light.preset(light)
    fields = {"light": named.harmonics, "relative": named.relative_harmonics}
    lamps = json.loads(named.json())["lamps"]
    rows = {name: values.ravel().tolist() for name, values in fields.items()}
    return json.dumps({**rows, "lamps": lamps, **more})


LAMP = json.loads(wanted())["lamps"][0]


def opened(studio, data=None, **query):
    answer = studio.open(ball() if data is None else data, whole_image=1, **query)
    assert answer.status_code == 201, answer.text
    return answer.headers["X-Photo"]


def header_of(block):
    return json.loads(block[4 : 4 + int.from_bytes(block[:4], "little")])


def refused(answer, status, reason):
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    text = answer.json()["error"]
    # One sentence or two for people: no traceback, no path, no class of Python's.
    assert text.endswith(".")
    assert not any(word in text for word in ("\n", "Traceback", "/proc", "Error("))
    return text


def test_less_than_the_person_is_decomposed_if_asked(studio, ball_model):
    (one,) = decomposition.decompose(
        [photos.read(heads.photo())], ball_model, whole_image=True, what="head"
    )
    answer = studio.open(ball(), whole_image=1, what="head")
    assert header_of(answer.content)["what"] == "head"
    assert answer.content == photo_data.encode(
        one, {"found": 1, "whole_image": True, "what": "head"}
    )
    assert "'hat'" in refused(studio.open(ball(), whole_image=1, what="hat"), 422, "input")


def test_the_page_and_its_parts_come_with_their_types_and_headers(studio):
    page = studio.client.get("/")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    for path, kind in [
        ("/static/main.js", "text/javascript"),
        ("/static/style.css", "text/css"),
        ("/static/texts.json", "application/json"),
        ("/static/icon.svg", "image/svg+xml"),
        ("/samples/astronaut.jpg", "image/jpeg"),
        ("/settings", "application/json"),
        ("/nothing", "application/json"),
    ]:
        answer = studio.client.get(path)
        assert answer.headers["content-type"].startswith(kind)
        for name, value in access.HEADERS.items():
            assert answer.headers.get_list(name) == [value]


def test_the_page_holds_nothing_that_the_policy_forbids(studio):
    text = studio.client.get("/").text
    assert "<style" not in text and " style=" not in text and " on" + "click=" not in text
    assert text.count("<script") == text.count('<script type="module" src="static/') == 1
    assert "http://" not in text and "https://" not in text and "//" not in text.replace("<!--", "")


def test_settings_name_presets_limits_and_samples(studio):
    settings = studio.client.get("/settings").json()
    assert list(settings["presets"]) == list(PRESETS)
    for name in settings["samples"]:
        photos.read(studio.client.get(f"/samples/{name}").content)
    assert settings["limits"]["bytes"] == 40 * 2**20


def test_only_films_that_can_be_written_are_offered(studio, monkeypatch):
    pytest.importorskip("av")
    assert studio.client.get("/settings").json()["films"] == [".mp4", ".webp"]
    monkeypatch.setitem(sys.modules, "av", None)
    assert studio.client.get("/settings").json()["films"] == [".webp"]


def test_a_photo_comes_back_as_what_the_page_needs(studio, ball_model):
    answer = studio.open(ball(height=120, width=160), whole_image=1)
    header = header_of(answer.content)
    assert (header["width"], header["height"]) == (160, 120)
    size = header["surfaces"][0]["size"]
    begins = 4 + int.from_bytes(answer.content[:4], "little")
    pixels = np.frombuffer(answer.content, np.uint8, 4 * 120 * 160, begins).reshape(120, 160, 4)
    np.testing.assert_array_equal(pixels[..., :3], heads.photo(height=120, width=160))
    planes = np.frombuffer(answer.content, "<f4", -1, begins + pixels.size)
    assert planes.size == len(photo_data.PLANES) * size * size
    (one,) = decomposition.decompose(
        [photos.read(heads.photo(height=120, width=160))], ball_model, whole_image=True
    )
    np.testing.assert_array_equal(
        planes.reshape(-1, size, size)[:3], np.moveaxis(one.faces[0].normals, -1, 0)
    )


@pytest.mark.parametrize("more", [{}, {"strength": 0.4}, {"exposure": 1.0}, {"background": True}])
def test_a_download_is_what_relight_gives(studio, ball_model, more):
    name = opened(studio)
    answer = studio.client.post(f"/photos/{name}/relit", content=wanted(**more))
    assert answer.headers["content-type"] == "image/png" and answer.headers["X-Ending"] == "png"
    expected = tfrelight.relight(heads.photo(), "left", ball_model, whole_image=True, **more)
    np.testing.assert_array_equal(pixels_of(answer.content), expected)


def test_a_download_keeps_the_photo_s_format_metadata_and_orientation(studio):
    image = Image.fromarray(heads.photo(height=120, width=160))
    exif = Image.Exif()
    exif[274], exif[315] = 6, "somebody"
    file = io.BytesIO()
    profile = color_profiles.display_p3()
    image.save(file, "JPEG", exif=exif, quality=95, icc_profile=profile)
    answer = studio.open(file.getvalue(), whole_image=1)
    header = header_of(answer.content)
    assert (header["width"], header["height"]) == (120, 160)
    name = answer.headers["X-Photo"]
    answer = studio.client.post(f"/photos/{name}/relit", content=wanted())
    relit = Image.open(io.BytesIO(answer.content))
    assert answer.headers["X-Ending"] == "jpg"
    assert (relit.format, relit.size) == ("JPEG", (160, 120))
    assert (relit.getexif()[274], relit.getexif()[315]) == (6, "somebody")
    assert relit.info["icc_profile"] == profile
    assert xmp.EDITED.encode() in answer.content
    answer = studio.client.post(f"/photos/{name}/maps")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        for name, expected in (("albedo", profile), ("shading", profile), ("normals", None)):
            with Image.open(io.BytesIO(archive.read(f"{name}.png"))) as picture:
                assert picture.info.get("icc_profile") == expected


def test_a_large_photo_is_shown_smaller_and_saved_in_full(studio):
    answer = studio.open(ball(height=900, width=1800), whole_image=1)
    assert header_of(answer.content)["view"] == {"height": 800, "width": 1600}
    name = answer.headers["X-Photo"]
    answer = studio.client.post(f"/photos/{name}/relit", content=wanted())
    assert pixels_of(answer.content).shape == (900, 1800, 3)


def test_maps_are_those_of_decompose(studio, ball_model):
    answer = studio.client.post(f"/photos/{opened(studio)}/maps")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = {"albedo.png", "normals.png", "shading.png", "mask.png"}
        assert set(archive.namelist()) == names | {"light.json", "light.png", "sheet.png"}
        mask = pixels_of(archive.read("mask.png"))[..., 0]
        light = np.array(json.loads(archive.read("light.json"))["coefficients"])
    (one,) = decomposition.decompose([photos.read(heads.photo())], ball_model, whole_image=True)
    np.testing.assert_array_equal(mask, np.uint8(np.round(one.mask() * 255)))
    np.testing.assert_allclose(light, one.light, rtol=1e-6)


def test_a_film_of_the_turning_light(studio):
    name = opened(studio, ball(height=64, width=64))
    text = wanted(ending=".webp")
    answer = studio.client.post(f"/photos/{name}/film", content=text)
    film = Image.open(io.BytesIO(answer.content))
    assert (film.format, film.n_frames, film.size) == ("WEBP", 100, (64, 64))


def test_a_film_as_video(studio):
    av = pytest.importorskip("av")
    name = opened(studio, ball(height=64, width=64))
    answer = studio.client.post(f"/photos/{name}/film", content=wanted())
    assert answer.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(answer.content)) as film:
        assert sum(1 for _ in film.decode(video=0)) == 100


@pytest.mark.parametrize("ending", [".hdr", ".exr"])
def test_the_light_of_an_environment_map(studio, tmp_path, ending):
    radiance = np.full((16, 32, 3), 0.1, np.float32)
    radiance[4:8, 20:24] = (9.0, 6.0, 3.0)
    path = tmp_path / f"map{ending}"
    if ending == ".exr":
        from tfrelight.photos import exr

        exr.write(path, radiance)
    else:
        exponent = np.ceil(np.log2(radiance.max(-1))) + 1
        mantissa = np.floor(radiance / np.exp2(exponent - 8)[..., None])
        rows = np.concatenate([mantissa, exponent[..., None] + 128], -1).astype(np.uint8)
        path.write_bytes(b"#?RADIANCE\n\n-Y 16 +X 32\n" + rows.tobytes())
    answer = studio.client.post("/lights/environment", content=path.read_bytes())
    expected = Light.from_environment(path).exposed().coefficients
    np.testing.assert_allclose(answer.json()["light"], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\x76\x2f\x31\x01" + bytes(80), b"#?RADIANCE\n\n-Y 9000 +X 18000\n"]
)
def test_what_is_no_environment_map(studio, data):
    refused(studio.client.post("/lights/environment", content=data), 422, "input")


def test_the_light_of_another_photo(ball_model, monkeypatch):
    from tfrelight.faces import find

    monkeypatch.setattr(find, "find", lambda pixels: [None])
    with running(lambda: ball_model) as studio:
        answer = studio.client.post("/lights/photo", content=ball())
    expected = Light(np.asarray(heads.OWN)).exposed().coefficients
    np.testing.assert_allclose(answer.json()["light"], expected, atol=0.02)


@pytest.mark.parametrize(
    "data,says",
    [
        (b"", "empty"),
        (b"just text\n" * 99, "not a photo"),
        (ball()[:2000], "broken or cut off"),
        (b"GIF89a" + bytes(20), "The file"),
    ],
)
def test_what_is_no_photo_is_said(studio, data, says):
    assert says in refused(studio.open(data), 422, "input")
    assert opened(studio)


def test_a_photo_without_a_face_is_said_and_may_be_all_face(studio):
    noise = np.random.default_rng(0).integers(90, 160, (96, 96, 3)).astype(np.uint8)
    assert "No face found" in refused(studio.open(png(noise)), 422, "no_face")
    assert opened(studio, png(noise))


def test_too_many_bytes_and_too_many_pixels(ball_model):
    with running(lambda: ball_model, upload=50_000, pixels=10_000) as studio:
        assert "MB" in refused(studio.open(bytes(60_000)), 413, "large")
        assert "MB" in refused(studio.open(bytes(900_000)), 413, "large")
        few = np.zeros((200, 200, 3), np.uint8)
        assert "200 x 200" in refused(studio.open(png(few), whole_image=1), 422, "input")


def test_a_file_that_does_not_come_is_given_up(ball_model):
    release = threading.Event()

    def slowly():
        yield b"some"
        release.wait(5)
        yield b"more"

    with running(lambda: ball_model, seconds=0.2) as studio:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            answer = pool.submit(studio.client.post, "/photos", content=slowly())
            concurrent.futures.wait([answer], 1)
            release.set()
        refused(answer.result(), 408, "slow")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"light": [1, 2]}',
        json.dumps({"light": [1.0] * 27}),
        json.dumps({"light": [1.0] * 27, "relative": [1e60] * 27}),
        "[" * 60_000,
        '{"light": "left"}',
        json.dumps({"light": [float("nan")] * 27, "relative": [0] * 27}),
        json.dumps({"light": [1e60] * 27, "relative": [0] * 27}),
        json.dumps({"light": [10**400] * 27, "relative": [0] * 27}),
        json.dumps({"light": [1.0] * 27, "relative": [0] * 27, "strength": 7}),
        wanted(lamps=[{"direction": [0, 0, 0]}]),
        wanted(lamps=[dict(LAMP, color=[1e9] * 3)]),
        wanted(lamps=[dict(LAMP, radius=7)]),
        wanted(lamps=[LAMP] * 17),
        wanted(lamps=3),
        json.dumps({"light": [1.0] * 27, "relative": [0] * 27, "exposure": 99}),
        json.dumps({"light": [1.0] * 27, "relative": [0] * 27, "strength": None}),
    ],
)
def test_what_is_no_light_is_said(studio, text):
    name = opened(studio)
    refused(studio.client.post(f"/photos/{name}/relit", content=text), 422, "input")


@pytest.mark.parametrize("axis,ending", [("camera", "/../x.mp4"), ("round", ".webp")])
def test_a_film_of_another_kind_is_refused(studio, axis, ending):
    name = opened(studio)
    text = wanted(axis=axis, ending=ending)
    refused(studio.client.post(f"/photos/{name}/film", content=text), 422, "input")


def test_names_of_photos_cannot_be_guessed_and_paths_lead_nowhere(studio):
    name, other = opened(studio), opened(studio)
    assert name != other and len(name) >= 32
    for guess in ("..", "0", name[:-1], f"{name}x", "%2e%2e%2fsettings", "a" * 5000):
        answer = studio.client.post(f"/photos/{guess}/relit", content=wanted())
        assert answer.status_code == 404
    for path in (
        "/static/../app.py",
        "/static/%2e%2e%2fapp.py",
        "/static//etc/passwd",
        "/samples/",
    ):
        assert studio.client.get(path).status_code == 404


def test_a_closed_photo_is_gone(studio):
    name = opened(studio)
    assert studio.client.post(f"/photos/{name}/close").status_code == 204
    refused(studio.client.post(f"/photos/{name}/relit", content=wanted()), 404, "gone")
    assert len(studio.opened) == 0


def test_the_photo_of_who_left_before_it_was_ready_is_not_kept(ball_model):
    release = threading.Event()

    def load():
        release.wait(60)
        return ball_model

    with running(load) as studio:
        with pytest.raises(httpx.ReadTimeout):
            studio.client.post("/photos?whole_image=1", content=ball(), timeout=1)
        release.set()
        # Photos are worked on in the order they came.
        assert opened(studio) and len(studio.opened) == 1


def test_a_frame_comes_back_as_a_photo_does_and_is_not_kept(ball_model, monkeypatch):
    monkeypatch.setattr(find, "find", lambda _: [None])
    with running(lambda: ball_model) as studio:
        answer = studio.client.post("/frames", content=ball())
        assert answer.status_code == 200 and len(studio.opened._entries) == 0
        photo = studio.open(ball())
        assert answer.content == photo.content and "X-Photo" not in answer.headers


def test_a_frame_without_a_face_is_empty(studio):
    noise = np.random.default_rng(0).integers(90, 160, (96, 96, 3)).astype(np.uint8)
    answer = studio.client.post("/frames", content=png(noise))
    assert (answer.status_code, answer.content) == (204, b"")
    refused(studio.client.post("/frames", content=b"text"), 422, "input")


def test_no_more_photos_than_may_be(ball_model):
    with running(lambda: ball_model, photos=2) as studio:
        names = [opened(studio), opened(studio)]
        refused(studio.open(ball(), whole_image=1), 503, "full")
        studio.client.post(f"/photos/{names[0]}/close")
        assert opened(studio)


def test_other_sites_and_other_names_are_refused(studio):
    post = studio.client.post
    for headers in (
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert post("/photos", content=ball(), headers=headers).status_code == 403
    for host in ("elsewhere.example", "127.0.0.1.elsewhere.example", "", "["):
        assert studio.client.get("/", headers={"Host": host}).status_code in (400, 421)
    assert post("/photos", content=ball(), headers={"Origin": studio.url}).status_code != 403
    assert studio.client.get("/", headers={"Host": "localhost:1"}).status_code == 200


def test_bound_elsewhere_a_token_is_wanted(ball_model):
    with running(lambda: ball_model, hosts=None, token="secret") as studio:
        for path in (
            "/",
            "/static/main.js",
            "/settings",
            "/?token=wrong",
            "/settings?token=secret",
        ):
            assert studio.client.get(path).status_code == 401
        assert studio.open(ball(), whole_image=1).status_code == 401
        others = 'theirs={"a": 1, "b": [2]}; tfrelight_studio='
        for headers, status in [
            ({"Authorization": "Bearer secret"}, 200),
            ({"Cookie": f"{others}secret"}, 200),
            ({"Cookie": f"{others}wrong"}, 401),
        ]:
            assert studio.client.get("/settings", headers=headers).status_code == status
        answer = studio.client.get("/?token=secret")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=lax" in cookie
        # The client has the cookie now.
        assert studio.client.get("/").status_code == 200
        assert opened(studio)


def test_twenty_at_once_see_their_own_photos_and_leave_nothing(ball_model, monkeypatch):
    held = []
    decompose = decomposition.decompose

    def watched(*arguments, **options):
        (one,) = decompose(*arguments, **options)
        held.append(weakref.ref(one))
        return [one]

    monkeypatch.setattr(decomposition, "decompose", watched)

    def session(number):
        """Opens a photo of its own brightness, relights it, and leaves."""
        own = np.uint8(np.round(heads.photo() * (0.3 + 0.03 * number)))
        with httpx.Client(base_url=studio.url, timeout=120) as client:
            answer = client.post("/photos", params={"whole_image": 1}, content=png(own))
            name = answer.headers["X-Photo"]
            relit = client.post(f"/photos/{name}/relit", content=wanted())
            client.post(f"/photos/{name}/close")
        expected = tfrelight.relight(own, "left", ball_model, whole_image=True)
        np.testing.assert_array_equal(pixels_of(relit.content), expected)
        return name

    with running(lambda: ball_model) as studio:
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            names = list(pool.map(session, range(20)))
        assert len(set(names)) == 20 and len(studio.opened) == 0
        gc.collect()
        assert sum(one() is not None for one in held[:20]) == 0


def test_a_server_that_is_gone_is_said(studio):
    class Gone:
        def predict_on_batch(self, images):
            raise serving_client.Unavailable("UNAVAILABLE", "no route", "localhost:8500")

        size = 128

    with running(Gone) as studio:
        text = refused(studio.open(ball(), whole_image=1), 502, "server")
        assert "localhost:8500" in text and "--server" in text
        assert studio.client.get("/").status_code == 200


def test_a_network_that_cannot_be_loaded_is_said_to_who_asks():
    def load():
        return pipeline.loaded("no-such-preset")

    with running(load) as studio:
        assert "no-such-preset" in refused(studio.open(ball(), whole_image=1), 422, "input")


def test_an_error_of_ours_is_said_without_its_details():
    def load():
        raise RuntimeError("secret details")

    with running(load) as studio:
        text = refused(studio.open(ball(), whole_image=1), 500, "broken")
        assert "secret" not in text
