"""TIFF files mean what their tags say; another reader, tifffile, reads what is written."""

import io
import pathlib
import struct
import warnings

import numpy as np
import pytest
from PIL import Image, ImageCms, TiffImagePlugin

from tests import color_profiles
from tfrelight import photos
from tfrelight.errors import InputError
from tfrelight.photos import tiff, tiff_pixels

tifffile = pytest.importorskip("tifffile")

CASES = pathlib.Path(__file__).parents[2].parent / "shared" / "cases"
HEIGHT, WIDTH = 37, 53


def smooth(channels, dtype=np.uint16, seed=0):
    """`[H, W, C]` of a smooth picture, or `[H, W]`."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:HEIGHT, :WIDTH] / 20.0
    planes = [np.sin(x * rng.uniform(1, 3) + y * rng.uniform(1, 3) + k) for k in range(channels)]
    values = np.round((np.stack(planes, -1) * 0.45 + 0.5) * np.iinfo(dtype).max).astype(dtype)
    return values[..., 0] if channels == 1 else values


def written(array, **options):
    """A file by tifffile."""
    file = io.BytesIO()
    photometric = "rgb" if array.ndim == 3 else "minisblack"
    tifffile.imwrite(file, array, **{"metadata": None, "photometric": photometric, **options})
    return file.getvalue()


def with_tags(data, **values):
    """The file with another value in the tags of these numbers, `_262=0`."""
    data = bytearray(data)
    order = "<" if data[:1] == b"I" else ">"
    (first,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, first)
    for entry in range(first + 2, first + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(f"{order}HH", data, entry)
        if f"_{tag}" in values:
            size = "H" if kind == 3 else "I"
            struct.pack_into(f"{order}{size}", data, entry + 8, values.pop(f"_{tag}"))
    assert not values, "no such tags"
    return bytes(data)


def packed_by_libtiff(array, compression):
    """A little-endian RGB file whose strips libtiff has packed, without a predictor."""
    plain = array.astype("<u2").view(np.uint8).reshape(HEIGHT, -1)
    file = io.BytesIO()
    Image.fromarray(plain).save(file, "TIFF", compression=compression)
    with Image.open(file) as image:
        offsets, counts = image.tag_v2[273], image.tag_v2[279]
        rows, number = image.tag_v2[278], image.tag_v2[259]
    data = file.getvalue()
    strips = [data[offset : offset + count] for offset, count in zip(offsets, counts)]
    tags = {256: WIDTH, 257: HEIGHT, 259: number, 262: 2, 277: 3, 278: rows}
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        directory[tag] = value
    directory[258] = (16, 16, 16)
    directory.tagtype[273] = directory.tagtype[279] = 4
    starts = np.cumsum([0, *map(len, strips)])[:-1]
    directory[273], directory[279] = tuple(starts.tolist()), tuple(map(len, strips))
    result = io.BytesIO()
    directory.save(result)
    return result.getvalue() + b"".join(strips)


def saved(photo, tmp_path, **options):
    photo.save(tmp_path / "saved.tif", overwrite=True, **options)
    return tmp_path / "saved.tif"


@pytest.mark.parametrize("byteorder", "<>")
@pytest.mark.parametrize("layout", ["strips", "tiles", "planes", "tiled planes"])
@pytest.mark.parametrize("packing", ["none", "zlib", "lzma", "predictor"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_layout_gives_the_same_pixels(byteorder, layout, packing, dtype):
    array = smooth(3, dtype)
    options = {"byteorder": byteorder}
    options["planarconfig"] = "separate" if "planes" in layout else "contig"
    options.update({"tile": (16, 32)} if "tile" in layout else {"rowsperstrip": 10})
    if packing != "none":
        options["compression"] = "lzma" if packing == "lzma" else "zlib"
    options["predictor"] = packing == "predictor"
    stored = np.moveaxis(array, -1, 0) if "planes" in layout else array
    data = written(stored, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        photo = photos.read(data)
    assert photo.pixels.dtype == dtype
    np.testing.assert_array_equal(photo.pixels, array)


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate"])
def test_what_libtiff_packs_is_unpacked(compression):
    array = smooth(3)
    np.testing.assert_array_equal(photos.read(packed_by_libtiff(array, compression)).pixels, array)


@pytest.mark.parametrize("photometric,sign", [("minisblack", 1), ("miniswhite", -1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_is_black_or_white_at_zero(photometric, sign, dtype, tmp_path):
    array = smooth(1, dtype)
    photo = photos.read(written(array, photometric=photometric))
    expected = array if sign == 1 else np.iinfo(dtype).max - array
    assert photo.mode == "L" and photo.pixels.dtype == dtype
    np.testing.assert_array_equal(photo.pixels, np.repeat(expected[..., None], 3, axis=-1))
    np.testing.assert_array_equal(tifffile.imread(saved(photo, tmp_path)), expected)


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_grey_with_alpha(planar, photometric):
    array = smooth(2)
    options = {"photometric": photometric, "extrasamples": ["unassalpha"]}
    options["planarconfig"] = "separate" if planar else "contig"
    photo = photos.read(written(np.moveaxis(array, -1, 0) if planar else array, **options))
    grey = array[..., 0] if photometric == "minisblack" else 65535 - array[..., 0]
    assert photo.mode == "L"
    np.testing.assert_array_equal(photo.pixels[..., 0], grey)
    np.testing.assert_array_equal(photo.alpha, array[..., 1])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_channels_that_are_no_transparency_are_left_out(dtype):
    array = smooth(4, dtype)
    photo = photos.read(written(array, extrasamples=["unspecified"]))
    assert photo.alpha is None
    np.testing.assert_array_equal(photo.pixels, array[..., :3])


def test_transparency_is_found_behind_a_mask():
    array = smooth(5)
    photo = photos.read(written(array, extrasamples=["unspecified", "unassalpha"]))
    np.testing.assert_array_equal(photo.pixels, array[..., :3])
    np.testing.assert_array_equal(photo.alpha, array[..., 4])


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_premultiplied_alpha_is_undone_and_written_back(tmp_path, dtype, channels):
    most = np.iinfo(dtype).max
    colour, alpha = smooth(channels - 1, dtype), smooth(1, dtype, seed=5)
    alpha[:5], alpha[5:10] = 0, most
    colour = colour.reshape(HEIGHT, WIDTH, -1)
    stored = np.dstack([np.round(colour * (alpha[..., None] / most)).astype(dtype), alpha])
    photometric = "rgb" if channels == 4 else "minisblack"
    data = written(stored, photometric=photometric, extrasamples=["assocalpha"])
    photo = photos.read(data)
    np.testing.assert_array_equal(photo.alpha, alpha)
    dense = alpha > most // 2
    difference = photo.pixels.astype(int) - np.broadcast_to(colour, photo.pixels.shape)
    assert np.abs(difference)[dense].max() <= 1
    with tifffile.TiffFile(saved(photo, tmp_path)) as file:
        np.testing.assert_array_equal(file.asarray(), stored)
        assert file.pages[0].extrasamples == (tifffile.EXTRASAMPLE.ASSOCALPHA,)
    # Other formats know no premultiplied alpha.
    photo.save(tmp_path / "a.png")
    np.testing.assert_array_equal(photos.read(tmp_path / "a.png").pixels, photo.pixels)


def test_almost_no_alpha_is_undone_too():
    stored = np.zeros((4, 4, 4), np.uint16)
    stored[..., :3], stored[..., 3] = 1, 2
    # More than alpha cannot be.
    stored[0, 0] = (1, 2, 3, 2)
    photo = photos.read(written(stored, extrasamples=["assocalpha"]))
    assert (photo.pixels[1:] == 32768).all()
    np.testing.assert_array_equal(photo.pixels[0, 0], [32768, 65535, 65535])


def test_ink_without_a_profile(tmp_path):
    inks = smooth(4)
    photo = photos.read(written(inks, photometric="separated"))
    twin = photos.read(Image.fromarray(np.uint8(np.round(inks / 257)), "CMYK"))
    assert photo.mode == "CMYK" and photo.pixels.dtype == np.uint16
    assert np.abs(photo.pixels / 257.0 - twin.pixels).max() < 1.5
    pixels = photo.pixels.copy()
    pixels[:, :10] = (50000, 30000, 10000)
    changed = photo.replaced(pixels)
    with tifffile.TiffFile(saved(changed, tmp_path)) as file:
        kept = file.asarray()
        assert file.pages[0].photometric == tifffile.PHOTOMETRIC.SEPARATED
    np.testing.assert_array_equal(kept[:, 10:], inks[:, 10:])
    again = photos.read(tmp_path / "saved.tif").pixels.astype(int)
    assert np.abs(again[:, :10] - (50000, 30000, 10000)).max() <= 2
    changed.save(tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as after:
        assert after.mode == "CMYK"


@pytest.mark.parametrize("bits,message", [(12, "12 bits"), (32, "32 bits")])
def test_other_bit_depths_are_refused(bits, message):
    data = written(smooth(1), bitspersample=None)
    with pytest.raises(InputError, match=f"has {message} a channel. Expected 8 or 16"):
        photos.read(with_tags(data, _258=bits))


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int16])
@pytest.mark.parametrize("channels", [1, 3])
def test_numbers_without_a_white_are_refused(dtype, channels):
    with pytest.raises(InputError, match="signed or floating-point numbers.*8 or 16 bits"):
        photos.read(written((smooth(channels) / 65535).astype(dtype)))


@pytest.mark.parametrize(
    "number,name", [(6, "YCbCr"), (8, r"CIE L\*a\*b\*"), (32803, "raw sensor"), (777, "777")]
)
def test_other_colours_are_refused(number, name, tmp_path):
    (tmp_path / "a.tif").write_bytes(with_tags(written(smooth(3)), _262=number))
    with pytest.raises(InputError, match=f"a.tif holds .*{name}.*convert it to RGB") as caught:
        photos.read(tmp_path / "a.tif")
    assert "\n" not in str(caught.value)


def test_other_compressions_are_refused():
    with pytest.raises(InputError, match="not supported with 16 bits.*34712.*LZW"):
        photos.read(with_tags(written(smooth(3)), _259=34712))


def test_a_preview_behind_the_picture_is_no_second_picture(tmp_path):
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(smooth(3), photometric="rgb", metadata=None)
        writer.write(smooth(3)[::4, ::4], photometric="rgb", metadata=None, subfiletype=1)
    photo = photos.read(file.getvalue())
    np.testing.assert_array_equal(photo.pixels, smooth(3))
    # It shows the old light.
    with tifffile.TiffFile(saved(photo, tmp_path)) as after:
        assert len(after.pages) == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_several_pages_are_refused(dtype):
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for _ in range(3):
            writer.write(smooth(3, dtype), photometric="rgb", metadata=None)
    with pytest.raises(InputError, match="holds 3 pictures"):
        photos.read(file.getvalue())


def test_directories_in_a_circle_end():
    data = bytearray(written(smooth(3)))
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * count, first)
    with pytest.raises(InputError, match="holds 2 pictures"):
        photos.read(bytes(data))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_preview_of_a_raw_file_is_not_taken_for_the_photo(dtype):
    data = written(smooth(3, dtype), subfiletype=1)
    with pytest.raises(InputError, match="begins with a preview.*Develop it"):
        photos.read(data)


def test_big_tiff(tmp_path):
    array = smooth(3)
    photo = photos.read(written(array, bigtiff=True))
    np.testing.assert_array_equal(photo.pixels, array)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation, tmp_path):
    array = smooth(3)
    data = written(array, extratags=[(274, 3, 1, orientation, True)])
    upright = photos.read(data).pixels
    shallow = written(np.uint8(array // 257), extratags=[(274, 3, 1, orientation, True)])
    np.testing.assert_array_equal(upright // 257, photos.read(shallow).pixels)
    np.testing.assert_array_equal(photos.read(saved(photos.read(data), tmp_path)).pixels, upright)


@pytest.mark.parametrize("size", [(100_000, 100_000), (70_000, 60_000)])
def test_a_size_too_large_is_refused_before_it_is_decoded(size):
    data = with_tags(written(smooth(3)), _256=size[0], _257=size[1])
    with pytest.raises(InputError, match="too large"):
        photos.read(data)


def test_a_strip_that_unpacks_to_too_much_takes_no_memory():
    import zlib

    bomb = zlib.compress(bytes(1 << 28))
    data = written(smooth(3), compression="zlib", rowsperstrip=HEIGHT)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        (offset,) = file.pages[0].dataoffsets
    data = with_tags(data[:offset] + bomb, _279=len(bomb))
    import tracemalloc

    tracemalloc.start()
    photo = photos.read(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not photo.pixels.any() and peak < 8 * len(bomb)


def test_cut_off_and_garbled_files_are_errors_or_photos(tmp_path):
    whole = written(smooth(3), compression="zlib", predictor=True, tile=(16, 16))
    rng = np.random.default_rng(0)
    refused = 0
    for attempt in range(80):
        data = bytearray(whole)
        if attempt < 30:
            del data[len(data) * attempt // 30 :]
        else:
            # In the directory, where it hurts.
            for position in rng.integers(0, 400, 3):
                data[position] = rng.integers(256)
        try:
            photos.read(bytes(data))
        except InputError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 40


def test_metadata_stays(tmp_path, capfd):
    exif = TiffImagePlugin.ImageFileDirectory_v2()
    exif[271], exif[315] = "Camera", "Jürgen Müller"
    exif.tagtype[315] = 2
    exif[315] = "Jürgen Müller".encode()
    exif[34665] = {0x9003: "2024:05:06 07:08:09", 0x829A: TiffImagePlugin.IFDRational(1, 250)}
    exif[34853] = {1: "N", 2: (52.0, 31.0, 12.0)}
    exif[282], exif[283], exif[296] = 300.0, 300.0, 2
    exif.tagtype[33723] = 7
    exif[33723] = b"\x1c\x02\x78\x00\x05Hello"
    profile = color_profiles.display_p3()
    exif.tagtype[34675] = 7
    exif[34675] = profile
    tiff_file = io.BytesIO()
    tiff.write(tiff_file, smooth(3), exif)
    photo = photos.read(tiff_file.getvalue())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        saved(photo, tmp_path)
    with tifffile.TiffFile(tmp_path / "saved.tif") as file:
        tags = file.pages[0].tags
        assert tags[271].value == "Camera"
        assert tags[315].value == "Jürgen Müller"
        assert tags[34665].value["DateTimeOriginal"] == "2024:05:06 07:08:09"
        assert tags[34665].value["ExposureTime"] == (1, 250)
        assert tags[34853].value["GPSLatitude"] == (52, 1, 31, 1, 12, 1)
        assert tags[282].value == (300, 1) and tags[296].value == 2
        assert bytes(tags[33723].value) == b"\x1c\x02\x78\x00\x05Hello"
        assert tags[34675].value == profile
    photo.save(tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.getexif()[271] == "Camera" and round(image.info["dpi"][0]) == 300
        assert image.getexif().get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"
        assert image.info["icc_profile"] == profile
        # IPTC, in the marker in which JPEG has it.
        assert image.info["photoshop"][1028] == b"\x1c\x02\x78\x00\x05Hello"
    assert capfd.readouterr() == ("", "")


def test_profiles_of_ink_are_used_with_sixteen_bits():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # An RGB profile cannot describe ink and is ignored.
    inks = smooth(4)
    plain = photos.read(written(inks, photometric="separated"))
    other = photos.read(written(inks, photometric="separated", iccprofile=srgb))
    np.testing.assert_array_equal(plain.pixels, other.pixels)


@pytest.mark.parametrize("kind", ["planar", "miniswhite", "premultiplied", "mask_channel"])
def test_deep_twins_of_the_cases_are_equal(kind):
    if not CASES.is_dir():
        pytest.skip(f"no folder {CASES}")
    deep, shallow = (photos.read(CASES / f"{kind}{bits}.tif") for bits in (16, 8))
    assert (deep.mode, deep.alpha is None) == (shallow.mode, shallow.alpha is None)
    opaque = 1.0
    if deep.alpha is not None:
        np.testing.assert_allclose(deep.alpha / 65535.0, shallow.alpha / 255.0, atol=0.5 / 255)
        opaque = shallow.alpha[..., None] / 255.0
    difference = (deep.pixels / 65535.0 - shallow.pixels / 255.0) * opaque
    # 8 bits round twice where alpha multiplies them.
    assert np.abs(difference).max() <= (1.5 / 255 if deep.alpha is not None else 0.0)


def test_sixteen_bits_at_a_size_that_pillow_admits(monkeypatch):
    # Bytes of the photo are more than six times the pixels, of which twice as many may be.
    array = smooth(3)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", HEIGHT * WIDTH * 3 // 4)
    for options in (
        {},
        {"byteorder": ">"},
        {"compression": "zlib", "rowsperstrip": 10},
        {"compression": "zlib", "predictor": True, "tile": (16, 16)},
        {"tile": (16, 16)},
    ):
        np.testing.assert_array_equal(photos.read(written(array, **options)).pixels, array)
    for compression in ("tiff_lzw", "packbits"):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
        data = packed_by_libtiff(array, compression)
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", HEIGHT * WIDTH)
        np.testing.assert_array_equal(photos.read(data).pixels, array)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", HEIGHT * WIDTH // 2 - 1)
    with pytest.raises(InputError, match="too large"):
        photos.read(written(array))


def test_thirty_one_megapixels_with_sixteen_bits():
    array = np.full((5600, 5600, 3), 40_000, np.uint16)
    array[-1, -1] = (1, 2, 3)
    for options in ({}, {"compression": "zlib", "compressionargs": {"level": 1}}):
        photo = photos.read(written(array, rowsperstrip=5600, **options))
        assert photo.size == (5600, 5600) and (photo.pixels[:-1] == 40_000).all()
        np.testing.assert_array_equal(photo.pixels[-1], array[-1])


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("layout", ["strips", "tiles"])
def test_groups_of_strips_or_tiles_are_put_together(channels, dtype, layout, monkeypatch):
    monkeypatch.setattr(tiff_pixels, "_GROUP", 8000)
    array = smooth(channels, dtype).reshape(HEIGHT, WIDTH, channels)
    options = {"tile": (16, 16)} if layout == "tiles" else {"rowsperstrip": 5}
    extra = ["unspecified"] * (channels - (1 if channels < 3 else 3))
    data = written(
        array if channels > 1 else array[..., 0],
        photometric="minisblack" if channels < 3 else "rgb",
        compression="zlib",
        predictor=True,
        **options,
        **({"extrasamples": extra, "planarconfig": "contig"} if extra else {}),
    )
    order = np.dtype(dtype).newbyteorder("<")
    found = tiff_pixels.plane(data, tiff.first_directory(data), 0, 1, channels, order)
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("options", [{}, {"tile": (16, 16)}])
def test_mirrored_bits_are_mirrored_back(channels, options):
    array = smooth(channels)
    bits = np.unpackbits(array.astype("<u2").view(np.uint8).reshape(-1, 1), axis=1)
    mirrored = np.packbits(bits[:, ::-1], axis=1).reshape(-1).view("<u2").reshape(array.shape)
    # tifffile writes no fill order, so another tag gets its number.
    data = written(mirrored, extratags=[(274, 3, 1, 2, True)], **options)
    entry = struct.pack("<HHI", 274, 3, 1)
    assert data.count(entry) == 1
    photo = photos.read(data.replace(entry, struct.pack("<HHI", 266, 3, 1)))
    expected = array.reshape(HEIGHT, WIDTH, channels)[..., :3]
    np.testing.assert_array_equal(photo.pixels, np.broadcast_to(expected, photo.pixels.shape))


@pytest.mark.parametrize("tags", [{"_277": 65_000}, {"_322": 1 << 20}, {"_323": 1 << 30}])
def test_what_unpacks_to_too_much_is_refused(tags, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", HEIGHT * WIDTH)
    data = with_tags(written(smooth(3), tile=(16, 16), compression="zlib"), **tags)
    with pytest.raises(InputError, match="unpacks to .* channels. Expected at most"):
        photos.read(data)


def test_too_large_a_strip_says_what_to_do(monkeypatch):
    data = written(smooth(3), compression="zlib", rowsperstrip=HEIGHT)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", HEIGHT * WIDTH * 3 // 4)
    with pytest.raises(InputError, match="too large a strip or tile. Save it uncompressed"):
        photos.read(data)
