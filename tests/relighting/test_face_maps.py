"""Maps of faces from a network that says the same of every photo, so that all else is by hand."""

import dataclasses

import numpy as np
import pytest

from tfrelight import color, harmonics
from tfrelight.faces import find, framing, guided_filter
from tfrelight.lights import Light, directions
from tfrelight.relighting import face_maps, inference, window_weights

SIZE = 32
# The cuts of a face in the order in which the network gets them.
HEAD, FACE, WIDE, BODY = range(4)


def flat(albedo=0.4, normal=(0.0, 0.0, 1.0), light=None, mask=1.0):
    """What a network says that sees a wall."""
    light = Light.even(1.0) if light is None else light
    return {
        "albedo": np.full((SIZE, SIZE, 3), albedo, np.float32),
        "normals": np.full((SIZE, SIZE, 3), normal, np.float32),
        "light": np.array(light, np.float32),
        "mask": np.full((SIZE, SIZE, 1), mask, np.float32),
    }


def mirrored(maps):
    """The same of the mirror image: x, xy and xz of the light change their signs."""
    signs = np.float32([1, 1, 1, -1, -1, 1, 1, -1, 1])[:, None]
    flipped = {name: value[:, ::-1] for name, value in maps.items() if name != "light"}
    flipped["normals"] = flipped["normals"] * np.float32([-1, 1, 1])
    return {**flipped, "light": maps["light"] * signs}


class Says:
    """A network that says something of each cut of a face, and the same of its mirror image."""

    size = SIZE

    def __init__(self, *of_cuts):
        self.of_cuts = of_cuts

    def predict_on_batch(self, images):
        assert images.shape == (2 * len(self.of_cuts), SIZE, SIZE, 3)
        everything = [*self.of_cuts, *map(mirrored, self.of_cuts)]
        return {name: np.stack([one[name] for one in everything]) for name in everything[0]}


def a_face(roll=0.0, between=30.0, middle=(100.0, 90.0)):
    """A round face 1.8 times as wide and high as its eyes are apart."""
    across = between / 2 * np.array([np.cos(roll), np.sin(roll)])
    turns = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    oval = middle + 1.8 * between / 2 * np.stack([np.cos(turns), np.sin(turns)], -1)
    return find.Face(np.array([middle - across, middle + across]), between, oval, 1.0)


def decomposed(model, face, linear=0.2, size=200):
    pixels = np.round(color.to_srgb_numpy(np.full((size, size, 3), linear)) * 255).astype(np.uint8)
    ((maps,),) = face_maps.decompose(model, [pixels], [[face]], "head")
    return maps


@pytest.mark.parametrize("roll", [0.5, -1.2])
def test_light_and_normals_turn_with_the_face(roll):
    """The right of the cut of a face that is rolled clockwise is the lower right of the photo."""
    right = Light.from_direction(-90, 0)
    says = flat(normal=(1.0, 0.0, 0.0), light=right)
    maps = decomposed(Says(says, says, says), a_face(roll))
    expected = [np.cos(roll), -np.sin(roll), 0.0]
    np.testing.assert_allclose(directions.direction(maps.light), expected, atol=1e-4)
    np.testing.assert_allclose(maps.normals.reshape(-1, 3), [expected] * maps.mask.size, atol=1e-4)


def test_the_light_is_that_of_the_face_s_own_cut():
    lights = [Light.from_direction(azimuth, 20) for azimuth in (-40, 10, 60)]
    maps = decomposed(Says(*(flat(light=light) for light in lights)), a_face())
    np.testing.assert_allclose(maps.light, lights[FACE].coefficients, atol=1e-4)


def test_without_a_face_the_photo_is_the_cut():
    light = Light.from_direction(30, 10)
    maps = decomposed(Says(flat(light=light)), None)
    np.testing.assert_allclose(maps.light, light.coefficients, atol=1e-4)
    np.testing.assert_array_equal(maps.window.axes, np.diag([200.0, 200.0]))


