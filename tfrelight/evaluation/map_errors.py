"""Errors of maps and lights against their labels, the same in every protocol."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tfrelight import color, harmonics
from tfrelight.data.portrait import PARTS
from tfrelight.evaluation import metrics
from tfrelight.evaluation.measurements import Measurements
from tfrelight.lights import directions

__all__ = ["albedo", "light", "measure", "measure_directions", "overlap", "reconstruction"]


def albedo(estimate: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Errors of an albedo map.

    Args:
      estimate: `[H, W]` or `[H, W, 3]` linear.
      reference: the same shape, linear.
      mask: `[H, W]` bool.

    Returns:
      dict of `si_mse` and `dssim` after the best scale for the photo, `lmse` after the best scale
      for each window, and `rmse` without scaling.
    """
    scaled = estimate * metrics.best_scale(estimate, reference, mask)
    return {
        "si_mse": metrics.si_mse(estimate, reference, mask),
        "lmse": metrics.lmse(estimate, reference, mask),
        "dssim": metrics.dssim(scaled, reference, mask),
        "rmse": metrics.rmse(estimate, reference, mask),
    }


def light(estimate: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Errors of a light `[9, 3]`: `coefficient_l2`, and `si_error` after the best scale."""
    return {
        "coefficient_l2": float(metrics.coefficient_l2(estimate, reference)),
        "si_error": float(metrics.si_coefficient_error(estimate, reference)),
    }


def reconstruction(rebuilt: np.ndarray, photo: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Errors of albedo x shading against the photo: `si_rmse`, and `rmse` without scaling.

    Args:
      rebuilt: albedo x shading, `[H, W]` or `[H, W, 3]` linear.
      photo: the same shape, linear.
      mask: `[H, W]` bool.
    """
    return {
        "si_rmse": metrics.si_rmse(rebuilt, photo, mask),
        "rmse": metrics.rmse(rebuilt, photo, mask),
    }


def overlap(outputs: Mapping[str, np.ndarray], parts: np.ndarray) -> dict[str, tuple[int, int]]:
    """Intersection and union, in pixels, of what a model says of one photo with the labels.

    Args:
      outputs: of the model for one photo: `mask` `[H, W, 1]` and, if it tells parts apart, `parts`
        `[H, W, 7]`.
      parts: the true parts, `[H, W]` integers, indices into `portrait.PARTS`.

    Returns:
      dict of `person`, where the mask is at least a half, and, if the model tells parts apart, of
      each part but the background, where it is the likeliest.
    """

    def counts(estimate, truth):
        return int((estimate & truth).sum()), int((estimate | truth).sum())

    found = {"person": counts(outputs["mask"][..., 0] >= 0.5, parts > 0)}
    if "parts" in outputs:
        likeliest = outputs["parts"].argmax(-1)
        for number, name in enumerate(PARTS[1:], start=1):
            found[name] = counts(likeliest == number, parts == number)
    return found


def measure(
    measured: Measurements,
    name: str,
    outputs: Mapping[str, np.ndarray],
    photos: np.ndarray,
    mask: np.ndarray,
    true_albedo: np.ndarray | None = None,
    true_normals: np.ndarray | None = None,
    true_light: np.ndarray | None = None,
) -> None:
    """Adds the tables `normals`, `albedo`, `light`, `reconstruction` and `consistency` of a person.

    Tables without a label are left out, and `consistency` for a single photo.

    Args:
      measured: receives the measurements.
      name: of the person.
      outputs: the model's for the K photos, numpy.
      photos: `[K, H, W, 3]` linear; `[K, H, W]` if they are grey, for which the means of the
        model's channels are compared.
      mask: `[H, W]` bool, the pixels to measure.
      true_albedo: `[H, W, 3]` or, if the photos are grey, `[H, W]` linear.
      true_normals: `[H, W, 3]` unit vectors.
      true_light: `[K, 9, 3]`.
    """
    for index, photo in enumerate(photos):
        maps = {key: outputs[key][index] for key in ("albedo", "normals", "light")}
        rebuilt, flat = harmonics.render(**maps), maps["albedo"]
        if photo.ndim == 2:
            rebuilt, flat = rebuilt.mean(axis=-1), flat.mean(axis=-1)
        if true_normals is not None:
            errors = metrics.normals(maps["normals"], true_normals, mask)
            measured.add("normals", "model", name, **errors)
        if true_albedo is not None:
            measured.add("albedo", "model", name, **albedo(flat, true_albedo, mask))
        if true_light is not None:
            measured.add("light", "model", name, **light(maps["light"], true_light[index]))
        measured.add("reconstruction", "model", name, **reconstruction(rebuilt, photo, mask))
    if len(photos) > 1:
        encoded = color.to_srgb_numpy(outputs["albedo"])
        errors = metrics.consistency(encoded, outputs["normals"], mask)
        measured.add("consistency", "model", name, **errors)


def measure_directions(
    measured: Measurements, name: str, guesses: Mapping[str, np.ndarray], truth: np.ndarray
) -> None:
    """Adds the table `light_direction` of a person, and of a light at the camera beside it.

    Args:
      measured: receives the measurements.
      name: of the person.
      guesses: method to vectors `[K, 3]` towards the lights.
      truth: `[K, 3]`.
    """
    camera = np.broadcast_to(np.array([0, 0, 1], np.float32), truth.shape)
    for method, towards in {**guesses, "light at the camera": camera}.items():
        for angle in directions.angular_degrees(towards, truth):
            measured.add("light_direction", method, name, degrees=angle)
