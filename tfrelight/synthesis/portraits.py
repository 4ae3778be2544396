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
import re
import threading
import zlib
from collections.abc import Iterable, Iterator

import numpy as np

from tfrelight.errors import InputError
from tfrelight.synthesis import (
    atlases,
    environments,
    hair,
    hairstyle,
    ict,
    illumination,
    parts,
    skin,
    staging,
)
from tfrelight.synthesis import head as heads
from tfrelight.synthesis.look import sample_look
from tfrelight.synthesis.mesh import Mesh
from tfrelight.synthesis.photograph import Scene, develop
from tfrelight.synthesis.render import Camera, Caster

__all__ = [
    "Settings",
    "check_files",
    "indices",
    "name",
    "seed_of",
    "split_of",
    "subject",
    "subjects",
]

# Raise it whenever the same settings begin to give other bytes: caches are keyed by it.
VERSION = 3


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


def name(seed: int, index: int) -> str:
    """Id of a subject: the person keeps it under other lights; another seed has other people."""
    return f"synthetic-{seed}-{index:06d}"


def seed_of(subject: str) -> int:
    """The seed in a subject's id.

    Raises:
      ValueError: it is no id of `name`.
    """
    found = re.fullmatch(r"synthetic-(\d+)-\d{6,}", subject)
    if found is None:
        raise ValueError(f"Invalid `subject`. Expected an id of `name`. Received: {subject!r}.")
    return int(found[1])


def _rng(settings, index, stage):
    """A generator of its own for every stage, so that one stage's draws do not shift another's."""
    return np.random.default_rng([settings.seed, index, zlib.crc32(stage.encode())])


def scene(settings: Settings, index: int) -> tuple[Scene, Camera]:
    """The person with this index before the camera."""
    rng = _rng(settings, index, "head")
    if settings.ict_facekit and rng.random() < settings.ict_share:
        head = ict.sample_head(rng, settings.ict_facekit)
    else:
        head = heads.sample_head(rng)
    style = hairstyle.sample_style(_rng(settings, index, "style"), head)
    look = sample_look(_rng(settings, index, "look"), head, style)
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
    mesh, rotation = staging.pose(rng, settings, Mesh.join(meshes), tight)
    between = float(np.linalg.norm(head.eye_centres[0] - head.eye_centres[1]))
    camera = staging.frame(rng, between, tight)
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
    wall = staging.backdrop(_rng(settings, index, "backdrop"), size)
    rng = _rng(settings, index, "lights")
    kinds, shares = zip(*settings.shares)
    maps = environments.load_folder(settings.environment_dir) if settings.environment_dir else ()
    images, lights, fits, shadows = [], [], [], []
    for kind in rng.choice(kinds, settings.lights, p=np.array(shares) / sum(shares)):
        light = illumination.sample_light(rng, str(kind), maps)
        behind = staging.background(rng, light, wall, camera)
        photo = person.photograph(light, behind, settings.specular, settings.subsurface)
        image, gain = develop(rng, photo, person.albedo, person.coverage, settings.film)
        images.append(image)
        lights.append(photo.light * gain)
        fits.append(photo.fit * gain)
        shadows.append(photo.visibility)
    one = np.float32(1)
    return {
        "subject": name(settings.seed, index),
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


def check_files(settings: Settings) -> None:
    """Reads all files that the settings name, so that a broken one is found before anyone is drawn.

    Raises:
      InputError: a file cannot be used.
    """
    if settings.environment_dir:
        environments.load_folder(settings.environment_dir)
    if settings.skin_dir:
        for path in atlases.files(settings.skin_dir):
            atlases.load(str(path))
    if settings.ict_facekit:
        ict.load(settings.ict_facekit)


def _end_with_parent():
    """Ends a rendering process whose parent was killed: it would wait for work for ever."""

    def watch():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


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
    check_files(settings)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(
        processes, mp_context=context, initializer=_end_with_parent
    ) as pool:
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
