"""Files tell the truth about their new pixels: no copy of the old ones, and who made them."""

import io
import pathlib
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

from tests import color_profiles
from tests.photos.test_photoshop import IPTC, PATH, resource
from tests.photos.test_xmp import TRUE, TRUE_ELEMENTS, name, packet, properties
from tfrelight import photos
from tfrelight.photos import deep_png, exif, metadata, photoshop, reading, tiff, xmp

CASES = pathlib.Path(__file__).parents[2].parent / "shared" / "cases"
# In the place of a picture's data, and easy to find.
SECRET = b"the old picture" * 20
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + SECRET + b"\xff\xd9"
ENDINGS = ("jpg", "png", "webp", "tif")
PIXELS = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)


def jpeg(*segments, exif_block=None):
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "JPEG", **({"exif": exif_block} if exif_block else {}))
    data = file.getvalue()
    for number, content in segments:
        data = data[:2] + metadata.marker(number, content) + data[2:]
    return data


def exif_with(order="<", maker=b"", thumbnail=None):
    """EXIF bytes: Make, MakerNote, and a second directory for a thumbnail."""

    def entry(tag, kind, count, value):
        return struct.pack(f"{order}HHI", tag, kind, count) + value

    def long(value):
        return struct.pack(f"{order}I", value)

    make, note = b"Camera\0\0", b"MAKER" + maker
    inside = 8 + 2 + 2 * 12 + 4
    makes = inside + 2 + 12 + 4
    notes = makes + len(make)
    second = notes + len(note)
    first = struct.pack(f"{order}H", 2) + entry(0x010F, 2, 7, long(makes))
    first += entry(0x8769, 4, 1, long(inside)) + long(second if thumbnail else 0)
    directory = struct.pack(f"{order}H", 1) + entry(0x927C, 7, len(note), long(notes)) + long(0)
    block = (b"II*\0" if order == "<" else b"MM\0*") + long(8) + first + directory + make + note
    if thumbnail:
        offset, length, data = thumbnail
        pixels = second + 2 + 2 * 12 + 4
        block += struct.pack(f"{order}H", 2) + entry(offset, 4, 1, long(pixels))
        block += entry(length, 4, 1, long(len(data))) + long(0) + data
    return b"Exif\0\0" + block


THUMBNAILS = {"JPEG": (0x0201, 0x0202, JPEG), "uncompressed": (0x0111, 0x0117, SECRET)}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", THUMBNAILS)
def test_not_a_byte_of_the_thumbnail_stays(order, kind, tmp_path):
    block = exif_with(order, thumbnail=THUMBNAILS[kind])
    data = jpeg(exif_block=block)
    assert SECRET in data
    photo = photos.read(data)
    for ending in ENDINGS:
        photo.save(tmp_path / f"a.{ending}")
        assert SECRET[:30] not in (tmp_path / f"a.{ending}").read_bytes(), ending
        with Image.open(tmp_path / f"a.{ending}") as after:
            assert after.getexif()[0x010F] == "Camera", ending
            assert not after.getexif().get_ifd(ExifTags.IFD.IFD1)
    # Everything in front of the thumbnail stays where makers' offsets expect it.
    assert len(photo.origin.exif) < len(block)


def test_previews_in_makers_data_become_zeros():
    block = exif_with(maker=b"before" + JPEG + b"after")
    cleaned = exif.without_copies(block)
    assert len(cleaned) == len(block) and SECRET[:30] not in cleaned
    assert b"MAKERbefore" + bytes(len(JPEG)) + b"after" in cleaned


@pytest.mark.parametrize("cut", range(0, 120, 7))
def test_broken_exif_does_no_harm(cut):
    block = exif_with(thumbnail=THUMBNAILS["JPEG"])
    assert isinstance(exif.without_copies(block[: len(block) - cut]), bytes)
    photos.read(jpeg(exif_block=block[: len(block) - 3 * cut])).encoded()


