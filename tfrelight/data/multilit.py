"""Any folder of people under several lights: a folder each, with pixel-aligned photos.

    FOLDER/[train|validation|test/]PERSON/photo*.{jpg,png,pgm,exr,...}

Photos of a person are one subject and must have one size; the largest central square is used. EXR
files are linear, all others sRGB-encoded. With folders `train`, `validation`, `test` these are the
splits; else everybody is for training. Beside the photos, all optional:

- `lights.csv`, in the person's folder or, for a rig that is the same for all, in `FOLDER`: lines
  `photo,azimuth,elevation` and, if known, `intensity`, under a head with these words; degrees,
  azimuth positive towards the left of the image, elevation towards its top. With three lights or
  more photometric stereo gives normals and albedo. Where there is none, `python -m
  tfrelight.photometric_stereo --model=...` can tell the lights and writes one.
- `sn.mat` and `albedo.mat`, normals and albedo (`tfrelight.data.stereo_files`); they come before
  photometric stereo.
- `mask.png`, white where the person is.
"""

from __future__ import annotations

import csv
import io
from typing import NamedTuple

import numpy as np

from tfrelight import files, lights
from tfrelight.data import images, photometric_stereo, portrait, stereo_files, uncalibrated
from tfrelight.data.reader import Reader
from tfrelight.errors import InputError
from tfrelight.files import printable

__all__ = ["MultilitFolder", "Photos", "photos", "read_lights", "surface", "write_lights"]

_LIGHTS = "lights.csv"
_SPLITS = ("train", "validation", "test")


class Photos(NamedTuple):
    """The photos of a person that can be used.

    Attributes:
      images: `[K, H, W, 3]` float32 linear RGB in [0, 1] (`images.exposed`).
      names: `[K]` file names.
    """

    images: np.ndarray
    names: tuple


def photos(folder, problems) -> Photos:
    """Reads the photos of a person.

    Args:
      folder: of the person.
      problems: lines about photos that are left out are appended to it.

    Raises:
      InputError: fewer than two photos can be used.
    """
    paths = sorted(
        path
        for path in folder.iterdir()
        if path.name.lower().startswith("photo") and path.suffix.lower() in images.SUFFIXES
    )
    found = images.aligned(paths, images.read_linear, problems)
    names = tuple(printable(paths[place].name) for place in found)
    return Photos(images.exposed(np.stack(list(found.values()))), names)


def read_lights(path) -> dict:
    """Lights from a `lights.csv`: by name of the photo, (azimuth, elevation, intensity).

    Raises:
      InputError: a column is missing, a value is no finite number, or a photo is there twice.
    """
    lamps = {}
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        table = csv.DictReader(file)
        columns = [name.strip().lower() for name in table.fieldnames or ()]
        if not {"photo", "azimuth", "elevation"} <= set(columns):
            raise InputError(
                f"{path.name} begins with {','.join(columns) or 'nothing'}, expected "
                "photo,azimuth,elevation and perhaps intensity"
            )
        table.fieldnames = columns
        for row in table:
            try:
                numbers = [float(row["azimuth"]), float(row["elevation"])]
                numbers.append(float(row.get("intensity") or 1))
            except (TypeError, ValueError):
                numbers = [np.nan]
            name = (row["photo"] or "").strip()
            if not np.isfinite(numbers).all() or numbers[2] <= 0:
                raise InputError(f"{path.name} line {table.line_num}: no light of {name!r}")
            if name in lamps:
                raise InputError(f"{path.name} line {table.line_num}: {name!r} is there twice")
            lamps[name] = tuple(numbers)
    return lamps


def surface(person, lamps):
    """Photometric stereo of the photos whose lights are known.

    Args:
      person: `Photos`, of any size.
      lamps: what `read_lights` gave.

    Returns:
      `photometric_stereo.PhotometricStereo`.

    Raises:
      InputError: fewer than three lights, or lights in one plane, or no surface.
    """
    known = [index for index, name in enumerate(person.names) if name in lamps]
    if len(known) < 3:
        raise InputError(f"the lights of {len(known)} photos are known, expected 3 or more")
    azimuth, elevation, intensity = np.transpose([lamps[person.names[i]] for i in known])
    # To one intensity, which leaves every value in [0, 1].
    scale = (intensity.min() / intensity).astype(np.float32)
    solved = photometric_stereo.solve(
        person.images[known] * scale[:, None, None, None],
        lights.direction_vector(azimuth, elevation),
    )
    if not solved.valid.any():
        raise InputError("photometric stereo found no surface")
    return solved._replace(albedo=solved.albedo / np.float32(intensity.min()))


