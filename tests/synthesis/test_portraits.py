import dataclasses
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.synthesis import killed
from tfrelight import harmonics, lights
from tfrelight.errors import InputError
from tfrelight.synthesis import illumination, portraits
from tfrelight.synthesis.illumination import Lamp, Light

SMALL = portraits.Settings(lights=2, size=40, directions=48, seed=7)


@pytest.fixture(scope="module")
def scene():
    """Someone without hair: it would shade most of what the tests ask about."""
    return portraits.scene(dataclasses.replace(SMALL, size=64, hair=False, glasses=0.0), 3)[0]


def decoded(subject):
    normals = subject["normals"].astype(np.float32) / 65535 * 2 - 1
    return subject["albedo"] / np.float32(65535), normals, subject["mask"][..., 0] == 255


def test_a_subject_has_the_schemas_fields():
    subject = portraits.subject(SMALL, 0)
    assert subject["images"].shape == (2, 40, 40, 3) and subject["images"].dtype == np.uint8
    assert subject["mask"].shape == (40, 40, 1) and subject["mask"].dtype == np.uint8
    assert subject["albedo"].shape == (40, 40, 3) and subject["albedo"].dtype == np.uint16
    assert subject["normals"].shape == (40, 40, 3) and subject["normals"].dtype == np.uint16
    assert subject["light"].shape == (2, 9, 3) and subject["light"].dtype == np.float32
    assert subject["light_fit"].shape == (2, 9, 3)
    assert subject["visibility"].shape == (2, 40, 40, 1) and subject["visibility"].dtype == np.uint8
    assert np.isfinite(subject["light"]).all() and np.isfinite(subject["light_fit"]).all()
    assert all(subject[f"has_{label}"] == 1 for label in ("mask", "albedo", "normals", "light"))
    assert (subject["mask"] > 0).mean() > 0.2


def test_same_seed_same_bytes_in_any_order_and_any_process():
    wanted = {index: portraits.subject(SMALL, index) for index in (5, 2)}
    parallel = list(portraits.subjects(SMALL, [2, 5], processes=2))
    for index, subject in zip([2, 5], parallel):
        assert subject["subject"] == portraits.name(SMALL.seed, index)
        for key, value in wanted[index].items():
            np.testing.assert_array_equal(subject[key], value, err_msg=key)


def test_other_seeds_and_indices_are_other_people():
    a = portraits.subject(SMALL, 0)
    for other in (
        portraits.subject(SMALL, 1),
        portraits.subject(dataclasses.replace(SMALL, seed=8), 0),
    ):
        assert a["subject"] != other["subject"]
        assert not np.array_equal(a["normals"], other["normals"])


def test_an_id_tells_its_seed():
    for seed, index in ((0, 0), (7, 123), (12345, 1_000_000)):
        assert portraits.seed_of(portraits.name(seed, index)) == seed
    for other in ("yaleB01", "synthetic-1", "synthetic-x-000001"):
        with pytest.raises(ValueError, match="Expected an id"):
            portraits.seed_of(other)


def test_albedo_and_normals_know_nothing_of_the_light():
    """Other lights on the same person: equal albedo, normals and mask, other photos."""
    one = portraits.subject(SMALL, 4)
    two = portraits.subject(dataclasses.replace(SMALL, lights=1, shares=(("studio", 1.0),)), 4)
    for key in ("albedo", "normals", "mask"):
        np.testing.assert_array_equal(one[key], two[key], err_msg=key)
    assert not np.array_equal(one["images"][0], two["images"][0])


def test_normals_are_unit_and_face_the_camera():
    for index in range(4):
        _, normals, _ = decoded(portraits.subject(SMALL, index))
        np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-3)
        assert normals[..., 2].min() > -0.1