class Answers:
    """A network that says what a function of its photos says, and counts them."""

    size = SIZE

    def __init__(self, function):
        self.function = function
        self.calls = []

    def predict_on_batch(self, images):
        self.calls.append(len(images))
        said = [self.function(image) for image in images]
        return {name: np.stack([one[name] for one in said]) for name in said[0]}


def test_what_a_network_says_of_photo_and_mirror_image_alike_loses_its_sides():
    """A network that always sees the light, the slope and the head on the left."""
    ramp = np.linspace(0.9, 0.1, SIZE, dtype=np.float32)[None, :, None] * np.ones((SIZE, 1, 1))
    light = Light.from_direction(60, 30).coefficients
    says = {**flat(normal=(-0.6, 0.0, 0.8), light=light), "mask": ramp, "albedo": 0.5 * ramp}
    says["albedo"] = says["albedo"] * np.ones(3)
    maps = decomposed(Answers(lambda image: says), None)
    expected = light * np.float32([1, 1, 1, 0, 0, 1, 1, 0, 1])[:, None]
    np.testing.assert_allclose(maps.light, expected, atol=1e-4)
    np.testing.assert_allclose(maps.normals, maps.normals * 0 + [0, 0, 1], atol=1e-4)
    np.testing.assert_allclose(maps.albedo, 0.25, atol=1e-3)
    np.testing.assert_allclose(maps.mask, 0.5, atol=1e-3)


def test_photos_go_through_the_network_together_and_each_gets_its_own_maps():
    """Six faces in three crops each, 16 crops with their mirror images at a time."""
    greys = [100, 120, 140, 160, 180, 200]
    photos = [np.full((120, 120, 3), grey, np.uint8) for grey in greys]
    faces = [[a_face(between=20.0, middle=(60.0, 60.0))] for _ in greys]
    model = Answers(lambda image: flat(albedo=image.mean()))
    found = face_maps.decompose(model, photos, faces, "head")
    assert model.calls == [32, 4]
    assert [len(of_photo) for of_photo in found] == [1] * 6
    for grey, (maps,) in zip(greys, found):
        np.testing.assert_allclose(maps.albedo, grey / 255, atol=1e-3)
        np.testing.assert_allclose(maps.photo, color.to_linear_numpy(grey / 255), atol=1e-3)


@pytest.mark.parametrize("apart,believed", [(1.0, False), (0.6, True)])
def test_the_inner_crop_sees_the_profile_of_a_turned_head(apart, believed):
    """Its mask counts if the eyes are less far apart than in space, and only takes away."""
    face = a_face()
    middle = face.eyes.mean(0) + [4.0, 0.0]
    eyes = middle + apart * (face.eyes - face.eyes.mean(0))
    face = dataclasses.replace(face, eyes=eyes)
    behind = {"mask": np.zeros((SIZE, SIZE, 1))}
    masks = [
        decomposed(Says(flat(mask=0.9), {**flat(mask=0.9), **inner}, flat(mask=0.9)), face).mask
        for inner in ({}, behind)
    ]
    assert (masks[1] <= masks[0] + 1e-5).all()
    assert (masks[0] - masks[1] > 0.2).any() == believed


