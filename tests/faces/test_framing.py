import numpy as np
import pytest

from tfrelight.faces import find, framing

WHOLE = (0, 0, 160, 120)


def ramps(height=120, width=160):
    """A picture whose red is x and whose green is y."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y, 0 * x], -1).astype(np.uint8)


def a_face(roll=0.0, between=24.0, middle=(80.0, 60.0)):
    across = between / 2 * np.array([np.cos(roll), np.sin(roll)])
    return find.Face(np.array([middle - across, middle + across]), between, np.zeros((36, 2)), 1.0)


@pytest.mark.parametrize("roll", [0.0, 0.3, -1.2, 3.0])
def test_a_cut_shows_the_eyes_where_the_framing_says(roll):
    face = a_face(roll)
    for share, row in (framing.FACE, framing.HEAD):
        window = framing.around(face, (share, row))
        eyes = window.place(face.eyes)
        np.testing.assert_allclose(eyes[1] - eyes[0], [share, 0], atol=1e-6)
        np.testing.assert_allclose(eyes.mean(0), [0.5, row], atol=1e-6)
        assert window.roll == pytest.approx(roll)


@pytest.mark.parametrize("roll", [0.0, 0.4, -2.0])
@pytest.mark.parametrize("size", [16, 40, 128])
def test_a_cut_samples_the_photo_where_it_lies(roll, size):
    window = framing.around(a_face(roll), framing.FACE)
    cut = window.cut(ramps(), size, WHOLE).astype(float)
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    points = window.corner + np.stack([x, y], -1) @ window.axes.T
    # The value of a pixel is that of its centre.
    np.testing.assert_allclose(cut[..., :2], points - 0.5, atol=1.2)


def test_outside_the_photo_its_border_is_repeated():
    window = framing.around(a_face(0.0, 30.0, (10.0, 60.0)), framing.FACE)
    cut = window.cut(ramps(), 64, WHOLE)
    assert window.corner[0] < -20
    assert (cut[:, :10, 0] <= 1).all()
    np.testing.assert_allclose(cut[:, 2, 1], cut[:, 40, 1], atol=2)


@pytest.mark.parametrize("roll", [0.0, 0.5, -2.5])
def test_uncut_puts_maps_back_where_they_were_cut(roll):
    window = framing.around(a_face(roll), framing.FACE)
    size = 96
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    points = (window.corner + np.stack([x, y], -1) @ window.axes.T).astype(np.float32)
    box = window.bounds(WHOLE)
    back = window.uncut(points, box)
    left, top, right, bottom = box
    y, x = np.mgrid[top:bottom, left:right] + 0.5
    inside = window.place(np.stack([x, y], -1))
    inside = ((inside > 0.02) & (inside < 0.98)).all(-1)
    np.testing.assert_allclose(back[inside], np.stack([x, y], -1)[inside], atol=0.05)


def test_bounds_stay_in_the_photo():
    assert framing.whole((120, 160)).bounds(WHOLE) == WHOLE
    left, top, right, bottom = framing.around(a_face(0.3), framing.HEAD).bounds(WHOLE)
    assert 0 <= left < right <= 160 and 0 <= top < bottom <= 120
    inner = (20, 30, 90, 70)
    left, top, right, bottom = framing.around(a_face(0.3), framing.HEAD).bounds(inner)
    assert (left, top, right, bottom) == inner
    beside = framing.around(a_face(middle=(150.0, 100.0), between=4.0), framing.FACE)
    left, top, right, bottom = beside.bounds(inner)
    assert 20 <= left < right <= 90 and 30 <= top < bottom <= 70


@pytest.mark.parametrize("colour", [0, 255])
def test_bars_are_no_part_of_a_picture(colour):
    rng = np.random.default_rng(0)
    picture = np.uint8(rng.integers(60, 200, (60, 80, 3)))
    assert framing.content(picture) == (0, 0, 80, 60)
    letterbox = np.full((100, 80, 3), colour, np.uint8)
    letterbox[25:85] = picture
    # What the coding of a film or photo leaves in them is no picture.
    letterbox[:25] ^= np.uint8(rng.integers(0, 5, (25, 80, 3)))
    left, top, right, bottom = framing.content(letterbox)
    assert (left, right) == (0, 80) and 25 <= top <= 28 and 82 <= bottom <= 85
    assert framing.content(np.swapaxes(letterbox, 0, 1)) == (top, left, bottom, right)
    assert framing.content(np.full_like(picture, colour)) == (0, 0, 80, 60)


def test_a_cut_shows_nothing_of_bars():
    framed = np.zeros((200, 160, 3), np.uint8)
    framed[40:160] = ramps() // 2 + 100
    window = framing.around(a_face(middle=(80.0, 100.0), between=40.0), framing.HEAD)
    assert window.cut(framed, 64, (0, 0, 160, 200)).min() == 0
    assert window.cut(framed, 64, framing.content(framed)).min() > 95
