"""What belongs to which face, and how changes of faces become pixels."""

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.relighting import heads
from tests.relighting.made_maps import SIZE, a_face, half, picture, roof
from tfrelight import color, photos
from tfrelight.errors import InputError
from tfrelight.faces import framing
from tfrelight.photos import srgb
from tfrelight.relighting import compositing, decomposition
from tfrelight.relighting.ratio_image import Change

GREY = np.full((60, 100, 3), 128, np.uint8)
LINEAR = float(color.to_linear_numpy(128 / 255))


def square(left, top, side, **fields):
    """Maps of a face whose window is a square of the photo, its eyes around the middle."""
    window = framing.Window(np.array([left, top], float), np.diag([float(side)] * 2))
    middle = np.array([left + side / 2, top + side / 2])
    made = {"window": window, "box": (0, 0, 100, 60), "face": a_face(middle, side / 4)}
    return roof(photo=LINEAR, **{**made, **fields})


def change(factor, **fields):
    return Change(np.zeros((SIZE, SIZE), np.float32), picture(factor), **fields)


def changed(faces, changes, pixels=GREY, **kwargs):
    layers = compositing.alphas(pixels, faces)
    return compositing.apply(pixels, faces, layers, changes, **kwargs)


def of(linear):
    """8-bit pixels of linear values."""
    return np.round(color.to_srgb_numpy(np.float32(linear)) * 255)


def test_the_mask_rises_from_nobody_to_somebody():
    """3 t² - 2 t³ of t = (mask - 0.45) / 0.5."""
    for mask, expected in ((0.45, 0), (0.575, 40), (0.675, 108), (0.95, 255)):
        face = square(10, 20, 30, mask=np.full((SIZE, SIZE), mask, np.float32))
        (((left, top, right, bottom), alpha),) = compositing.alphas(GREY, [face])
        assert (left, top, right, bottom) == (10, 20, 40, 50) and alpha.shape == (30, 30)
        assert alpha.min() == alpha.max() == expected


def test_the_mask_follows_edges_of_the_photo():
    """Maps of 64 pixels of a photo of 512: its edge lies inside one of theirs."""
    pixels = np.full((512, 512, 3), 60, np.uint8)
    pixels[:, 259:] = 200
    small = np.full((SIZE, SIZE, 3), 60 / 255, np.float32)
    small[:, 33:], small[:, 32] = 200 / 255, (60 + 5 / 8 * 140) / 255
    maps = {"guide": color.luminance_numpy(small), "mask": np.float32(small[..., 0] > 0.5)}
    face = square(0, 0, 512, box=(0, 0, 512, 512), **maps)
    ((_, alpha),) = compositing.alphas(pixels, [face])
    assert alpha[256, 259:].min() > 250 and alpha[256, :259].max() < 5


def test_two_faces_share_by_their_distances_to_the_eighth_power():
    """Windows of one side, middles 40 apart, eyes 15 apart: at a third of the way 1 to 2**8."""
    faces = [square(0, 0, 60), square(40, 0, 60)]
    (_, one), (box, two) = compositing.alphas(GREY, faces)
    assert box == (40, 0, 100, 60)
    row = np.pad(one[30].astype(int), (0, 40)), np.pad(two[30].astype(int), (40, 0))
    assert np.abs(row[0] + row[1] - 255).max() <= 1
    # The middles are at 30 and 70: half of each at 50, nearly all of the nearer one at 43.
    assert np.abs(row[0][[49, 50]].mean() - 127.5) < 1
    np.testing.assert_allclose(row[1][43] / 255, 1 / (1 + (26.5 / 13.5) ** 8), atol=2e-3)
    # The share of 46.5: 16.5 from the one and 23.5 from the other.
    np.testing.assert_allclose(row[1][46] / 255, 1 / (1 + (23.5 / 16.5) ** 8), atol=5e-3)
    # Upright, too: what lies above both is shared alike.
    assert abs(int(one[2, 49]) + int(one[2, 50]) - 255) <= 2


