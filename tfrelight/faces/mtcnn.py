"""Finds faces by the three networks of MTCNN, run in numpy.

Zhang et al. 2016, "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
Networks" (arXiv 1604.02878). The trained weights are those in the package `mtcnn`, whose own code
needs TensorFlow. The networks find faces that are within about 30 degrees of upright.

The last network places five points: eyes, nose and corners of the mouth. Where the outline lies
beside them is a linear function of them, which `tools/fit_outline.py` fits.
"""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tfrelight.faces import crops
from tfrelight.faces.mtcnn_networks import normalized, onet, pnet, rnet

__all__ = [
    "CELL",
    "MIN_SCORE",
    "MIN_UPRIGHT_SCORE",
    "around",
    "detect",
    "features",
    "fit",
    "five_points",
    "outline",
]

# Height and width of what each network sees, pixels, and the least probability of a face it passes.
CELL, _REFINED, _LAST = 12, 24, 48
_LEAST = (0.6, 0.7, 0.7)
# Pixels between neighbouring cells of the first network.
_STRIDE = 2
# Size of each level of the pyramid beside the one before.
_STEP = 0.709
# Share of two boxes that lies in both, above which the better one stays: in a level of the pyramid,
# and of all.
_OVERLAP_LEVEL, _OVERLAP = 0.5, 0.7
# Smallest probabilities of a face: of any, and of one that needs no search for its roll.
MIN_SCORE, MIN_UPRIGHT_SCORE = 0.9, 0.98
# Side of the square in which the points are placed, as a multiple of the larger of two distances:
# of the eyes, and of eyes and mouth.
_SIDE = 2.4
# The points of a mirrored face.
_MIRRORED = (1, 0, 2, 4, 3)


def detect(
    photo: Image.Image, region: tuple[float, float, float, float], smallest: float
) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
    """Yields score, box `[2, 2]` and eyes `[2, 2]` of each face in a region, in photo pixels.

    Args:
      photo: RGB.
      region: left, top, right, bottom of the part to search, pixels.
      smallest: height of the smallest faces to find, pixels.
    """
    boxes = _square(_proposals(photo, region, max(smallest, CELL)))
    for size, network, least in (
        (_REFINED, rnet, _LEAST[1]),
        (_LAST, onet, _LEAST[2]),
    ):
        if not len(boxes):
            return
        offsets, points, scores = network(_cuts(photo, boxes, size))
        face = scores > least
        boxes, offsets, points, scores = boxes[face], offsets[face], points[face], scores[face]
        sides = boxes[:, 2:] - boxes[:, :2]
        eyes = boxes[:, None, :2] + points[:, :2] * sides[:, None]
        boxes = boxes + offsets * np.tile(sides, 2)
        kept = _best(boxes, scores, _OVERLAP, of_smaller=size == _LAST)
        boxes, eyes, scores = boxes[kept], eyes[kept], scores[kept]
        if size == _REFINED:
            boxes = _square(boxes)
    for score, box, two in zip(scores, boxes, eyes):
        yield float(score), box.reshape(2, 2), two


def fit(photo: Image.Image, middle: np.ndarray, side: float, roll: float) -> crops.Placed:
    """Places eyes and outline of a face; its probability is the score.

    Args:
      photo: RGB.
      middle: `[2]`, of the face, pixels.
      side: longer side of the face's box, pixels.
      roll: see `crops.axes`.
    """
    points, _ = five_points(photo, middle, side, roll)
    # Again where all faces lie alike.
    middle, side, roll = around(points)
    points, score = five_points(photo, middle, side, roll)
    inside, frame, centre = features(points)
    mean, weights = outline()
    *flat, log_distance = (np.append(inside, 1.0) - mean) @ weights
    oval = np.reshape(flat, (crops.OUTLINE, 2)) @ frame.T + centre
    distance = float(np.exp(log_distance) * np.linalg.norm(frame[:, 0]))
    return score, points[:2], oval, distance


