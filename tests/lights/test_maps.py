"""Environment maps: files, where their light comes from, and what is refused."""

import numpy as np
import pytest

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


def test_a_white_map_is_an_even_light():
    light = Light.from_environment(np.ones((64, 128, 3)))
    np.testing.assert_allclose(light.coefficients, Light.even().coefficients, atol=2e-3)


def test_a_lamp_in_a_map_lights_from_where_the_person_sees_it(tmp_path):
    radiance = np.full((32, 64, 3), 0.2, np.float32)
    # Up, and left of the middle as the person sees it: on the right of the photo.
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
    # Columns to the left by an eighth: what the person saw 45 degrees to the right is now in the
    # middle. The person's right is the left of the image, so the light went to the right of it.
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
            # The first 20 pixels of a row are alike: one, and 19 times (16 + 3) the same again.
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


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.5])
def test_values_no_light_has_are_refused(tmp_path, wrong):
    radiance = np.ones((16, 32, 3), np.float32)
    radiance[3, 4, 1] = wrong
    write_exr(tmp_path / "bad.exr", radiance)
    with pytest.raises(InputError, match="bad.exr.*1 pixels"):
        maps.load(tmp_path / "bad.exr")
    with pytest.raises(InputError, match="1 pixels"):
        Light.from_environment(radiance)


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
        "turned.hdr": good.replace(b"-Y", b"+Y"),
        "xyz.hdr": good.replace(b"rgbe\n", b"xyze\n"),
        # A run of no length, again and again.
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
