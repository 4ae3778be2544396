"""Bodies below heads: where they are looked for, and one light on both without a seam."""

import dataclasses

import numpy as np
import pytest

from tests.relighting.test_face_maps import SIZE, Says, a_face, flat
from tfrelight import photos
from tfrelight.data.portrait import PARTS
from tfrelight.errors import InputError
from tfrelight.lights import Light
from tfrelight.relighting import compositing, decomposition
from tfrelight.video import smoothing

SKIN, CLOTH = PARTS.index("skin"), PARTS.index("cloth")
WIDTH, HEIGHT = 300, 400
# From the chin to the chest, across the border of the window of the head.
BELOW = np.s_[150:300]
FACE = a_face(between=30.0, middle=(150.0, 110.0))


def says(shown, **flat_arguments):
    """What a network says that sees parts `[S, S]`, indices."""
    shares = np.eye(len(PARTS), dtype=np.float32)[np.broadcast_to(shown, (SIZE, SIZE))]
    return {**flat(**flat_arguments), "parts": shares, "mask": 1 - shares[..., :1]}


def textured(seed=0):
    """A photo without large differences, so that its brightness shows only what is done to it."""
    return np.random.default_rng(seed).integers(118, 124, (HEIGHT, WIDTH, 3)).astype(np.uint8)


def decomposed(*of_cuts, what="person", pixels=None):
    pixels = textured() if pixels is None else pixels
    (found,) = decomposition.decompose(
        [photos.read(pixels)], Says(*of_cuts), known_faces=[[FACE]], what=what
    )
    return found


def test_head_and_body_are_one_person_without_a_seam():
    """All below the chin is person, under one light, so every pixel changes by the same factor."""
    found = decomposed(*[says(SKIN, light=Light.even(0.5))] * 4)
    assert len(found.surfaces) == 2
    np.testing.assert_allclose(found.mask()[BELOW], 1.0, atol=0.01)
    for light, exposure in ((Light.even(1.0), -1.0), (Light.from_direction(40, 20), 0.0)):
        relit = found.relight(light, exposure=exposure).pixels
        smooth = relit[BELOW].astype(float).reshape(15, 10, 30, 10, 3).mean((1, 3))
        assert np.abs(smooth - smooth.mean((0, 1))).max() < 2.0


def test_the_body_is_under_the_light_on_the_face():
    """What the crop of the body says of the light does not count, but its surface does."""
    lit = Light.from_direction(30, 0)
    down = says(CLOTH, normal=(0.0, -1.0, 0.0), light=Light.even(3.0))
    found = decomposed(*[says(SKIN, light=lit)] * 3, down)
    np.testing.assert_allclose(found.surfaces[1].light, found.faces[0].light, atol=1e-6)
    np.testing.assert_allclose(found.normals()[300, 150], [0, -1, 0], atol=0.05)
    np.testing.assert_allclose(found.normals()[110, 150], [0, 0, 1], atol=0.05)
    assert found.parts()[300, 150] == CLOTH and found.parts()[110, 150] == SKIN


def test_opacities_of_head_and_body_add_up_to_at_most_one():
    found = decomposed(*[says(SKIN)] * 4)
    total = np.zeros((HEIGHT, WIDTH), int)
    for (left, top, right, bottom), alpha in compositing.alphas(found.photo.pixels, found.surfaces):
        total[top:bottom, left:right] += alpha
    assert 250 < total[BELOW].min() and total.max() == 255


