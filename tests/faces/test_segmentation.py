"""The head against what is around it, by place, network and colours."""

import numpy as np
import pytest

from tests.relighting.made_maps import a_face
from tfrelight.faces import find, framing, segmentation
from tfrelight.photos import filters

SIZE = 96


def scene(hair=(0.25, 0.15, 0.1), wall=(0.3, 0.5, 0.7)):
    """A skin-coloured oval under hair before a wall, in a head window; and what is head."""
    share, row = framing.HEAD
    y, x = (np.mgrid[:SIZE, :SIZE] + 0.5) / SIZE
    across, down = (x - 0.5) / share, (y - row) / share
    oval = (across / 1.1) ** 2 + ((down - 0.4) / 1.5) ** 2 < 1
    head = oval | ((across / 1.5) ** 2 + ((down + 0.2) / 1.9) ** 2 < 1)
    photo = np.where(oval[..., None], (0.8, 0.6, 0.5), np.where(head[..., None], hair, wall))
    noise = np.random.default_rng(0).normal(0, 0.02, photo.shape)
    return np.clip(photo + noise, 0, 1).astype(np.float32), oval.astype(np.float32), head


@pytest.mark.parametrize("network", ["right", "much", "little"])
def test_the_head_is_found_by_a_network_that_is_right_or_unsure(network):
    photo, oval, head = scene()
    says = {"right": head * 1.0, "much": np.full_like(oval, 0.7), "little": 0 * oval + 0.3}[network]
    found = segmentation.head(photo, says, oval, np.ones(head.shape, bool), 0.0)
    union = (found > 0.5) | head
    assert ((found > 0.5) & head).sum() / union.sum() > 0.93
    assert found.min() >= 0 and found.max() <= 1


def test_without_a_difference_in_colour_place_and_network_decide():
    photo, oval, head = scene(hair=(0.3, 0.5, 0.7))
    found = segmentation.head(photo, head * 1.0, oval, np.ones(head.shape, bool), 0.0)
    assert found[oval > 0.5].min() > 0.8
    assert found[:12, :12].max() < 0.1 and found[:12, -12:].max() < 0.1


@pytest.mark.parametrize("network", ["right", "unsure"])
@pytest.mark.parametrize("backdrop", ["bush", "door"])
def test_a_backdrop_of_the_colours_of_a_head(backdrop, network):
    photo, oval, head = scene()
    y, x = (np.mgrid[:SIZE, :SIZE] + 0.5) / SIZE
    beside, colour, others = {
        "bush": ((x < 0.5) & (y > 0.45), (0.25, 0.2, 0.1), (0.6, 0.75, 0.95)),
        "door": (x < 0.5, (0.75, 0.58, 0.45), (0.3, 0.5, 0.7)),
    }[backdrop]
    wall = np.where(beside[..., None], colour, others)
    wall = wall + np.random.default_rng(1).normal(0, 0.03, photo.shape)
    photo = np.where(head[..., None], photo, np.clip(wall, 0, 1)).astype(np.float32)
    says = {"right": head * 1.0, "unsure": np.full_like(oval, 0.5)}[network]
    found = segmentation.head(photo, says, oval, np.ones(head.shape, bool), 0.0) > 0.5
    # Below the chin nothing tells a door of skin colour from a neck.
    assert (found & ~head).sum() < 0.16 * head.sum()
    assert (found & head).sum() > 0.95 * head.sum()