def features(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The five points of a face in a frame of their own.

    Args:
      points: `[5, 2]`: eyes, nose, corners of the mouth.

    Returns:
      the points in the frame, `[10]`; the frame's axes `[2, 2]`, in columns; its origin `[2]`,
      between eyes and mouth.
    """
    middle, _, roll = around(points)
    frame = crops.axes(roll, float(np.hypot(*_sizes(points))), 1)
    return ((points - middle) @ np.linalg.inv(frame).T).ravel(), frame, middle


def _sizes(points):
    """Distance of the eyes, and of eyes and mouth."""
    down = points[3:].mean(0) - points[:2].mean(0)
    return np.linalg.norm(points[1] - points[0]), np.linalg.norm(down)


def around(points: np.ndarray) -> tuple[np.ndarray, float, float]:
    """The square in which the points of a face are placed.

    Args:
      points: `[5, 2]`: eyes, nose, corners of the mouth.

    Returns:
      its middle `[2]`, side and roll (`crops.axes`).
    """
    across = points[1] - points[0]
    middle = (points[:2].mean(0) + points[3:].mean(0)) / 2
    return middle, _SIDE * max(_sizes(points)), float(np.arctan2(across[1], across[0]))


def five_points(
    photo: Image.Image, middle: np.ndarray, side: float, roll: float
) -> tuple[np.ndarray, float]:
    """Places the five points of a face.

    Args:
      photo, middle, side, roll: see `fit`.

    Returns:
      the points `[5, 2]` in the photo, pixels, and the probability of a face: means of a crop and
      its mirror image.
    """
    crop, turn, corner = crops.cut(photo, middle, side, roll, _LAST)
    pixels = np.asarray(crop)
    _, points, scores = onet(normalized(np.stack([pixels, pixels[:, ::-1]])))
    mirrored = points[1][list(_MIRRORED)] * (-1, 1) + (1, 0)
    return (points[0] + mirrored) / 2 * _LAST @ turn.T + corner, float(scores.mean())


@functools.lru_cache(maxsize=1)
def outline() -> tuple[np.ndarray, np.ndarray]:
    """The linear function from `features` and 1 to the outline and the log of the distance.

    Returns:
      mean `[11]` of what it takes, and weights `[11, 73]`.
    """
    path = importlib.resources.files("tfrelight.faces") / "outline.npz"
    with path.open("rb") as file, np.load(file) as archive:
        return archive["mean"], archive["weights"]


def _proposals(photo, region, smallest):
    """Boxes `[N, 4]` that the first network proposes at any size."""
    left, top, right, bottom = region
    width, height = right - left, bottom - top
    boxes, scores = [np.zeros((0, 4))], [np.zeros(0)]
    scale = CELL / smallest
    # Every level from the largest, which is small already.
    largest = None
    while min(width, height) * scale >= CELL:
        size = int(np.ceil(width * scale)), int(np.ceil(height * scale))
        if largest is None:
            largest = photo.resize(size, Image.Resampling.BILINEAR, box=region, reducing_gap=2.0)
        level = largest.resize(size, Image.Resampling.BILINEAR)
        offsets, probability = pnet(normalized(np.asarray(level))[None])
        rows, columns = np.nonzero(probability[0] > _LEAST[0])
        corner = _STRIDE * np.stack([columns, rows], 1) + 1
        found = np.hstack([corner, corner + CELL]) + CELL * offsets[0][rows, columns]
        found = found * np.tile(np.divide((width, height), size), 2)
        score = probability[0][rows, columns]
        kept = _best(found, score, _OVERLAP_LEVEL)
        boxes.append(found[kept] + (left, top, left, top))
        scores.append(score[kept])
        scale *= _STEP
    all_boxes = np.concatenate(boxes)
    return all_boxes[_best(all_boxes, np.concatenate(scores), _OVERLAP)]


def _square(boxes):
    """Squares with the middles and the longer sides of boxes `[N, 4]`."""
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(1, keepdims=True) / 2
    return np.hstack([middles - half, middles + half])


def _best(boxes, scores, overlap, of_smaller=False):
    """Indices of boxes that no better box overlaps.

    Args:
      boxes: `[N, 4]`.
      scores: `[N]`.
      overlap: largest share of the union of two boxes that may lie in both.
      of_smaller: the share is that of the smaller box.
    """
    kept = []
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], 1)
    order = np.argsort(-scores)
    while len(order):
        first, rest = order[0], order[1:]
        kept.append(first)
        low = np.maximum(boxes[first, :2], boxes[rest, :2])
        high = np.minimum(boxes[first, 2:], boxes[rest, 2:])
        both = np.prod(np.maximum(high - low, 0), 1)
        smaller = np.minimum(areas[first], areas[rest])
        whole = smaller if of_smaller else areas[first] + areas[rest] - both
        order = rest[both <= overlap * whole]
    return np.array(kept, int)


def _cuts(photo, boxes, size):
    """The squares `[N, size, size, 3]` of a photo, black beyond it."""
    squares = []
    for box in boxes:
        # Averages where it shrinks; `reducing_gap` and `box` of `resize` stay inside the photo.
        left, top, right, bottom = np.round(box).astype(int)
        near = photo.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
        squares.append(np.asarray(near.resize((size, size), Image.Resampling.BILINEAR)))
    return normalized(np.stack(squares))
