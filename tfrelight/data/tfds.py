"""The real data sets through TensorFlow Datasets. Their authors give them out; none is included.

    import tensorflow_datasets as tfds
    import tfrelight.data.tfds

    sessions = tfds.load(
        "photoface",
        split="train",
        data_dir="prepared",
        download_and_prepare_kwargs={
            "download_config": tfds.download.DownloadConfig(manual_dir="PhotofaceDB")
        },
    )

reads the original layout in `manual_dir` once, with every label that the data set has or
photometric stereo gives, and keeps in `data_dir` the examples that training with --photoface_dir
reads. Configurations are photo sizes: "photoface" has 128 pixels, "photoface/256" 256.
"""

from __future__ import annotations

import dataclasses

import tensorflow_datasets as tfds

from tfrelight.data import features
from tfrelight.data.datasets import celeba, multilit, photoface, sfsnet_synthetic, yale_b

__all__ = [
    "CelebaPortraits",
    "Config",
    "ExtendedYaleB",
    "MultilitFolder",
    "Photoface",
    "SfsnetSynthetic",
]

_SCHEMA = """
An example is one person, still, under K lights. Frame: x right in the image, y up, z to the camera.
`images`: `[K, H, W, 3]` sRGB. `albedo`: linear, 65535 is 1, 0 where unknown. `normals`:
n = value / 32767.5 - 1. `light`: linear RGB, second-order orthonormal real harmonics in the order
1, y, z, x, xy, yz, 3z²-1, xz, x²-y², so that photo = albedo x irradiance / pi in linear RGB.
`mask`: person (255) against background. `has_*`: 1 if the label is known. Each person is in one
split only.
"""


@dataclasses.dataclass(eq=False)
class Config(tfds.core.BuilderConfig):
    """Configuration of a builder: `size`, height and width of the photos."""

    size: int = 128


class _FromFolder(
    tfds.core.GeneratorBasedBuilder,
    skip_registration=True,  # type: ignore[call-arg]  # tensorflow-datasets has no types.
):
    """Examples of a `datasets.reader.Reader`; subclasses name it and describe its data set."""

    BUILDER_CONFIGS = [Config(name=str(size), size=size) for size in (128, 256)]

    READER: type
    ABOUT: str
    CITATION: str
    LICENSE: str
    HOMEPAGE: str | None = None

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.ABOUT + _SCHEMA,
            features=features.subject(),
            homepage=self.HOMEPAGE,
            citation=self.CITATION,
            license=self.LICENSE,
        )

    def _split_generators(self, dl_manager):
        reader = self.READER(dl_manager.manual_dir, self.builder_config.size, labelled=True)
        return {
            split: self._generate_examples(reader, split)
            for split in reader.splits
            if next(iter(reader.units(split)), None) is not None
        }

    def _generate_examples(self, reader, split):
        for number, subject in enumerate(reader.subjects(split)):
            yield number, {name: subject[name] for name in self.info.features}


