"""Surfaces that are known: a ball, and hills over a plain, as heights, normals and meshes."""

import numpy as np

from tfrelight.rendering import HeightField
from tfrelight.synthesis.mesh import SKIN, solid
from tfrelight.synthesis.render import LIFT, RayCaster

SIZE = 256
MIDDLE = ((SIZE - 1) / 2, (SIZE - 1) / 2)


def ball(size=SIZE, radius=0.8):
    """A `HeightField` of a ball, and its coverage `[size, size]` bool."""
    steps = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(steps, -steps)
    square = (x * x + y * y) / radius**2
    inside = square < 1
    z = np.sqrt(np.maximum(1 - square, 0))
    normals = np.dstack([x / radius, y / radius, z])
    normals[~inside] = 0, 0, 1
    middle = (size - 1) / 2, (size - 1) / 2
    return HeightField(np.float32(normals), np.float32(inside), 0.8 * size, middle), inside


def hills(seed=0, size=SIZE):
    """Heights `[size, size]` of a nose-like ridge and some hills, pixels."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size] / size
    height = 30 * np.exp(-(((columns - 0.5) / 0.07) ** 2 + ((rows - 0.5) / 0.13) ** 2) / 2)
    for _ in range(3):
        x, y, wide = rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8), rng.uniform(0.06, 0.1)
        hill = ((columns - x) ** 2 + (rows - y) ** 2) / wide**2 / 2
        height += rng.uniform(8, 20) * np.exp(-hill)
    return height


def of_height(height):
    """The `HeightField` of heights `[H, W]`, from nothing but their normals."""
    down, across = np.gradient(height)
    normals = np.dstack([-across, down, np.ones(height.shape)])
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    middle = tuple((side - 1) / 2 for side in height.shape[::-1])
    return HeightField(np.float32(normals), np.ones(height.shape, np.float32), 200.0, middle)


class Caster:
    """Rays over heights `[H, W]`."""

    def __init__(self, height):
        rows, columns = height.shape
        row, column = np.mgrid[:rows, :columns]
        vertices = np.stack([column.ravel(), -row.ravel(), height.ravel()], -1).astype(np.float32)
        corner = (row[:-1, :-1] * columns + column[:-1, :-1]).ravel()
        right, below = corner + 1, corner + columns
        triangles = np.concatenate(
            [np.stack([corner, below, right], -1), np.stack([right, below, below + 1], -1)]
        )
        mesh = solid(vertices, triangles, SKIN, normals=np.zeros_like(vertices))
        self.shape, self.points, self.caster = height.shape, vertices, RayCaster(mesh)

    def blocked(self, direction):
        """`[H, W]` bool: whether a ray in a direction meets the surface again."""
        origins = self.points + np.float32([0, 0, LIFT])
        rays = np.broadcast_to(np.float32(direction), origins.shape)
        return self.caster.blocked(origins, np.ascontiguousarray(rays)).reshape(self.shape)
