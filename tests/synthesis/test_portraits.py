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
from tfrelight import harmonics, lights, processes
from tfrelight.data import portrait
from tfrelight.errors import InputError
from tfrelight.lights import Environment, Lamp, Light
from tfrelight.synthesis import light_sampling, parts, portraits
from tfrelight.synthesis.mesh import EYE, LASH, SKIN

SMALL = portraits.PortraitConfig(lights=2, size=40, directions=48, seed=7)
ALONE = dict(glasses=0.0, things=0.0, near_face=0.0, company=0.0)
HEADS = (("head", 1.0),)


@pytest.fixture(scope="module")
def scene():
    """A person without hair, which would shade most of the pixels under test."""
    return portraits.scene(
        dataclasses.replace(SMALL, size=64, hair=False, framings=(("face", 1.0),), **ALONE), 3
    )


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
    assert subject["shading"].shape == (2, 40, 40, 3) and subject["shading"].dtype == np.uint16
    assert subject["shading_scale"].shape == (2,) and (subject["shading_scale"] > 0).all()
    assert subject["visibility"].shape == (2, 40, 40, 3) and subject["visibility"].dtype == np.uint8
    assert np.isfinite(subject["light"]).all() and np.isfinite(subject["light_fit"]).all()
    assert subject["parts"].shape == (40, 40, 1) and subject["parts"].dtype == np.uint8
    assert subject["depth"].shape == (40, 40, 1) and subject["depth"].dtype == np.uint16
    assert subject["unlit"].shape == (2, 40, 40, 1) and subject["unlit"].dtype == np.uint8
    assert all(subject[f"has_{label}"] == 1 for label in portrait.LABELS)
    assert (subject["mask"] > 0).mean() > 0.2


def test_same_seed_same_bytes_in_any_order_and_any_process():
    expected = {index: portraits.subject(SMALL, index) for index in (5, 2)}
    parallel = list(portraits.subjects(SMALL, [2, 5], processes=2))
    for index, subject in zip([2, 5], parallel):
        assert subject["subject"] == portraits.name(SMALL.seed, index)
        for key, value in expected[index].items():
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
    """Another light on the same person changes the photos, not albedo, normals and mask."""
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
        light = light_sampling.sample_light(rng, "harmonics")
        photo = scene.photograph(light, np.zeros((64, 64, 3), np.float32))
        expected = scene.albedo * np.maximum(harmonics.shade(scene.normals, photo.light), 0)
        assert np.abs(photo.linear - expected)[inside].max() < 1 / 255


def test_the_labelled_light_explains_the_developed_photo():
    """The label includes exposure and white balance: it explains every unsaturated pixel."""
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


def test_albedo_shading_and_visibility_make_the_photo():
    """The stored labels reproduce the photo, apart from highlights, skin and camera."""
    settings = dataclasses.replace(
        SMALL, lights=6, film=False, specular=False, subsurface=False, company=0.0
    )
    subject = portraits.subject(settings, 2)
    albedo, _, inside = decoded(subject)
    assert len(set(subject["shading_scale"])) > 1
    for k, image in enumerate(subject["images"]):
        shading_ = subject["shading"][k] / 65535.0 * subject["shading_scale"][k]
        expected = albedo * shading_ * (subject["visibility"][k] / 255.0)
        value = image / 255.0
        linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
        good = inside & (linear < 0.98).all(-1)
        # Half a step of the photo's sRGB and half a step of the visibility.
        assert np.abs(linear - expected)[good].max() < 3.5 / 255


def test_a_lamp_lights_what_faces_it_and_shadows_what_is_behind(scene):
    direction = lights.direction_vector(55, 10)
    light = Light(lamps=(Lamp(direction, np.radians(1), np.ones(3)),))
    photo = scene.photograph(
        light, np.zeros((64, 64, 3), np.float32), specular=False, subsurface=False
    )
    inside = scene.coverage == 1
    cosine = np.maximum(scene.normals @ direction, 0)
    expected = scene.albedo * cosine[..., None] * photo.visibility
    assert np.abs(photo.linear - expected)[inside].max() < 2e-3
    # One degree beyond the horizon of the lamp's centre, the lamp is invisible.
    assert photo.linear[inside & (scene.normals @ direction < -0.018)].max(initial=0) == 0
    shadowed = inside & (cosine > 0.1) & (photo.visibility[..., 0] == 0)
    assert 0.005 < shadowed.sum() / inside.sum() < 0.5
    assert (photo.visibility[inside & (cosine > 0.7)] > 0.9).mean() > 0.8


