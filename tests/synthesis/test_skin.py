import numpy as np
import pytest

from tfrelight.synthesis import appearance, hair, hairstyle, mesh, noise, pigment, skin, tresses
from tfrelight.synthesis import head as heads
from tfrelight.synthesis.render import Hits
from tfrelight.synthesis.skull import Skull

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def test_more_pigment_is_darker_and_blood_is_redder():
    table = pigment.table()
    assert table.shape == (len(pigment.MELANIN), len(pigment.BLOOD), 3)
    assert table.min() > 0 and table.max() < 1
    assert (np.diff(table @ LUMINANCE, axis=0) < 0).all()
    assert (np.diff(table @ LUMINANCE, axis=1) < 0).all()
    redness = table[..., 0] / table[..., 1]
    assert (np.diff(redness[:24], axis=1) > 0).all()
    # With a skin's blood, blue never exceeds green and green never exceeds red.
    assert (table[:40, :20, 0] > table[:40, :20, 1]).all() and (
        table[:40, :20, 1] > table[:40, :20, 2]
    ).all()


def test_internal_reflection_is_that_of_skins_refractive_index():
    # Index 1.4: F = -0.7347 + 0.5071 + 0.668 + 0.0890 = 0.5295, (1 + F) / (1 - F) = 3.25.
    assert pigment._BOUNDARY == pytest.approx(3.25, abs=0.005)


@pytest.mark.parametrize("seed", range(3))
def test_skin_is_never_grey_nor_green(seed):
    """From dark to pale, red is clearly above green, and green above blue."""
    rng = np.random.default_rng(seed)
    for _ in range(20):
        head = type("Head", (), {**heads.sample_traits(rng)})
        person = appearance.sample_appearance(rng, head, None)
        albedo = skin._lookup(person, np.array([person.melanin]), np.array([person.blood]))[0]
        assert albedo[0] > 1.25 * albedo[1] and albedo[1] > 1.14 * albedo[2]


def test_a_white_reflectance_is_white():
    np.testing.assert_allclose(pigment._MATCHING.sum(0), 1, atol=1e-12)


@pytest.mark.parametrize("luminance", [0.06, 0.2, 0.4, 0.55])
def test_melanin_is_solved_for_a_luminance(luminance):
    table = pigment.table(2.5)
    melanin = appearance.solve_melanin(table, 0.004, luminance)
    person = type("Look", (), {"table": table})
    albedo = skin._lookup(person, np.array([melanin]), np.array([0.004]))
    np.testing.assert_allclose(albedo @ LUMINANCE, luminance, rtol=0.05)


def test_noise_has_unit_variance_and_its_own_gradient():
    points = np.random.default_rng(0).uniform(0, 500, (20000, 3)).astype(np.float32)
    value, slope = noise.gradient(points, 20.0, 1)
    assert abs(value.mean()) < 0.1 and 0.7 < value.std() < 1.2
    step = np.float32([3.0, 0, 0])
    change = noise.field(points + step, 20.0, 1) - noise.field(points - step, 20.0, 1)
    assert np.corrcoef(change / 6, slope[:, 0])[0, 1] > 0.95
    np.testing.assert_array_equal(noise.field(points, 20.0, 1), value)
    assert abs(np.corrcoef(noise.field(points, 20.0, 2), value)[0, 1]) < 0.2


def test_hair_grows_on_the_scalp_and_beards_on_the_jaw():
    style = hairstyle.sample_style(
        np.random.default_rng(0), heads.sample_head(np.random.default_rng(0))
    )
    style.crown, style.forehead, style.recession = 0.0, 0.0, 0.0
    crown, cheek, nose, chin, nape, lip = np.array(
        [[0, 118, -60], [40, -40, 0], [0, -35, 30], [0, -112, 5], [0, 0, -155], [12, -52, 15]],
        float,
    )
    points = np.stack([crown, cheek, nose, chin, nape, lip])
    np.testing.assert_array_equal(hairstyle.scalp(style, points) > 0.5, [1, 0, 0, 0, 1, 0])
    np.testing.assert_array_equal(hairstyle.beard_area(points) > 0.5, [0, 0, 0, 1, 0, 1])


def test_locks_stay_outside_the_head_and_beards_hang():
    rng = np.random.default_rng(1)
    head = heads.sample_head(rng)
    style = hairstyle.sample_style(rng, head)
    style.name, style.count, style.density, style.curl = "long", 300, 1.0, 0.0
    style.length, style.beard, style.moustache = 200.0, 20.0, True
    skull = Skull(head)
    locks, beard = hair.grow(rng, head, skull, style)
    points = locks.vertices.astype(float)
    above = points[points[:, 1] > 0]
    moved, _ = skull.push_out(above, np.zeros(len(above)))
    # Roots lie on the surface, which the coarse table smooths; all other points are outside.
    assert np.percentile(np.linalg.norm(moved - above, axis=-1), 95) < 8
    assert locks.vertices[:, 1].min() < -60
    assert beard.vertices[:, 1].max() < 0


