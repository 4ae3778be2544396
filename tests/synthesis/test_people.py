"""Bodies, clothes, things and company: what covers what, and what the labels say of it."""

import functools

import numpy as np
import pytest

from tests.synthesis.test_portraits import decoded
from tfrelight.data import portrait
from tfrelight.synthesis import (
    body_model,
    eyewear,
    garments,
    headwear,
    mesh,
    portraits,
    posture,
    shot,
    sitter,
    staging,
)
from tfrelight.synthesis import head as heads
from tfrelight.synthesis.mesh import WORN
from tfrelight.synthesis.render import Camera

PARTS = {name: number for number, name in enumerate(portrait.PARTS)}
SETTINGS = portraits.PortraitConfig(size=64, lights=1, directions=48, seed=3)
FRONT = staging.Pose(np.eye(3), np.eye(3))


def build(index, pose=FRONT, **wishes):
    defaults = dict(near_face=0.0, glasses=0.0, things=0.0)
    stages = functools.partial(portraits._rng, SETTINGS, index)
    return sitter.build(stages, sitter.Wishes(**{**defaults, **wishes}), pose)


def photo(someone, half_width, centre, size=64, neighbour=None):
    camera = Camera(4 * half_width, half_width, centre)
    return shot.take(someone, neighbour, camera, size, 48, None)


@pytest.fixture(scope="module")
def model():
    return body_model.load_model()


@pytest.fixture(scope="module")
def body(model):
    """Control vertices of an adult, origin between the eyes."""
    weights = heads.phenotype(np.array([0.3, 0.3, 0.4]), 0.5, 30.0, 0.5, 0.5)
    vertices = model.morph(weights)
    return vertices - model.eyes(vertices)[0].mean(0).astype(np.float32)


def test_bones_share_every_vertex_and_the_still_posture_moves_none(model, body):
    np.testing.assert_allclose(model.weights.sum(1), 1, atol=1e-5)
    joints = model.joints(body).astype(float)
    still = posture.Posture(("", ""), np.repeat(np.eye(3)[None], len(joints), 0), joints, joints)
    surface = model.refine(body)
    np.testing.assert_allclose(posture.deform(still, model.weights, surface), surface, atol=1e-3)


@pytest.mark.parametrize("name", sorted(posture.NEAR_FACE))
def test_hands_reach_the_face_and_bones_keep_their_lengths(model, body, name, monkeypatch):
    only = {key: value for key, value in posture._TOUCHING.items() if key == name}
    monkeypatch.setattr(posture, "_TOUCHING", only)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        head = mesh.rotation(*rng.normal(0, 15, 3))
        found = posture.sample_posture(rng, model, body, head, staging.PIVOT, 1.0)
        assert name in found.names
        for bone, parent in enumerate(model.parents):
            if parent >= 0:
                lengths = [
                    np.linalg.norm(places[bone] - places[parent])
                    for places in (found.origins, found.joints)
                ]
                assert lengths[0] == pytest.approx(lengths[1], abs=0.1)
        np.testing.assert_allclose(
            found.rotations @ found.rotations.transpose(0, 2, 1),
            np.repeat(np.eye(3)[None], len(found.rotations), 0),
            atol=1e-6,
        )
        letter = "lr"[found.names.index(name)]
        knuckle = found.joints[model.bones.index(f"middle_01_{letter}")]
        # The touched point turned with the head; shorter arms do not reach the farthest.
        point = np.array(only[name][0]) * [1 if letter == "l" else -1, 1, 1]
        point = staging.PIVOT + head @ (point - staging.PIVOT)
        assert np.linalg.norm(knuckle - point) < (130 if name != "reach" else 300)