def test_what_is_hollow_gets_less_of_white_surroundings_than_what_stands_out(scene):
    light = Light(environments=[Environment.of(np.ones((16, 32, 3), np.float32))])
    photo = scene.photograph(
        light, np.zeros((64, 64, 3), np.float32), specular=False, subsurface=False
    )
    rest = scene._image(scene._mean(scene._hits.rest))
    inside = scene.coverage == 1

    def mean(x, y):
        near = inside & (np.abs(np.abs(rest[..., 0]) - x) < 6) & (np.abs(rest[..., 1] - y) < 6)
        assert near.sum() >= 3
        return photo.visibility[near].mean()

    forehead, nose = mean(0, 45), mean(0, -40)
    inner_corner, beside_nose = mean(17, 2), mean(20, -40)
    assert min(forehead, nose) > max(inner_corner, beside_nose) + 0.03
    assert forehead > 0.95
    expected = scene.albedo * photo.shading * photo.visibility
    assert np.abs(photo.linear - expected)[inside].max() < 1e-3


def test_the_fit_stays_near_the_light():
    """Least squares alone err by more than 15 degrees, regularised to the light by less than 8."""
    # 200 lights up to 60 degrees off axis.
    rng = np.random.default_rng(1)
    held, alone = [], []

    def error(light, direction):
        return np.degrees(np.arccos(np.clip(lights.direction(light) @ direction, -1, 1)))

    for index in range(4):
        person = portraits.scene(SMALL, index)
        inside = person.coverage == 1
        basis = harmonics.basis(person.normals[inside]) * harmonics.ATTENUATION
        while len(held) < 50 * (index + 1):
            direction = lights.direction_vector(rng.uniform(-60, 60), rng.uniform(-60, 60))
            if direction[2] < 0.5:
                continue
            light = Light(lamps=(Lamp(direction, 0.01, np.ones(3)),))
            photo = person.photograph(light, np.zeros((40, 40, 3), np.float32), specular=False)
            true = (photo.shading * photo.visibility)[inside]
            held.append(error(photo.fit, direction))
            alone.append(error(np.linalg.lstsq(basis, true, rcond=None)[0], direction))
    assert np.mean(held) < 8 and np.mean(alone) > 15


def test_parts_are_what_the_rays_hit(scene):
    """Pixels that one part fills have it; the person is where the parts are."""
    np.testing.assert_array_equal(scene.parts > 0, scene.coverage >= 0.5)
    found = {name: scene.parts == k for k, name in enumerate(portrait.PARTS)}
    material = {
        name: scene._image(scene._mean(scene._hits.material == value)) == 1
        for name, value in (("eyes", EYE), ("skin", SKIN))
    }
    assert found["eyes"].any() and found["eyes"][material["eyes"]].all()
    # What is painted on skin: brows, the roots of hair, clothes.
    painted = found["skin"] | found["hair"] | found["cloth"] | found["mouth"]
    assert painted[material["skin"] & (scene.coverage == 1)].all()
    rest = scene._image(scene._mean(scene._hits.rest))
    nose = (np.abs(rest[..., 0]) < 8) & (np.abs(rest[..., 1] + 35) < 8) & (rest[..., 2] > 0)
    assert nose.any() and found["skin"][nose & (scene.coverage == 1)].all()


def test_parts_of_many_people():
    """Every part is common enough to learn, and is as dark or light as it should be."""
    counts = np.zeros(len(portrait.PARTS))
    for index in range(12):
        person = portraits.scene(dataclasses.replace(SMALL, glasses=1.0, framings=HEADS), index)
        counts += np.bincount(person.parts.ravel(), minlength=len(counts))
        assert not person.parts[person.coverage == 0].any()
    assert (counts / counts.sum() > [0.1, 0.1, 0.02, 3e-4, 0, 0.005, 0.003]).all()


def test_depth_and_normals_are_of_one_surface(scene):
    """Over smooth skin the depth falls as the normals say, in pixels of the photo."""
    down, right = np.gradient(-scene.depth * 64)
    smooth = (scene.coverage == 1) & (scene.normals[..., 2] > 0.85)
    for axis in (0, 1):  # away from edges in depth
        smooth &= np.abs(np.gradient(scene.normals, axis=axis)).max(-1) < 0.15
    assert smooth.sum() > 200
    slope = -scene.normals[..., :2] / scene.normals[..., 2:]
    assert np.median(np.abs(right - slope[..., 0])[smooth]) < 0.1
    assert np.median(np.abs(down + slope[..., 1])[smooth]) < 0.1
    # The tip of the nose is nearest, and the depth is 0 at the eyes, off the person, too.
    nose = np.unravel_index(np.argmin(scene.depth), scene.depth.shape)
    rest = scene._image(scene._mean(scene._hits.rest))
    assert abs(rest[nose][0]) < 12 and -60 < rest[nose][1] < -10
    assert (scene.depth[scene.coverage == 0] == 0).all()


def test_where_the_light_does_not_reach(scene):
    """Under a flash from the side, what faces away and what lies in shadow is unlit."""
    lamp = Lamp(lights.direction_vector(80, 0), np.radians(1), np.ones(3))
    black = np.zeros((64, 64, 3), np.float32)
    photo = scene.photograph(Light(lamps=(lamp,)), black, subsurface=False)
    inside = scene.coverage == 1
    away = inside & (scene.normals @ lamp.direction < -0.05)
    shadow = inside & (photo.visibility.max(-1) == 0)
    assert away.sum() > 20 and shadow.sum() > 5
    assert photo.unlit[away].all() and photo.unlit[shadow].all()
    lit = inside & (scene.normals @ lamp.direction > 0.3) & (photo.visibility.min(-1) > 0.9)
    assert lit.sum() > 20 and not photo.unlit[lit].any()
    assert not photo.unlit[scene.coverage == 0].any()
    white = Light(environments=[Environment.of(np.ones((16, 32, 3), np.float32))])
    assert scene.photograph(white, black).unlit[inside].mean() < 0.02


