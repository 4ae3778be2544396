"""The Photoface database: sessions, lights from any side, labels, and broken files."""

import numpy as np
import PIL.Image
import pytest
import scipy.io

from tests import dataset_folders as folders
from tfrelight import color, lights
from tfrelight.data import images, portrait
from tfrelight.data.datasets import photoface
from tfrelight.data.datasets.reader import split_of
from tfrelight.errors import InputError
from tfrelight.stereo import mat_files

SESSIONS = ["1001/2008-02-23_12-21-31", "1001/2008-03-01_07-57-06", "1002/2008-02-25_10-00-00"]


@pytest.fixture
def folder(tmp_path):
    folders.photoface(tmp_path, SESSIONS)
    return tmp_path


def everything(folder, **options):
    reader = photoface.PhotofaceReader(folder, **options)
    return [subject for split in reader.splits for subject in reader.subjects(split)]


def truth(size=64):
    normals, inside = folders.ball_normals()
    albedo = np.ones(inside.shape, np.float32)
    return images.resize_surface(normals, albedo, inside, size, folders.SQUARE)[0]


def test_a_session_is_a_subject_of_its_person(folder):
    found = everything(folder, size=64)
    assert sorted(subject["subject"] for subject in found) == [
        "photoface-1001",
        "photoface-1001",
        "photoface-1002",
    ]
    for subject in found:
        assert subject["images"].shape == (4, 64, 64, 3) and subject["images"].dtype == np.uint8
        assert not any(subject[f"has_{label}"] for label in portrait.LABELS)


def test_a_person_is_in_one_split(tmp_path):
    folders.photoface(tmp_path, [f"{1000 + n}/day{k}" for n in range(30) for k in range(2)])
    reader = photoface.PhotofaceReader(tmp_path)
    people = {split: reader.people(split) for split in reader.splits}
    assert sum(map(len, people.values())) == 30 == len(set().union(*people.values()))
    assert len(people["train"]) > 20 and people["validation"] and people["test"]
    for split, names in people.items():
        assert {split_of(name) for name in names} == {split}


def test_the_face_is_cropped_by_its_landmarks_and_encoded_once(folder):
    subject = everything(folder, size=96)[0]
    linear = images.read(folder / SESSIONS[0] / "im1.bmp", grey=True)
    left, top, right, bottom = folders.SQUARE
    crop = color.to_linear_numpy(subject["images"][1, ..., 0] / 255)
    np.testing.assert_allclose(crop, linear[top:bottom, left:right], atol=0.006)


# Possible conventions of azimuth: zero at the right or the top, clockwise or not.
CONVENTIONS = {
    "counterclockwise from the right": lambda azimuth: azimuth,
    "clockwise from the right": lambda azimuth: -azimuth,
    "clockwise from the top": lambda azimuth: 90 - azimuth,
    "counterclockwise from the top": lambda azimuth: azimuth - 90,
    "from the left": lambda azimuth: 180 - azimuth,
}


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_labels_in_our_frame_wherever_azimuths_count_from(tmp_path, convention):
    folders.photoface(tmp_path, SESSIONS[:1], CONVENTIONS[convention])
    [subject] = everything(tmp_path, size=64, labelled=True)
    known = {label for label in portrait.LABELS if subject[f"has_{label}"]}
    assert known == {"albedo", "normals", "light"}
    surface = subject["albedo"].min(axis=-1) > 0
    assert surface.mean() > 0.5
    assert folders.degrees(folders.decoded_normals(subject), truth())[surface].mean() < 1
    np.testing.assert_allclose(subject["albedo"][surface] / 65535, 0.5, atol=0.02)
    for light, (zenith, azimuth) in zip(subject["light"], np.radians(folders.LAMPS)):
        expected = [np.sin(zenith) * np.cos(azimuth), np.sin(zenith) * np.sin(azimuth)]
        np.testing.assert_allclose(lights.direction(light)[:2], expected, atol=1e-3)


@pytest.mark.parametrize(
    "text",
    [
        "L = [0.3491 5.4978; 0.384 .7854; 3.491e-1 2.3562; 0.384 3.927]",
        "zenith = [20 22 20 22];\nazimuth = [315, 45, 135, 225];",
        "L=[20 22 20 22\n 315 45 135 225]; % four lamps",
        "L = [20 -45; ...\n 22 45; ...\n 20 135; ...\n 22 225];",
    ],
)
def test_light_files_as_matlab_may_write_them(folder, text):
    (folder / SESSIONS[0] / "LightSource.m").write_text(text)
    found = photoface.angles(folder / SESSIONS[0])
    expected = np.radians(folders.LAMPS)
    np.testing.assert_allclose(np.cos(found), np.cos(expected), atol=1e-3)
    np.testing.assert_allclose(np.sin(found), np.sin(expected), atol=1e-3)


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("with_z", [False, True])
def test_labels_from_the_matlab_tool(folder, flipped, with_z):
    normals, inside = folders.ball_normals()
    parts = dict(zip(("px", "py", "pz"), np.moveaxis(normals * inside[..., None], -1, 0)))
    if flipped:  # y points down
        parts["py"] = -parts["py"]
    if not with_z:
        del parts["pz"]
    path = folder / SESSIONS[0]
    scipy.io.savemat(path / "sn.mat", parts)
    scipy.io.savemat(path / "albedo.mat", {"a": np.where(inside, 0.25 * 255, 0)})
    subject = photoface.PhotofaceReader(folder, 64, labelled=True).read(SESSIONS[0], [])[0]
    surface = subject["albedo"].min(axis=-1) > 0
    assert surface.mean() > 0.9
    assert folders.degrees(folders.decoded_normals(subject), truth())[surface].max() < 0.5
    np.testing.assert_allclose(subject["albedo"][surface] / 65535, 0.25, atol=0.01)


