"""Synthetic portraits: random people, each under several lights, with every label.

    settings = portraits.PortraitConfig(lights=4)
    for example in portraits.subjects(settings, range(100), processes=2):
        example["images"], example["light"]  # [4, 128, 128, 3] uint8 sRGB, [4, 9, 3]

A subject depends only on the settings and its index, not on the order or the number of processes.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from tfrelight import processes as pool
from tfrelight import threads
from tfrelight.data import portrait
from tfrelight.errors import InputError
from tfrelight.synthesis import (
    assets,
    atlases,
    environments,
    film,
    ict,
    light_sampling,
    scenery,
    shot,
    sitter,
    staging,
)
from tfrelight.synthesis.photograph import Scene

__all__ = [
    "PortraitConfig",
    "check_files",
    "indices",
    "name",
    "scene",
    "seed_of",
    "split_of",
    "subject",
    "subjects",
]

# Part of every cache key. Raise it when the same settings begin to give other bytes.
VERSION = 9
_LIGHTS = ("flash", "studio", "environment", "harmonics")


@dataclasses.dataclass(frozen=True)
class PortraitConfig:
    """Everything that decides the bytes of a set of portraits.

    Attributes:
      lights: photos of each person.
      size: height and width of the photos, pixels.
      seed: of all randomness.
      directions: number of directions for the visibility of environments.
      shares: of the photos, by kind of light: a hard flash in the dark, studio lamps, an
        environment, a pure second-order light.
      framings: shares of people, by how much of them is in the photo (`staging.frame`).
      yaw, pitch, roll: largest turns of the head, degrees.
      near_face: share of people with a hand near the face.
      things: how many people have hats, jewellery and the like, 1 is the most.
      company: share of people with somebody else at the border of the photo; of those in tight
        framing none has.
      hair: render locks and beards; otherwise hair is only painted on the skin.
      glasses: share of people with glasses.
      specular, subsurface, film: render highlights, light that spreads in skin, camera effects.
      environment_dir: folder of EXR or HDR environment maps that replace the built-in ones.
      skin_dir: folder of skin atlases in the texture coordinates of the MakeHuman base mesh.
      ict_facekit: folder or packed file of ICT-FaceKit.
      ict_share: share of people from ICT-FaceKit, if it is given.
      assets: digest of the contents of these files.
      version: of the generator.

    Raises:
      InputError: a value is out of bounds, or a folder is missing or empty.
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
    framings: tuple[tuple[str, float], ...] = (
        ("tight", 0.3),
        ("face", 0.22),
        ("head", 0.22),
        ("bust", 0.14),
        ("half", 0.12),
    )
    yaw: float = 90.0
    pitch: float = 35.0
    roll: float = 30.0
    near_face: float = 0.12
    things: float = 0.5
    company: float = 0.12
    hair: bool = True
    glasses: float = 0.2
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
        for name, kinds in (("shares", _LIGHTS), ("framings", staging.FRAMINGS)):
            found = getattr(self, name)
            shares = [share for _, share in found]
            wrong = {kind for kind, _ in found} - set(kinds) or not all(x >= 0 for x in shares)
            if wrong or not 0 < sum(shares) < np.inf:
                raise InputError(
                    f"Invalid `{name}`. Expected shares of {sorted(kinds)}, at least 0 and not all "
                    f"0. Received: {found}."
                )
        object.__setattr__(self, "assets", assets.digest(self._files()))

    def _files(self):
        found = environments.files(self.environment_dir) if self.environment_dir else []
        found = found + (atlases.files(self.skin_dir) if self.skin_dir else [])
        return found + (ict.files(self.ict_facekit) if self.ict_facekit else [])


def split_of(index: int) -> str:
    """The split of a subject. Of twenty, 18 are in `train`, one in `validation`, one in `test`."""
    return {18: "validation", 19: "test"}.get(index % 20, "train")


def indices(split: str, count: int) -> list[int]:
    """Indices of the first `count` subjects of a split; each subject is in one split.

    Raises:
      InputError: an unknown split.
    """
    if split not in ("train", "validation", "test"):
        raise InputError(
            f"Invalid `split`. Expected train, validation or test. Received: {split!r}."
        )
    return list(itertools.islice((i for i in itertools.count() if split_of(i) == split), count))


def name(seed: int, index: int) -> str:
    """Id of a subject. It depends on the person only: the seed and the index."""
    return f"synthetic-{seed}-{index:06d}"


def seed_of(subject: str) -> int:
    """The seed in a subject's id.

    Raises:
      ValueError: it is not an id from `name`.
    """
    found = re.fullmatch(r"synthetic-(\d+)-\d{6,}", subject)
    if found is None:
        raise ValueError(f"Invalid `subject`. Expected an id of `name`. Received: {subject!r}.")
    return int(found[1])


