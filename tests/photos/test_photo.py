"""Photos are written as they were read, with everything that a file holds beside its pixels."""

import io
import struct
import tracemalloc
import warnings
import zlib
from concurrent import futures

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, ImageOps, TiffImagePlugin

from tfrelight import photos
from tfrelight.errors import InputError
from tfrelight.photos import deep_png
from tfrelight.photos import photo as photo_module

WIDTH, HEIGHT = 37, 23


def smooth(channels=3, dtype=np.uint8, seed=0):
    """A picture of odd width and height that survives JPEG well."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:HEIGHT, :WIDTH] / 40.0
    planes = [np.sin(x * rng.uniform(1, 3) + y * rng.uniform(1, 3) + k) for k in range(channels)]
    values = np.stack(planes, -1) * 0.35 + 0.5
    values = values if dtype == np.float32 else np.round(values * np.iinfo(dtype).max)
    return values.astype(dtype)[..., 0] if channels == 1 else values.astype(dtype)


def exif(orientation=1):
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = "Camera"
    tags.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    return tags


PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def saved(image, path, **options):
    image.save(path, **options)
    return path


def test_threads_that_write_leave_warnings_as_they_were(tmp_path):
    before = list(warnings.filters)
    photo = photos.read(smooth())
    for turn in range(5):
        with futures.ThreadPoolExecutor(4) as pool:
            names = (tmp_path / f"{turn}_{number}.png" for number in range(24))
            assert len(list(pool.map(photo.save, names))) == 24
        assert warnings.filters == before


@pytest.mark.parametrize("ending", ["png", "tif", "webp"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_a_file_comes_back_to_the_bit(tmp_path, mode, ending):
    image = Image.fromarray(smooth({"L": 1, "RGB": 3, "RGBA": 4}[mode]), mode)
    options = {"lossless": True, "exact": True} if ending == "webp" else {}
    path = saved(image, tmp_path / f"a.{ending}", **options)
    photo = photos.read(path)
    assert photo.pixels.shape == (HEIGHT, WIDTH, 3) and photo.pixels.dtype == np.uint8
    assert (photo.alpha is not None) == (mode == "RGBA")
    photo.replaced(photo.pixels.copy()).save(tmp_path / "b.png")
    with Image.open(path) as before, Image.open(tmp_path / "b.png") as after:
        assert after.mode == (mode if ending != "webp" or mode != "L" else "RGB")
        np.testing.assert_array_equal(np.asarray(before), np.asarray(after))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_sixteen_bits_stay(tmp_path, channels, ending):
    tifffile = pytest.importorskip("tifffile")
    array = smooth(channels, np.uint16)
    path = tmp_path / f"deep.{ending}"
    if ending == "tif":
        tifffile.imwrite(path, array, photometric="minisblack" if channels == 1 else "rgb")
    else:
        path.write_bytes(deep_png.encode(array))
    photo = photos.read(path)
    assert photo.pixels.dtype == np.uint16
    copy = tmp_path / f"copy.{ending}"
    photo.replaced(photo.pixels).save(copy)
    again = photos.read(copy)
    np.testing.assert_array_equal(again.pixels, photo.pixels)
    np.testing.assert_array_equal(
        again.pixels, array if channels == 3 else photo.pixels if channels == 1 else array[..., :3]
    )
    if channels == 4:
        np.testing.assert_array_equal(again.alpha, array[..., 3])
    assert again.mode == ("L" if channels == 1 else "RGB")
    # A format with 8 bits rounds, 65535 to 255.
    if channels != 4:
        photo.save(tmp_path / "shallow.jpg")
        with Image.open(tmp_path / "shallow.jpg") as shallow:
            expected = np.asarray(array / 257.0).reshape(HEIGHT, WIDTH, -1)
            assert np.abs(np.asarray(shallow.convert("RGB")) - expected).mean() < 3


def test_a_deep_png_keeps_profile_and_text(tmp_path):
    small = io.BytesIO()
    Image.new("RGB", (1, 1)).save(small, "PNG", icc_profile=PROFILE, dpi=(300, 300), exif=exif())
    deep = deep_png.encode(smooth(3, np.uint16))
    end = small.getvalue().index(b"IDAT") - 4
    (tmp_path / "a.png").write_bytes(deep[:33] + small.getvalue()[33:end] + deep[33:])
    photos.read(tmp_path / "a.png").save(tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as after:
        after.load()
        assert after.info["icc_profile"] == PROFILE
        assert round(after.info["dpi"][0]) == 300
        assert after.getexif()[0x010F] == "Camera"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "tif"])
def test_orientation(tmp_path, orientation, ending):
    image = Image.fromarray(smooth())
    path = saved(image, tmp_path / f"a.{ending}", exif=exif(orientation))
    with Image.open(path) as source:
        upright = np.asarray(ImageOps.exif_transpose(source).convert("RGB"))
    photo = photos.read(path)
    np.testing.assert_array_equal(photo.pixels, upright)
    # The same format and others show the photo the same way.
    for name in (f"b.{ending}", "c.png", "d.tif"):
        photo.save(tmp_path / name)
        with Image.open(tmp_path / name) as after:
            shown = np.asarray(ImageOps.exif_transpose(after).convert("RGB")).astype(int)
        assert np.abs(shown - upright).mean() <= (1 if name.endswith("jpg") else 0), name
    if ending == "jpg":
        with Image.open(tmp_path / "b.jpg") as after:
            assert after.getexif().get(0x0112) == orientation
            assert after.size == image.size


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_profile_and_metadata_stay(tmp_path, ending):
    image, options = Image.fromarray(smooth()), {"icc_profile": PROFILE, "dpi": (300, 300)}
    if ending == "tif":
        directory = TiffImagePlugin.ImageFileDirectory_v2()
        directory[0x010F], directory[0x8769] = "Camera", {0x9003: "2020:01:02 03:04:05"}
        options["tiffinfo"] = directory
    else:
        tags = exif()
        tags[0x8769] = {0x9003: "2020:01:02 03:04:05"}
        options["exif"] = tags.tobytes()
    photo = photos.read(saved(image, tmp_path / f"a.{ending}", **options))
    for target in ("jpg", "png", "tif", "webp"):
        photo.save(tmp_path / f"b.{target}")
        with Image.open(tmp_path / f"b.{target}") as after:
            assert after.info["icc_profile"] == PROFILE, target
            assert after.getexif().get(0x010F) == "Camera", target
            assert after.getexif().get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"
            if ending != "webp" and target != "webp":
                assert round(float(after.info["dpi"][0])) == 300


def segment(marker, content):
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def test_a_jpeg_keeps_its_quantisation_iptc_xmp_and_comment(tmp_path):
    packed = io.BytesIO()
    Image.fromarray(smooth()).save(packed, "JPEG", quality=71, subsampling=1, comment=b"hello")
    iptc = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0\0\0\0\x08\x1c\x02\x05\0\x03abc"
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
    xmp = b"http://ns.adobe.com/xap/1.0/\0" + packet
    data = packed.getvalue()
    path = tmp_path / "a.jpg"
    path.write_bytes(data[:2] + segment(0xED, iptc) + segment(0xE1, xmp) + data[2:])
    photo = photos.read(path)
    photo.save(tmp_path / "b.jpg")
    with Image.open(path) as before, Image.open(tmp_path / "b.jpg") as after:
        assert after.quantization == before.quantization
        assert after.layer == before.layer
        assert after.info["comment"] == b"hello"
        assert after.info["xmp"] == packet
        assert [block for name, block in after.applist if name == "APP13"] == [iptc]
        # Decoding and encoding with the same tables changes hardly any value.
        assert np.abs(np.asarray(before).astype(int) - np.asarray(after)).mean() < 0.5


def test_the_thumbnail_of_the_old_light_goes(tmp_path):
    thumbnail = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(thumbnail, "JPEG")
    entries = struct.pack("<HHII", 0x0112, 3, 1, 1)
    first = struct.pack("<H", 1) + entries + struct.pack("<I", 8 + 2 + 12 + 4)
    second = struct.pack("<H", 2)
    second += struct.pack("<HHII", 0x0201, 4, 1, 8 + 18 + 30)
    second += struct.pack("<HHII", 0x0202, 4, 1, len(thumbnail.getvalue())) + struct.pack("<I", 0)
    packed = b"Exif\0\0II*\0" + struct.pack("<I", 8) + first + second + thumbnail.getvalue()
    path = saved(Image.fromarray(smooth()), tmp_path / "a.jpg", exif=packed)
    with Image.open(path) as before:
        assert before.getexif().get_ifd(ExifTags.IFD.IFD1)
    photos.read(path).save(tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as after:
        assert not after.getexif().get_ifd(ExifTags.IFD.IFD1)
        assert after.getexif()[0x0112] == 1


@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_cmyk_stays_cmyk_and_untouched_inks_exact(tmp_path, ending):
    inks = smooth(4)
    path = saved(Image.fromarray(inks, "CMYK"), tmp_path / f"a.{ending}")
    photo = photos.read(path)
    with Image.open(path) as before:
        stored = np.asarray(before)
        shown = np.asarray(before.convert("RGB"))
    np.testing.assert_array_equal(photo.pixels, shown)
    pixels = photo.pixels.copy()
    pixels[:, :10] = (200, 100, 50)
    changed = photo.replaced(pixels)
    kept = np.asarray(changed.image())
    np.testing.assert_array_equal(kept[:, 10:], stored[:, 10:])
    assert np.abs(np.asarray(changed.image().convert("RGB")).astype(int) - pixels).max() <= 2
    changed.save(tmp_path / f"b.{ending}")
    with Image.open(tmp_path / f"b.{ending}") as after:
        assert after.mode == "CMYK"
    changed.save(tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as after:
        np.testing.assert_array_equal(np.asarray(after), pixels)


def test_palettes_and_bitmaps(tmp_path):
    palette = Image.fromarray(smooth()).quantize(16)
    path = saved(palette, tmp_path / "a.png")
    np.testing.assert_array_equal(photos.read(path).pixels, np.asarray(palette.convert("RGB")))
    see_through = saved(palette, tmp_path / "b.gif", transparency=3)
    photo = photos.read(see_through)
    assert (photo.alpha == 0).any() and (photo.alpha == 255).any()
    photo.save(tmp_path / "c.png")
    bitmap = photos.read(saved(Image.fromarray(smooth(1)).convert("1"), tmp_path / "d.png"))
    assert bitmap.mode == "L" and set(np.unique(bitmap.pixels)) <= {0, 255}


def test_grey_photos_stay_grey(tmp_path):
    photo = photos.read(smooth(1))
    assert photo.like_input().shape == (HEIGHT, WIDTH)
    np.testing.assert_array_equal(photo.like_input(), smooth(1))
    tinted = np.clip(photo.pixels.astype(int) + (20, 0, -20), 0, 255).astype(np.uint8)
    relit = photo.replaced(tinted)
    assert relit.pixels.shape == tinted.shape and (np.ptp(relit.pixels, axis=-1) == 0).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_what_came_in_decides_what_goes_out(channels, dtype):
    array = smooth(channels, np.float32 if dtype == np.float64 else dtype).astype(dtype)
    photo = photos.read(array)
    back = photo.like_input()
    assert back.dtype == (np.float32 if dtype == np.float64 else dtype)
    np.testing.assert_array_equal(back, array.astype(back.dtype))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "CMYK", "P", "LA", "I;16"])
def test_pil_images(mode):
    image = Image.fromarray(smooth())
    image = (
        Image.fromarray(smooth(1, np.uint16))
        if mode == "I;16"
        else image.quantize(8)
        if mode == "P"
        else image.convert(mode)
    )
    back = photos.read(image).like_input()
    assert isinstance(back, Image.Image)
    assert back.mode == {"P": "RGB"}.get(mode, mode)
    assert back.size == image.size
    np.testing.assert_array_equal(
        np.asarray(back), np.asarray(image.convert("RGB") if mode == "P" else image)
    )


def test_a_photo_shows_itself_in_notebooks():
    shown = Image.open(io.BytesIO(photos.read(smooth())._repr_png_()))
    np.testing.assert_array_equal(np.asarray(shown), smooth())


def test_repr_is_one_line(tmp_path):
    path = saved(Image.fromarray(smooth()), tmp_path / "a.jpg", exif=exif(), icc_profile=PROFILE)
    assert repr(photos.read(path)) == "<Photo: 37x23 pixels, RGB, 8 bits a channel>"
    deep = photos.read(smooth(4, np.uint16))
    assert repr(deep) == "<Photo: 37x23 pixels, RGB, 16 bits a channel, with transparency>"


def png_header(width, height):
    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


BROKEN = {
    "empty.jpg": (b"", "is empty"),
    "text.jpg": (b"hello, I am no photo", "not a photo"),
    "bomb.png": (png_header(20000, 20000), "too large"),
    "hollow.png": (png_header(20, 20), "broken or cut off"),
    # A program, which Pillow would let Ghostscript run.
    "program.eps": (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\nshowpage\n%%EOF\n",
        "not a photo",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_files_that_are_no_photos(tmp_path, name):
    data, reason = BROKEN[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=reason) as caught:
        photos.read(tmp_path / name)
    assert name in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif", "gif", "bmp"])
def test_cut_off_and_garbled_files_are_errors_or_photos(tmp_path, ending):
    whole = saved(Image.fromarray(smooth()), tmp_path / f"a.{ending}").read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / f"b.{ending}"
    refused = 0
    for attempt in range(60):
        data = bytearray(whole)
        if attempt < 30:
            del data[len(data) * attempt // 30 :]
        else:
            for position in rng.integers(0, len(data), 8):
                data[position] = rng.integers(256)
        path.write_bytes(data)
        try:
            photos.read(path)
        except InputError as error:
            refused += 1
            assert path.name in str(error) and "\n" not in str(error)
    assert refused > 20


def test_of_a_deep_tiff_no_more_is_decoded_than_its_size_says(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    picture = smooth(3, np.uint16)
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        for _ in range(2):
            file.write(picture, photometric="rgb", compression="zlib", metadata=None)
    with tifffile.TiffFile(path) as file:
        (offset, *_), (count, *_) = file.pages[1].dataoffsets, file.pages[1].databytecounts
    data = bytearray(path.read_bytes())
    data[offset : offset + count] = bytes(count)
    # The second page is never decoded, because it would fail.
    with pytest.raises(InputError, match="2 pictures"):
        photos.read(bytes(data))
    tifffile.imwrite(path, np.stack([picture] * 7), photometric="rgb", volumetric=True)
    with pytest.raises(InputError, match="7 strips or tiles, expected 1"):
        photos.read(path)


def test_films_are_no_photos(tmp_path):
    frames = [Image.fromarray(smooth(seed=seed)) for seed in range(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(InputError, match="3 pictures"):
        photos.read(tmp_path / "a.gif")


@pytest.mark.parametrize(
    "wrong,message",
    [
        (np.zeros((4, 4, 5), np.uint8), r"\[4, 4, 5\]"),
        (np.zeros((4,), np.uint8), r"\[4\]"),
        (np.zeros((0, 4, 3), np.uint8), r"\[0, 4, 3\]"),
        (np.zeros((4, 4, 3), np.int64), "int64"),
        (np.full((4, 4, 3), 200.0), "200"),
        (np.full((4, 4, 3), np.nan), "not finite"),
        (7, "int"),
    ],
)
def test_what_is_no_photo(wrong, message):
    with pytest.raises(InputError, match=message):
        photos.read(wrong)


def test_outputs_that_cannot_be(tmp_path):
    photo = photos.read(smooth(4))
    with pytest.raises(InputError, match="ends in"):
        photo.save(tmp_path / "a.xyz")
    with pytest.raises(InputError, match="no folder"):
        photo.save(tmp_path / "nowhere" / "a.png")
    with pytest.raises(InputError, match="transparency"):
        photo.save(tmp_path / "a.jpg")
    photo.save(tmp_path / "a.png")
    with pytest.raises(InputError, match="exists"):
        photo.save(tmp_path / "a.png")
    photo.save(tmp_path / "a.png", overwrite=True)
    with pytest.raises(InputError, match="is a folder"):
        (tmp_path / "b.png").mkdir()
        photo.save(tmp_path / "b.png", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_bytes_in_and_out_are_those_of_files(tmp_path, kind):
    ending = {"JPEG": ".jpg", "WEBP": ".webp", "TIFF": ".tif"}.get(kind, ".png")
    path = saved(Image.fromarray(smooth()), tmp_path / f"a{ending}", exif=exif(6))
    photo = photos.read(path.read_bytes())
    np.testing.assert_array_equal(photo.pixels, photos.read(path).pixels)
    data, found = photo.encoded()
    photo.save(tmp_path / f"b{ending}")
    assert (data, found) == ((tmp_path / f"b{ending}").read_bytes(), kind)


def test_what_cannot_be_written_as_it_came_becomes_png():
    file = io.BytesIO()
    Image.fromarray(smooth()).save(file, "BMP")
    data, kind = photos.read(file.getvalue()).encoded()
    assert kind == "PNG"
    np.testing.assert_array_equal(photos.read(data).pixels, smooth())


def test_a_photo_of_too_many_pixels_is_not_decoded(tmp_path):
    path = saved(Image.fromarray(smooth()), tmp_path / "a.png")
    assert photos.read(path, WIDTH * HEIGHT)
    # Cut off behind the header, which is all that is read.
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match=f"too large, {WIDTH} x {HEIGHT}"):
        photos.read(path, WIDTH * HEIGHT - 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_grey_leaves_equal_channels_exactly(dtype):
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 1, (40, 50, 1)).astype(np.float32)
    if dtype != np.float32:
        values = np.round(values * np.iinfo(dtype).max).astype(dtype)
    pixels = np.repeat(values, 3, axis=-1)
    np.testing.assert_array_equal(photo_module.grey(pixels), pixels)
    coloured = pixels.copy()
    most = 1.0 if dtype == np.float32 else np.iinfo(dtype).max
    coloured[3, 4], coloured[5, 6] = (most, 0, 0), (most, most, 0)
    result = photo_module.grey(coloured)
    assert result.dtype == dtype
    others = np.ones((40, 50), bool)
    others[3, 4] = others[5, 6] = False
    np.testing.assert_array_equal(result[others], pixels[others])
    half = 0 if dtype == np.float32 else 0.5
    # Rec. 709's weights of red, and of red and green.
    np.testing.assert_allclose(result[3, 4], 0.2126 * most, rtol=1e-6, atol=half)
    np.testing.assert_allclose(result[5, 6], 0.9278 * most, rtol=1e-6, atol=half)


def test_grey_stays_in_range_and_takes_little_memory():
    rng = np.random.default_rng(1)
    pixels = np.float32(1.0) - rng.integers(0, 3, (500, 600, 3)).astype(np.float32) * 6e-8
    before = pixels.copy()
    tracemalloc.start()
    result = photo_module.grey(pixels)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result.max() <= 1.0 and peak < 1.2 * pixels.nbytes
    np.testing.assert_array_equal(pixels, before)
