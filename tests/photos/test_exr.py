"""EXR files: round trips, other channels, broken files."""

import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import ROOT
from tfrelight.photos import exr


def picture(channels=3):
    return np.random.default_rng(0).normal(size=(6, 9, channels)).astype(np.float32)


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "a.exr"
    exr.write(path, picture())
    assert exr.size(path) == (6, 9)
    pixels, lossy = exr.read(path)
    np.testing.assert_array_equal(pixels, picture())
    assert not lossy
    assert [one.name for one in tmp_path.iterdir()] == ["a.exr"]


def test_other_channels(tmp_path):
    import OpenEXR

    def write(name, **channels):
        OpenEXR.File({"compression": OpenEXR.DWAA_COMPRESSION}, channels).write(
            str(tmp_path / name)
        )
        return tmp_path / name

    pixels, lossy = exr.read(write("alpha.exr", RGBA=np.ones((40, 40, 4), np.float32)))
    assert pixels.shape == (40, 40, 3) and lossy
    pixels, _ = exr.read(write("grey.exr", Y=np.full((40, 40), 0.5, np.float32)))
    np.testing.assert_allclose(pixels, np.full((40, 40, 3), 0.5), atol=0.01)
    for name, channels in {
        "depth.exr": ["Z"],
        "vector.exr": ["X", "Y", "Z"],
        "layer.exr": ["View.Normal.X", "View.Normal.Y", "View.Normal.Z"],
        "two.exr": ["R", "G", "A"],
    }.items():
        path = write(name, **{one: np.ones((40, 40), np.float32) for one in channels})
        for function in (exr.read, exr.size):
            with pytest.raises(ValueError, match="no channels R, G and B, but") as error:
                function(path)
            assert all(one in str(error.value) for one in channels)


def grid(height=8, width=16):
    """A picture whose values say where they are: R the column, G the row."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([columns, rows, np.ones_like(rows)], -1)


def three(layer, picture):
    return {f"{layer}{name}": np.ascontiguousarray(picture[..., k]) for k, name in enumerate("RGB")}


@pytest.mark.parametrize(
    "names,expected",
    [
        (["View Layer.Combined."], 0),
        (["ViewLayer.DiffCol.", "ViewLayer.Combined.", "ViewLayer.Emit."], 1),
        (["diffuse.", ""], 1),
        (["beauty.", "albedo."], 0),
        (["crypto.", "RGBA."], 1),
        (["my light."], 0),
    ],
)
def test_layers(tmp_path, names, expected):
    import OpenEXR

    channels = {"View Layer.Depth.Z": np.zeros((8, 16), np.float32)}
    for number, name in enumerate(names):
        channels.update(three(name, grid() + 100 * number))
    OpenEXR.File({}, channels).write(str(tmp_path / "a.exr"))
    pixels, _ = exr.read(tmp_path / "a.exr")
    np.testing.assert_array_equal(pixels, grid() + 100 * expected)


def test_layers_that_nobody_can_tell_apart(tmp_path):
    import OpenEXR

    OpenEXR.File({}, {**three("key.", grid()), **three("fill.", grid())}).write(
        str(tmp_path / "a.exr")
    )
    with pytest.raises(ValueError, match="which of its layers .*fill, key"):
        exr.read(tmp_path / "a.exr")


def test_small_letters_are_channels_too(tmp_path):
    import OpenEXR

    channels = {name.lower(): plane for name, plane in three("", grid()).items()}
    OpenEXR.File({}, channels).write(str(tmp_path / "a.exr"))
    np.testing.assert_array_equal(exr.read(tmp_path / "a.exr")[0], grid())


@pytest.mark.parametrize("first", ["depth", "albedo"])
def test_parts(tmp_path, first):
    """The picture may be in any part, tiled or not."""
    import OpenEXR

    other = {"Z": np.zeros((8, 16), np.float32)} if first == "depth" else three("", 9 + grid())
    tiles = {"type": OpenEXR.tiledimage, "tiles": OpenEXR.TileDescription()}
    parts = [
        OpenEXR.Part({"name": first}, other),
        OpenEXR.Part({"name": "Beauty", **tiles}, three("", grid())),
        OpenEXR.Part({"name": "z"}, {"Z": np.zeros((8, 16), np.float32)}),
    ]
    path = tmp_path / "a.exr"
    OpenEXR.File(parts).write(str(path))
    assert exr.size(path) == (8, 16)
    np.testing.assert_array_equal(exr.read(path)[0], grid())


def test_luminance_and_chroma_are_refused(tmp_path):
    import OpenEXR

    channels = {name: np.ones((8, 16), np.float32) for name in ("Y", "RY", "BY")}
    OpenEXR.File({}, channels).write(str(tmp_path / "a.exr"))
    with pytest.raises(ValueError, match="luminance and chroma"):
        exr.read(tmp_path / "a.exr")


def windows(path, display, data):
    """A picture whose pixels are numbered from the display window's corner."""
    import OpenEXR

    (left, top), (right, bottom) = data
    rows, columns = np.mgrid[top : bottom + 1, left : right + 1].astype(np.float32)
    pixels = np.stack([columns - display[0][0], rows - display[0][1], np.ones_like(rows)], -1)
    header = {
        "displayWindow": tuple(np.array(one, np.int32) for one in display),
        "dataWindow": tuple(np.array(one, np.int32) for one in data),
    }
    OpenEXR.File(header, {"RGB": np.ascontiguousarray(pixels)}).write(str(path))
    stored = OpenEXR.File(str(path), header_only=True).header()
    np.testing.assert_array_equal(stored["dataWindow"], data)
    return path


