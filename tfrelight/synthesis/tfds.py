"""The synthetic portraits as a data set of TensorFlow Datasets.

    import tensorflow_datasets as tfds
    import tfrelight.synthesis.tfds

    people = tfds.load("synthetic_portraits", split="train", data_dir="portraits")

reads the set that `python -m tfrelight.synthesize --output_dir=portraits` wrote in the layout of
TensorFlow Datasets. Without such a set it renders a small one, once, with the command's other
defaults. `tfrelight.data.tfds` does the same for real data sets.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds

from tfrelight.data import features
from tfrelight.errors import InputError
from tfrelight.synthesis import portraits

__all__ = [
    "NAME",
    "SETTINGS",
    "SUBJECTS",
    "SyntheticPortraits",
    "by_split",
    "describe",
    "version",
]

NAME = "synthetic_portraits"

# The set that `tfds.load` renders by itself, in a few minutes on one core.
SUBJECTS = 200
SETTINGS = portraits.PortraitConfig()

_DESCRIPTION = """\
Rendered portraits for intrinsic decomposition and relighting. An example is one person, still,
under several lights: pixel-aligned photos with albedo, normals, head mask, and each photo's light
as second-order spherical harmonics of the incoming radiance.

Frame: x right in the image, y up, z to the camera. `images`: sRGB. `albedo`: linear, 65535 is 1.
`normals`: n = value / 32767.5 - 1. `light`: linear RGB, orthonormal real harmonics in the order
1, y, z, x, xy, yz, 3z²-1, xz, x²-y², so that photo = albedo x irradiance / pi in linear RGB.
`light_fit`: least-squares fit to the shading, regularised to `light`. `shading`: of the whole light
without cast shadows, linear RGB, value / 65535 x `shading_scale`. `visibility`: shading with cast
shadows over shading without, 255 is 1. `parts`: 0 background, 1 skin, 2 hair with brows and beard,
3 eyes, 4 mouth and teeth, 5 cloth, 6 things. `depth`: behind the plane of the eyes, in widths of
the photo: value x 8 / 65535 - 4. `unlit`: 255 where the photo's light does not reach. `has_*`: 1,
because all labels are known. Each subject is in one split only.
"""

_CITATION = """\
@article{zehni2021joint,
  title={Joint Learning of Portrait Intrinsic Decomposition and Relighting},
  author={Zehni, Mona and Ghosh, Shaona and Sridhar, Krishna and Raman, Sethu},
  journal={arXiv preprint arXiv:2106.15305},
  year={2021}
}
"""

_LICENSE = """\
Made with tfrelight (Apache-2.0), whose body model is under CC0 1.0. Environment maps, skin atlases
and scanned heads that were added when rendering keep their own licences.
"""


def version() -> str:
    """Version of the set: the generator's, because each version renders other portraits."""
    return f"{SETTINGS.version}.0.0"


def by_split(subjects: int) -> dict[str, list[int]]:
    """The indices 0 to `subjects` - 1, by `portraits.split_of`."""
    found: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    for index in range(subjects):
        found[portraits.split_of(index)].append(index)
    return found


_ABOUT = {"description": _DESCRIPTION, "citation": _CITATION, "license": _LICENSE}


class SyntheticPortraits(tfds.core.GeneratorBasedBuilder):
    """Portraits with every label; renders `SUBJECTS` people with `SETTINGS` if there is no set."""

    VERSION = tfds.core.Version(version())

    def download_and_prepare(self, **options: Any) -> None:
        """Renders the set if necessary.

        Raises:
          InputError: the folder holds an unfinished set.
        """
        begun = os.path.join(self.data_dir, "settings.json")
        if tf.io.gfile.exists(begun) and not self.info.splits:
            raise InputError(
                f"The synthetic portraits in {self.data_dir} are not finished. Repeat the command "
                "that began them (tfrelight.synthesize); it continues where it stopped."
            )
        super().download_and_prepare(**options)

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=features.synthetic_subject(), **_ABOUT)

    def _split_generators(self, dl_manager):
        del dl_manager  # nothing is downloaded
        return {
            split: self._generate_examples(indices) for split, indices in by_split(SUBJECTS).items()
        }

    def _generate_examples(self, indices):
        # One process, because others would run a script without a main guard again.
        for subject in portraits.subjects(SETTINGS, indices, processes=1):
            yield subject["subject"], subject


def describe(
    folder: os.PathLike[str] | str, shards: Mapping[str, Mapping[str, int]], version: str
) -> None:
    """Writes `dataset_info.json` and `features.json` beside the shards of a finished set.

    Args:
      folder: of the shards.
      shards: dict from splits to dicts from shards' paths to numbers of examples, in order.
      version: of the set.
    """
    tfds.folder_dataset.write_metadata(
        data_dir=folder,
        features=features.synthetic_subject(),
        split_infos=[
            tfds.core.SplitInfo(
                name=split,
                shard_lengths=list(lengths.values()),
                num_bytes=sum(tf.io.gfile.stat(path).length for path in lengths),
            )
            for split, lengths in shards.items()
        ],
        version=version,
        check_data=False,
        **_ABOUT,
    )
