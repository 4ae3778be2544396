"""Small scenes whose decomposition is known exactly, for tests."""

import numpy as np

from tfrelight import color, harmonics, lights
from tfrelight.data import portrait
from tfrelight.synthesis import portraits


def sphere_normals(size):
    """Normals of a ball in the frame, `[size, size, 3]`, (0, 0, 1) outside; and its mask."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    x = (x + 0.5) / size * 2 - 1
    y = 1 - (y + 0.5) / size * 2
    x, y = x / 0.95, y / 0.95
    square = x * x + y * y
    inside = square < 1
    z = np.sqrt(np.maximum(1 - square, 0))
    normals = np.where(inside[..., None], np.stack([x, y, z], -1), np.float32([0, 0, 1]))
    return normals.astype(np.float32), inside[..., None]


def ball_parts(normals, mask, count):
    """The labels of a ball of radius 0.475 widths that is skin on its left and cloth on its right.

    Its surface is that far in front of the plane of its centre, and unlit in the lowest quarter.
    """
    size = len(mask)
    halves = np.where(np.arange(size)[None, :, None] < size // 2, 1, 5)
    unlit = np.repeat((mask & (normals[..., 1:2] < -0.7))[None], count, 0)
    return {
        "parts": (halves * mask).astype(np.uint8),
        "depth": portrait.encode_depth(-0.475 * normals[..., 2:] * mask),
        "unlit": (unlit * 255).astype(np.uint8),
    }


def ball(subject="ball", size=32, count=3, seed=0):
    """A subject (`tfrelight.data.portrait`): a smooth ball under `count` soft lights."""
    rng = np.random.default_rng([seed, *subject.encode()])
    normals, mask = sphere_normals(size)
    rows = np.linspace(0, np.pi, size)
    pattern = 0.1 * np.cos(rows)[:, None, None] * np.cos(rows)[None, :, None]
    albedo = rng.uniform(0.3, 0.6, 3) + pattern * np.ones(3)
    lamps = [
        lights.Light.from_direction(
            rng.uniform(-60, 60),
            rng.uniform(-40, 40),
            intensity=rng.uniform(0.4, 0.8),
            ambient=0.4,
            color=rng.uniform(0.8, 1.0, 3),
        )
        for _ in range(count)
    ]
    images = [
        color.to_srgb_numpy(np.where(mask, albedo * harmonics.shade(normals, light), 0.25))
        for light in lamps
    ]
    return {
        "subject": subject,
        "images": np.round(np.stack(images) * 255).astype(np.uint8),
        "mask": np.where(mask, 255, 0).astype(np.uint8),
        "albedo": portrait.encode_albedo(albedo),
        "normals": portrait.encode_normals(normals),
        "light": np.stack(lamps),
        **ball_parts(normals, mask, count),
        **{f"has_{label}": 1.0 for label in portrait.LABELS},
    }


def balls(settings, indices, processes=None):
    """Balls in place of the people of `tfrelight.synthesis.portraits.subjects`."""
    for index in indices:
        yield ball(portraits.name(settings.seed, index), settings.size, settings.lights)


def rendered_labels(subject, seed):
    """What rendered subjects hold beside the schema of all, drawn at random, in its types."""
    rng = np.random.default_rng(seed)
    shape = subject["images"].shape
    return {
        "light_fit": subject["light"] / 2,
        "shading": rng.integers(0, 65536, shape).astype(np.uint16),
        "shading_scale": rng.uniform(0.5, 2.0, shape[0]).astype(np.float32),
        "visibility": rng.integers(0, 256, shape).astype(np.uint8),
    }