@pytest.mark.parametrize(
    "display,data,shown",
    [
        (((0, 0), (15, 7)), ((0, 0), (15, 7)), ((0, 0), (15, 7))),
        (((0, 0), (15, 7)), ((-3, -2), (18, 9)), ((0, 0), (15, 7))),  # overscan
        (((0, 0), (15, 7)), ((4, 2), (9, 5)), ((4, 2), (9, 5))),  # a crop
        (((0, 0), (15, 7)), ((10, 5), (20, 12)), ((10, 5), (15, 7))),  # shifted
        (((-8, -4), (7, 3)), ((-9, 0), (2, 3)), ((0, 4), (10, 7))),  # not from 0
        (((0, 0), (15, 7)), ((40, 2), (50, 5)), None),  # outside
    ],
)
def test_the_display_window_is_what_counts(tmp_path, display, data, shown):
    path = windows(tmp_path / "a.exr", display, data)
    assert exr.size(path) == (8, 16)
    expected = np.zeros((8, 16, 3), np.float32)
    if shown is not None:
        (left, top), (right, bottom) = shown
        part = np.s_[top : bottom + 1, left : right + 1]
        expected[part] = grid()[part]
    np.testing.assert_array_equal(exr.read(path)[0], expected)


def test_a_tiny_window_of_much_data_is_refused(tmp_path):
    path = windows(tmp_path / "a.exr", ((0, 0), (3, 3)), ((0, 0), (63, 63)))
    with pytest.raises(ValueError, match="stores 64 x 64 pixels for a display window of 4 x 4"):
        exr.size(path)


def test_what_is_no_exr_file_or_cut_off(tmp_path, capfd):
    path = tmp_path / "a.exr"
    path.write_text("no picture")
    for function in (exr.read, exr.size):
        with pytest.raises(ValueError, match="no EXR header"):
            function(path)
    exr.write(path, np.repeat(picture(), 20, 0))
    whole = path.read_bytes()
    for length in (len(whole) - 1, len(whole) - 20, len(whole) // 2, 400, 300, 100, 9, 5):
        path.write_bytes(whole[:length])
        with pytest.raises((RuntimeError, ValueError, OSError)):
            exr.read(path)
    # OpenEXR itself would print the error twice more.
    assert capfd.readouterr() == ("", "")


def test_parts_and_tiles_cut_off(tmp_path, capfd):
    import OpenEXR

    path = tmp_path / "a.exr"
    tiles = {"type": OpenEXR.tiledimage, "tiles": OpenEXR.TileDescription()}
    noise = np.random.default_rng(0).uniform(0, 1, (80, 100, 3)).astype(np.float32)
    for header in ({}, tiles):
        parts = [OpenEXR.Part({"name": str(n), **header}, three("", noise)) for n in range(2)]
        for file in (OpenEXR.File(header, three("", noise)), OpenEXR.File(parts)):
            file.write(str(path))
            assert exr.read(path)[0].shape == (80, 100, 3)
            whole = path.read_bytes()
            for length in (len(whole) - 1, len(whole) * 2 // 3, len(whole) // 3):
                path.write_bytes(whole[:length])
                with pytest.raises(ValueError, match="ends too early"):
                    exr.read(path)
    assert capfd.readouterr() == ("", "")


def test_damaged_pixels(tmp_path, capfd):
    path = tmp_path / "a.exr"
    exr.write(path, np.random.default_rng(0).normal(size=(64, 64, 3)).astype(np.float32))
    whole = bytearray(path.read_bytes())
    # The coordinates of the last rows.
    place = whole.rindex((48).to_bytes(4, "little"))
    whole[place : place + 4] = b"\xff\xff\xff\x7f"
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="its pixels are damaged"):
        exr.read(path)
    capfd.readouterr()


def test_threads_leave_stdout_and_stderr_alone(tmp_path):
    """Broken and whole files at once, while others print; the descriptors are never swapped."""
    code = f"""
import concurrent.futures, os, sys, threading
import numpy as np
from tfrelight.photos import exr

exr.write("{tmp_path}/good.exr", np.ones((16, 16, 3), np.float32))
data = open("{tmp_path}/good.exr", "rb").read()
open("{tmp_path}/bad.exr", "wb").write(data[:-9])
before = [(os.fstat(n).st_dev, os.fstat(n).st_ino) for n in (1, 2)]
objects = sys.stdout, sys.stderr
wrong, done = [], threading.Event()

def watch():
    while not done.is_set():
        if [(os.fstat(n).st_dev, os.fstat(n).st_ino) for n in (1, 2)] != before:
            wrong.append("descriptor")
        if (sys.stdout, sys.stderr) != objects:
            wrong.append("object")

def read(number):
    try:
        exr.read("{tmp_path}/" + ("good.exr" if number % 4 else "bad.exr"))
    except ValueError:
        pass

watcher = threading.Thread(target=watch)
watcher.start()
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    list(pool.map(read, range(400)))
done.set()
watcher.join()
print("out", wrong[:1])
os.write(2, b"err")
"""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "out []\n", "err")