def test_splits_are_disjoint_and_fixed():
    train = portraits.indices("train", 36)
    validation, test = portraits.indices("validation", 2), portraits.indices("test", 2)
    assert len({*train, *validation, *test}) == 40
    assert portraits.indices("train", 10) == train[:10]
    with pytest.raises(InputError, match="split"):
        portraits.indices("dev", 1)


@pytest.mark.parametrize(
    "wrong",
    [{"lights": 0}, {"size": 3}, {"shares": (("sun", 1.0),)}, {"shares": (("flash", 0.0),)}]
    + [{"framings": (("feet", 1.0),)}, {"framings": (("half", 0.0),)}]
    + [{"shares": (("flash", -0.5), ("studio", 1.0))}],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        portraits.PortraitConfig(**wrong)


def shadow_on_skin(bare, full, azimuth, elevation):
    """Loss of visibility at pixels that look the same in two scenes, and their number."""
    size = len(bare.coverage)
    same = (bare.coverage == 1) & (full.coverage == 1)
    same &= (bare.albedo == full.albedo).all(-1) & (bare.normals == full.normals).all(-1)
    assert same.sum() > 100
    lamp = Lamp(lights.direction_vector(azimuth, elevation), np.radians(1), np.ones(3))
    seen = [
        scene.photograph(Light(lamps=(lamp,)), np.zeros((size, size, 3)), False).visibility
        for scene in (bare, full)
    ]
    darker = (seen[0] - seen[1])[same & (seen[0] > 0.9).all(-1)]
    return (darker > 0.5).sum(), (darker < -0.5).sum()


@pytest.mark.parametrize("thing", [{"hair": True}, {"glasses": 1.0}])
def test_hair_and_glasses_are_there_and_shade(thing):
    settings = dataclasses.replace(SMALL, size=64, hair=False, framings=HEADS, **ALONE)
    changed = shaded = 0
    for index in range(5):
        bare = portraits.scene(settings, index)
        full = portraits.scene(dataclasses.replace(settings, **thing), index)
        # They cover the head and remove nothing from it.
        assert (full.coverage - bare.coverage).min() >= 0
        changed += (full.albedo != bare.albedo).any(-1).sum() > 20
        darker, brighter = shadow_on_skin(bare, full, 20, 45)
        shaded += darker >= 3
        assert brighter == 0
    assert changed >= 3 and shaded >= 2


def test_lashes_are_there_and_shade(monkeypatch):
    settings = dataclasses.replace(SMALL, size=96, hair=False, framings=(("tight", 1.0),), **ALONE)
    grow, darker = parts.lashes, 0
    for index in range(3):
        scenes = []
        for length in (0.0, 1.5):
            with monkeypatch.context() as patch:
                patch.setattr(parts, "lashes", lambda rng, head, _, n=length: grow(rng, head, n))
                scenes.append(portraits.scene(settings, index))
        assert (scenes[1]._hits.material == LASH).sum() > (scenes[0]._hits.material == LASH).sum()
        darker += shadow_on_skin(*scenes, 0, 50)[0]
    assert darker >= 2


def test_missing_folders_are_refused_at_once(tmp_path):
    for field in ("environment_dir", "skin_dir", "ict_facekit"):
        with pytest.raises(InputError, match=field):
            portraits.PortraitConfig(**{field: str(tmp_path / "nowhere")})


def test_files_are_part_of_the_settings(tmp_path):
    from PIL import Image

    Image.new("RGB", (64, 64), (200, 150, 130)).save(tmp_path / "a.png")
    one = portraits.PortraitConfig(skin_dir=str(tmp_path))
    Image.new("RGB", (65, 64), (200, 150, 130)).save(tmp_path / "b.png")
    two = portraits.PortraitConfig(skin_dir=str(tmp_path))
    assert one.assets and one.assets != two.assets
    # Other contents of the same length under the same name, a nanosecond later.
    before = (tmp_path / "b.png").stat()
    changed = bytearray((tmp_path / "b.png").read_bytes())
    changed[-20] ^= 1
    (tmp_path / "b.png").write_bytes(changed)
    os.utime(tmp_path / "b.png", ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert two.assets != portraits.PortraitConfig(skin_dir=str(tmp_path)).assets


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
    with pytest.raises(processes.KilledError, match="2 processes ended abruptly"):
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
        person = portraits.scene(portraits.PortraitConfig(size=32), index)
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
        "    settings = portraits.PortraitConfig(size=16, lights=1, directions=32)\n"
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
    """Whether a process is running, and not a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as status:
            return status.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
