"""Synthetic portraits: people drawn at random, each under several lights, with every label.

    settings = portraits.Settings(lights=4)
    for example in portraits.subjects(settings, range(100), processes=2):
        example["images"], example["light"]

A subject depends on the settings and its index alone: not on the order, nor on the number of
processes.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import itertools
import multiprocessing
import os
from collections.abc import Iterable, Iterator

import numpy as np
from scipy import ndimage

from tfrelight.errors import InputError
from tfrelight.synthesis import atlases, environments, hair, ict, illumination, noise, parts, skin
from tfrelight.synthesis import head as heads
from tfrelight.synthesis.head import Mesh
from tfrelight.synthesis.photograph import Scene, develop
from tfrelight.synthesis.render import Camera, Caster

__all__ = ["Settings", "indices", "name", "split_of", "subject", "subjects"]

# Raise it whenever the same settings begin to give other bytes: caches are keyed by it.
VERSION = 2


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything that decides the bytes of a set of portraits.

    lights: photos of each person. size: side of the photos, pixels. seed: of all randomness.
    directions: of which visibility is computed for environments. shares: of the photos, by kind of
    light (hard flash in the dark, studio lamps, environment, pure second-order light). tight: share
    of people framed from brows to mouth. yaw, pitch: largest turns of the head, degrees. hair:
    whether locks and beards stand on the head, or are only painted. glasses: share of people who
    wear them. environment_dir: folder of EXR or HDR environment maps to light with, in place of the
    built-in ones. skin_dir: folder of skin atlases in the texture coordinates of the MakeHuman base
    mesh. ict_facekit: folder or packed file of ICT-FaceKit, of which ict_share of the people are
    then drawn. assets: digest of those files. version: of the generator. specular, subsurface,
    film: highlights, light spreading in skin, and camera effects.
    """

    lights: int = 8
    size: int = 128
    seed: int = 0
    directions: int = 175
    shares: tuple[tuple[str, float], ...] = (
        ("flash", 0.4),
        ("studio", 0.2),
        ("environment", 0.3),
        ("harmonics", 0.1),
    )
    tight: float = 0.4
    yaw: float = 45.0
    pitch: float = 25.0
    hair: bool = True
    glasses: float = 0.08
    specular: bool = True
    subsurface: bool = True
    film: bool = True
    environment_dir: str | None = None
    skin_dir: str | None = None
    ict_facekit: str | None = None
    ict_share: float = 0.5
    assets: str = dataclasses.field(default="", init=False)
    version: int = dataclasses.field(default=VERSION, init=False)

    def __post_init__(self):
        for name, low in (("lights", 1), ("size", 16), ("directions", 32)):
            if getattr(self, name) < low:
                raise InputError(
                    f"Invalid `{name}`. Expected at least {low}. Received: {getattr(self, name)}."
                )
        kinds = {"flash", "studio", "environment", "harmonics"}
        if {kind for kind, _ in self.shares} - kinds or not sum(
            share for _, share in self.shares
        ) > 0:
            raise InputError(
                f"Invalid `shares`. Expected shares at least 0 of {sorted(kinds)}. Received:"
                f" {self.shares}."
            )
        digest = hashlib.sha256()
        for path in self._files():
            digest.update(f"{path.name} {path.stat().st_size}".encode())
        object.__setattr__(self, "assets", digest.hexdigest()[:16] if self._files() else "")

    def _files(self):
        found = environments.files(self.environment_dir) if self.environment_dir else []
        found = found + (atlases.files(self.skin_dir) if self.skin_dir else [])
        return found + (ict.files(self.ict_facekit) if self.ict_facekit else [])


def split_of(index: int) -> str:
    """The split of a subject: of every twenty, eighteen train, one validation, one test."""
    return {18: "validation", 19: "test"}.get(index % 20, "train")


def indices(split: str, count: int) -> list[int]:
    """Indices of the first `count` subjects of a split; no subject is in two.

    Raises:
      InputError: an unknown split.
    """
    if split not in ("train", "validation", "test"):
        raise InputError(
            f"Invalid `split`. Expected train, validation or test. Received: {split!r}."
        )
    return list(itertools.islice((i for i in itertools.count() if split_of(i) == split), count))


def name(settings: Settings, index: int) -> str:
    """Id of a subject: the person keeps it under other lights; another seed has other people."""
    return f"synthetic-{settings.seed}-{index:06d}"


def _rng(settings, index, stage):
    """A generator of its own for every stage, so that one stage's draws do not shift another's."""
    return np.random.default_rng([settings.seed, index, sum(stage.encode())])


def _pose(rng, settings, mesh: Mesh, tight):
    """Turns a mesh about the base of its neck, shoulders less than the head, about still eyes.

    Returns:
      The posed mesh, and the head's rotation `[3, 3]`.
    """
    spread = (
        (5.0, 4.0, 2.0) if tight else (9.0, 7.0, 3.5) if rng.random() < 0.6 else (24.0, 11.0, 5.0)
    )
    limits = np.array([settings.yaw, settings.pitch, 10.0])
    angles = np.clip(rng.normal(0, spread), -limits, limits)
    rotation = heads.rotation(*angles)
    body = heads.rotation(*(angles * rng.uniform(0, 0.8)))
    pivot = np.array([0.0, -125.0, -110.0])
    height = np.clip((mesh.vertices[:, 1:2] + 185) / 90, 0, 1)
    height = (height * height * (3 - 2 * height)).astype(np.float32)

    def turn(values, offset):
        about = values - offset
        return about @ body.T * (1 - height) + about @ rotation.T * height

    vertices = turn(mesh.vertices, pivot) - (rotation @ -pivot)
    normals = turn(mesh.normals, 0)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6)
    posed = dataclasses.replace(
        mesh, vertices=vertices.astype(np.float32), normals=normals.astype(np.float32)
    )
    return posed, rotation


