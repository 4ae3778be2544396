import numpy as np
import PIL.Image
import pytest

from tests import yale_folder
from tfrelight import color, lights
from tfrelight.data import portrait
from tfrelight.data.datasets import yale_b
from tfrelight.errors import InputError

ANGLES = [(a, e) for e in (-40, -20, 0, 20, 45) for a in (-110, -60, -35, -10, 0, 10, 35, 60, 110)]


@pytest.fixture
def folder(tmp_path):
    yale_folder.write(tmp_path, ["01", "07"], ANGLES)
    return tmp_path


def photo(folder, number="01", light="A+000E+00"):
    return folder / f"yaleB{number}" / f"yaleB{number}_P00{light}.pgm"


def test_splits_share_nobody():
    train, test = yale_b.DEVELOPMENT_TRAIN, yale_b.DEVELOPMENT_TEST
    assert len(train) == 22 and len(test) == 6
    assert not set(train) & set(test)


def test_every_photo_and_nothing_else_is_read(folder):
    assert yale_b.subjects_in(folder) == ["01", "07"]
    # Other files that the original folders hold.
    photo(folder, light="_Ambient").write_bytes(photo(folder).read_bytes())
    photo(folder, light="A+035E+40.pgm.bad").write_bytes(b"broken")
    (folder / "yaleB01" / "yaleB01_P00.info").write_text("yaleB01_P00A+000E+00.pgm\n")
    (folder / "readme.txt").write_text("not a subject")
    photos = yale_b.photos(folder, "01", size=168, strict=True)
    assert sorted(zip(photos.azimuth, photos.elevation)) == sorted(ANGLES)
    assert photos.images.shape == (len(ANGLES), 168, 168)
    assert photos.images.dtype == np.float32
    assert photos.names == tuple(sorted(photos.names))
    place = photos.names.index("yaleB01_P00A-035E+20.pgm")
    assert (photos.azimuth[place], photos.elevation[place]) == (-35, 20)


def test_crop_is_the_central_square_in_linear_values(folder):
    pixels = np.arange(192 * 168).reshape(192, 168) % 256
    PIL.Image.fromarray(pixels.astype(np.uint8)).save(photo(folder))
    photos = yale_b.photos(folder, "01", size=168)
    image = photos.images[photos.names.index(photo(folder).name)]
    np.testing.assert_allclose(image, pixels[12:180] / 255, atol=1e-6)
    small = yale_b.photos(folder, "01", size=42)
    image = small.images[small.names.index(photo(folder).name)]
    # Antialiased: a pattern that alternates from pixel to pixel becomes its mean.
    assert abs(image.mean() - pixels[12:180].mean() / 255) < 5e-3
    assert image.std() < 0.5 * pixels.std() / 255


def test_light_from_the_left_of_the_image_has_positive_azimuth(folder):
    photos = yale_b.photos(folder, "01", size=64)
    left = photos.images[photos.azimuth == 60].mean(axis=0)
    assert left[:, :32].mean() > 2 * left[:, 32:].mean()
    above = photos.images[photos.elevation == 45].mean(axis=0)
    assert above[:32].mean() > 1.2 * above[32:].mean()


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "size"])
def test_broken_photo_is_named_and_skipped_or_refused(folder, damage, caplog):
    path = photo(folder)
    if damage == "size":
        PIL.Image.fromarray(np.zeros((480, 640), np.uint8)).save(path)
    else:
        whole = path.read_bytes()
        path.write_bytes({"truncated": whole[:9000], "empty": b"", "text": b"P5 no"}[damage])
    with caplog.at_level("WARNING", logger="absl"):
        photos = yale_b.photos(folder, "01", size=32)
    assert len(photos.names) == len(ANGLES) - 1
    assert path.name not in photos.names
    [line] = [record.getMessage() for record in caplog.records]
    assert path.name in line and "Skipped 1 in yaleB01" in line and "\n" not in line
    with pytest.raises(InputError, match=rf"{path.name.replace('+', '.')}.*Leave out `strict`"):
        yale_b.photos(folder, "01", size=32, strict=True)


def test_many_broken_photos_are_counted(folder, caplog):
    for azimuth in (-60, -35, -10, 0, 10, 35, 60):
        photo(folder, light=f"A{azimuth:+04d}E+00").write_bytes(b"")
    with caplog.at_level("WARNING", logger="absl"):
        yale_b.photos(folder, "01")
    [line] = [record.getMessage() for record in caplog.records]
    assert "Skipped 7 in yaleB01" in line and line.endswith("and 2 more")