def test_pure_harmonics_reproduce_the_photo(scene):
    """Albedo x shading(normals, light) is the linear photo to 1/255 where the person is."""
    inside = scene.coverage == 1
    assert inside.mean() > 0.2
    rng = np.random.default_rng(0)
    for _ in range(5):
        light = illumination.sample_light(rng, "harmonics")
        photo = scene.photograph(light, np.zeros((64, 64, 3), np.float32))
        expected = scene.albedo * np.maximum(harmonics.shade(scene.normals, photo.light), 0)
        assert np.abs(photo.linear - expected)[inside].max() < 1 / 255


def test_the_labelled_light_explains_the_developed_photo():
    """Exposure and white balance are in the label: it explains all that is not saturated."""
    settings = dataclasses.replace(SMALL, shares=(("harmonics", 1.0),), film=False)
    subject = portraits.subject(settings, 1)
    albedo, normals, inside = decoded(subject)
    for image, light in zip(subject["images"], subject["light"]):
        expected = albedo * np.maximum(harmonics.shade(normals, light), 0)
        value = image / 255.0
        linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
        good = inside & (linear < 0.98).all(-1)
        # Half an 8-bit step of sRGB is at most 1.2 / 255 of linear light.
        assert np.abs(linear - expected)[good].max() < 1.5 / 255


def test_a_lamp_lights_what_faces_it_and_shadows_what_is_behind(scene):
    direction = lights.direction_vector(55, 10)
    light = Light("flash", (Lamp(direction, np.radians(1), np.ones(3)),))
    photo = scene.photograph(
        light, np.zeros((64, 64, 3), np.float32), specular=False, subsurface=False
    )
    inside = scene.coverage == 1
    cosine = np.maximum(scene.normals @ direction, 0)
    expected = scene.albedo * cosine[..., None] * photo.visibility[..., None]
    assert np.abs(photo.linear - expected)[inside].max() < 2e-3
    assert photo.linear[inside & (cosine == 0)].max(initial=0) < 1e-3
    shadowed = inside & (cosine > 0.1) & (photo.visibility == 0)
    assert 0.005 < shadowed.sum() / inside.sum() < 0.5
    assert (photo.visibility[inside & (cosine > 0.7)] > 0.9).mean() > 0.8


def test_a_white_environment_gives_ambient_occlusion(scene):
    light = Light("environment", environment=np.ones((16, 32, 3), np.float32))
    photo = scene.photograph(
        light, np.zeros((64, 64, 3), np.float32), specular=False, subsurface=False
    )
    inside = scene.coverage == 1
    ratio = photo.linear[inside] / scene.albedo[inside]
    assert ratio.max() < 1.1 and 0.5 < ratio.mean() < 1.0


def test_the_fit_stays_near_the_light():
    """Least squares alone err by about 20 degrees; held to the projection, by less than 8."""
    # 200 lights up to 60 degrees off axis.
    rng = np.random.default_rng(1)
    errors = []
    for index in range(4):
        person, _ = portraits.scene(SMALL, index)
        while len(errors) < 50 * (index + 1):
            direction = lights.direction_vector(rng.uniform(-60, 60), rng.uniform(-60, 60))
            if direction[2] < 0.5:
                continue
            light = Light("flash", (Lamp(direction, 0.01, np.ones(3)),))
            fit = person.photograph(light, np.zeros((40, 40, 3), np.float32), specular=False).fit
            errors.append(np.degrees(np.arccos(np.clip(lights.direction(fit) @ direction, -1, 1))))
    assert np.mean(errors) < 8


def test_splits_are_disjoint_and_fixed():
    train = portraits.indices("train", 36)
    validation, test = portraits.indices("validation", 2), portraits.indices("test", 2)
    assert len({*train, *validation, *test}) == 40
    assert portraits.indices("train", 10) == train[:10]
    with pytest.raises(InputError, match="split"):
        portraits.indices("dev", 1)