def test_whoever_is_not_relit_keeps_what_is_near_them():
    """A bystander's share is that of a second face, and nobody's opacity."""
    faces = [square(0, 0, 60), square(40, 0, 60)]
    (box, shared), _ = compositing.alphas(GREY, faces)
    ((alone, found),) = compositing.alphas(GREY, faces[:1], [faces[1].face])
    assert alone == box
    np.testing.assert_allclose(found[30], shared[30], atol=1)
    assert found[30, :25].min() > 250 and found[30, 57] < 40


def test_distances_count_in_each_face_s_own_size():
    """A face twice as large takes what is twice as far."""
    large, small = square(0, 0, 60), square(60, 15, 30)
    (_, one), (box, two) = compositing.alphas(GREY, [large, small])
    # The pixel at 60.5 is 30.5 of 15 from the one and 14.5 of 7.5 from the other.
    assert box == (60, 15, 90, 45)
    share = 1 / (1 + ((14.5 / 7.5) / (30.5 / 15)) ** 8)
    np.testing.assert_allclose(two[15, 0] / 255, share, atol=0.01)
    share = np.moveaxis(compositing.outlines([large, small], 0), -1, 0)[2]
    assert share.shape == (SIZE, SIZE) and share[32, 2] > 0.999


def test_a_face_alone_shares_with_nobody():
    outline = compositing.outlines([square(0, 0, 60, mask=np.full((SIZE, SIZE), 0.6))], 0)
    np.testing.assert_allclose(outline[..., 2], 1.0)
    # A flat mask is a flat function of the guide.
    np.testing.assert_allclose(outline[..., 0], 0.0, atol=1e-3)
    np.testing.assert_allclose(outline[..., 1], 0.6, atol=1e-3)


def test_pixels_are_multiplied_in_linear_rgb():
    result = changed([square(10, 20, 30)], [change((0.5, 1.0, 2.0))])
    expected = of([0.5 * LINEAR, LINEAR, 2 * LINEAR])
    assert np.abs(result[25:45, 15:35] - expected).max() <= 1
    outside = np.ones(GREY.shape[:2], bool)
    outside[20:50, 10:40] = False
    np.testing.assert_array_equal(result[outside], GREY[outside])


def test_the_slope_follows_the_photo():
    """Of a photo of two greys each becomes x exp(slope x its own value)."""
    pixels = GREY.copy()
    pixels[:, 50:] = 64
    slope = np.full((SIZE, SIZE), 0.7, np.float32)
    layers = [((20, 10, 80, 50), np.full((40, 60), 255, np.uint8))]
    change = Change(slope, picture(1.0))
    result = compositing.apply(pixels, [square(20, 0, 60)], layers, [change])
    for value, x in ((128, 30), (64, 70)):
        linear = color.to_linear_numpy(value / 255) * np.exp(0.7 * value / 255)
        assert np.abs(result[30, x] - of(linear)).max() <= 1


def test_what_is_lost_is_filled():
    lost = half(0.0, 0.75)
    lost[:16] = 0
    filled = change(1.0, lost=lost, fill=picture((0.4, 0.2, 0.1)))
    result = changed([square(0, 0, 60)], [filled])
    expected = of(0.25 * LINEAR + 0.75 * np.float32([0.4, 0.2, 0.1]))
    assert np.abs(result[20:55, 35:55] - expected).max() <= 1
    for kept in (result[:13], result[20:, :27]):
        np.testing.assert_array_equal(kept, GREY[: kept.shape[0], : kept.shape[1]])
    # In the last row, too, and in a strip that begins below.
    assert np.abs(result[59, 40] - expected).max() <= 1


def test_a_clipped_channel_darkens_as_what_it_would_have_measured():
    pixels = np.full((60, 100, 3), (255, 200, 140), np.uint8)
    green, blue = (float(color.to_linear_numpy(value / 255)) for value in (200, 140))
    # Red is twice green here: 1.155 of it.
    surface = picture((1.0, 0.5, 0.25))
    for factor, red in ((0.25, 2 * green / 4), (0.9, 1.0), (1.0, 1.0)):
        relit = changed([square(0, 0, 60)], [change(factor, surface_color=surface)], pixels)
        expected = of([red, factor * green, factor * blue])
        assert np.abs(relit[20:40, 20:40] - expected).max() <= 1, factor
    # What is not clipped is not restored, and rows without anything clipped are not touched.
    pixels[30:] = (200, 200, 140)
    relit = changed([square(0, 0, 60)], [change(0.25, surface_color=surface)], pixels)
    assert np.abs(relit[32:40, 20:40] - of([green / 4, green / 4, blue / 4])).max() <= 1
    assert np.abs(relit[20:28, 20:40] - of([2 * green / 4, green / 4, blue / 4])).max() <= 1