def _rng(settings, index, stage):
    """A separate generator for each stage, so that stages do not shift each other's numbers."""
    return np.random.default_rng([settings.seed, index, zlib.crc32(stage.encode())])


def scene(settings: PortraitConfig, index: int, **wished: Any) -> Scene:
    """Builds the person with this index, in front of a camera.

    Args:
      settings: what to render.
      index: of the person.
      wished: fields of `sitter.Wishes`, in place of what the settings say or of chance.
    """
    rng = _rng(settings, index, "pose")
    names, shares = zip(*settings.framings)
    framing = str(rng.choice(names, p=np.array(shares) / sum(shares)))
    pose = staging.sample_pose(rng, framing == "tight", settings.yaw, settings.pitch, settings.roll)
    fields = [field.name for field in dataclasses.fields(sitter.Wishes)]
    given = {name: getattr(settings, name) for name in fields if hasattr(settings, name)}
    wishes = sitter.Wishes(**{**given, **wished})
    someone = sitter.build(functools.partial(_rng, settings, index), wishes, pose)
    camera = staging.frame(rng, someone.head.interocular_distance, framing, pose)
    neighbour = None
    rng = _rng(settings, index, "company")
    if rng.random() < settings.company and framing != "tight":
        turned = staging.sample_pose(rng, False, settings.yaw, settings.pitch, settings.roll)
        stages = functools.partial(_rng, settings, index)
        neighbour = sitter.build(lambda stage: stages("neighbour " + stage), wishes, turned)
        neighbour.mesh = shot.beside(rng, neighbour.mesh, camera)
    atlas = None
    if settings.skin_dir:
        atlas = atlases.choose(_rng(settings, index, "atlas"), settings.skin_dir)
    return shot.take(someone, neighbour, camera, settings.size, settings.directions, atlas)


@threads.single_blas
def subject(settings: PortraitConfig, index: int, **wished: Any) -> dict[str, Any]:
    """Renders a subject (`tfrelight.data.portrait`) under `settings.lights` lights; see `scene`."""
    taken = scene(settings, index, **wished)
    size = settings.size
    wall = scenery.wall(_rng(settings, index, "backdrop"), size)
    rng = _rng(settings, index, "lights")
    kinds, shares = zip(*settings.shares)
    maps = environments.load_folder(settings.environment_dir) if settings.environment_dir else ()
    images, lights, fits, shadings, shadows, unlit = [], [], [], [], [], []
    for kind in rng.choice(kinds, settings.lights, p=np.array(shares) / sum(shares)):
        light = light_sampling.sample_light(rng, str(kind), maps)
        behind = scenery.background(rng, light, str(kind), wall)
        photo = taken.photograph(light, behind, settings.specular, settings.subsurface)
        image, gain = film.develop(rng, photo, taken.albedo, taken.coverage, settings.film)
        images.append(image)
        lights.append(photo.light * gain)
        fits.append(photo.fit * gain)
        shadings.append(photo.shading * gain.astype(np.float32))
        shadows.append(photo.visibility)
        unlit.append(photo.unlit[..., None] * np.uint8(255))
    shading, scale = portrait.encode_shading(np.stack(shadings))
    return {
        "subject": name(settings.seed, index),
        "images": np.stack(images),
        "mask": np.round(taken.coverage[..., None] * 255).astype(np.uint8),
        "albedo": portrait.encode_albedo(taken.albedo),
        "normals": portrait.encode_normals(taken.normals),
        "light": np.stack(lights).astype(np.float32),
        "parts": taken.parts[..., None],
        "depth": portrait.encode_depth(taken.depth[..., None]),
        "unlit": np.stack(unlit),
        **{f"has_{label}": np.float32(1) for label in portrait.LABELS},
        "light_fit": np.stack(fits).astype(np.float32),
        "shading": shading,
        "shading_scale": scale,
        "visibility": np.round(np.stack(shadows) * 255).astype(np.uint8),
    }


def check_files(settings: PortraitConfig) -> None:
    """Reads all files that the settings name, to find a broken one before rendering begins.

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


def subjects(
    settings: PortraitConfig, indices: Iterable[int], processes: int | None = None
) -> Iterator[dict[str, Any]]:
    """Renders subjects with several processes and yields them in order (see `subject`).

    Args:
      settings: what to render.
      indices: of the people.
      processes: number of rendering processes; 1 renders in this process, None uses every core.

    Raises:
      KilledError: a rendering process died (killed, or out of memory).
    """
    count = processes or threads.available()
    if count > 1:
        check_files(settings)
    yield from pool.each(functools.partial(subject, settings), indices, count)