def test_what_lies_outside_the_photo_teaches_no_colour():
    photo, oval, head = scene()
    inside = np.ones(head.shape, bool)
    inside[:, : SIZE // 4] = False
    photo[~inside] = (0.8, 0.6, 0.5)
    found = segmentation.head(photo, head * 1.0, oval, inside, 0.0)
    there = inside & ((found > 0.5) != head)
    assert there.sum() < 0.05 * head.sum()


def sure(odds):
    return 1 / (1 + np.exp(-odds))


def pixel(across, down):
    """Row and column at a place in distances between the eyes, from the middle between them."""
    share, row = framing.HEAD
    return int((row + down * share) * SIZE), int((0.5 + across * share) * SIZE)


def everywhere_alike(network, oval=None):
    """What is found in a photo of one colour: colours say nothing, place and network all."""
    photo = np.full((SIZE, SIZE, 3), 0.5, np.float32)
    oval = np.zeros((SIZE, SIZE)) if oval is None else oval
    return segmentation.head(photo, np.full((SIZE, SIZE), network), oval, oval >= 0, 0.0)


@pytest.mark.parametrize("network,odds", [(0.5, 0.0), (0.9, np.log(9)), (0.2, -np.log(4))])
def test_log_odds_of_place_and_network_add_up(network, odds):
    found = everywhere_alike(network)
    # In the middle of the head 4, in the neck 1, far away -4.
    for place, expected in (((0.1, 0.1), 4.0), ((0.0, 2.25), 1.0), ((2.2, 0.0), -4.0)):
        assert found[pixel(*place)] == pytest.approx(sure(expected + odds), abs=0.015), place
    assert found[:4, :4].max() == pytest.approx(sure(odds - 4), abs=0.01)


@pytest.mark.parametrize("network,odds", [(1.0, np.log(49)), (0.0, -np.log(49))])
def test_a_network_is_never_surer_than_49_to_1(network, odds):
    assert everywhere_alike(network)[pixel(2.2, 0.0)] == pytest.approx(sure(odds - 4), abs=0.01)


def test_a_head_is_three_eye_distances_wide_and_its_neck_two():
    """Half sure at the outline: 1.5 to the sides, 2.15 up, and 0.95 to the sides of the neck."""
    found = everywhere_alike(0.5)
    for across, down in ((1.5, 0.0), (-1.5, 0.0), (0.0, -2.15)):
        assert found[pixel(0.93 * across, 0.93 * down)] > 0.55
        assert found[pixel(1.07 * across, 1.07 * down)] < 0.45
    for side in (-1, 1):
        assert found[pixel(0.85 * side, 2.3)] > 0.55 and found[pixel(1.05 * side, 2.3)] < 0.45
    # A neck begins below the chin; above, what is beside a head is not.
    assert found[pixel(0.0, 2.3)] > 0.7 and found[pixel(0.0, -2.3)] < 0.4
    # A tenth further out its log odds have fallen by 1.2.
    row, column = pixel(1.65, 0.0)
    assert found[row, column - 1 : column + 2].mean() == pytest.approx(sure(-1.2), abs=0.06)


def test_the_inside_of_the_outline_is_head_whatever_else_is_said():
    oval = np.zeros((SIZE, SIZE))
    oval[:20, :20] = 1
    found = everywhere_alike(0.0, oval)
    assert found[:15, :15].min() == pytest.approx(sure(5.0), abs=0.003)
    assert found[30:, :10].max() < 0.01


@pytest.mark.parametrize("function", [segmentation.head, segmentation.person])
@pytest.mark.parametrize("turned, doubted", [(-0.1, False), (-0.5, True), (-0.9, True)])
def test_of_a_turned_face_the_outline_counts_where_the_network_agrees(function, turned, doubted):
    # The outline reaches past the nose, over a wall that the network knows.
    oval, network = np.zeros((2, SIZE, SIZE))
    rows = slice(SIZE // 3, 2 * SIZE // 3)
    oval[rows, SIZE // 4 : SIZE // 2] = 1
    network[rows, SIZE // 3 : SIZE // 2] = 1
    photo = np.where(network[..., None] > 0, (0.8, 0.6, 0.5), 1.0).astype(np.float32)
    found = function(photo, network, oval, oval >= 0, turned)
    middle = SIZE // 2
    assert found[middle, SIZE // 3 + 4 : SIZE // 2 - 4].min() > 0.9
    past = found[middle, SIZE // 4 + 2 : SIZE // 3 - 2]
    assert past.max() < 0.1 if doubted else past.min() > 0.9


RED, GREEN, BLUE = (0.8, 0.3, 0.3), (0.3, 0.7, 0.3), (0.2, 0.5, 0.8)


def patch(across, down, colour, left=RED, right=RED):
    """How sure a patch before a blue wall is head; the head's halves have colours of their own.

    The network says nothing, so that by its place alone the patch is -4.
    """
    _, oval, head = scene()
    halves = np.where(np.arange(SIZE)[:, None] < SIZE // 2, left, right)
    photo = np.where(head[..., None], halves, BLUE).astype(np.float32)
    row, column = pixel(across, down)
    photo[row - 4 : row + 5, column - 4 : column + 5] = colour
    found = segmentation.head(photo, np.full_like(oval, 0.5), oval, oval >= 0, 0.0)
    apart = ~head
    apart[row - 5 : row + 6, column - 5 : column + 6] = False
    assert found[head].mean() > 0.97 and found[apart].mean() < 0.02
    return found[row, column]


def test_a_colour_that_only_heads_have_is_worth_1_4_times_3():
    # -4 + 4.2, and a patch of the wall's own colour is surely wall.
    assert patch(2.1, -2.0, RED) == pytest.approx(sure(0.2), abs=0.08)
    assert patch(2.1, -2.0, BLUE) < 0.01


def test_colours_count_more_in_their_own_direction():
    """Of a head that is red on the left and green on the right, beside it on either side."""
    assert patch(-2.1, 0.3, RED, left=RED, right=GREEN) == pytest.approx(sure(0.2), abs=0.08)
    assert 0.2 < patch(2.1, 0.3, RED, left=RED, right=GREEN) < 0.3


def test_a_colour_close_to_the_head_s_counts_little():
    """Two sixteenths more blue."""
    close = patch(2.1, -2.0, (0.8, 0.3, 0.42), left=RED, right=GREEN)
    far = patch(2.1, -2.0, (0.8, 0.3, 0.7), left=RED, right=GREEN)
    assert 4 * far < close < 0.015


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("degrees", [0, 30, 60, 80])
def test_how_far_a_head_is_turned(side, degrees):
    """Its eyes are as far apart in the picture as the cosine says, and in front of its outline."""
    angle = np.radians(degrees)
    middle, across = np.array([50.0 + 4 * side * np.sin(angle), 40.0]), np.array([10.0, 0.0])
    eyes = np.array([middle - across * np.cos(angle), middle + across * np.cos(angle)])
    face = find.Face(eyes, 20.0, a_face(np.array([50.0, 50.0]), 20.0).oval, 1.0)
    window = framing.Window(np.array([10.0, 0.0]), np.diag([80.0, 80.0]))
    assert segmentation.turn(face, window) == pytest.approx(side * np.sin(angle), abs=1e-6)
    # In the frame of the window: one that stands on its head sees it turned the other way.
    window = framing.Window(np.array([90.0, 80.0]), np.diag([-80.0, -80.0]))
    assert segmentation.turn(face, window) == pytest.approx(-side * np.sin(angle), abs=1e-6)


def test_eyes_further_apart_than_eyes_are_are_not_turned():
    face = a_face(np.array([50.0, 50.0]), 20.0)
    wide = find.Face(face.eyes, 19.0, face.oval, 1.0)
    assert segmentation.turn(wide, framing.whole((100, 100))) == 0


@pytest.mark.parametrize("turned,reach", [(1.0, 0.45), (0.5, 0.55), (-1.0, 0.45), (-0.6, 0.42)])
def test_nothing_is_head_in_front_of_a_profile(turned, reach):
    """Even of the colours of a head, further than its nose or the hair of its far side."""
    oval = np.zeros((SIZE, SIZE), np.float32)
    oval[30:70, 40:56] = 1
    ahead = segmentation._in_front(oval, turned)
    pixels = framing.HEAD[0] * SIZE * reach
    columns = np.arange(SIZE)
    distance = columns - 55 if turned > 0 else 40 - columns
    for row in (5, 35, 90):
        np.testing.assert_array_equal(ahead[row], distance > pixels)
    photo = np.full((SIZE, SIZE, 3), 0.5, np.float32)
    found = segmentation.head(photo, np.full_like(oval, 0.9), oval, oval >= 0, turned)
    assert found[35][distance > pixels + 6].max() < 0.05
    assert found[35][40:56].min() > 0.8
    # A head that is hardly turned keeps what is there, and one more so loses it by degrees.
    values = [
        segmentation.head(photo, np.full_like(oval, 0.9), oval, oval >= 0, sine * np.sign(turned))
        for sine in (0.2, 0.3, 0.4)
    ]
    place = distance > framing.HEAD[0] * SIZE * 1.1
    shown = [value[35][place].mean() for value in values]
    assert shown[0] > shown[1] > shown[2]


def test_an_outline_that_is_slanted_ends_in_each_row():
    oval = np.zeros((SIZE, SIZE), np.float32)
    for row in range(45, 70):
        oval[row, 30 : row - 10] = 1
    for turned, edges in ((0.8, np.arange(34, 59)), (-0.8, np.full(25, 30))):
        ahead = segmentation._in_front(oval, turned)
        reach = framing.HEAD[0] * SIZE * 0.36
        limit = edges + reach if turned > 0 else edges - reach
        found = [np.flatnonzero(ahead[row]) for row in range(45, 70)]
        for at, columns in zip(limit, found):
            first = columns[0] if turned > 0 else columns[-1]
            assert abs(first - at) <= 1


@pytest.mark.parametrize("turned", [0.0, 0.4, -0.4])
def test_the_middle_of_a_head_is_behind_its_eyes(turned):
    """By 1.3 interocular distances if it is seen from the side."""
    skull = segmentation._shape(SIZE, turned)[int(0.4 * SIZE)]
    middle = np.mean(np.flatnonzero(skull > 0)) + 0.5
    expected = SIZE * (0.5 - 1.3 * turned * framing.HEAD[0])
    assert middle == pytest.approx(expected, abs=1)


def edge(blur, own, other, noise=0.02):
    """A window whose left part, to column 50, has one colour, the rest another; and its share."""
    x = np.arange(SIZE) + 0.5
    share = np.clip(0.5 + (50 - x) / max(blur, 1e-6), 0, 1)[None, :, None]
    photo = share * np.array(own) + (1 - share) * np.array(other) + np.zeros((SIZE, SIZE, 3))
    photo = photo + np.random.default_rng(1).normal(0, noise, photo.shape)
    return np.clip(photo, 0, 1).astype(np.float32), share[0, :, 0]


def known_to(column, blur=4):
    """A mask whose edge is at another column."""
    mask = np.clip(0.5 + (column - np.arange(SIZE) - 0.5) / blur, 0, 1).astype(np.float32)
    return np.repeat(mask[None], SIZE, 0)


ALL_INSIDE = np.ones((SIZE, SIZE), bool)


@pytest.mark.parametrize("column", [49, 51])
@pytest.mark.parametrize("colours", [((0.8, 0.5, 0.3), (0.4, 0.4, 0.4)), ((0.5,) * 3, (0.9,) * 3)])
def test_the_colours_on_both_sides_tell_where_an_edge_is(column, colours, monkeypatch):
    monkeypatch.setattr(segmentation, "_EDGE", 0.03)
    photo, share = edge(2.0, *colours)
    found = segmentation._matted(photo, known_to(column), ALL_INSIDE)
    assert np.abs(found[4:-4].mean(0) - share).max() < 0.12
    assert np.abs(known_to(column)[0] - share).max() > 0.2


@pytest.mark.parametrize("function", [segmentation.head, segmentation.person])
def test_an_edge_that_a_network_misses_by_two_pixels_of_its_own_is_found(function):
    """At the size of real maps, whose networks see half of their pixels."""
    photo, _, head = scene(wall=(0.7, 0.3, 0.5))
    photo, head = (one.repeat(3, 0).repeat(3, 1) for one in (photo, head))
    wrong = filters.dilated(head.astype(np.float32), np.ones((9, 9), bool))
    inside = np.ones(head.shape, bool)
    oval = np.zeros(head.shape, np.float32)
    found = function(photo.astype(np.float32), wrong, oval, inside, 0.0)
    ring = (wrong > 0) & ~head
    assert found[ring].mean() < 0.1 and found[head].mean() > 0.95


def test_what_is_surely_face_stays(monkeypatch):
    """A cheek of the colour of the wall beside it."""
    monkeypatch.setattr(segmentation, "_EDGE", 0.06)
    monkeypatch.setattr(segmentation, "_BESIDE", 0.1)
    photo, _ = edge(2.0, (0.8, 0.5, 0.3), (0.4, 0.4, 0.4))
    photo[40:56, 46:50] = (0.4, 0.4, 0.4)
    oval = np.zeros((SIZE, SIZE), np.float32)
    oval[40:56, 20:50] = 1
    found = segmentation.person(photo, known_to(50), oval, ALL_INSIDE, 0.0)
    assert found[42:54, 40:49].min() > 0.9


def test_at_the_border_of_a_photo_the_mask_stays():
    """No edge of a mask is there."""
    photo, _ = edge(2.0, (0.8, 0.5, 0.3), (0.4, 0.4, 0.4))
    inside = np.repeat((np.arange(SIZE) < 57)[None], SIZE, 0)
    photo[:, 54:] = (0.8, 0.5, 0.3)
    found = segmentation._matted(photo, known_to(50), inside)
    np.testing.assert_array_equal(found[:, 54:57], known_to(50)[:, 54:57])


def test_where_both_sides_look_alike_the_mask_stays():
    photo, _ = edge(2.0, (0.4, 0.4, 0.4), (0.42, 0.4, 0.4))
    np.testing.assert_array_equal(
        segmentation._matted(photo, known_to(51), ALL_INSIDE), known_to(51)
    )
    # As far as the noise goes that is, too.
    photo, _ = edge(2.0, (0.4, 0.4, 0.4), (0.6, 0.4, 0.4), noise=0.15)
    np.testing.assert_array_equal(
        segmentation._matted(photo, known_to(51), ALL_INSIDE), known_to(51)
    )


def test_off_the_edge_the_mask_stays():
    photo, _ = edge(2.0, (0.8, 0.5, 0.3), (0.4, 0.4, 0.4))
    photo[:, :30] = (0.4, 0.4, 0.4)
    photo[:, 70:] = (0.8, 0.5, 0.3)
    found = segmentation._matted(photo, known_to(50), ALL_INSIDE)
    np.testing.assert_array_equal(found[:, :40], known_to(50)[:, :40])
    np.testing.assert_array_equal(found[:, 60:], known_to(50)[:, 60:])
    # Nor does what lies outside the photo teach a colour.
    inside = np.arange(SIZE)[None] < 51
    found = segmentation._matted(photo, known_to(50), np.repeat(inside, SIZE, 0))
    np.testing.assert_array_equal(found, known_to(50))