def _frame(rng, between_eyes, tight) -> Camera:
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


def _backdrop(rng, size):
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


def _background(rng, light, backdrop, camera: Camera):
    """`[H, W, 3]` radiance behind the person under a light."""
    size = len(backdrop)
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
    level = illumination.shade(towards, light.coefficients())
    # A wall further back gets less of a flash than of a room's light.
    falloff = rng.uniform(0, 0.25) if light.kind == "flash" else rng.uniform(0.2, 1.2)
    return backdrop * np.maximum(level, 0).astype(np.float32) * np.float32(falloff)


def scene(settings: Settings, index: int) -> tuple[Scene, Camera]:
    """The person with this index before the camera."""
    rng = _rng(settings, index, "head")
    if settings.ict_facekit and rng.random() < settings.ict_share:
        head = ict.sample_head(rng, settings.ict_facekit)
    else:
        head = heads.sample_head(rng)
    style = hair.sample_style(_rng(settings, index, "style"), head)
    look = skin.sample_look(_rng(settings, index, "look"), head, style)
    rng = _rng(settings, index, "parts")
    made_up = look.lipstick_cover > 0
    meshes = [head.mesh, *parts.eyeballs(head)]
    meshes.append(parts.lashes(rng, head, 1.0 if made_up else rng.uniform(0.35, 0.7)))
    if rng.random() < settings.glasses:
        meshes.append(parts.glasses(rng, head))
    if settings.hair:
        meshes += hair.grow(rng, head, style)
    rng = _rng(settings, index, "pose")
    tight = rng.random() < settings.tight
    mesh, rotation = _pose(rng, settings, Mesh.join(meshes), tight)
    between = float(np.linalg.norm(head.eye_centres[0] - head.eye_centres[1]))
    camera = _frame(rng, between, tight)
    caster = Caster(mesh)
    samples = 2
    origin, directions = camera.rays(settings.size * samples)
    hits = caster.first(origin, directions.reshape(-1, 3))
    atlas = None
    if settings.skin_dir and head.has_atlas:
        atlas = atlases.choose(_rng(settings, index, "atlas"), settings.skin_dir)
    surface = skin.paint(look, head, hits, rotation, atlas)
    return Scene(caster, camera, hits, surface, settings.size, samples, settings.directions), camera


def subject(settings: Settings, index: int) -> dict:
    """One person under `settings.lights` lights, as `tfrelight.data.portrait` describes a subject.

    Beside its fields: `light_fit` float32 `[K, 9, 3]`, the least-squares light held to the true
    projection, and `visibility` uint8 `[K, H, W, 1]`, shading with cast shadows over shading
    without.
    """
    person, camera = scene(settings, index)
    size = settings.size
    backdrop = _backdrop(_rng(settings, index, "backdrop"), size)
    rng = _rng(settings, index, "lights")
    kinds, shares = zip(*settings.shares)
    maps = environments.load_folder(settings.environment_dir) if settings.environment_dir else ()
    images, lights, fits, shadows = [], [], [], []
    for kind in rng.choice(kinds, settings.lights, p=np.array(shares) / sum(shares)):
        light = illumination.sample_light(rng, str(kind), maps)
        behind = _background(rng, light, backdrop, camera)
        photo = person.photograph(light, behind, settings.specular, settings.subsurface)
        image, gain = develop(rng, photo, person.albedo, person.coverage, settings.film)
        images.append(image)
        lights.append(photo.light * gain)
        fits.append(photo.fit * gain)
        shadows.append(photo.visibility)
    one = np.float32(1)
    return {
        "subject": name(settings, index),
        "images": np.stack(images),
        "mask": np.round(person.coverage[..., None] * 255).astype(np.uint8),
        "albedo": np.round(person.albedo * 65535).astype(np.uint16),
        "normals": np.round((person.normals + 1) / 2 * 65535).astype(np.uint16),
        "light": np.stack(lights).astype(np.float32),
        "has_mask": one,
        "has_albedo": one,
        "has_normals": one,
        "has_light": one,
        "light_fit": np.stack(fits).astype(np.float32),
        "visibility": np.round(np.stack(shadows)[..., None] * 255).astype(np.uint8),
    }


def subjects(
    settings: Settings, indices: Iterable[int], processes: int | None = None
) -> Iterator[dict]:
    """Subjects in the order of `indices`, rendered by several processes.

    Args:
      settings: what to render.
      indices: which people.
      processes: how many; 1 renders in this one, None takes every core.

    Raises:
      RuntimeError: a rendering process died (killed, or out of memory).
    """
    processes = processes or len(os.sched_getaffinity(0))
    if processes == 1:
        for index in indices:
            yield subject(settings, index)
        return
    # Files that cannot be used are found here, before any process starts.
    if settings.environment_dir:
        environments.load_folder(settings.environment_dir)
    if settings.ict_facekit:
        ict.load(settings.ict_facekit)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(processes, mp_context=context) as pool:
        waiting = []
        try:
            for index in indices:
                waiting.append(pool.submit(subject, settings, index))
                # A short queue: whoever reads slowly does not fill memory.
                if len(waiting) > 2 * processes:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        except concurrent.futures.process.BrokenProcessPool as error:
            raise RuntimeError(
                "A rendering process ended abruptly (killed, or out of memory). Start again, with"
                f" fewer processes than {processes} if memory was short."
            ) from error
        finally:
            for future in waiting:
                future.cancel()
