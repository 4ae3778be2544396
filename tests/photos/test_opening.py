"""Picture files of others are opened in one way, which runs no program."""

import ast
import io
import pathlib
import sys

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

import tfrelight
from tfrelight import photos
from tfrelight.data import images
from tfrelight.errors import InputError
from tfrelight.photos import opening
from tfrelight.serving.client import photos as client_photos
from tfrelight.synthesis import atlases

POSTSCRIPT = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n"
    b"64 64 scale 1 0 0 setrgbcolor 0 0 1 1 rectfill\nshowpage\n%%EOF\n"
)
# A PostScript preview in a DOS wrapper, which Pillow takes for EPS as well.
WRAPPED = b"\xc5\xd0\xd3\xc6" + (30).to_bytes(4, "little") + len(POSTSCRIPT).to_bytes(4, "little")
WRAPPED = WRAPPED.ljust(30, b"\0") + POSTSCRIPT


def picture(kind, **options):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def studio(path):
    from tfrelight.studio import tasks

    return tasks.open_photo(path.read_bytes(), lambda: None, 10**6, False)


ENTRIES = {
    "photos": photos.read,
    "bytes": lambda path: photos.read(path.read_bytes()),
    "data sets": images.read,
    "linear data": images.read_linear,
    "skin atlases": lambda path: atlases.load(str(path)),
    "client": client_photos.read,
    "studio": studio,
}


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("data", [POSTSCRIPT, WRAPPED])
def test_postscript_under_the_name_of_a_photo_is_not_run(tmp_path, monkeypatch, entry, data):
    def run(*_, **__):
        raise AssertionError("Ghostscript was called")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", run)
    path = tmp_path / "photo1.jpg"
    path.write_bytes(data)
    with pytest.raises(InputError, match="not a photo") as caught:
        ENTRIES[entry](path)
    assert "\n" not in str(caught.value)


def test_nothing_else_in_the_package_opens_pictures():
    package = pathlib.Path(tfrelight.__file__).parent
    found = []
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "open":
                if ast.unparse(node.value) in ("Image", "PIL.Image"):
                    found.append(path.relative_to(package).as_posix())
            # Nor under another name.
            if isinstance(node, ast.ImportFrom) and node.module == "PIL.Image":
                found.append(path.relative_to(package).as_posix())
    assert found == ["photos/opening.py"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "JPEG2000", "PPM"])
def test_formats_that_are_read(kind):
    with opening.open_image(picture(kind)) as image:
        assert image.format == kind and image.size == (30, 20)


@pytest.mark.parametrize("kind", ["PDF", "EPS", "IM", "MSP"])
def test_others_are_refused(kind):
    file = io.BytesIO()
    Image.new("1" if kind == "MSP" else "RGB", (8, 8)).save(file, kind)
    with pytest.raises(InputError, match="not a photo"):
        opening.open_image(file.getvalue())


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_a_picture_that_is_too_large_is_refused_before_it_is_decoded(kind, monkeypatch):
    data = picture(kind)
    assert opening.open_image(data, 600)
    with pytest.raises(InputError, match=r"too large, 30 x 20\. Expected at most 0\.000599 mega"):
        opening.open_image(data, 599)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 250)
    with pytest.raises(InputError, match="too large"):
        opening.open_image(data)
    # Pillow warns from its limit on, and refuses at twice that; the warning would be an error here.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    assert opening.open_image(data)


def heic(**options):
    pillow_heif = pytest.importorskip("pillow_heif")
    y, x = np.mgrid[:48, :64] / 64.0
    pixels = np.uint8(255 * np.stack([x, y, (x + y) / 2], -1))
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(file, quality=95, **options)
    return file.getvalue(), pixels


def test_heic_is_read_and_saved_as_another_format(tmp_path):
    tags = Image.Exif()
    tags[0x010F] = "Camera"
    data, pixels = heic(exif=tags.tobytes())
    (tmp_path / "IMG_0001.HEIC").write_bytes(data)
    photo = photos.read(tmp_path / "IMG_0001.HEIC")
    assert photo.pixels.shape == pixels.shape
    assert np.abs(photo.pixels.astype(int) - pixels).mean() < 4
    photo.save(tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as after:
        assert after.getexif()[0x010F] == "Camera"
    assert photo.encoded()[1] == "PNG"
    assert "HEIF" not in Image.OPEN, "opening must not change what others open"


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_heic_is_upright(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    plain, _ = heic()
    data, _ = heic(exif=tags.tobytes())
    from PIL import ImageOps

    stored = Image.fromarray(photos.read(plain).pixels)
    stored.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(stored)).astype(int)
    found = photos.read(data)
    # Few pixels differ much, at edges; turned otherwise, most would, by 60 and more.
    assert np.median(np.abs(found.pixels - expected)) < 8
    assert found.origin.orientation == 1


def test_without_pillow_heif_one_line_names_the_way_out(tmp_path, monkeypatch):
    # The beginning of any iPhone photo.
    data = b"\0\0\0\x24ftypheic\0\0\0\0mif1MiHEMiPrmiafMiHBheic" + bytes(100)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "a.heic").write_bytes(data)
    with pytest.raises(InputError) as caught:
        photos.read(tmp_path / "a.heic")
    assert str(caught.value) == (
        f"{tmp_path / 'a.heic'} is a HEIC photo, which needs pillow-heif: "
        'pip install "tfrelight[heif]". Or convert it to JPEG.'
    )


@pytest.mark.parametrize("cut", [30, 200, 600])
def test_a_broken_heic_file_is_an_error(cut):
    data, _ = heic()
    with pytest.raises(InputError, match="broken or cut off"):
        photos.read(data[:cut])


def test_avif_is_read_where_pillow_can():
    if ".avif" not in Image.registered_extensions():
        pytest.skip("this Pillow has no AVIF")
    y, x = np.mgrid[:48, :64] / 64.0
    pixels = np.uint8(255 * np.stack([x, y, (x + y) / 2], -1))
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "AVIF", quality=95)
    assert np.abs(photos.read(file.getvalue()).pixels.astype(int) - pixels).mean() < 4


def test_where_pillow_has_no_avif_a_line_says_so(monkeypatch):
    Image.init()
    monkeypatch.delitem(Image.OPEN, "AVIF", raising=False)
    data = b"\0\0\0\x20ftypavif\0\0\0\0avifmif1miafMA1B" + bytes(100)
    with pytest.raises(InputError, match="is an AVIF photo, which needs Pillow 11.3"):
        photos.read(data)
