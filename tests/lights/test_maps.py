"""Environment maps: files, the direction of their light, and refused ones."""

import numpy as np
import pytest

from tests.conftest import ROOT
from tfrelight import harmonics, lights
from tfrelight.errors import InputError
from tfrelight.lights import Light, maps


def write_exr(path, radiance):
    import OpenEXR

    OpenEXR.File({}, {"RGB": np.ascontiguousarray(radiance, np.float32)}).write(str(path))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_pixels_lie_where_the_frame_says(axis):
    """Column 0 is behind the person, the middle column at the camera, the right half at x > 0."""
    place = {0: (8, 24), 1: (0, 0), 2: (8, 16)}[axis]
    directions, areas = maps.directions(16, 32)
    np.testing.assert_allclose(areas.sum(), 4 * np.pi, rtol=1e-6)
    assert directions[place][axis] > 0.98


def test_a_direction_is_seen_in_the_middle_of_its_pixel():
    directions, _ = maps.directions(16, 32)
    row, column = maps.places(directions, 16, 32)
    np.testing.assert_allclose(row, np.broadcast_to(np.arange(16)[:, None] + 0.5, (16, 32)))
    np.testing.assert_allclose(column, np.broadcast_to(np.arange(32) + 0.5, (16, 32)))


def test_a_white_map_is_an_even_light():
    light = Light.from_environment(np.ones((64, 128, 3)))
    np.testing.assert_allclose(light.coefficients, Light.even().coefficients, atol=2e-3)


def test_a_lamp_in_a_map_lights_from_where_the_person_sees_it(tmp_path):
    radiance = np.full((32, 64, 3), 0.2, np.float32)
    # Up and left of the middle for the person: on the right of the photo.
    radiance[8:12, 16:20] = 5.0
    write_exr(tmp_path / "room.exr", radiance)
    loaded = maps.load(tmp_path / "room.exr")
    assert loaded.shape == (64, 128, 3)
    np.testing.assert_allclose(loaded.mean(), radiance.mean(), rtol=1e-4)
    light = Light.from_environment(tmp_path / "room.exr")
    # Column 18 of 64 is 14 of 32 right of column 32, 79 degrees; row 10 of 32 is 34 degrees up.
    expected = lights.direction_vector(-79, 34)
    assert light.direction @ expected > 0.98
    np.testing.assert_allclose(
        light.coefficients, Light.from_environment(radiance).coefficients, rtol=0.02, atol=0.02
    )
    assert lights.as_light(tmp_path / "room.exr").exposure == pytest.approx(1, rel=1e-4)


def test_turning_the_map_turns_the_light():
    rng = np.random.default_rng(0)
    radiance = rng.uniform(0, 1, (4, 8, 3)).repeat(16, 0).repeat(16, 1)
    # An eighth of the columns to the left: light from 45 degrees to the person's right is now ahead
    # of them. The person's right is the left of the image, so the light moved right in the image.
    rolled = Light.from_environment(np.roll(radiance, -16, axis=1))
    turned = Light.from_environment(radiance).rotated(azimuth=-45)
    np.testing.assert_allclose(rolled.coefficients, turned.coefficients, atol=1e-3)


def test_any_size_of_one_map_gives_one_light():
    rng = np.random.default_rng(1)
    small = rng.uniform(0, 1, (16, 32, 3)).astype(np.float32)
    large = small.repeat(12, 0).repeat(12, 1)
    np.testing.assert_allclose(maps.shrunk(large, 16), small, rtol=1e-5)
    np.testing.assert_allclose(maps.project(maps.shrunk(large, 64)), maps.project(large), atol=0.01)


def radiance_picture(pixels, coding):
    """A Radiance file of `[h, w, 4]` bytes."""
    height, width = pixels.shape[:2]
    packed = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n" % (height, width)
    if coding == "plain":
        return packed + pixels.tobytes()
    for row in pixels:
        if coding == "old":
            # The first 20 pixels of a row are equal: one pixel, then a run of 19.
            packed += row[0].tobytes() + bytes([1, 1, 1, 19]) + row[20:].tobytes()
        else:
            packed += bytes([2, 2, width >> 8, width & 255])
            for channel in row.T:
                packed += bytes([128 + 20, channel[0], 12]) + channel[20:].tobytes()
    return packed


def test_radiance_pictures_of_every_coding(tmp_path):
    pixels = np.random.default_rng(0).integers(2, 255, (16, 32, 4)).astype(np.uint8)
    pixels[:, :20] = pixels[:, :1]
    pixels[..., 3] = np.where(np.arange(32) < 28, 128, 130)
    for coding in ("plain", "runs", "old"):
        path = tmp_path / f"{coding}.hdr"
        path.write_bytes(radiance_picture(pixels, coding))
        radiance, lossy = maps.read(path)
        assert not lossy
        # A mantissa m of exponent 128 stands for (m + 1/2) / 256.
        expected = (pixels[..., :3] + 0.5) / 256 * np.exp2(pixels[..., 3:].astype(int) - 128)
        np.testing.assert_allclose(radiance, expected, rtol=1e-6)