def test_networks_see_dark_faces_brightened():
    """To 0.12 of linear RGB, each face by itself; the light is then as dark as the photo's."""
    pixels = np.full((200, 300, 3), 20, np.uint8)
    pixels[:, 150:] = 180
    faces = [a_face(between=20.0, middle=(x, 90.0)) for x in (75.0, 225.0)]
    seen = []

    def answer(image):
        seen.append(float(np.median(image)))
        return flat(light=Light.even(0.6))

    ((dark, bright),) = face_maps.decompose(Answers(answer), [pixels], [faces], "head")
    assert seen[:3] == pytest.approx([float(color.to_srgb_numpy(np.float32(0.12)))] * 3, abs=1e-3)
    assert seen[3:6] == pytest.approx([180 / 255] * 3, abs=1e-6)
    gain = 0.12 / color.to_linear_numpy(20 / 255)
    np.testing.assert_allclose(dark.light, np.array(Light.even(0.6)) / gain, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(bright.light, np.array(Light.even(0.6)), atol=1e-6)
    np.testing.assert_allclose(dark.photo, color.to_linear_numpy(20 / 255), rtol=1e-3)


def test_the_lit_part_of_a_face_says_whether_it_is_dark():
    """A tenth of it counts, in its brightest channel; what is around the face does not."""
    face = a_face(between=60.0)
    y, x = np.mgrid[:200, :200] + 0.5
    pixels = np.full((200, 200, 3), 255, np.uint8)
    disc = np.hypot(x - 100, y - 90) < 54
    pixels[disc] = 10
    inside = window_weights.oval(face, framing.whole((200, 200)), 200) > 0.5
    expected = 0.12 / color.to_linear_numpy(10 / 255)
    assert inference.gain(pixels[inside]) == pytest.approx(expected, rel=1e-3)
    pixels[disc & (x > 128), 1] = 120
    assert inference.gain(pixels[inside]) == 1.0
    # Black has no brightness to reach.
    black = np.zeros((50, 50, 3), np.uint8)
    assert inference.gain(black.reshape(-1, 3)) == pytest.approx(120)


def test_each_face_of_a_photo_gets_its_own_maps():
    pixels = np.full((200, 300, 3), 110, np.uint8)
    pixels[:, 150:] = 180
    faces = [a_face(between=20.0, middle=(x, 90.0)) for x in (75.0, 225.0)]
    model = Answers(lambda image: flat(albedo=np.median(image)))
    ((dark, bright),) = face_maps.decompose(model, [pixels], [faces], "head")
    assert (dark.face, bright.face) == tuple(faces)
    np.testing.assert_allclose(dark.albedo[64, 64], 110 / 255, atol=1e-3)
    np.testing.assert_allclose(bright.albedo[64, 64], 180 / 255, atol=1e-3)


@pytest.mark.parametrize(
    "head,face,around,inside",
    [
        # The head's albedo is brought to the face's ...
        ((0.4, 0.2, 0.3), (0.2, 0.3, 0.3), (0.2, 0.3, 0.3), (0.2, 0.3, 0.3)),
        # ... by a factor between a half and two.
        ((0.4, 0.1, 0.3), (0.1, 0.4, 0.3), (0.2, 0.2, 0.3), (0.1, 0.4, 0.3)),
    ],
)
def test_albedo_of_face_and_head(head, face, around, inside):
    maps = decomposed(Says(flat(albedo=head), flat(albedo=face), flat(albedo=0.9)), a_face())
    size = len(maps.albedo)
    np.testing.assert_allclose(maps.albedo[5, 5], around, rtol=0.01)
    # The middle of the face's crop: eyes are 0.42 of it apart and 0.33 below its top.
    np.testing.assert_allclose(maps.albedo[int(0.57 * size), size // 2], inside, rtol=0.01)


def test_the_face_s_crop_fades_into_the_head_s():
    """Half as wide as the head's, from 0.25 across and 0.325 down: eyes at 0.49 and 0.33 of it."""
    tilted = flat(normal=(0.6, 0.0, 0.8))
    maps = decomposed(Says(flat(), tilted, flat()), a_face(between=50.0), size=400)
    size = len(maps.normals)
    assert size == round(50 / 0.21)

    def seen(across, down):
        """x of the normals there, 0 of the head's crop, 0.6 of the face's."""
        return maps.normals[int(down * size), int(across * size), 0]

    for across, down in ((0.5, 0.575), (0.4, 0.5), (0.6, 0.68)):
        assert seen(across, down) == pytest.approx(0.6, abs=0.01)
    # A twentieth of its side is not used, a fifth fades: half way is at 0.15 of its side.
    for inward, expected in ((-0.1, 0.0), (0.02, 0.0), (0.15, 0.3), (0.28, 0.6)):
        for across, down in (
            (0.25 + inward / 2, 0.575),
            (0.75 - inward / 2, 0.575),
            (0.5, 0.325 + inward / 2),
            (0.5, 0.825 - inward / 2),
        ):
            assert seen(across, down) == pytest.approx(expected, abs=0.07)
    # As fast on every side.
    rows, columns = maps.normals[:, size // 2, 0], maps.normals[int(0.575 * size), :, 0]
    np.testing.assert_allclose(columns, columns[::-1], atol=0.01)
    top, bottom = np.flatnonzero(rows > 0.3)[[0, -1]]
    assert top + bottom + 1 == pytest.approx(2 * 0.575 * size, abs=1)


def test_what_the_wide_crop_calls_nobody_is_nobody():
    nobody = flat()
    nobody["mask"][:, : SIZE // 2] = 0
    maps = decomposed(Says(flat(), flat(mask=0.0), nobody), a_face())
    size = len(maps.mask)
    # Beside the neck, where the place alone says little.
    assert maps.mask[int(0.84 * size), int(0.38 * size)] < 0.2
    assert maps.mask[int(0.84 * size), int(0.62 * size)] > 0.9
    # The face is somebody, whatever networks say.
    maps = decomposed(Says(*[flat(mask=0.0)] * 3), a_face())
    assert maps.mask[int(0.5 * size), int(0.5 * size)] > 0.95


def blue_wall():
    """Of one colour, but no bar."""
    noise = np.random.default_rng(0).integers(-20, 21, (200, 200, 3))
    return np.uint8(np.array((40, 110, 200)) + noise)


def test_colours_of_the_head_are_head_where_the_network_is_unsure():
    """A red head before a blue wall, and something red on its left, as hair would be."""
    pixels = blue_wall()
    y, x = np.mgrid[:200, :200]
    head = ((x - 100) / 45) ** 2 + ((y - 90) / 65) ** 2 < 1
    pixels[head | (abs(x - 100) < 28) & (y > 120)] = (200, 80, 80)
    pixels[80:110, 40:100] = (200, 80, 80)
    face = a_face()
    ((maps,),) = face_maps.decompose(Says(*[flat(mask=0.5)] * 3), [pixels], [[face]], "head")

    def mask(x, y):
        across, down = maps.window.place((x, y)) * len(maps.mask)
        return maps.mask[int(down), int(across)]

    # 1.7 eye distances to each side; by its place alone it would be 0.2 there.
    assert mask(49, 95) > 0.8 and mask(151, 95) < 0.05


def test_beyond_the_photo_no_colours_are_learnt():
    """A face at the border of a photo: what repeats the border there is nobody's backdrop."""
    pixels = blue_wall()
    pixels[:, :6] = (200, 80, 80)
    y, x = np.mgrid[:200, :200]
    pixels[(x - 36) ** 2 + (y - 95) ** 2 < 36**2] = (200, 80, 80)
    face = a_face(between=24.0, middle=(36.0, 90.0))
    ((maps,),) = face_maps.decompose(Says(*[flat(mask=0.5)] * 3), [pixels], [[face]], "head")
    column, row = (maps.window.place((4.0, 95.0)) * len(maps.mask)).astype(int)
    assert maps.window.corner[0] < -15 and maps.mask[row, column] > 0.98


def test_the_mask_ends_before_the_window_does():
    mask = decomposed(Says(*[flat()] * 3), a_face()).mask
    size = len(mask)
    assert mask[0].max() == mask[-1].max() == mask[:, 0].max() == mask[:, -1].max() == 0
    # Down the neck it has faded by half at 0.48 x 0.875 from the middle.
    assert mask[int(0.84 * size), size // 2] > 0.95
    assert mask[int(0.92 * size), size // 2] == pytest.approx(0.5, abs=0.1)
    # A crop that is one face is a head up to its borders.
    np.testing.assert_allclose(decomposed(Says(flat()), None).mask, 1.0)
    np.testing.assert_allclose(decomposed(Says(flat(mask=0.3)), None).mask, 0.3, atol=1e-5)


@pytest.mark.parametrize(
    "linear,albedo,shading,expected",
    [
        # log of (photo + 0.004) / (albedo x shading + 0.004).
        (0.2, 0.4, 1.0, np.log(0.204 / 0.404)),
        (0.2, 0.4, 0.25, np.log(0.204 / 0.104)),
        (0.15, 0.6, 1.0, np.log(0.154 / 0.604)),
        (0.5, 0.1, 0.5, np.log(0.504 / 0.054)),
        # A light that rings below zero explains nothing.
        (0.15, 0.4, -1.0, np.log(0.154 / 0.004)),
        # Albedo is at most 1.
        (0.5, 1.7, 1.0, np.log(0.504 / 1.004)),
    ],
)
def test_what_is_left_unexplained(linear, albedo, shading, expected):
    light = np.array(Light.even(1.0)) * shading
    maps = decomposed(Says(flat(albedo=albedo, light=light)), None, linear=linear)
    np.testing.assert_allclose(maps.residual, expected, atol=0.04)
    np.testing.assert_allclose(maps.albedo, min(albedo, 1.0), rtol=1e-5)


def test_normals_have_unit_length():
    maps = decomposed(Says(flat(normal=(0.0, 0.3, 0.4))), None)
    np.testing.assert_allclose(maps.normals, maps.normals * 0 + [0, 0.6, 0.8], atol=1e-4)


def test_maps_get_the_edges_of_the_photo():
    """By the guided filter, over 0.02, 0.015 and 0.03 of the side; albedo stays as it is."""
    rng = np.random.default_rng(0)
    noise = rng.random((20, 20, 1)).repeat(10, 0).repeat(10, 1)
    pixels = np.uint8(60 + 130 * noise + rng.integers(0, 15, (200, 200, 3)))
    says = flat()
    steps = (np.arange(SIZE) // 4 % 2).astype(np.float32)[None, :, None] * np.ones((SIZE, 1, 1))
    says["mask"] = 0.2 + 0.6 * steps
    says["normals"] = np.concatenate([0.1 * steps, 0 * steps, 1 + 0 * steps], -1)
    says["albedo"] = (0.2 + 0.3 * steps) * np.ones(3)
    ((maps,),) = face_maps.decompose(Says(says), [pixels], [[None]])

    def resampled(name):
        return maps.window.uncut(np.float32(says[name]), (0, 0, 200, 200))

    np.testing.assert_allclose(maps.albedo, resampled("albedo"), atol=1e-5)
    for name, radius, epsilon in (("mask", 3, 5e-4), ("normals", 4, 2e-3)):
        expected = guided_filter.filtered(maps.guide, resampled(name), radius, epsilon)
        if name == "normals":
            expected /= np.linalg.norm(expected, axis=-1, keepdims=True)
        found = getattr(maps, name).reshape(expected.shape)
        np.testing.assert_allclose(found, np.clip(expected, -1, 1), atol=1e-5)
    explained = color.luminance_numpy(maps.albedo * harmonics.shade(maps.normals, maps.light))
    log = np.log((color.luminance_numpy(maps.photo) + 0.004) / (explained + 0.004))
    expected = guided_filter.filtered(maps.guide, log[..., None], 6, 1e-3)[..., 0]
    np.testing.assert_allclose(maps.residual, expected, atol=1e-4)


def test_a_head_that_is_alike_on_both_sides_has_such_a_mask():
    mask = decomposed(Says(*[flat()] * 3), a_face()).mask
    np.testing.assert_allclose(mask, mask[:, ::-1], atol=0.01)


@pytest.mark.parametrize("size,expected", [(60, 128), (200, 200), (600, 256)])
def test_maps_are_as_large_as_the_face_within_bounds(size, expected):
    maps = decomposed(Says(flat()), None, size=size)
    for name in ("photo", "albedo", "normals"):
        assert getattr(maps, name).shape == (expected, expected, 3)
    for name in ("guide", "mask", "region", "residual"):
        assert getattr(maps, name).shape == (expected, expected)
    np.testing.assert_allclose(maps.photo, 0.2, atol=2e-3)
    np.testing.assert_allclose(maps.guide, color.to_srgb_numpy(0.2), atol=2e-3)


def test_the_region_of_a_face_is_its_outline_drawn_in():
    """A circle of 54 pixels around (200, 180), drawn in by 8 %."""
    maps = decomposed(Says(*[flat()] * 3), a_face(between=60.0, middle=(200.0, 180.0)), size=400)
    y, x = np.nonzero(maps.region)
    places = maps.window.corner + np.stack([x + 0.5, y + 0.5], -1) / len(maps.mask) @ (
        maps.window.axes.T
    )
    np.testing.assert_allclose(places.mean(0), [200, 180], atol=1)
    area = len(places) * np.prod(maps.window.sides) / maps.mask.size
    assert area == pytest.approx(np.pi * (0.92 * 54) ** 2, rel=0.03)


def test_the_region_of_a_crop_is_an_ellipse():
    """0.8 of its width, 0.9 of its height."""
    region = decomposed(Says(flat()), None).region
    assert region.mean() == pytest.approx(np.pi * 0.4 * 0.45, rel=0.02)
    rows, columns = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    np.testing.assert_allclose([*rows[[0, -1]], *columns[[0, -1]]], [10, 190, 20, 180], atol=1)


def test_bars_count_beside_a_face_and_not_in_a_crop():
    pixels = np.full((200, 200, 3), 120, np.uint8)
    pixels += np.arange(200, dtype=np.uint8)[:, None, None] % 40
    pixels[:, :30] = pixels[:, -30:] = 0
    ((maps,),) = face_maps.decompose(Says(*[flat()] * 3), [pixels], [[a_face()]], "head")
    left, top, right, bottom = maps.box
    assert 30 <= left <= 32 and 168 <= right <= 170 and (top, bottom) == (0, 200)
    ((maps,),) = face_maps.decompose(Says(flat()), [pixels], [[None]])
    assert maps.box == (0, 0, 200, 200)


def test_parts_are_fused_like_the_mask_and_stay_probabilities():
    """The inner cut sees eyes, the outer hair; the network is as unsure as it was."""

    def sees(number):
        shares = np.full(7, 0.05, np.float32)
        shares[number] = 0.7
        return {**flat(mask=0.95), "parts": np.broadcast_to(shares, (SIZE, SIZE, 7))}

    maps = decomposed(Says(sees(2), sees(3), sees(4)), a_face())
    size = len(maps.mask)
    assert maps.parts.shape == (size, size, 7)
    np.testing.assert_allclose(maps.parts.sum(-1), 1, atol=1e-4)
    x, y = (maps.window.place(a_face().eyes.mean(0)) * size).astype(int)
    np.testing.assert_allclose(maps.parts[y, x, [2, 3, 4]], [0.05, 0.7, 0.05], atol=1e-3)
    np.testing.assert_allclose(maps.parts[2, 2, [2, 3, 4]], [0.7, 0.05, 0.05], atol=1e-3)


def test_parts_have_the_edges_of_the_photo():
    """As the mask: a boundary of the network's pixels moves to that of the photo's."""
    pixels = np.full((200, 200, 3), 60, np.uint8)
    pixels[:, 103:] = 190
    says = flat()
    says["parts"] = np.zeros((SIZE, SIZE, 7), np.float32)
    says["parts"][:, : SIZE // 2, 1] = says["parts"][:, SIZE // 2 :, 5] = 1
    ((maps,),) = face_maps.decompose(Says(says), [pixels], [[None]])
    filtered = guided_filter.filtered(
        maps.guide, maps.window.uncut(says["parts"], (0, 0, 200, 200)), 3, 5e-4
    )
    np.testing.assert_allclose(maps.parts, np.clip(filtered, 0, 1), atol=1e-5)


def test_a_network_without_parts_gives_none():
    assert decomposed(Says(*[flat()] * 3), a_face()).parts is None