def test_burnt_white_becomes_skin_without_turning_yellow():
    """All channels approach the surface's colour together, and none gets brighter than it was."""
    pixels = np.full((60, 100, 3), 255, np.uint8)
    surface = picture((1.0, 0.6, 0.35))
    for factor in (0.85, 0.7, 0.5, 0.3):
        relit = changed([square(0, 0, 60)], [change(factor, surface_color=surface)], pixels)
        linear = color.to_linear_numpy(relit[30, 30] / np.float32(255))
        excess = factor * np.float32([1, 0.6, 0.35]) / 0.35
        share = min(1.0, *((1 - factor) / np.maximum(excess - factor, 1e-6)))
        np.testing.assert_allclose(linear, factor + share * (excess - factor), atol=0.01)
        # Green lies between the others as it does in the surface.
        across = (linear[0] - linear[1]) / (linear[0] - linear[2])
        assert across == pytest.approx(0.4 / 0.65, abs=0.05)


def test_a_fill_brighter_than_white_keeps_its_colour():
    filled = change(1.0, lost=half(1.0, 1.0), fill=picture((2.0, 1.0, 0.5)))
    relit = changed([square(0, 0, 60)], [filled])
    assert np.abs(relit[30, 30] - of([1.0, 0.5, 0.25])).max() <= 1


def test_a_channel_that_would_pass_white_takes_the_others_with_it():
    pixels = np.full((60, 100, 3), (200, 128, 128), np.uint8)
    relit = changed([square(0, 0, 60)], [change(3.0)], pixels)
    red = float(color.to_linear_numpy(200 / 255))
    expected = of([1.0, LINEAR / red, LINEAR / red])
    assert np.abs(relit[20:40, 20:40] - expected).max() <= 1


def test_each_face_changes_its_own_part():
    """Alone where it is alone; where two meet, the mean of what each makes of the photo."""
    faces = [square(0, 0, 60), square(40, 0, 60)]
    result = changed(faces, [change(0.5), change(1.5)])
    assert np.abs(result[30, 30] - of(0.5 * LINEAR)).max() <= 1
    assert np.abs(result[30, 70] - of(1.5 * LINEAR)).max() <= 1
    between = color.to_linear_numpy(result[30, 49:51] / 255).mean()
    np.testing.assert_allclose(between, LINEAR, rtol=0.01)


def test_strips_of_several_faces_do_not_show(monkeypatch):
    faces = [square(0, 0, 40), square(55, 20, 35)]
    lost = change(1.0, lost=half(0.0, 0.75), fill=picture(0.6))
    pixels = np.uint8(GREY + np.arange(100)[:, None] % 50)
    expected = changed(faces, [lost, change(1.5)], pixels)
    behind = changed(faces, [lost, change(1.5)], pixels, behind=np.float32([2.0, 1.0, 0.5]))
    assert (expected != pixels).any((1, 2)).sum() > 50
    monkeypatch.setattr(compositing, "_STRIP", 300)
    np.testing.assert_array_equal(changed(faces, [lost, change(1.5)], pixels), expected)
    again = changed(faces, [lost, change(1.5)], pixels, behind=np.float32([2.0, 1.0, 0.5]))
    np.testing.assert_array_equal(again, behind)


def test_what_is_behind_is_multiplied_too():
    result = changed([square(10, 20, 30)], [change(0.5)], behind=np.float32([2.0, 1.0, 0.5]))
    assert np.abs(result[5, 80] - of([2 * LINEAR, LINEAR, 0.5 * LINEAR])).max() <= 1
    # Not where a face is.
    assert np.abs(result[35, 25] - of(0.5 * LINEAR)).max() <= 1


