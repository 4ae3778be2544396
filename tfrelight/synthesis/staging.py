"""How a person stands before the camera: pose, framing, and what is behind."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage

from tfrelight import harmonics
from tfrelight.synthesis import noise
from tfrelight.synthesis.mesh import Mesh, rotation
from tfrelight.synthesis.render import Camera

__all__ = ["backdrop", "background", "frame", "pose"]


def pose(rng, settings, mesh: Mesh, tight):
    """Turns a mesh about the base of its neck, shoulders less than the head, about still eyes.

    Returns:
      The posed mesh, and the head's rotation `[3, 3]`.
    """
    spread = (
        (5.0, 4.0, 2.0) if tight else (9.0, 7.0, 3.5) if rng.random() < 0.6 else (24.0, 11.0, 5.0)
    )
    limits = np.array([settings.yaw, settings.pitch, 10.0])
    angles = np.clip(rng.normal(0, spread), -limits, limits)
    turned = rotation(*angles)
    body = rotation(*(angles * rng.uniform(0, 0.8)))
    pivot = np.array([0.0, -125.0, -110.0])
    height = np.clip((mesh.vertices[:, 1:2] + 185) / 90, 0, 1)
    height = (height * height * (3 - 2 * height)).astype(np.float32)

    def turn(values, offset):
        about = values - offset
        return about @ body.T * (1 - height) + about @ turned.T * height

    vertices = turn(mesh.vertices, pivot) - (turned @ -pivot)
    normals = turn(mesh.normals, 0)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6)
    posed = dataclasses.replace(
        mesh, vertices=vertices.astype(np.float32), normals=normals.astype(np.float32)
    )
    return posed, turned


def frame(rng, between_eyes, tight) -> Camera:
    """A window on the face: as tight as Extended Yale B's crops, or out to head and neck."""
    if tight:
        share, row = rng.normal(0.55, 0.03), rng.normal(0.215, 0.03)
        distance = np.exp(rng.uniform(np.log(700), np.log(3000)))
        aside = rng.normal(0, 0.015)
    elif rng.random() < 0.45:
        share, row = rng.uniform(0.32, 0.5), rng.uniform(0.28, 0.42)
        distance = np.exp(rng.uniform(np.log(500), np.log(3000)))
        aside = rng.normal(0, 0.03)
    else:
        share, row = rng.uniform(0.18, 0.32), rng.uniform(0.38, 0.5)
        distance = np.exp(rng.uniform(np.log(600), np.log(3000)))
        aside = rng.normal(0, 0.05)
    width = between_eyes / share
    return Camera(
        distance=float(max(distance, 2.2 * width)),
        half_width=float(width / 2),
        centre=(float(aside * width), float((row - 0.5) * width)),
    )


def backdrop(rng, size):
    """`[H, W, 3]` reflectance of what stands behind the person: plain, graded or mottled."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size - 0.5
    color = rng.uniform(0.02, 0.6) * np.exp(rng.normal(0, 0.3, 3))
    slope = rng.normal(0, 0.8, 2)
    image = color * np.exp(slope[0] * x + slope[1] * y)[..., None]
    if rng.random() < 0.5:
        points = np.stack([x, y, 0 * x], -1).reshape(-1, 3)
        seed = int(rng.integers(2**31))
        for channel in range(3):
            pattern = noise.field(
                points, rng.uniform(0.1, 0.8), seed + (channel if rng.random() < 0.4 else 0)
            )
            image[..., channel] *= np.exp(0.5 * pattern.reshape(size, size))
    return np.clip(image, 0.003, 0.9).astype(np.float32)


def background(rng, light, wall, camera: Camera):
    """`[H, W, 3]` radiance behind the person under a light."""
    size = len(wall)
    if light.kind == "environment" and light.environment is not None and rng.random() < 0.8:
        _, directions = camera.rays(size)
        # A phone's field of view, whatever the crop: scale the window up to the whole photo.
        height, width = light.environment.shape[:2]
        azimuth = np.arctan2(directions[..., 0], directions[..., 2]) / np.pi
        column = (azimuth + 1) / 2 * width - 0.5
        row = (0.5 - np.arcsin(np.clip(directions[..., 1], -1, 1)) / np.pi) * height - 0.5
        return np.stack(
            [
                ndimage.map_coordinates(
                    light.environment[..., k],
                    [row, np.mod(column, width)],
                    order=1,
                    mode="grid-wrap",
                )
                for k in range(3)
            ],
            -1,
        )
    towards = np.float32([0, 0, 1])
    level = harmonics.shade(towards, light.coefficients())
    # A wall further back gets less of a flash than of a room's light.
    falloff = rng.uniform(0, 0.25) if light.kind == "flash" else rng.uniform(0.2, 1.2)
    return wall * np.maximum(level, 0).astype(np.float32) * np.float32(falloff)
