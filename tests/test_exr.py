"""EXR files: what is written is read, and what is none is refused."""

import numpy as np
import pytest

from tfrelight import exr


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
    with pytest.raises(KeyError):
        exr.read(write("depth.exr", Z=np.ones((40, 40), np.float32)))


def test_what_is_no_exr_file_or_cut_off(tmp_path, capfd):
    path = tmp_path / "a.exr"
    path.write_text("no picture")
    for function in (exr.read, exr.size):
        with pytest.raises(ValueError, match="no EXR header"):
            function(path)
    exr.write(path, picture())
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises((RuntimeError, ValueError, OSError)):
        exr.read(path)
    # OpenEXR would say so twice more.
    assert capfd.readouterr() == ("", "")