def test_long_runs_of_the_old_code_have_two_digits():
    row = np.zeros((601, 4), np.uint8)
    pixel = np.array([9, 8, 7, 128], np.uint8)
    stream = np.concatenate([pixel, np.uint8([1, 1, 1, 88, 1, 1, 1, 2])])  # 88 + 2 x 256
    assert maps._old_row(row, stream, 0) == 12
    assert (row == pixel).all()


@pytest.mark.parametrize("first", ["-Y", "+Y", "-X", "+X"])
@pytest.mark.parametrize("second", "-+")
def test_radiance_pictures_of_every_orientation(tmp_path, first, second):
    """The bytes of one picture, in the order in which each orientation has them."""
    pixels = np.random.default_rng(0).integers(2, 255, (16, 32, 4)).astype(np.uint8)
    pixels[..., 3] = 128
    ordered = pixels
    signs = {first[1]: first[0], "XY".replace(first[1], ""): second}
    ordered = ordered if signs["Y"] == "-" else ordered[::-1]
    ordered = ordered if signs["X"] == "+" else ordered[:, ::-1]
    sizes = {"X": 32, "Y": 16}
    if first[1] == "X":
        ordered = np.swapaxes(ordered, 0, 1)
    size = " ".join(f"{signs[axis]}{axis} {sizes[axis]}" for axis in signs)
    header = f"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n{size}\n".encode()
    (tmp_path / "a.hdr").write_bytes(header + ordered.tobytes())
    radiance, _ = maps.read(tmp_path / "a.hdr")
    np.testing.assert_allclose(radiance, (pixels[..., :3] + 0.5) / 256, rtol=1e-6)


