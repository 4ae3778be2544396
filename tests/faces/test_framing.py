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
        # The window's right is where the other eye lies, with y up.
        across = np.diff(face.eyes, axis=0)[0] / face.interocular_distance * [1, -1]
        np.testing.assert_allclose(window.rotation @ [1, 0, 0], [*across, 0], atol=1e-6)


@pytest.mark.parametrize("roll", [0.0, 0.8])
def test_the_framings_lie_in_one_another(roll):
    """Each shows more on every side; and all are framings of `synthesis.staging.frame`."""
    face, head, wide = (
        framing.around(a_face(roll), one) for one in (framing.FACE, framing.HEAD, framing.WIDE)
    )
    for inner, outer, margin in ((face, head, 0.15), (head, wide, 0.04)):
        corners = inner.corner + np.array([(0, 0), (0, 1), (1, 0), (1, 1)]) @ inner.axes.T
        inside = outer.place(corners)
        assert margin < inside.min() and inside.max() < 1 - margin
    assert 0.32 <= framing.FACE[0] <= 0.5 and 0.28 <= framing.FACE[1] <= 0.42
    for share, row in (framing.HEAD, framing.WIDE):
        assert 0.18 <= share <= 0.32 and 0.38 <= row <= 0.5


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


def test_bounds_by_hand():
    """Every pixel that a window touches, and one at least of a photo beside it."""
    large = (0, 0, 1000, 1000)
    window = framing.Window(np.array([10.4, 20.6]), np.diag([30.0, 40.0]))
    assert window.bounds(large) == (10, 20, 41, 61)
    assert window.bounds((15, 30, 36, 50)) == (15, 30, 36, 50)
    # A square that stands on its corner.
    turned = framing.Window(np.array([500.0, 400.0]), np.array([[70.0, -70.0], [70.0, 70.0]]))
    assert turned.bounds(large) == (430, 400, 570, 540)
    np.testing.assert_allclose(turned.sides, [70 * 2**0.5] * 2)
    assert turned.roll == pytest.approx(np.pi / 4)
    beside = framing.Window(np.array([-500.0, 70.0]), np.diag([30.0, 40.0]))
    assert beside.bounds((0, 0, 160, 120)) == (0, 70, 1, 110)
    beside = framing.Window(np.array([400.0, 900.0]), np.diag([30.0, 40.0]))
    assert beside.bounds((0, 0, 160, 120)) == (159, 119, 160, 120)


def test_places_by_hand():
    window = framing.Window(np.array([10.0, 20.0]), np.array([[0.0, -50.0], [40.0, 0.0]]))
    # A quarter turn clockwise: the upper edge runs down, the left one to the left.
    np.testing.assert_allclose(
        window.place([(10, 20), (10, 60), (-40, 20), (-15, 40)]),
        [(0, 0), (1, 0), (0, 1), (0.5, 0.5)],
    )
    np.testing.assert_allclose(window.sides, [40, 50])