def damaged(folder, damage):
    """Breaks the first session; returns the expected message."""
    path = folder / SESSIONS[0]
    if damage == "one photo":
        for index in (0, 1, 3):
            (path / f"im{index}.bmp").unlink()
        return "1 of 1 photos can be used, expected 2 or more"
    if damage == "no photo":
        for index in range(4):
            (path / f"im{index}.bmp").write_bytes(b"BM")
        return "im0.bmp cannot be read"
    if damage == "no landmarks":
        (path / "metadata.txt").unlink()
        return "metadata.txt is missing"
    if damage == "21 landmark numbers":
        (path / "metadata.txt").write_text("1 " * 21)
        return "metadata.txt holds 21 numbers instead of 22"
    if damage == "landmarks elsewhere":
        (path / "metadata.txt").write_text("500 600 " * 11)
        return r"no upright face at the landmarks: eyes \(500, 600\)"
    if damage == "no lights":
        (path / "LightSource.m").unlink()
        return "LightSource.m is missing"
    if damage == "three lights":
        (path / "LightSource.m").write_text("L = [20 315; 22 45; 20 135]")
        return "LightSource.m holds 3 lamps for 4 photos"
    if damage == "seven light numbers":
        (path / "LightSource.m").write_text("L = [20 315; 22 45; 20 135; 22]")
        return "LightSource.m does not hold zenith and azimuth"
    if damage == "black photos":
        for index in range(4):
            black = np.zeros((folders.HEIGHT, folders.WIDTH), np.uint8)
            PIL.Image.fromarray(black).save(path / f"im{index}.bmp")
        return "photometric stereo found no surface"
    (path / "sn.mat").write_bytes(b"MATLAB 5.0 MAT-file, but not quite" * 10)
    (path / "albedo.mat").write_bytes(b"")
    return r"sn.mat cannot be read"


@pytest.mark.parametrize(
    "damage",
    [
        *("one photo", "no photo", "no landmarks", "21 landmark numbers", "landmarks elsewhere"),
        *("no lights", "three lights", "seven light numbers", "black photos", "broken labels"),
    ],
)
def test_a_broken_session_is_named_and_skipped_or_refused(folder, damage, caplog):
    message = damaged(folder, damage)
    reader = photoface.PhotofaceReader(folder, 32, labelled=True)
    split = split_of("photoface-1001")
    with caplog.at_level("WARNING", logger="absl"):
        found = list(reader.subjects(split))
    assert [s["subject"] for s in found].count("photoface-1001") == 1
    [line] = [record.getMessage() for record in caplog.records]
    assert f"the Photoface database: {SESSIONS[0]}: " in line and "\n" not in line
    with pytest.raises(InputError, match=f"^{SESSIONS[0]}: .*{message}"):
        list(reader.subjects(split, strict=True))


def test_one_broken_photo_of_four_leaves_three(folder, caplog):
    path = folder / SESSIONS[0]
    PIL.Image.fromarray(np.zeros((99, 50), np.uint8)).save(path / "im2.bmp")
    problems = []
    [subject] = photoface.PhotofaceReader(folder, 32, labelled=True).read(SESSIONS[0], problems)
    assert problems == ["im2.bmp is 50x99, the others 160x200"]
    # The lights of the remaining photos.
    assert subject["images"].shape[0] == 3 == len(subject["light"])
    np.testing.assert_allclose(
        lights.direction(subject["light"])[:, 2], np.cos(np.radians([20, 22, 22])), atol=1e-3
    )
    surface = subject["albedo"].min(axis=-1) > 0
    assert folders.degrees(folders.decoded_normals(subject), truth(32))[surface].mean() < 1


def test_names_that_are_not_ascii(tmp_path):
    folders.photoface(tmp_path, ["Zoë Ångström/séance n° 1"])
    [subject] = everything(tmp_path, size=32, labelled=True)
    assert subject["subject"] == "photoface-Zoë Ångström"


def test_another_folder_is_one_clear_line(tmp_path):
    with pytest.raises(InputError, match="No such folder: .*nowhere. Expected the Photoface"):
        photoface.PhotofaceReader(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="No sessions in .*empty. Expected folders such as 1001/"):
        photoface.PhotofaceReader(tmp_path / "empty").people()


def test_written_labels_are_read(folder):
    """Files written and read give the labels that photometric stereo computes."""
    path = folder / SESSIONS[0]
    session = photoface.photos(path, [])
    solved, _ = photoface.surface(path, session)
    mat_files.write(path, solved)
    normals, albedo, valid = mat_files.read(path, solved.valid.shape)
    np.testing.assert_array_equal(valid, solved.valid)
    np.testing.assert_allclose(normals[valid], solved.normals[valid], atol=1e-5)
    np.testing.assert_allclose(albedo[valid], solved.albedo[valid], atol=1e-5)
    with pytest.raises(InputError, match="not of the photos' size"):
        mat_files.read(path, (10, 10))