def test_what_is_off_the_person_stays_to_the_last_bit():
    wall = np.zeros((SIZE, SIZE), int)
    wall[:, SIZE // 4 : -SIZE // 4] = CLOTH
    pixels = textured()
    pixels[:, :50] += 60
    pixels[:, 250:] += 60
    found = decomposed(*[says(SKIN)] * 3, says(wall), pixels=pixels)
    relit = found.relight(Light.even(1.0), exposure=-1.0).pixels
    off = found.mask() == 0
    assert off[300, 10] and off[300, -10] and not off[300, 150]
    np.testing.assert_array_equal(relit[off], pixels[off])
    assert (relit[300, 140:160] != pixels[300, 140:160]).any()


@pytest.mark.parametrize("what", ["head", "face"])
def test_less_than_the_person(what):
    """The head is without cloth and body; the face is what its outline holds."""
    shown = np.full((SIZE, SIZE), SKIN)
    shown[3 * SIZE // 4 :] = CLOTH
    found = decomposed(*[says(shown)] * 3, what=what)
    assert len(found.surfaces) == 1
    mask = found.mask()
    # The cut of the head ends 2.4 eye distances below the eyes.
    assert mask[110, 150] > 0.95 and mask[172, 150] < 0.1 and mask[350, 150] == 0
    assert (mask[90, 150 - 50] > 0.5) == (what == "head")


@pytest.mark.parametrize("apart, kept", [(1.0, True), (0.4, False)])
def test_the_outline_of_a_turned_face_is_doubted_in_the_body_s_mask(apart, kept):
    """Eyes that look close together are those of a turned head, here before a wall."""
    face = dataclasses.replace(FACE, eyes=[150.0, 110.0] + apart * (FACE.eyes - [150.0, 110.0]))
    nobody = says(PARTS.index("background"))
    (found,) = decomposition.decompose(
        [photos.read(textured())], Says(*[says(SKIN)] * 3, nobody), known_faces=[[face]]
    )
    body = found.surfaces[1]
    column, row = np.floor(body.window.place(np.array([150.0, 110.0])) * len(body.mask)).astype(int)
    assert (body.mask[row, column] > 0.5) == kept


def test_a_network_without_parts_knows_no_body():
    found = decomposed(*[flat()] * 4)
    assert len(found.surfaces) == 1 and found.mask()[350, 150] == 0


def test_the_neighbour_of_the_largest_face_keeps_their_clothes():
    """Of two people side by side the one who was not asked for stays, in smaller copies too."""
    faces = [FACE, a_face(between=20.0, middle=(240.0, 100.0))]
    (found,) = decomposition.decompose(
        [photos.read(textured())], Says(*[says(SKIN)] * 4), faces=1, known_faces=[faces]
    )
    assert found.bystanders == (faces[1],) and len(found.faces) == 1
    for mask in (found.mask(), found.shrunk(200).mask().repeat(2, 0).repeat(2, 1)):
        assert mask[300, 130] > 0.9 and mask[160, 270] < 0.2 and mask[100, 240] < 0.2


@pytest.mark.parametrize("people", [1, 2])
def test_a_smaller_copy_has_the_same_people(people):
    faces = [FACE, a_face(between=18.0, middle=(150.0, 250.0))][:people]
    (found,) = decomposition.decompose(
        [photos.read(textured())], Says(*[says(SKIN)] * 4 * people), known_faces=[faces]
    )
    small = found.shrunk(200).mask()
    large = found.mask().reshape(200, 2, 150, 2).mean((1, 3))
    assert np.abs(small - large).max() < 0.06


def test_old_shadows_go_from_the_body_as_from_the_head():
    """The body is flat, so that every light is a factor there; the head is not."""
    rounded = says(SKIN, light=Light.from_direction(40, 0))
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    rounded["normals"] = np.dstack([0.7 * x, -0.7 * y, np.ones_like(x)]).astype(np.float32)
    rounded["normals"] /= np.linalg.norm(rounded["normals"], axis=-1, keepdims=True)
    flat_body = says(CLOTH, light=Light.from_direction(40, 0))
    pixels = textured()
    pixels[300:320] = pixels[300:320] * 2 // 3
    found = decomposed(*[rounded] * 3, flat_body, pixels=pixels)
    relit = found.relight(Light.from_direction(-60, 0)).pixels.astype(float)
    before, after = (
        values[300:320, 120:180].mean() / values[340:360, 120:180].mean()
        for values in (pixels, relit)
    )
    assert after > 1.08 * before


def test_who_stands_behind_is_relit_around_who_stands_in_front():
    """A child's face before an adult's chest: the chest beside the child is the adult's."""
    adult, child = FACE, a_face(between=18.0, middle=(150.0, 250.0))
    nobody = says(0)
    sees = [says(SKIN)] * 4
    of_child = [nobody] * 4
    model = Says(*sees, *of_child)
    (found,) = decomposition.decompose(
        [photos.read(textured())], model, known_faces=[[adult, child]]
    )
    mask = found.mask()
    assert mask[250, 70] > 0.85 and mask[250, 230] > 0.85


@pytest.mark.parametrize("what, expected", [("person", 1.0), ("head", 0.0), ("face", 0.0)])
def test_of_a_crop_too_only_what_is_wanted_is_relit(what, expected):
    shown = np.full((SIZE, SIZE), SKIN)
    shown[SIZE // 2 :] = CLOTH
    (found,) = decomposition.decompose(
        [photos.read(textured())], Says(says(shown)), whole_image=True, what=what
    )
    mask = found.mask()
    assert mask[350, 150] == pytest.approx(expected, abs=0.05) and mask[50, 150] > 0.95


def test_less_than_nothing_is_refused():
    with pytest.raises(InputError, match="Expected one of: person, head, face. Received: 'hat'"):
        decomposed(*[says(SKIN)] * 4, what="hat")


def test_bodies_stay_in_place_from_frame_to_frame():
    """The window of a body does not follow the face, but its means do."""
    half = np.full((SIZE, SIZE), 0)
    half[:, SIZE // 2 :] = CLOTH
    found = []
    for left in (150.0, 170.0):
        face = a_face(between=30.0, middle=(left, 110.0))
        (one,) = decomposition.decompose(
            [photos.read(textured())], Says(*[says(SKIN)] * 3, says(half)), known_faces=[[face]]
        )
        found.append(one.faces[0])
    frames = [(k, {0: maps}, None) for k, maps in enumerate(found)]
    for (_, (smooth,), _), maps in zip(smoothing.smooth(frames, 1.0), found):
        assert np.abs(smooth.body.mask - maps.body.mask).mean() < 0.02
