import io
import zlib

import numpy as np
import pytest
from PIL import Image

from tfrelight.errors import InputError
from tfrelight.photos import deep_png


def noise(channels, seed=0):
    return np.random.default_rng(seed).integers(0, 65536, (13, 7, channels), dtype=np.uint16)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_what_is_written_is_read_again(channels):
    array = noise(channels)
    again = deep_png.decode(deep_png.encode(array))
    np.testing.assert_array_equal(again.reshape(array.shape), array)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_as_another_library_reads_and_writes_it(channels):
    tf = pytest.importorskip("tensorflow")
    array = noise(channels)
    read = tf.io.decode_png(deep_png.encode(array), dtype=tf.uint16).numpy()
    np.testing.assert_array_equal(read, array)
    again = deep_png.decode(tf.io.encode_png(array).numpy())
    np.testing.assert_array_equal(again.reshape(array.shape), array)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_transparent_colour_becomes_alpha(channels):
    array = noise(channels)
    key = array[3, 2]
    # Grey has one number; a chunk of two bytes a channel lies between header and pixels.
    chunk = deep_png._chunk(b"tRNS", key.astype(">u2").tobytes())
    data = deep_png.encode(array)
    result = deep_png.decode(data[:33] + chunk + data[33:])
    np.testing.assert_array_equal(result[..., :-1], array)
    expected = np.full((13, 7), 65535)
    expected[3, 2] = 0
    np.testing.assert_array_equal(result[..., -1], expected)


def test_files_with_eight_bits_are_left_to_pillow():
    file = io.BytesIO()
    Image.new("RGB", (3, 2)).save(file, "PNG")
    assert deep_png.decode(file.getvalue()) is None


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_broken_files_are_refused(channels):
    data = deep_png.encode(noise(channels))
    with pytest.raises(InputError, match="broken or cut off"):
        deep_png.decode(data[: len(data) // 2])


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_interlaced_files(channels):
    """Adam7 (PNG, third edition, 8.2): seven pictures of every nth row and column."""
    array = noise(channels)
    rows = b""
    passes = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2))
    for top, down, left, right in (*passes, (1, 2, 0, 1)):
        part = array[top::down, left::right]
        rows += b"".join(b"\0" + row.astype(">u2").tobytes() for row in part if part.size)
    plain = deep_png.encode(array)
    header = deep_png._chunk(b"IHDR", plain[16:28] + b"\1")
    pixels = deep_png._chunk(b"IDAT", zlib.compress(rows))
    again = deep_png.decode(plain[:8] + header + pixels + plain[-12:])
    np.testing.assert_array_equal(again.reshape(array.shape), array)