def test_missing_data_is_one_clear_line(folder, tmp_path):
    with pytest.raises(InputError, match="No such folder: .*nowhere"):
        yale_b.subjects_in(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="No subjects in .*empty"):
        yale_b.subjects_in(tmp_path / "empty")
    with pytest.raises(InputError, match="No subject '39'.*yaleB39"):
        yale_b.photos(folder, "39")
    (folder / "yaleB08").mkdir()
    with pytest.raises(InputError, match="No photo of yaleB08"):
        yale_b.photos(folder, "08")


def test_person_with_one_usable_photo_has_no_pair(tmp_path):
    yale_folder.write(tmp_path, ["02"], [(0, 0), (110, 0)])
    reader = yale_b.YaleBReader(tmp_path)
    assert list(reader.subjects("train")) == []
    with pytest.raises(InputError, match="^yaleB02: 1 of 2 photos .* expected 2 or more"):
        list(reader.subjects("train", strict=True))


def test_splits_are_the_people_who_are_there(tmp_path):
    yale_folder.write(tmp_path, ["01", "04", "31"], [(0, 0), (10, 0)])
    reader = yale_b.YaleBReader(tmp_path)
    assert reader.people("train") == ["yaleB01"]
    assert reader.people("test") == ["yaleB31"]
    assert reader.people("holdout") == ["yaleB04"]
    assert yale_b.YaleBReader(tmp_path, people=["31", "04"]).people() == ["yaleB31", "yaleB04"]
    with pytest.raises(InputError, match="No subject '05'"):
        yale_b.YaleBReader(tmp_path, people=["05"])
    with pytest.raises(InputError, match="Unknown split 'validation'.*train, test, holdout"):
        reader.people("validation")


def test_other_people_are_other_records(tmp_path):
    yale_folder.write(tmp_path, ["01", "02"], [(0, 0), (10, 0)])
    files = [yale_b.YaleBReader(tmp_path, 16, people=[one]).records() for one in ("01", "02")]
    assert files[0] != files[1]


def test_unlabelled_subjects(folder):
    first, second = yale_b.YaleBReader(folder, size=48).subjects()
    assert (first["subject"], second["subject"]) == ("yaleB01", "yaleB07")
    used = [a for a, _ in ANGLES if abs(a) <= 90]
    assert first["images"].shape == (len(used), 48, 48, 3)
    assert first["images"].dtype == np.uint8
    assert not any(first[f"has_{label}"] for label in portrait.LABELS)
    # The file's linear values, encoded to sRGB.
    linear = yale_b.photos(folder, "01", size=48)
    linear = linear.only(np.abs(linear.azimuth) <= 90).images
    decoded = color.to_linear_numpy(first["images"] / 255)
    np.testing.assert_allclose(decoded, np.repeat(linear[..., None], 3, -1), atol=0.006)


def test_labels_render_the_photos(folder):
    subject = next(yale_b.YaleBReader(folder, size=48, labelled=True).subjects())
    known = {label for label in portrait.LABELS if subject[f"has_{label}"]}
    assert known == {"albedo", "normals", "light"}
    assert subject["light"].shape == (len(subject["images"]), 9, 3)
    albedo = subject["albedo"] / 65535
    normals = subject["normals"] / 65535 * 2 - 1
    directions = lights.direction(subject["light"])
    # The first band of a distant lamp's harmonics, L_1m = pi I Y_1m(d), gives its intensity.
    intensity = np.linalg.norm(subject["light"][:, 1:4, 0], axis=-1) / np.sqrt(3 * np.pi / 4)
    facing = np.maximum(np.einsum("hwc,kc->khw", normals, directions), 0)
    rendered = intensity[:, None, None, None] * albedo * facing[..., None]
    photos = color.to_linear_numpy(subject["images"] / 255)
    surface = albedo.min(axis=-1) > 0
    assert surface.mean() > 0.6
    assert np.abs(rendered - photos)[:, surface].mean() < 0.01


def test_real_photos(real_data):
    folder = real_data("CroppedYale")
    numbers = yale_b.subjects_in(folder)
    assert set(yale_b.DEVELOPMENT_TRAIN + yale_b.DEVELOPMENT_TEST) <= set(numbers)
    photos = yale_b.photos(folder, "31", strict=True)
    assert photos.images.shape == (64, 128, 128)
    surface = yale_b.stereo(photos)
    assert surface.valid.mean() > 0.97
    # A face that looks into the camera, symmetric left and right.
    mean = surface.normals[surface.valid].mean(axis=0)
    assert mean[2] > 0.7 and abs(mean[0]) < 0.1
    # The cheeks of the left half of the image turn to the left.
    assert surface.normals[40:90, 5:25, 0].mean() < -0.3
    assert surface.normals[40:90, -25:-5, 0].mean() > 0.3
    # For every person the flash A+025E+00 is weaker than its neighbours.
    weak = surface.intensity[photos.names.index("yaleB31_P00A+025E+00.pgm")]
    assert 0.6 < weak < 0.85