def test_a_hand_before_the_face_hides_it():
    """It is skin, nearer to the camera than the face, and the eyes are no longer seen."""
    hidden = 0
    for index in range(40):
        someone = build(index, near_face=1.0)
        if not {"stop", "forehead", "mouth"} & set(someone.posture.names):
            continue
        found = photo(someone, 110, (0, -20))
        bare = photo(build(index, near_face=0.0), 110, (0, -20))
        nearer = bare.depth - found.depth > 15 / 220
        nearer &= bare.parts > 0
        hidden += 1
        assert nearer.mean() > 0.02
        assert (found.parts[nearer] == PARTS["skin"]).mean() > 0.5
        if hidden == 2:
            return
    raise AssertionError("too few hands before faces")


def test_clothes_cover_the_skin_and_lie_outside_it(model, body):
    still = posture.Posture(
        ("", ""),
        np.repeat(np.eye(3)[None], len(model.bones), 0),
        *(2 * [model.joints(body).astype(float)]),
    )
    skin = model.refine(body)
    cut = garments.Cut()
    cloth = garments.garment(model, body, skin, still, cut, garments.field(cut), WORN, 1)
    normals = mesh.vertex_normals(skin, model.triangles)
    inside = garments.field(cut) > 30
    chest = inside & (np.abs(model.rest[:, 0]) < 120) & (model.rest[:, 2] > -90)
    chest &= model.rest[:, 1] > -500
    assert chest.sum() > 500
    for vertex in np.flatnonzero(chest)[::40]:
        near = np.linalg.norm(cloth.vertices - skin[vertex], axis=1).argmin()
        height = (cloth.vertices[near] - skin[vertex]) @ normals[vertex]
        assert -2 < height < 40


def test_necklines_sleeves_and_openings_are_where_they_are_cut(model):
    rest = model.rest
    x, y, z = rest.T
    chest = (np.abs(x) < 10) & (np.abs(y + 300) < 10) & (z > -80)
    throat = (np.abs(x) < 10) & (np.abs(y + 160) < 10) & (z > -80)
    wrist = np.linalg.norm(rest - model.joints(model.neutral)[model.bones.index("hand_l")], axis=1)
    wrist = (wrist < 45) & (model.weights[:, model.bones.index("lowerarm_l")] > 0.5)
    waist = (np.abs(y + 540) < 10) & (np.abs(x) < 140)
    for region in (chest, throat, wrist, waist):
        assert region.sum() > 3
    tee = garments.field(garments.Cut(sleeve=150))
    assert (tee[chest] > 0).all() and (tee[waist] > 0).all()
    assert (tee[throat] < 0).all() and (tee[wrist] < 0).all()
    assert (garments.field(garments.Cut(sleeve=455))[wrist] > 0).mean() > 0.5
    coat = garments.field(garments.Cut(open=70.0))
    assert (coat[chest] < 0).all() and (coat[(np.abs(x) > 90) & (np.abs(y + 300) < 10)] > 0).all()
    dress = garments.field(garments.Cut(front=-280, strap=1000.0))
    shoulder = (np.abs(np.abs(x) - 130) < 10) & (y > -200)
    assert (dress[chest] > 0).all() and (dress[shoulder] < 0).all()