@pytest.mark.parametrize(
    "wrong",
    [{"lights": 0}, {"size": 3}, {"shares": (("sun", 1.0),)}, {"shares": (("flash", 0.0),)}],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        portraits.Settings(**wrong)


def test_hair_glasses_and_lashes_are_there_and_shade():
    bare = dataclasses.replace(SMALL, hair=False, glasses=0.0, tight=0.0)
    full = dataclasses.replace(bare, hair=True, glasses=1.0)
    changed = 0
    for index in range(6):
        one, two = portraits.subject(bare, index), portraits.subject(full, index)
        assert (two["mask"].astype(int) - one["mask"]).min() >= -2
        changed += not np.array_equal(one["mask"], two["mask"])
    assert changed >= 4


def test_missing_folders_are_refused_at_once(tmp_path):
    for field in ("environment_dir", "skin_dir", "ict_facekit"):
        with pytest.raises(InputError, match=field):
            portraits.Settings(**{field: str(tmp_path / "nowhere")})


def test_files_are_part_of_the_settings(tmp_path):
    from PIL import Image

    Image.new("RGB", (64, 64), (200, 150, 130)).save(tmp_path / "a.png")
    one = portraits.Settings(skin_dir=str(tmp_path))
    Image.new("RGB", (65, 64), (200, 150, 130)).save(tmp_path / "b.png")
    assert one.assets and one.assets != portraits.Settings(skin_dir=str(tmp_path)).assets


def test_a_skin_atlas_changes_albedo_alone(tmp_path):
    from PIL import Image

    spots = np.random.default_rng(0).integers(60, 255, (256, 256, 3)).astype(np.uint8)
    Image.fromarray(spots).resize((1024, 1024)).save(tmp_path / "spots.png")
    plain = dataclasses.replace(SMALL, lights=1)
    atlas = dataclasses.replace(plain, skin_dir=str(tmp_path))
    different = 0
    for index in range(4):
        one, two = portraits.subject(plain, index), portraits.subject(atlas, index)
        np.testing.assert_array_equal(one["normals"], two["normals"])
        different += not np.array_equal(one["albedo"], two["albedo"])
    assert 1 <= different


def test_a_killed_worker_is_one_clear_error(monkeypatch):
    monkeypatch.setattr(portraits, "subject", killed.die)
    with pytest.raises(RuntimeError, match="process ended abruptly"):
        list(portraits.subjects(SMALL, range(3), processes=2))


def test_scanned_heads_render_like_the_others(real_data):
    path = real_data("head_models/ict_facekit")
    settings = dataclasses.replace(SMALL, ict_facekit=str(path), ict_share=1.0)
    for index in range(2):
        subject = portraits.subject(settings, index)
        _, normals, _ = decoded(subject)
        np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-3)
        assert (subject["mask"] > 0).mean() > 0.2


@pytest.mark.slow
def test_every_skin_tone_is_common():
    """Mean albedo luminance over 500 people spans 0.06 to 0.6, each sixth with at least 8 %."""
    means = []
    for index in range(500):
        person, _ = portraits.scene(portraits.Settings(size=32), index)
        weight = person.coverage
        luminance = person.albedo @ np.float32([0.2126, 0.7152, 0.0722])
        means.append((luminance * weight).sum() / weight.sum())
    assert min(means) <= 0.06 and max(means) >= 0.6
    share = np.histogram(means, np.linspace(0.06, 0.6, 7))[0] / len(means)
    assert share.min() >= 0.08


def test_rendering_processes_end_with_their_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import multiprocessing, os, signal\n"
        "from tfrelight.synthesis import portraits\n"
        "if __name__ == '__main__':\n"
        "    settings = portraits.Settings(size=16, lights=1, directions=32)\n"
        "    people = portraits.subjects(settings, range(50), processes=2)\n"
        "    next(people)\n"
        "    print(*[child.pid for child in multiprocessing.active_children()], flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env=environment, check=False
    )
    assert parent.returncode == -signal.SIGKILL, parent.stderr
    children = [int(number) for number in parent.stdout.split()]
    assert len(children) == 2
    deadline = time.monotonic() + 30
    while any(_runs(child) for child in children):
        assert time.monotonic() < deadline, "rendering processes outlived their parent"
        time.sleep(0.1)


def _runs(pid):
    """Whether a process is there and is not only waiting to be collected."""
    try:
        with open(f"/proc/{pid}/stat") as status:
            return status.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