def write_lights(path, names, directions, intensity):
    """Writes a `lights.csv`.

    Args:
      path: of the file.
      names: `[K]` of the photos.
      directions: `[K, 3]` unit vectors.
      intensity: `[K]`.
    """
    x, y, z = np.transpose(directions)
    azimuth, elevation = np.degrees(np.arctan2(-x, z)), np.degrees(np.arcsin(np.clip(y, -1, 1)))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["photo", "azimuth", "elevation", "intensity"])
    for name, *numbers in zip(names, azimuth, elevation, intensity):
        table.writerow([name, *(f"{number:.3f}" for number in numbers)])
    files.write_text(path, text.getvalue())


class MultilitFolder(Reader):
    """A folder of multi-lit photos; a unit is the person's folder, relative to `data_dir`.

    Args:
      data_dir: the folder.
      size: height and width of the photos.
      labelled: with normals and albedo, and with lights where they are known.
      predict: for `stereo` of people whose lights are not known: function of `[N, H, W, 3]` sRGB
        photos to a network's dict of numpy arrays (`tfrelight.data.uncalibrated`).
      needs_labels: leave out people who have neither lights nor `sn.mat` and `albedo.mat`; else
        they come without labels.
    """

    name = "multilit_folder"
    title = "the multi-lit folder"
    version = 1

    def __init__(self, data_dir, size=128, labelled=False, predict=None, needs_labels=True):
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

    def units(self, split):
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
                f"No people in {self.data_dir}. Expected a folder each, with files such as "
                "photo1.jpg."
            )

    def person(self, unit):
        """See `Reader`."""
        return printable(f"multilit-{unit.rpartition('/')[2]}")

    def stamp(self):
        """See `Reader`."""
        folders = [path for split in _SPLITS for path in self._people(split)]
        common = [path for path in [self.data_dir / _LIGHTS] if path.exists()]
        return [
            (printable(path.relative_to(self.data_dir).as_posix()), path.stat().st_mtime_ns)
            for path in [*common, *folders]
        ] + ([] if self.needs_labels else ["also without labels"])

    def lamps(self, unit):
        """The lights of a person's photos (`read_lights`); empty where there is no list."""
        for folder in (self.data_dir / unit, self.data_dir):
            if (folder / _LIGHTS).is_file():
                return read_lights(folder / _LIGHTS)
        return {}

    def read(self, unit, problems):
        """See `Reader`."""
        folder = self.data_dir / unit
        person = photos(folder, problems)
        shape = person.images.shape[1:3]
        box = images.central_square(shape)
        small = np.stack([images.resize(image, self.size, box) for image in person.images])
        subject = portrait.unlabelled(self.person(unit), images.encode(small))
        if (self.data_dir / _LIGHTS).is_file():
            subject["lamps"] = person.names
        if (folder / "mask.png").is_file():
            mask = images.read(folder / "mask.png", grey=True)
            if mask.shape != shape:
                raise InputError(
                    f"mask.png is {mask.shape[1]}x{mask.shape[0]}, the photos {shape[1]}x{shape[0]}"
                )
            if mask.max() < 0.5:
                raise InputError("mask.png is empty")
            mask = np.clip(images.resize(mask, self.size, box), 0, 1)
            subject["mask"] = np.round(mask * 255).astype(np.uint8)[..., None]
            subject["has_mask"] = 1.0
        if self.labelled and (self.needs_labels or stereo_files.exist(folder) or self.lamps(unit)):
            subject.update(self._labels(folder, unit, person, box))
        return [subject]

    def folder(self, unit):
        """Where a unit's files are."""
        return self.data_dir / unit

    def stereo(self, unit, problems):
        """Photometric stereo of a unit at its photos' size, and one of them, `[H, W, 3]` linear."""
        person = photos(self.folder(unit), problems)
        lamps = self.lamps(unit)
        if lamps or self.predict is None:
            return surface(person, lamps), person.images[0]
        solved, directions = uncalibrated.solve(
            person.images, *uncalibrated.prior(person.images, self.predict)
        )
        write_lights(self.folder(unit) / _LIGHTS, person.names, directions, solved.intensity)
        return solved, person.images[0]

    def _labels(self, folder, unit, person, box):
        lamps = self.lamps(unit)
        light = None
        if all(name in lamps for name in person.names):
            light = [
                lights.Light.from_direction(azimuth, elevation, intensity).coefficients
                for azimuth, elevation, intensity in (lamps[name] for name in person.names)
            ]
        if stereo_files.exist(folder):
            known = stereo_files.read(folder, person.images.shape[1:3])
        else:
            solved = surface(person, lamps)
            known = solved.normals, solved.albedo, solved.valid
        return portrait.labels(*images.resize_surface(*known, self.size, box), light)