def test_a_clipped_mesh_ends_at_the_zeros_and_keeps_its_surface():
    grid = np.arange(36).reshape(6, 6)
    y, x = np.mgrid[0:6, 0:6].astype(float)
    vertices = np.stack([x, y, 0 * x], -1).reshape(-1, 3)
    quads = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], -1)
    triangles = quads.reshape(-1, 4)[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
    whole = mesh.solid(vertices, triangles, WORN, coordinates=vertices[:, :2])
    part = mesh.clip(whole, 3.3 - vertices[:, 0] - 0.1 * vertices[:, 1])
    corners = part.vertices[part.triangles]
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    # The trapezium between x = 0 and x = 3.3 - 0.1 y, from y = 0 to 5.
    assert area.sum() / 2 == pytest.approx(5 * (3.3 + 2.8) / 2, abs=1e-4)
    assert (part.vertices[:, 0] + 0.1 * part.vertices[:, 1]).max() == pytest.approx(3.3, abs=1e-5)
    np.testing.assert_allclose(part.coordinates, corners[..., :2], atol=1e-5)
    assert (part.material == WORN).all() and len(np.unique(part.triangles)) == len(part.vertices)


def test_a_half_body_is_mostly_cloth_and_has_no_holes():
    for index, outfit in ((1, "t-shirt"), (2, "suit"), (3, "turtleneck")):
        found = photo(build(index, outfit=outfit), 300, (0, -230))
        chest = found.parts[36:60, 26:38]
        assert (chest == PARTS["cloth"]).mean() > 0.8 and (chest > 0).all()
        assert (found.parts[:14] != PARTS["cloth"]).all()


@pytest.mark.parametrize("name", [*headwear.HEADWEAR, "hood"])
def test_what_is_on_the_head_hides_the_crown(name):
    outfit = "hoodie" if name == "hood" else None
    bare = photo(build(5, outfit=outfit), 130, (0, 20))
    found = photo(build(5, wanted=(name,), outfit=outfit), 130, (0, 20))
    expected = PARTS["cloth" if name in ("turban", "headscarf", "hood") else "things"]
    top = bare.parts[:14] > 0
    crown = np.flatnonzero(top.any(1))[0] + 2
    if name == "hood":  # it shows the hair above the forehead and stands around it
        crown = np.flatnonzero((found.parts > 0).any(1))[0] + 2
        assert (found.parts[crown][found.parts[crown] > 0] == expected).all()
    else:
        assert (found.parts[crown][bare.parts[crown] > 0] == expected).mean() > 0.8
    # The eyes stay free.
    assert (found.parts == PARTS["eyes"]).sum() >= 0.5 * (bare.parts == PARTS["eyes"]).sum()


@pytest.mark.parametrize("kind", eyewear.LENSES)
def test_black_glasses_hide_the_eyes_and_clear_ones_show_them(kind):
    bare = photo(build(6), 70, (0, 0), 96)
    found = photo(build(6, wanted=(kind,)), 70, (0, 0), 96)
    eyes = bare.parts == PARTS["eyes"]
    assert eyes.sum() > 20
    seen = (found.parts[eyes] == PARTS["eyes"]).mean()
    assert seen < 0.1 if kind in ("black", "mirror") else kind == "tinted" or seen > 0.9
    assert (found.parts == PARTS["things"]).sum() > 30
    if kind == "clear":
        lenses = found._before.coverage > 0.5
        assert lenses[eyes].mean() > 0.9
        both = eyes & (found.parts == PARTS["eyes"]) & (found.coverage == 1)
        np.testing.assert_allclose(found.albedo[both], bare.albedo[both], atol=0.02)


@pytest.mark.parametrize("name", ["mask", "headphones", "earrings", "necklace", "microphone"])
def test_small_things_are_things(name):
    counts = [
        (photo(build(index, wanted=(name,)), 130, (0, -60)).parts == PARTS["things"]).sum()
        for index in range(4)
    ]
    assert sum(counts) > {"mask": 400, "headphones": 100}.get(name, 4)


def test_somebody_else_is_background_and_is_lit():
    someone, other = build(7), build(8)
    other.mesh.vertices += np.float32([190, 0, -240])
    alone, together = photo(someone, 160, (30, -60)), photo(someone, 160, (30, -60), 64, other)
    for label in ("coverage", "parts", "albedo", "normals", "depth"):
        np.testing.assert_array_equal(getattr(alone, label), getattr(together, label))
    assert together._behind is not None
    there = (together._behind.coverage > 0.9) & (alone.coverage == 0)
    assert there.mean() > 0.02 and not together.parts[there].any()
    from tfrelight.lights import Environment, Light

    light = Light(environments=[Environment.of(np.ones((16, 32, 3), np.float32))])
    red = np.zeros((64, 64, 3), np.float32) + np.float32([5, 0, 0])
    shown = together.photograph(light, red).linear
    assert (shown[there].max(-1) < 2).all()
    # No seam of the old background between the two.
    edge = (together.coverage > 0.2) & (together.coverage < 0.8)
    edge &= together._behind.coverage > 0.99
    assert (shown[edge][:, 0] < 3).all()


def test_poses_reach_their_limits_and_necks_do_not_break():
    rng = np.random.default_rng(0)
    yaw, pitch, roll = [], [], []
    for _ in range(600):
        pose = staging.sample_pose(rng, False, 90.0, 35.0, 30.0)
        front, up = pose.head @ [0, 0, 1], pose.head @ [0, 1, 0]
        yaw.append(np.degrees(np.arctan2(front[0], front[2])))
        pitch.append(np.degrees(np.arcsin(front[1])))
        roll.append(np.degrees(np.arctan2(up[0], up[1])))
        turn = np.degrees(np.arccos(np.clip((np.trace(pose.against_body) - 1) / 2, -1, 1)))
        assert turn < 85
    assert np.abs(yaw).max() <= 90.01 and np.abs(yaw).max() > 80
    assert 25 < np.abs(pitch).max() <= 35.01 and np.abs(roll).max() > 15
    assert np.median(np.abs(yaw)) < 25
    for limit in (10.0, 30.0):
        pose = staging.sample_pose(np.random.default_rng(3), False, limit, limit, limit)
        front = pose.head @ [0, 0, 1]
        assert np.degrees(np.arctan2(abs(front[0]), front[2])) <= limit + 0.01


def test_the_eyes_stay_at_the_origin_and_the_head_turns_as_one():
    pose = staging.sample_pose(np.random.default_rng(5), False, 90.0, 35.0, 30.0)
    points = np.array([[30, 0, 0], [-30, 0, 0], [0, 60, 20], [0, -90, 30]], float)
    head = mesh.solid(points, np.array([[0, 1, 2], [1, 2, 3]]), WORN, follow=1.0)
    moved = staging.apply(pose, head).vertices
    np.testing.assert_allclose(moved, points @ pose.head.T, atol=1e-3)
    body = staging.apply(pose, mesh.solid(points - [0, 400, 0], [[0, 1, 2]], WORN, follow=0.0))
    lengths = [np.linalg.norm(p[0] - p[2]) for p in (points, body.vertices)]
    assert lengths[0] == pytest.approx(lengths[1], abs=1e-3)


def test_framings_show_what_they_say():
    """Less of the face in each, and in half bodies the photo ends above the waist's end."""
    rng = np.random.default_rng(0)
    widths = []
    for name in staging.FRAMINGS:
        cameras = [staging.frame(rng, 62.0, name, FRONT) for _ in range(50)]
        widths.append(np.mean([2 * camera.half_width for camera in cameras]))
        lowest = min(camera.centre[1] - camera.half_width for camera in cameras)
        assert lowest > -640
    assert (np.diff(widths) > 0).all() and widths[0] < 130 and widths[-1] > 600


def test_children_are_smaller_than_adults():
    """In the proportions of the body: a child's shoulders are narrower for its head."""
    model = body_model.load_model()

    def shoulders(age):
        vertices = model.morph(heads.phenotype(np.array([0.3, 0.3, 0.4]), 0.5, age, 0.5, 0.5))
        joints = model.joints(vertices)
        wide = (
            joints[model.bones.index("upperarm_l"), 0] - joints[model.bones.index("upperarm_r"), 0]
        )
        return wide / np.linalg.norm(np.subtract(*model.eyes(vertices)[0]))

    assert shoulders(6.0) < shoulders(11.0) < shoulders(30.0)


def test_normals_of_half_bodies_are_unit_and_face_the_camera():
    settings = portraits.PortraitConfig(
        lights=1, size=48, directions=48, framings=(("half", 1.0),), things=1.0, company=1.0
    )
    for index in range(3):
        subject = portraits.subject(settings, index)
        _, normals, _ = decoded(subject)
        np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-3)
        assert normals[..., 2].min() > -0.1
        np.testing.assert_array_equal(subject["parts"] > 0, subject["mask"] >= 127)