def tiff_with(dtype=np.uint8, **fields):
    """A TIFF file with data in tags, `_37724=(type, content)`."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[0x010F] = "Camera"
    for number, (kind, content) in fields.items():
        tags.tagtype[int(number[1:])] = kind
        tags[int(number[1:])] = content
    file = io.BytesIO()
    tiff.write(file, PIXELS.astype(dtype), tags)
    return file.getvalue()


def png_with(keyword, content):
    """A PNG file with a profile as ImageMagick writes it."""
    lines = f"\n{keyword.rsplit(' ')[-1]}\n{len(content):8}\n{content.hex()}\n"
    info = PngImagePlugin.PngInfo()
    info.add_text(keyword, lines, zip=True)
    info.add_text("Author", "A. Author")
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "PNG", pnginfo=info)
    return file.getvalue()


THUMBNAIL_XMP = (
    "<xmp:Thumbnails><rdf:Alt><rdf:li>" + SECRET.decode() + "</rdf:li></rdf:Alt></xmp:Thumbnails>"
)
PHOTOSHOP = b"Photoshop 3.0\0"
COPIES = {
    "Photoshop's thumbnail": jpeg((0xED, PHOTOSHOP + IPTC + resource(1036, JPEG) + PATH)),
    # From the second marker on, the resources simply go on.
    "in two markers": jpeg(
        (0xED, PHOTOSHOP + JPEG), (0xED, PHOTOSHOP + IPTC + resource(1036, JPEG))
    ),
    "XMP": jpeg((0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet(TRUE, THUMBNAIL_XMP))),
    "Content Credentials": jpeg((0xEB, b"JP\0\1" + b"jumb" + SECRET)),
    "ISO gain map": jpeg((0xE2, b"urn:iso:std:iso:ts:21496:-1\0" + SECRET)) + JPEG,
    "MPF": jpeg((0xE2, b"MPF\0" + SECRET)) + JPEG,
    "behind the end": jpeg() + JPEG,
    "layers": tiff_with(_37724=(7, b"Adobe Photoshop Document Data Block\0" + SECRET)),
    "deep layers": tiff_with(np.uint16, _37724=(7, SECRET)),
    "TIFF resources": tiff_with(_34377=(1, resource(1036, JPEG) + IPTC)),
    "TIFF XMP": tiff_with(np.uint16, _700=(1, packet(TRUE, THUMBNAIL_XMP))),
    "TIFF credentials": tiff_with(_52545=(7, SECRET)),
    "old JPEG": tiff_with(_521=(7, SECRET)),
    "Raw profile type exif": png_with("Raw profile type exif", exif_with(maker=JPEG)),
    "Raw profile type 8bim": png_with("Raw profile type 8bim", resource(1036, JPEG)),
}


@pytest.mark.parametrize("kind", COPIES)
def test_copies_of_the_old_picture_go(kind, tmp_path):
    photo = photos.read(COPIES[kind])
    for ending in ENDINGS:
        path = tmp_path / f"a.{ending}"
        photo.save(path)
        data = path.read_bytes()
        if ending == "png":
            data += b"".join(
                zlib.decompress(content.split(b"\0", 1)[1][1:])
                for chunk, content in metadata.png_chunks(data)
                if chunk == b"zTXt"
            )
        for form in (SECRET[:30], SECRET[:30].hex().encode()):
            assert form not in data, ending


def written_as_numbers(records):
    tifffile = pytest.importorskip("tifffile")
    numbers = struct.unpack("<3I", records.ljust(12, b"\0"))
    file = io.BytesIO()
    tags = [(33723, 4, len(numbers), numbers, True)]
    tifffile.imwrite(file, PIXELS, photometric="rgb", metadata=None, extratags=tags)
    return file.getvalue()


@pytest.mark.parametrize(
    "source", ["JPEG", "TIFF", "deep TIFF", "IPTC alone", "PNG", "PNG of 8bim", "PNG, IPTC alone"]
)
def test_iptc_stays_in_jpeg_png_and_tiff(source, tmp_path):
    records = b"\x1c\x02\x78\x00\x05Hello"
    data = {
        "JPEG": jpeg((0xED, PHOTOSHOP + resource(1033, JPEG) + IPTC)),
        "TIFF": tiff_with(_34377=(1, IPTC)),
        "deep TIFF": tiff_with(np.uint16, _34377=(1, IPTC)),
        # Also as the 32-bit numbers that the first programs took it for.
        "IPTC alone": written_as_numbers(records),
        "PNG": png_with("Raw profile type iptc", PHOTOSHOP + resource(1036, JPEG) + IPTC),
        "PNG of 8bim": png_with("Raw profile type 8bim", IPTC),
        "PNG, IPTC alone": png_with("Raw profile type iptc", records),
    }[source]
    photo = photos.read(data)
    photo.save(tmp_path / "a.jpg")
    photo.save(tmp_path / "a.tif")
    photo.save(tmp_path / "a.png")
    again = photos.read(tmp_path / "a.png")
    assert SECRET[:30].hex().encode() not in (tmp_path / "a.png").read_bytes()
    assert photoshop.iptc(again.origin.resources).rstrip(b"\0") == records
    with Image.open(tmp_path / "a.jpg") as after:
        assert after.info["photoshop"][1028].rstrip(b"\0") == records
    with Image.open(tmp_path / "a.tif") as after:
        assert bytes(after.tag_v2[33723]).rstrip(b"\0") == records


def test_xmp_in_a_text_of_png_is_xmp(tmp_path):
    photo = photos.read(png_with("Raw profile type xmp", packet(TRUE, TRUE_ELEMENTS)))
    photo.save(tmp_path / "a.png")
    assert properties(photo.origin.xmp) == properties(packet(TRUE, TRUE_ELEMENTS))
    with Image.open(tmp_path / "a.png") as after:
        assert properties(after.info["xmp"]) == properties(photo.origin.xmp)
        assert after.info["Author"] == "A. Author"


@pytest.mark.parametrize("text", ["", "\niptc\n 3\nxyz\n", "no lines"])
def test_broken_texts_of_png_do_no_harm(text):
    info = PngImagePlugin.PngInfo()
    info.add_text("Raw profile type iptc", text)
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "PNG", pnginfo=info)
    photos.read(file.getvalue()).encoded()


def test_long_resources_are_split(tmp_path):
    photo = photos.read(tiff_with(_34377=(1, IPTC + resource(2000, bytes(1_500_000)))))
    photo.save(tmp_path / "a.jpg")
    photo.save(tmp_path / "a.png")
    assert photos.read(tmp_path / "a.png").origin.resources == IPTC
    again = photos.read(tmp_path / "a.jpg")
    assert (
        again.origin.resources == photo.origin.resources and len(photo.origin.resources) > 1_500_000
    )


def sixteen_bits():
    return deep_png.encode(PIXELS.astype(np.uint16) * 257)


def plain(kind):
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, kind, **({"lossless": True} if kind == "WEBP" else {}))
    return file.getvalue()


SOURCES = {
    "JPEG": lambda: jpeg((0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet(TRUE, TRUE_ELEMENTS))),
    "bare JPEG": jpeg,
    "PNG": lambda: plain("PNG"),
    "deep PNG": sixteen_bits,
    "WebP": lambda: plain("WEBP"),
    "TIFF": lambda: tiff_with(_700=(1, packet(TRUE, TRUE_ELEMENTS))),
    "deep TIFF": lambda: tiff_with(np.uint16, _700=(1, packet(TRUE, TRUE_ELEMENTS))),
    "BMP": lambda: plain("BMP"),
}


@pytest.mark.parametrize("source", SOURCES)
def test_an_edited_photo_says_so_in_every_format(source, tmp_path):
    import dataclasses

    photo = photos.read(SOURCES[source]())
    before = properties(photo.origin.xmp) if photo.origin.xmp else {}
    edited = dataclasses.replace(photo, edited=True)
    for ending in ENDINGS:
        path = tmp_path / f"a.{ending}"
        edited.save(path)
        after = reading.read(path)
        marked = {**before, name("Iptc4xmpExt:DigitalSourceType"): xmp.EDITED}
        assert properties(after.origin.xmp) == marked, ending
        assert xmp.EDITED.encode() in path.read_bytes(), "uncompressed, for tools that only search"
        edited.save(path, overwrite=True, mark=False)
        assert xmp.EDITED.encode() not in path.read_bytes()
        photo.save(path, overwrite=True)
        assert xmp.EDITED.encode() not in path.read_bytes()
        # A mark that was there stays, whatever is done to the photo then.
        after.save(path, overwrite=True)
        assert properties(reading.read(path).origin.xmp) == marked
    assert xmp.EDITED.encode() in edited.encoded()[0]
    assert xmp.EDITED.encode() not in edited.encoded(mark=False)[0]


def test_pil_images_carry_clean_metadata():
    import dataclasses

    data = jpeg(
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet(TRUE, THUMBNAIL_XMP)),
        exif_block=exif_with(thumbnail=THUMBNAILS["JPEG"]),
    )
    with Image.open(io.BytesIO(data)) as image:
        photo = dataclasses.replace(photos.read(image), edited=True)
    back = photo.like_input()
    assert SECRET[:30] not in back.info["exif"] + back.info["xmp"]
    assert xmp.EDITED.encode() in back.info["xmp"]
    assert b"Camera" in back.info["exif"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_profiles_stay_in_every_format(ending, tmp_path):
    profile = color_profiles.display_p3()
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "JPEG", icc_profile=profile)
    photo = photos.read(file.getvalue())
    assert photo.rgb_profile == profile
    photo.save(tmp_path / f"a.{ending}")
    with Image.open(tmp_path / f"a.{ending}") as after:
        assert after.info["icc_profile"] == profile


def test_a_grey_profile_does_not_describe_colours(tmp_path):
    profile = color_profiles.grey()
    file = io.BytesIO()
    Image.fromarray(PIXELS[..., 0]).save(file, "PNG", icc_profile=profile)
    photo = photos.read(file.getvalue())
    assert photo.rgb_profile is None
    for ending in ("jpg", "png", "tif"):
        photo.save(tmp_path / f"a.{ending}")
        with Image.open(tmp_path / f"a.{ending}") as after:
            assert after.mode == "L" and after.info["icc_profile"] == profile
    # WebP has no grey.
    photo.save(tmp_path / "a.webp")
    with Image.open(tmp_path / "a.webp") as after:
        assert after.mode == "RGB" and "icc_profile" not in after.info


@pytest.mark.parametrize("case", ["ultra_hdr.jpg", "motion_photo.jpg"])
def test_promises_of_the_cases_go(case, tmp_path):
    if not CASES.is_dir():
        pytest.skip(f"no folder {CASES}")
    photos.read(CASES / case).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    for word in (b"hdrgm", b"GainMap", b"MicroVideo", b"MotionPhoto", b"ftyp", b"Container"):
        assert word not in data


@pytest.mark.parametrize("case", ["photoshop_layers.tif", "photoshop_thumbnail.jpg"])
def test_copies_in_the_cases_go(case, tmp_path):
    if not CASES.is_dir():
        pytest.skip(f"no folder {CASES}")
    path = tmp_path / case
    photos.read(CASES / case).save(path)
    data = path.read_bytes()
    assert b"layers of the old picture" not in data and data.count(b"\xff\xd8\xff") <= 1
    assert b"Hello" in data


def seconds(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


@pytest.mark.parametrize("many", [b"\xff\xd8\xff\xc0", b"\xff\xd8\xff", b"\xff\xd8\xff\xe1\0"])
def test_starts_of_pictures_without_an_end_take_no_time(many):
    block = exif_with(maker=many * (400_000 // len(many)))
    assert seconds(exif.without_copies, block) < 1.0
    assert exif.without_copies(block) == block


def test_only_what_has_a_start_and_an_end_becomes_zeros():
    inside = b"\xff\xd9a\xff\xd8\xff\0b" + JPEG + b"c\xff\xd9" + JPEG + b"\xff\xd8\xff\xe0d"
    block = exif_with(maker=inside)
    assert exif.without_copies(block) == block.replace(JPEG, bytes(len(JPEG)))


def test_strips_of_a_thumbnail_that_overlap_take_no_time():
    count, size = 30_000, 2_000_000

    def entry(tag, value):
        return struct.pack("<HHII", tag, 4, count, value)

    numbers = 8 + 6 + 6 + 2 * 12
    block = b"II*\0" + struct.pack("<I", 8) + struct.pack("<HI", 0, 14)
    block += struct.pack("<H", 2) + entry(273, numbers) + entry(279, numbers + 4 * count) + bytes(4)
    first = numbers + 8 * count
    offsets = np.arange(first, first + count, dtype="<u4").tobytes()
    block += offsets + np.full(count, size, "<u4").tobytes()
    block = b"Exif\0\0" + block + b"x" * (size + count - 1)
    assert seconds(exif.without_copies, block) < 1.0
    assert exif.without_copies(block + b"yy").endswith(bytes(size + count - 1) + b"yy")


@pytest.mark.parametrize("where", ["comment", "profile", "exif", "resources", "xmp"])
def test_names_of_chunks_in_metadata_are_no_chunks(where, tmp_path):
    pytest.importorskip("tensorflow")
    text = b"the IDAT, IEND and IHDR of PNG"
    origin = {
        "comment": {"save_options": {"chunks": [(b"tEXt", b"Comment\0" + text)]}, "format": "PNG"},
        "profile": {"icc_profile": color_profiles.display_p3() + text},
        "exif": {"exif": exif_with(maker=text)},
        "resources": {"resources": photoshop.with_iptc(b"", b"\x1c\x02\x78" + text)},
        "xmp": {"xmp": packet('xmp:Label="the IDAT, IEND and IHDR of PNG"')},
    }[where]
    pixels = PIXELS.astype(np.uint16) * 257
    photos.Photo(pixels, origin=metadata.Origin(**origin)).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    names = [chunk for chunk, _ in metadata.png_chunks(data)]
    assert names[0] == b"IHDR" and names[-2:] == [b"IDAT", b"IEND"]
    assert len(names) == len(set(names)) == 4
    np.testing.assert_array_equal(photos.read(data).pixels, pixels)