def test_headers_of_radiance_pictures(tmp_path):
    """Windows' line ends, comments, other programs' names, spaces."""
    good = radiance_picture(np.full((16, 32, 4), 128, np.uint8), "plain")
    header, pixels = good[: -16 * 32 * 4], good[-16 * 32 * 4 :]
    expected = np.full((16, 32, 3), 128.5 / 256)
    for number, changed in enumerate(
        [
            header.replace(b"\n", b"\r\n"),
            header.replace(b"RADIANCE\n", b"RGBE\n# by hand\n"),
            header.replace(b"RADIANCE", b"AUTOPANO11"),
            header.replace(b"FORMAT=", b"FORMAT = "),
            header.replace(b"FORMAT", b"EXPOSURE=1\nSOFTWARE=a\nFORMAT"),
            header.replace(b"-Y 16 +X 32", b" -Y  16  +X  32 "),
            b"#?RADIANCE\n\n-Y 16 +X 32\n",
        ]
    ):
        path = tmp_path / f"{number}.hdr"
        path.write_bytes(changed + pixels)
        np.testing.assert_allclose(maps.read(path)[0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    "wrong,clamped,said",
    [
        (np.nan, 0, "1 negative or NaN to 0"),
        (-np.inf, 0, "1 negative or NaN to 0"),
        (-0.5, 0, "1 negative or NaN to 0"),
        (np.inf, 65504, "1 infinite to 65504"),
    ],
)
def test_values_no_light_has_are_clamped(tmp_path, caplog, wrong, clamped, said):
    radiance = np.ones((16, 32, 3), np.float32)
    expected = radiance.copy()
    radiance[3, 4, 1], expected[3, 4, 1] = wrong, clamped
    write_exr(tmp_path / "bad.exr", radiance)
    read, _ = maps.read(tmp_path / "bad.exr")
    np.testing.assert_array_equal(read, expected)
    (line,) = caplog.messages
    assert "bad.exr" in line and said in line and "\n" not in line
    caplog.clear()
    light = Light.from_environment(radiance)
    assert light == Light.from_environment(expected) and len(caplog.messages) == 1


def test_an_infinite_sun_stays_the_brightest(tmp_path, caplog):
    """As a half float it was 65504 at least; beside brighter lamps it is as bright as they."""
    radiance = np.full((64, 128, 3), 0.2, np.float32)
    radiance[20:22, 100:102] = np.inf
    sun = Light.from_environment(radiance)
    assert sun.direction @ lights.direction_vector(104, 31) > 0.99
    radiance[5, 5] = 1e6
    assert maps.checked(radiance).max() == np.float32(1e6)
    radiance[20, 100] = (np.nan, -1, np.inf)
    maps.checked(radiance)
    assert "4 infinite to 1e+06, 1 negative or NaN" in caplog.messages[-1]


def test_nothing_is_said_of_a_whole_map(caplog):
    maps.checked(np.ones((16, 32, 3)))
    # Ringing of lossy compression cancels in the mean, and stays.
    assert maps.checked(np.linspace(-1e-3, 1, 1536).reshape(16, 32, 3), lossy=True).min() < 0
    assert caplog.messages == []


def test_the_display_window_is_the_map(tmp_path):
    import OpenEXR

    whole = np.zeros((32, 64, 3), np.float32)
    whole[8:12, 12:20] = 5
    write_exr(tmp_path / "whole.exr", whole)
    for name, (left, top, right, bottom) in {
        "crop.exr": (8, 4, 39, 19),  # twice as wide as high itself
        "strip.exr": (0, 8, 63, 11),
        "overscan.exr": (-4, -2, 67, 33),
    }.items():
        padded = np.pad(whole, ((2, 2), (4, 4), (0, 0)))
        part = padded[top + 2 : bottom + 3, left + 4 : right + 5]
        header = {
            "displayWindow": (np.int32([0, 0]), np.int32([63, 31])),
            "dataWindow": (np.int32([left, top]), np.int32([right, bottom])),
        }
        OpenEXR.File(header, {"RGB": np.ascontiguousarray(part)}).write(str(tmp_path / name))
        read, _ = maps.read(tmp_path / name)
        np.testing.assert_array_equal(read, whole)


@pytest.mark.parametrize(
    "name,tolerance",
    {
        "data_window_2to1.exr": 0.08,  # what is not stored counts as black
        "tiny_negative.exr": 1e-3,
        "layer_names.exr": 1e-6,
        "crlf.hdr": 0.01,
    }.items(),
)
def test_maps_of_other_programs(name, tolerance):
    folder = ROOT.parent / "shared" / "cases"
    if not folder.is_dir():
        pytest.skip("the examples of failures are not here")
    expected = Light.from_environment(folder / "whole.exr").exposed().coefficients
    found = Light.from_environment(folder / name).exposed().coefficients
    assert np.abs(found - expected).max() < tolerance * expected.max()


def hostile(folder):
    header = b"#?RADIANCE\n\n-Y %d +X %d\n"
    good = radiance_picture(np.full((16, 32, 4), 128, np.uint8), "plain")
    contents = {
        "nonsense.exr": b"not a picture",
        "empty.exr": b"",
        "empty.hdr": b"",
        "text.hdr": b"a letter",
        "short.hdr": good[:-100],
        "bomb.hdr": header % (8192, 16384),
        "huge.hdr": header % (10**9, 2 * 10**9),
        "tiny.hdr": header % (2, 4) + bytes(32),
        "square.hdr": header % (32, 32) + bytes(4096),
        "twice.hdr": good.replace(b"+X", b"+Y"),
        "endless.hdr": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n",
        "sizeless.hdr": b"#?RADIANCE\n\nwide and high\n",
        "xyz.hdr": good.replace(b"rgbe\n", b"xyze\n"),
        "over.hdr": header % (16, 32) + b"\x02\x02\x02\x80\x01\x01\x01\xff" * 99,
        # Runs of length 0 without end.
        "stuck.hdr": header % (16, 32) + bytes([2, 2, 0, 32]) + bytes(4000),
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    write_exr(folder / "cut.exr", np.random.default_rng(0).uniform(0, 1, (32, 64, 3)))
    (folder / "cut.exr").write_bytes((folder / "cut.exr").read_bytes()[:-500])
    write_exr(folder / "square.exr", np.ones((32, 32, 3)))
    write_exr(folder / "tiny.exr", np.ones((4, 8, 3)))
    return sorted(folder.iterdir())


def test_hostile_files_give_one_line(tmp_path, capfd):
    for path in hostile(tmp_path):
        with pytest.raises(InputError, match="Cannot read the environment map") as error:
            maps.load(path)
        assert path.name in str(error.value)
        assert len(str(error.value)) < 400 and "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")
    black = np.zeros((16, 32, 3), np.float32)
    write_exr(tmp_path / "black.exr", black)
    for name in ("missing.exr", "missing.hdr"):
        with pytest.raises(FileNotFoundError):
            maps.load(tmp_path / name)
    with pytest.raises(InputError, match="all black"):
        maps.load(tmp_path / "black.exr")


@pytest.mark.parametrize("shape", [(32, 32, 3), (16, 32), (16, 32, 4)])
def test_arrays_of_another_shape_are_refused(shape):
    with pytest.raises(InputError, match="twice as wide"):
        Light.from_environment(np.ones(shape))


def test_real_environments_have_sensible_lights(real_data):
    files = sorted(real_data("hdri_cc0").glob("*.exr"))
    for path in files:
        light = Light.from_environment(path).exposed()
        normals = np.concatenate([np.eye(3), [[-0.7, 0, 0.7], [0.7, 0, 0.7]]])
        assert (harmonics.shade(normals, light) > -0.1).all()
