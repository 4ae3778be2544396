import pathlib

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tfrelight.errors import InputError
from tfrelight.faces import mtcnn, mtcnn_networks


@pytest.fixture(scope="module")
def astronaut():
    return Image.open(ROOT / "docs" / "astronaut.jpg").convert("RGB")


def only(photo, region=None, smallest=20.0):
    (found,) = mtcnn.detect(photo, region or (0, 0, *photo.size), smallest)
    return found


def test_a_face_is_found_with_its_eyes(astronaut):
    score, box, eyes = only(astronaut)
    assert score > 0.99
    np.testing.assert_allclose(eyes, [[203.5, 101.5], [247.0, 103.5]], atol=3)
    assert (box[0] < eyes.min(0)).all() and (box[1] > eyes.max(0)).all()
    assert 60 < (box[1] - box[0]).min() < (box[1] - box[0]).max() < 130


def test_a_part_of_the_photo_is_searched_in_pixels_of_the_photo(astronaut):
    _, box, eyes = only(astronaut, (130, 20, 330, 220))
    whole = only(astronaut)
    np.testing.assert_allclose(eyes, whole[2], atol=3)
    np.testing.assert_allclose(box, whole[1], atol=8)
    assert list(mtcnn.detect(astronaut, (260, 250, 512, 512), 20.0)) == []


def test_faces_smaller_than_asked_are_not_looked_for(astronaut):
    assert list(mtcnn.detect(astronaut, (0, 0, *astronaut.size), 250.0)) == []


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (11, 11), (12, 40)])
def test_tiny_photos_hold_no_face(size):
    assert list(mtcnn.detect(Image.new("RGB", size), (0, 0, *size), 12.0)) == []


def test_the_layers_are_those_of_tensorflow():
    tf = pytest.importorskip("tensorflow")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 11, 14, 3)).astype(np.float32)
    kernel, bias = rng.normal(size=(3, 3, 3, 5)).astype(np.float32), np.float32([1, 2, 3, 4, 5])
    np.testing.assert_allclose(
        mtcnn_networks._convolve(x, kernel, bias),
        tf.nn.conv2d(x, kernel, 1, "VALID") + bias,
        atol=1e-4,
    )
    for size in (2, 3):
        for within, padding in ((False, "SAME"), (True, "VALID")):
            expected = tf.nn.max_pool2d(x, size, 2, padding)
            np.testing.assert_array_equal(mtcnn_networks._pool(x, size, within), expected)


def test_probabilities_near_one_still_differ():
    """Otherwise a box that is less of a face would win by its place in a list."""
    logits = np.array([[0, 18], [0, 19], [1, 21]], np.float32)
    probabilities = mtcnn_networks._probability(logits)
    assert (np.diff(probabilities) > 0).all() and probabilities[-1] < 1


def test_the_best_of_boxes_that_overlap_stays():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [5, 0, 15, 10], [2, 2, 6, 6.0]])
    scores = np.array([0.7, 0.9, 0.8, 0.6])
    assert list(mtcnn._best(boxes, scores, 0.5)) == [1, 2, 3]
    # All of the small one lies in the first.
    assert list(mtcnn._best(boxes, scores, 0.5, of_smaller=True)) == [1]


@pytest.mark.parametrize("damage", ["cut", "other", "missing"])
def test_damaged_weights_are_one_line(monkeypatch, tmp_path, damage):
    import shutil
    import types

    folder = tmp_path / "mtcnn" / "assets" / "weights"
    original = pathlib.Path(mtcnn_networks.importlib.util.find_spec("mtcnn").origin).parent
    shutil.copytree(original / "assets" / "weights", folder)
    rnet = folder / "rnet.lz4"
    if damage == "cut":
        rnet.write_bytes(rnet.read_bytes()[:2000])
    elif damage == "other":
        shutil.copy(folder / "pnet.lz4", rnet)
    else:
        rnet.unlink()
    package = types.SimpleNamespace(origin=str(tmp_path / "mtcnn" / "__init__.py"))
    monkeypatch.setattr(mtcnn_networks.importlib.util, "find_spec", lambda name: package)
    mtcnn_networks.load.cache_clear()
    with pytest.raises(InputError, match="pip install mtcnn") as caught:
        mtcnn_networks.load()
    assert "\n" not in str(caught.value)


def test_without_the_package(monkeypatch):
    mtcnn_networks.load.cache_clear()
    monkeypatch.setattr(mtcnn_networks.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install mtcnn"):
        mtcnn_networks.load()


EYES = np.array([[203.5, 101.5], [247.0, 103.5]])


@pytest.mark.parametrize("roll,side", [(0.0, 90.0), (0.3, 105.0), (-0.3, 80.0)])
def test_the_points_of_a_face_hardly_depend_on_the_first_crop(astronaut, roll, side):
    score, eyes, oval, distance = mtcnn.fit(astronaut, np.array([226.0, 120.0]), side, roll)
    assert score > mtcnn.MIN_UPRIGHT_SCORE
    np.testing.assert_allclose(eyes, EYES, atol=3)
    assert oval.shape == (36, 2) and 38 < distance < 50
    # Clockwise from the forehead.
    x, y = (oval - oval.mean(0)).T
    assert np.diff(np.unwrap(np.arctan2(y, x))).min() > 0 and y[0] < -30 and abs(x[0]) < 15
    # Around what a face holds, and not much more: brows, chin and cheeks, read off the picture.
    assert 45 < oval[:, 1].min() < 85 and 150 < oval[:, 1].max() < 175
    assert 172 < oval[:, 0].min() < 195 and 255 < oval[:, 0].max() < 280


def test_a_turned_and_enlarged_face_has_the_same_points(astronaut):
    _, eyes, oval, distance = mtcnn.fit(astronaut, np.array([226.0, 120.0]), 90.0, 0.0)
    double = astronaut.resize((1024, 1024)).transpose(Image.Transpose.ROTATE_90)
    turned = mtcnn.fit(double, np.array([240.0, 1024 - 452.0]), 180.0, -np.pi / 2)

    def back(points):
        return np.stack([1024 - points[:, 1], points[:, 0]], 1) / 2

    np.testing.assert_allclose(back(turned[1]), eyes, atol=1.5)
    np.testing.assert_allclose(back(turned[2]), oval, atol=3)
    assert turned[3] / 2 == pytest.approx(distance, rel=0.03)


def test_walls_and_noise_are_no_faces():
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (128, 128, 3), dtype=np.uint8))
    for photo in (noise, Image.new("RGB", (128, 128), (90, 100, 110))):
        assert mtcnn.fit(photo, np.array([64.0, 64.0]), 70.0, 0.0)[0] < mtcnn.MIN_SCORE


def test_the_frame_of_five_points():
    """A square of eyes and mouth with side 10: the nose is its middle, wherever it lies."""
    square = np.array([[0.0, 0], [10, 0], [5, 5], [0, 10], [10, 10]])
    inside, _, middle = mtcnn.features(square)
    np.testing.assert_allclose(middle, [5, 5])
    corner = 5 / np.hypot(10, 10)
    expected = np.array([[-1, -1], [1, -1], [0, 0], [-1, 1], [1, 1]]) * corner
    np.testing.assert_allclose(inside.reshape(5, 2), expected, atol=1e-12)
    turn = np.array([[0.0, -1], [1, 0]])
    again, frame, middle = mtcnn.features(3 * square @ turn.T + 7)
    np.testing.assert_allclose(again, inside, atol=1e-12)
    np.testing.assert_allclose(again.reshape(5, 2) @ frame.T + middle, 3 * square @ turn.T + 7)