def test_relief_bends_normals_and_leaves_albedo_alone():
    head = heads.sample_head(np.random.default_rng(2))
    style = hairstyle.sample_style(np.random.default_rng(2), head)
    person = appearance.sample_appearance(np.random.default_rng(2), head, style)
    surface = head.mesh
    chosen = np.flatnonzero((surface.rest[:, 2] > 0) & (surface.regions[:, 0] > 0.5))[:500]
    hits = Hits(
        ray=np.arange(len(chosen)),
        material=np.full(len(chosen), mesh.SKIN),
        position=surface.vertices[chosen],
        smooth=surface.vertices[chosen],
        normal=surface.normals[chosen],
        rest=surface.rest[chosen],
        coordinates=np.zeros((len(chosen), 2)),
        regions=surface.regions[chosen],
        gradients=np.zeros((len(chosen), 2, 3)),
        triangle=np.zeros(len(chosen), int),
    )
    painted = skin.paint(person, head, hits, np.eye(3))
    turned = skin.paint(person, head, hits, mesh.rotation(40, 0, 0))
    np.testing.assert_array_equal(painted.albedo, turned.albedo)
    np.testing.assert_allclose(np.linalg.norm(painted.normal, axis=-1), 1, atol=1e-4)
    angle = np.degrees(np.arccos(np.clip((painted.normal * hits.normal).sum(-1), -1, 1)))
    assert 0.5 < angle.mean() < 20
    assert painted.albedo.min() > 0 and painted.albedo.max() < 1


def test_long_hair_lies_on_the_shoulders_and_ponytails_hang():
    """No lock ends inside the body, and neither hangs as if there were none."""
    rng = np.random.default_rng(4)
    head = heads.sample_head(rng)
    style = hairstyle.sample_style(rng, head)
    style.name, style.count, style.density, style.curl = "long", 300, 1.0, 0.0
    style.length, style.beard, style.weight = 400.0, 0.0, 1.3
    skull = Skull(head)
    below = hair.Below([head.mesh], skull.scale)
    (locks,) = hair.grow(rng, head, skull, style, below)
    low = locks.vertices[locks.vertices[:, 1] < -150 * skull.scale].astype(float)
    assert len(low) > 200
    moved = below.push_out(low, np.zeros(len(low)))
    assert np.percentile(np.linalg.norm(moved - low, axis=-1), 90) < 6
    style.name, style.tail, style.knot, style.plaits = "tied", 300.0, 40.0, 250.0
    tail, *plaits = tresses.tied(rng, skull, style, below)
    assert len(plaits) == 2 and tail.vertices[:, 1].min() < -90
    # The tail is behind the head, the plaits begin beside it.
    assert np.median(tail.vertices[:, 2]) < -120
    assert plaits[0].vertices[:, 0].mean() > 30 > -30 > plaits[1].vertices[:, 0].mean()


def test_no_lock_stands_off_the_crown():
    """At the pole of the skull's table the radius is that of its surroundings."""
    for seed in range(6):
        skull = Skull(heads.sample_head(np.random.default_rng(seed)))
        angles = np.linspace(0, 2 * np.pi, 12)
        for polar in (0.0, 0.02, 0.1):
            ring = np.stack(
                [
                    np.sin(polar) * np.sin(angles),
                    0 * angles + np.cos(polar),
                    np.sin(polar) * np.cos(angles),
                ],
                -1,
            )
            points, _ = skull.push_out(skull.middle + 10 * ring, np.zeros(12))
            radius = np.linalg.norm(points - skull.middle, axis=1)
            assert 70 * skull.scale < radius.min() and radius.max() < 115 * skull.scale


@pytest.mark.parametrize("kind", appearance.PAINTS)
def test_face_paint_covers_the_face_and_is_skin(kind):
    head = heads.sample_head(np.random.default_rng(2))
    style = hairstyle.sample_style(np.random.default_rng(2), head)
    look = appearance.sample_appearance(np.random.default_rng(2), head, style)
    look.stubble, style.beard = 0.0, 0.0
    rest, regions = head.mesh.rest, head.mesh.regions
    albedo = []
    for look.paint in ("", kind):
        painted = skin._skin(look, rest, regions)
        albedo.append(painted[0])
    changed = np.abs(albedo[1] - albedo[0]).max(-1) > 0.02
    face = (regions[:, 0] > 0.5) & (rest[:, 2] > -30)
    assert changed[face].mean() > 0.03
    assert not changed[rest[:, 1] < -140].any()
    assert (painted[4][changed & face] == 1).mean() > 0.6