class Photoface(_FromFolder):
    """Sessions of the Photoface database."""

    READER = photoface.PhotofaceReader
    VERSION = tfds.core.Version(f"{READER.version}.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = """\
    Ask the authors of the Photoface database for it, and give the folder PhotofaceDB, which holds
    1001/2008-02-23_12-21-31/im0.bmp and so on, as `manual_dir`.
    """
    ABOUT = """\
The Photoface database: 1,839 sessions of 453 people in front of four flashes, grey. Normals and
albedo come from the sessions' `sn.mat` and `albedo.mat`, else from photometric stereo."""
    CITATION = """\
@inproceedings{zafeiriou2011photoface,
  title={The Photoface database},
  author={Zafeiriou, Stefanos and Hansen, Mark and Atkinson, Gary and Argyriou, Vasileios and
    Petrou, Maria and Smith, Melvyn and Smith, Lyndon},
  booktitle={CVPR Workshops},
  pages={132--139},
  year={2011}
}
"""
    LICENSE = "For research, under its authors' terms; no redistribution."


class SfsnetSynthetic(_FromFolder):
    """SfSNet's synthetic faces."""

    READER = sfsnet_synthetic.SfsnetReader
    VERSION = tfds.core.Version(f"{READER.version}.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = """\
    Ask the authors of SfSNet for their synthetic training data, and give the folder that holds
    0003/000041_face_1_1.png and so on as `manual_dir`.
    """
    ABOUT = """\
SfSNet's synthetic faces: 3D morphable models in several poses and lights, fifteen photos of each
person. The photos of a person in one pose are one example."""
    CITATION = """\
@inproceedings{sengupta2018sfsnet,
  title={{SfSNet}: Learning Shape, Reflectance and Illuminance of Faces in the Wild},
  author={Sengupta, Soumyadip and Kanazawa, Angjoo and Castillo, Carlos D. and Jacobs, David W.},
  booktitle={CVPR},
  year={2018}
}
"""
    LICENSE = "For research, by request to its authors; no redistribution."
    HOMEPAGE = "https://senguptaumd.github.io/SfSNet/"


class CelebaPortraits(_FromFolder):
    """CelebA's single photos."""

    READER = celeba.CelebAReader
    VERSION = tfds.core.Version(f"{READER.version}.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = """\
    Download CelebA from its authors' page: the folder img_align_celeba, list_eval_partition.txt,
    list_landmarks_align_celeba.txt and, optionally, identity_CelebA.txt. Unpack them into one
    folder, or into its subfolders Img, Eval and Anno, and give it as `manual_dir`.
    """
    ABOUT = """\
CelebA: single photos of celebrities, the square around the face, no labels (K is 1)."""
    CITATION = """\
@inproceedings{liu2015deep,
  title={Deep Learning Face Attributes in the Wild},
  author={Liu, Ziwei and Luo, Ping and Wang, Xiaogang and Tang, Xiaoou},
  booktitle={ICCV},
  year={2015}
}
"""
    LICENSE = "For non-commercial research; its authors own no rights in the photos."
    HOMEPAGE = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"


class ExtendedYaleB(_FromFolder):
    """Cropped photos of Extended Yale B."""

    READER = yale_b.YaleBReader
    VERSION = tfds.core.Version(f"{READER.version}.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = """\
    Download the cropped Extended Yale Face Database B from its authors, and give the folder
    CroppedYale, which holds yaleB01/yaleB01_P00A+035E+40.pgm and so on, as `manual_dir`.
    """
    ABOUT = """\
Extended Yale Face Database B, cropped: up to 64 photos each of 38 people under flashes from known
directions, grey. Normals, albedo and the flashes' intensities come from photometric stereo."""
    CITATION = """\
@article{georghiades2001few,
  title={From Few to Many: Illumination Cone Models for Face Recognition under Variable Lighting and
    Pose},
  author={Georghiades, Athinodoros S. and Belhumeur, Peter N. and Kriegman, David J.},
  journal={IEEE TPAMI},
  volume={23},
  number={6},
  pages={643--660},
  year={2001}
}
@article{lee2005acquiring,
  title={Acquiring Linear Subspaces for Face Recognition under Variable Lighting},
  author={Lee, Kuang-Chih and Ho, Jeffrey and Kriegman, David J.},
  journal={IEEE TPAMI},
  volume={27},
  number={5},
  pages={684--698},
  year={2005}
}
"""
    LICENSE = "For research, with acknowledgement; no redistribution."


class MultilitFolder(_FromFolder):
    """A user's own folder of multi-lit photos."""

    READER = multilit.MultilitReader
    VERSION = tfds.core.Version(f"{READER.version}.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = """\
    Give your own folder as `manual_dir`. It holds a folder for each person, or folders train,
    validation and test that do. A person's folder holds photo*.jpg (png, pgm, exr, ...) and a
    lights.csv with the columns photo, azimuth and elevation, or sn.mat and albedo.mat.
    """
    ABOUT = """\
A folder of pixel-aligned photos of people under several lights. Normals and albedo come from the
people's `sn.mat` and `albedo.mat`, else from photometric stereo."""
    CITATION = ""
    LICENSE = "The license of the photos."