@pytest.mark.parametrize("roll", [0.0, 0.6])
def test_a_large_window_is_averaged(roll):
    """Lines of one pixel, black and white, are grey, and a ramp stays where it is."""
    y, x = np.mgrid[:1200, :1500]
    lines = np.uint8(np.stack([(x + y) % 2 * 255, x * 255 // 1500, y * 255 // 1200], -1))
    axes = 900 * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    window = framing.Window(np.array([520.0, 100.0]), axes)
    cut = window.cut(lines, 40, (0, 0, 1500, 1200)).astype(float)
    y, x = (np.mgrid[:40, :40] + 0.5) / 40
    points = window.corner + np.stack([x, y], -1) @ axes.T
    inside = (points[..., 1] < 1150) & (points[..., 0] > 50)
    assert inside.mean() > 0.8
    assert np.abs(cut[..., 0] - 127.5)[inside].max() < 8
    for channel, scale in ((1, 1500), (2, 1200)):
        expected = points[..., channel - 1] * 255 / scale - 0.5
        assert np.abs(cut[..., channel] - expected)[inside].max() < 2.5


@pytest.mark.parametrize("factor", [1, 10])
@pytest.mark.parametrize("corner", [(-50, 40), (155, 40), (40, -50), (40, 117), (-30, 100)])
def test_beyond_the_box_its_border_is_repeated(corner, factor):
    """On each side; a window of 60 pixels, or ten times that, which is averaged first."""
    picture = np.full((120 * factor, 160 * factor, 3), 200, np.uint8)
    framed = np.pad(picture, ((7, 9), (5, 3), (0, 0)))
    window = framing.Window(np.array(corner, float) * factor, np.diag([60.0 * factor] * 2))
    box = (5, 7, 5 + 160 * factor, 7 + 120 * factor)
    assert np.abs(window.cut(framed, 20, box).astype(int) - 200).max() <= 1


def test_maps_are_put_where_their_window_lies():
    """Pixels of a window of 8 that are 5 wide and 10 high."""
    maps = np.arange(64, dtype=np.float32).reshape(8, 8)
    window = framing.Window(np.array([20.0, 10.0]), np.diag([40.0, 80.0]))
    back = window.uncut(maps, (0, 0, 80, 110))
    assert back.shape == (110, 80) and back.dtype == np.float32
    # Centres of the maps' pixels are at 22.5 and every 5, and at 15, half a pixel on, and every 10.
    between = (back[14:94:10, 22:62:5] + back[15:95:10, 22:62:5]) / 2
    np.testing.assert_allclose(between[1:-1], maps[1:-1], atol=1e-4)
    np.testing.assert_allclose(between[0], maps[0] + 0.2, atol=1e-4)
    # Up to the window's own border the outermost of them goes on.
    np.testing.assert_allclose(back[10:15, 20:22], 0.0, atol=1e-5)
    np.testing.assert_allclose(back[85:90, 58:60], 63.0, atol=1e-5)
    channels = window.uncut(np.stack([maps, -maps], -1), (30, 20, 50, 60))
    assert channels.shape == (40, 20, 2)
    np.testing.assert_allclose(channels[..., 0], back[20:60, 30:50], atol=1e-5)
    np.testing.assert_allclose(channels[..., 1], -back[20:60, 30:50], atol=1e-5)


@pytest.mark.parametrize("side,corner", [(95, 2), (95.5, 3.2), (9, 40), (300, -80)])
def test_upright_maps_and_points_agree_with_turned_ones(side, corner):
    """Enlarged, or reduced; a turn of nearly nothing."""
    rng = np.random.default_rng(0)
    maps = rng.random((12, 12, 2), np.float32)
    box = (41, 21, 48, 31) if side == 9 else (5, 20, 95, 65)
    upright = framing.Window(np.array([corner, corner / 2]), np.diag([side, 1.3 * side]))
    turned = framing.Window(upright.corner, upright.axes + [[0, 1e-6], [1e-6, 0]])
    found = upright.uncut(maps, box)
    np.testing.assert_allclose(found, turned.uncut(maps, box), atol=2e-5)
    y, x = np.mgrid[box[1] : box[3], box[0] : box[2]] + 0.5
    at_centres = upright.sampled(maps, np.stack([x.ravel(), y.ravel()], -1))
    np.testing.assert_allclose(at_centres, found.reshape(-1, 2), atol=2e-5)


@pytest.mark.parametrize("off,bar", [(12, True), (13, False)])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_bar_may_differ_by_12_of_255(off, bar, sign):
    rng = np.random.default_rng(0)
    pixels = np.uint8(rng.integers(0, 255, (50, 40, 3)))
    pixels[:20] = 100
    pixels[10:15, 3, 1] = 100 + sign * off
    # The two rows after a bar mix it and the picture.
    assert framing.content(pixels) == (0, 22 if bar else 0, 40, 50)


@pytest.mark.parametrize("share, left", [(0.45, 0), (0.55, 27)])
def test_a_bar_ends_where_half_of_a_line_has_other_colours(share, left):
    rng = np.random.default_rng(2)
    pixels = np.full((60, 40, 3), 252, np.uint8)
    from_row = round(60 * (1 - share))
    pixels[from_row:, 25:] = rng.integers(0, 200, (60 - from_row, 15, 3))
    assert framing.content(pixels) == (left, 0, 40, 60)


def test_a_strip_of_one_colour_is_no_picture_between_bars():
    pixels = np.full((60, 40, 3), 120, np.uint8)
    pixels[20:30] = 80
    assert framing.content(pixels) == (0, 0, 40, 60)


def test_a_head_before_white_reaches_the_end_of_no_bar():
    y, x = np.mgrid[:80, :90]
    pixels = np.full((80, 90, 3), 255, np.uint8)
    pixels[(x - 50) ** 2 + (y - 40) ** 2 < 30**2] = (90, 60, 40)
    assert framing.content(pixels) == (0, 0, 90, 80)


@pytest.mark.parametrize("width", [1, 9])
@pytest.mark.parametrize("side", range(4))
def test_a_bar_on_one_side(side, width):
    rng = np.random.default_rng(1)
    pixels = np.uint8(rng.integers(0, 255, (50, 40, 3)))
    expected = [0, 0, 40, 50]
    (pixels, pixels.swapaxes(0, 1))[side % 2 == 0][:width] = 7 if side < 2 else 0
    if side >= 2:
        pixels = np.ascontiguousarray(pixels[::-1, ::-1])
    expected[side] += (width + 2) * (1 if side < 2 else -1)
    assert framing.content(pixels) == tuple(expected)


def test_a_photo_that_is_nearly_all_bars_is_all_picture():
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[20:22] = np.arange(40, dtype=np.uint8)[:, None] * 6
    assert framing.content(pixels) == (0, 0, 40, 40)
    assert framing.content(pixels.swapaxes(0, 1)) == (0, 0, 40, 40)


@pytest.mark.parametrize(
    "roll, side", [(0.1, "bottom"), (1.5, "left"), (-1.6, "right"), (3.0, "top")]
)
def test_the_window_of_a_body_lies_below_the_face(roll, side):
    """Below is where a face rolled by so much has its body; the window stays upright."""
    size = 1000
    window = framing.body(a_face(roll, between=20.0, middle=(500.0, 500.0)), (0, 0, size, size))
    corners = window.corner + np.array([(0, 0), (0, 1), (1, 0), (1, 1)]) @ window.axes.T
    reach = np.abs(np.array([corners.min(0), corners.max(0)]) - 500).ravel()
    names = ["left", "top", "right", "bottom"]
    assert names[int(reach.argmax())] == side
    assert abs(np.sin(2 * window.roll)) < 1e-9
    # To the waist, 9.6 eye distances below the eyes.
    assert reach.max() == pytest.approx(9.6 * 20)


def test_the_window_of_a_body_is_not_much_larger_than_the_photo():
    window = framing.body(a_face(between=30.0, middle=(80.0, 60.0)), (0, 0, 160, 240))
    assert window.place((80.0, 240.0))[1] == pytest.approx(1.0)
    tight = framing.body(a_face(between=60.0), (0, 0, 160, 120))
    assert tight.sides[0] == pytest.approx(60.0 / 0.16)
