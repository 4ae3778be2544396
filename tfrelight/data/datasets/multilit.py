"""A folder of people under several lights: pixel-aligned photos in a folder per person.

    FOLDER/[train|validation|test/]PERSON/photo*.{jpg,png,pgm,exr,...}

The photos of a person form one subject and must have one size; the largest central square is used.
EXR files are linear, all others sRGB-encoded. Folders `train`, `validation` and `test` are the
splits; without them everybody is in `train`. Optional files beside the photos:

- `lights.csv`, in the person's folder or, for a rig shared by all, in `FOLDER`: a header
  `photo,azimuth,elevation[,intensity]` and a line per photo (`light_table`). Angles are in degrees;
  azimuth is positive towards the left of the image, elevation towards its top. From three or more
  lights photometric stereo computes normals and albedo. Without the file, `python -m
  tfrelight.photometric_stereo --model=...` can estimate the lights and write it.
- `sn.mat` and `albedo.mat`, normals and albedo (`tfrelight.stereo.mat_files`), used in place of
  photometric stereo.
- `mask.png`, white where the person is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tfrelight import files, lights
from tfrelight.data import images, portrait
from tfrelight.data.datasets import light_table
from tfrelight.data.datasets.reader import Reader
from tfrelight.data.surface_prior import surface_prior
from tfrelight.errors import InputError
from tfrelight.files import printable
from tfrelight.stereo import calibrated, mat_files, uncalibrated

__all__ = ["MultilitReader", "MultilitPhotos", "photos", "surface"]

_SPLITS = ("train", "validation", "test")


class MultilitPhotos(NamedTuple):
    """The usable photos of a person.

    Attributes:
      images: `[K, H, W, 3]` float32 linear RGB in [0, 1] (`images.exposed`).
      names: `[K]` file names.
    """

    images: np.ndarray
    names: tuple[str, ...]


def photos(folder: Path, problems: list[str]) -> MultilitPhotos:
    """Reads the photos of a person.

    Args:
      folder: the person's folder.
      problems: receives a line about each photo that is left out.

    Raises:
      InputError: fewer than two photos can be used.
    """
    paths = _photo_paths(folder)
    if not paths:
        raise InputError("no file named photo*, such as photo1.jpg, expected 2 or more")
    found = images.aligned(paths, images.read_linear, problems)
    names = tuple(printable(paths[place].name) for place in found)
    return MultilitPhotos(images.exposed(np.stack(list(found.values()))), names)


def _photo_paths(folder):
    return sorted(
        path
        for path in folder.iterdir()
        if path.name.lower().startswith("photo") and path.suffix.lower() in images.SUFFIXES
    )


def surface(
    person: MultilitPhotos, lamps: dict[str, tuple[float, float, float]]
) -> calibrated.PhotometricStereo:
    """Photometric stereo from the photos whose lights are known.

    Args:
      person: the photos, of any size.
      lamps: their lights, from `light_table.read`.

    Raises:
      InputError: fewer than three lights, lights in one plane, or no surface found.
    """
    known = [index for index, name in enumerate(person.names) if name in lamps]
    if len(known) < 3:
        raise InputError(f"the lights of {len(known)} photos are known, expected 3 or more")
    azimuth, elevation, intensity = np.transpose([lamps[person.names[i]] for i in known])
    # Scale the photos to the weakest lamp's intensity, which keeps every value in [0, 1].
    scale = (intensity.min() / intensity).astype(np.float32)
    solved = calibrated.solve(
        person.images[known] * scale[:, None, None, None],
        lights.direction_vector(azimuth, elevation),
    )
    if not solved.valid.any():
        raise InputError("photometric stereo found no surface")
    return solved._replace(albedo=solved.albedo / np.float32(intensity.min()))


class MultilitReader(Reader):
    """A folder of multi-lit photos; a unit is the person's folder, relative to `data_dir`.

    Args:
      data_dir: the folder.
      size: height and width of the photos.
      labelled: include normals and albedo, and the lights if all are known.
      predict: function from `[N, H, W, 3]` sRGB-encoded photos to a network's outputs, numpy;
        `stereo` uses it for people with unknown lights (`tfrelight.stereo.uncalibrated`).
      needs_labels: skip people who have neither lights nor `sn.mat` and `albedo.mat`. Otherwise
        they are read without labels.
    """

    name = "multilit_folder"
    title = "the multi-lit folder"
    version = 1

    def __init__(
        self,
        data_dir: Path | str,
        size: int = 128,
        labelled: bool = False,
        predict: Callable[[np.ndarray], dict[str, np.ndarray]] | None = None,
        needs_labels: bool = True,
    ) -> None:
        super().__init__(data_dir, size, labelled)
        self.predict = predict
        self.needs_labels = needs_labels

    def _people(self, split):
        parts = [name for name in _SPLITS if (self.data_dir / name).is_dir()]
        if parts:
            folders = [self.data_dir / split] if split in parts else []
        else:
            folders = [self.data_dir] if split == "train" else []
        for folder in folders:
            for path in sorted(folder.iterdir()):
                if path.is_dir():
                    yield path

    def units(self, split: str) -> Iterator[str]:
        """See `Reader`.

        Raises:
          InputError: there are no folders, or a person is in two splits.
        """
        elsewhere = {
            path.name for other in _SPLITS if other != split for path in self._people(other)
        }
        found = False
        for path in self._people(split):
            found = True
            if path.name in elsewhere:
                raise InputError(
                    f"{path} is in another split too. Expected each person in one of "
                    f"{', '.join(_SPLITS)}."
                )
            yield path.relative_to(self.data_dir).as_posix()
        if not found and not elsewhere:
            raise InputError(
                f"No people in {self.data_dir}. Expected a folder for each person, with files "
                "such as photo1.jpg."
            )

    def person(self, unit: str) -> str:
        """See `Reader`."""
        return printable(f"multilit-{unit.rpartition('/')[2]}")

    def stamp(self) -> Any:
        """See `Reader`."""
        folders = [path for split in _SPLITS for path in self._people(split)]
        found = [path for folder in folders for path in folder.iterdir()]
        # Hidden files are of file managers, which write them when somebody looks.
        used = [path for path in found if path.is_file() and not path.name.startswith(".")]
        common = [path for path in [self.data_dir / light_table.NAME] if path.exists()]
        return [
            files.stamp([*used, *common], self.data_dir),
            *([] if self.needs_labels else ["also without labels"]),
        ]

    def lamps(self, unit: str) -> dict[str, tuple[float, float, float]]:
        """The lights of a person's photos (`light_table.read`); empty without a `lights.csv`."""
        path = self._lights_path(unit)
        return light_table.read(path) if path else {}

    def _lights_path(self, unit):
        paths = (folder / light_table.NAME for folder in (self.data_dir / unit, self.data_dir))
        return next((path for path in paths if path.is_file()), None)

    def read(self, unit: str, problems: list[str]) -> list[dict[str, Any]]:
        """See `Reader`."""
        folder = self.data_dir / unit
        person = photos(folder, problems)
        shape = person.images.shape[1:3]
        box = images.central_square(shape)
        small = np.stack([images.resize(image, self.size, box) for image in person.images])
        subject = portrait.unlabelled(self.person(unit), images.encode(small))
        if (folder / "mask.png").is_file():
            mask = images.read(folder / "mask.png", grey=True)
            if mask.shape != shape:
                raise InputError(
                    f"mask.png is {mask.shape[1]}x{mask.shape[0]}, "
                    f"expected {shape[1]}x{shape[0]} as the photos"
                )
            if mask.max() < 0.5:
                raise InputError("mask.png is empty")
            mask = np.clip(images.resize(mask, self.size, box), 0, 1)
            subject["mask"] = np.round(mask * 255).astype(np.uint8)[..., None]
            subject["has_mask"] = 1.0
        if self.labelled and (self.needs_labels or self._has_maps(unit) or self.lamps(unit)):
            subject.update(self._labels(unit, person, box))
        return [subject]

    def folder(self, unit: str) -> Path:
        """The folder with a unit's files."""
        return self.data_dir / unit

    def sources(self, unit: str) -> list[Path]:
        """The files from which `stereo` computes the surface."""
        lamps = self._lights_path(unit)
        return [*_photo_paths(self.folder(unit)), *([lamps] if lamps else [])]

    def stereo(
        self, unit: str, problems: list[str]
    ) -> tuple[calibrated.PhotometricStereo, np.ndarray]:
        """Photometric stereo of a person at the photos' own size.

        Lights that it estimates are written to the person's `lights.csv`.

        Args:
          unit: the person.
          problems: receives a line about each photo that is left out.

        Returns:
          The surface, and the first photo, `[H, W, 3]` linear RGB.

        Raises:
          InputError: see `photos`, `surface` and `uncalibrated.solve`.
        """
        person = photos(self.folder(unit), problems)
        lamps = self.lamps(unit)
        if lamps or self.predict is None:
            return surface(person, lamps), person.images[0]
        solved, directions = uncalibrated.solve(
            person.images, *surface_prior(person.images, self.predict)
        )
        light_table.write(
            self.folder(unit) / light_table.NAME, person.names, directions, solved.intensity
        )
        return solved, person.images[0]

    def _has_maps(self, unit):
        folder = self.folder(unit)
        return mat_files.exist(folder) and not mat_files.outdated(folder, self.sources(unit))

    def _labels(self, unit, person, box):
        lamps = self.lamps(unit)
        light = None
        if all(name in lamps for name in person.names):
            light = [
                lights.Light.from_direction(azimuth, elevation, intensity).coefficients
                for azimuth, elevation, intensity in (lamps[name] for name in person.names)
            ]
        if self._has_maps(unit):
            known = mat_files.read(self.folder(unit), person.images.shape[1:3])
        else:
            solved = surface(person, lamps)
            known = solved.normals, solved.albedo, solved.valid
        return portrait.labels(*images.resize_surface(*known, self.size, box), light)