@pytest.mark.parametrize("dtype,scale", [(np.uint8, 1), (np.uint16, 257), (np.float32, 1 / 255)])
def test_every_kind_of_pixels(dtype, scale):
    pixels = (GREY * scale).astype(dtype)
    result = changed([square(10, 20, 30)], [change(0.5)], pixels)
    assert result.dtype == dtype and pixels[30, 20, 0] == dtype(128 * scale)
    np.testing.assert_allclose(result[30, 20] / scale, of(0.5 * LINEAR), atol=0.51)


def test_what_faces_are_in_linear_rgb():
    faces = [square(10, 20, 30)]
    layers = compositing.alphas(GREY, faces)
    result = compositing.linear(GREY, faces, layers, [change(3.0)])
    # Not clipped, and nothing where nobody is.
    np.testing.assert_allclose(result[25:45, 15:35], 3 * LINEAR, rtol=1e-3)
    assert result[:19].max() == 0 and result[:, 42:].max() == 0


def test_values_are_pasted_by_what_belongs_to_each():
    layers = [((1, 0, 3, 2), np.uint8([[255, 51], [0, 0]])), ((2, 0, 4, 1), np.uint8([[204, 255]]))]
    pasted = compositing.paste((2, 5), layers, [1.0, 10.0])
    np.testing.assert_allclose(pasted, [[0, 1, 0.2 + 8, 10, 0], [0] * 5], rtol=1e-6)
    values = [np.full((2, 2, 2), (1.0, 2.0)), np.full((1, 2, 2), (10.0, 20.0))]
    pasted = compositing.paste((2, 5), layers, values, 2)
    np.testing.assert_allclose(pasted[0, 2], [8.2, 16.4], rtol=1e-6)
    assert pasted.shape == (2, 5, 2)


@pytest.fixture(scope="module")
def two():
    """Two heads so close that their windows overlap."""
    astronaut = Image.open(ROOT / "docs" / "astronaut.jpg").crop((125, 0, 325, 170))
    both = Image.new("RGB", (360, 170), (200, 195, 190))
    both.paste(astronaut, (0, 0))
    both.paste(astronaut.crop((40, 0, 200, 170)), (200, 0))
    return photos.read(both)


@pytest.fixture(scope="module")
def model():
    return heads.tiny()


def test_neighbours_share_what_lies_between_them(two, model):
    (decomposed,) = decomposition.decompose([two], model)
    assert len(decomposed.faces) == 2
    total = np.zeros(two.size, int)
    for (left, top, right, bottom), alpha in compositing.alphas(two.pixels, decomposed.faces):
        total[top:bottom, left:right] += alpha
    assert total.max() <= 256  # each is rounded
    # So nobody is lit twice: twice as bright is twice as bright.
    brighter = decomposed.relight(decomposed.light, exposure=-1.0)
    for face in decomposed.faces:
        x, y = face.face.oval.mean(0).astype(int)
        patch = np.s_[y - 5 : y + 5, x - 5 : x + 5]
        ratio = srgb.decode(brighter.pixels)[patch] / srgb.decode(two.pixels)[patch]
        assert 0.35 < ratio.mean() < 0.7


def test_which_faces(two, model):
    for wanted, count in (("all", 2), ("largest", 1), (1, 1), ("2", 2), (5, 2)):
        (decomposed,) = decomposition.decompose([two], model, faces=wanted)
        assert len(decomposed.faces) == count


def test_no_face_is_an_error_for_that_photo_alone(two, model):
    nobody = photos.read(np.full((64, 64, 3), 128, np.uint8))
    results = decomposition.decompose([nobody, two, nobody], model)
    assert isinstance(results[0], InputError) and isinstance(results[2], InputError)
    assert "No face" in str(results[0]) and "whole_image" in str(results[0])
    assert len(results[1].faces) == 2


def test_strips_do_not_show(monkeypatch):
    (decomposed,) = decomposition.decompose(
        [photos.read(heads.photo())], heads.model(), whole_image=True
    )
    whole = decomposed.relight("left", background=True).pixels
    monkeypatch.setattr(compositing, "_STRIP", 1000)
    again = decomposition.Decomposition(decomposed.photo, decomposed.faces)
    np.testing.assert_array_equal(again.relight("left", background=True).pixels, whole)
