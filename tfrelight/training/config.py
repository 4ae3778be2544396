"""The settings of a training run."""

import dataclasses
from pathlib import Path
from typing import Any

from tfrelight import files
from tfrelight.errors import InputError
from tfrelight.models import locating

__all__ = ["TrainConfig"]


def _setting(default: Any, about: str, low: float | None = None, high: float | None = None):
    """A field with the help of its flag and the bounds of its value."""
    return dataclasses.field(default=default, metadata={"help": about, "low": low, "high": high})


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """The settings of a training run. `tfrelight.train` has a flag for each field.

        from tfrelight.training import config, run

        run.train(config.TrainConfig(workdir="runs/mine", multilit_dir="photos", epochs=5))

    The metadata of each field holds its help and bounds.

    Raises:
      InputError: a value is outside its bounds, or two values contradict each other.
    """

    workdir: str = _setting("runs/train", "Folder of the run; created if missing.")
    max_minutes: float = _setting(
        0.0,
        "Stop after the epoch that ends past this many minutes; the same command resumes. 0: no "
        "limit.",
        low=0,
    )

    network: str = _setting("compact", "Network: compact or sfsnet.")
    initial_weights: str | None = _setting(
        None,
        "Preset, run folder or weights file to start from, such as compact-128; default: random "
        "weights.",
    )
    size: int = _setting(128, "Height and width of the network's input, pixels.", low=16)
    batch_size: int = _setting(8, "Pairs per step; the network sees twice as many photos.", low=1)
    epochs: int = _setting(20, "Number of epochs; the run is saved after each.", low=1)
    steps_per_epoch: int = _setting(100, "Steps per epoch.", low=1)
    learning_rate: float = _setting(
        2e-3, "Peak learning rate: linear warm-up to it, then cosine decay to 0."
    )
    warmup_steps: int = _setting(100, "Steps of linear warm-up.", low=0)
    learning_rate_drops: tuple[int, ...] = _setting(
        (),
        "Steps at which the learning rate is divided by 10, such as 15000,40000; replaces the "
        "cosine decay, and needs `warmup_steps=0`.",
    )
    weight_decay: float = _setting(1e-4, "AdamW's weight decay.", low=0)
    seed: int = _setting(0, "Seed of weights, order and augmentation.", low=0)
    precision: str = _setting("auto", "auto, float32, bfloat16 or float16.")
    strategy: str = _setting("default", "default, mirrored or multi_worker (TF_CONFIG).")

    synthetic_dir: str | None = _setting(
        None,
        "Folder that tfrelight.synthesize (or tfds.load) wrote. All its training people replace "
        "the built-in ones; `synthetic_subjects`, `synthetic_lights` and `synthetic_seed` are "
        "ignored.",
    )
    synthetic_subjects: int = _setting(320, "Number of built-in subjects to train on.", low=2)
    synthetic_lights: int = _setting(8, "Photos of each built-in subject.", low=2)
    synthetic_seed: int = _setting(0, "Seed of the built-in subjects.", low=0)
    synthetic_share: float = _setting(
        0.5, "Share of pairs that are synthetic and labelled.", low=0, high=1
    )
    yale_b_dir: str | None = _setting(None, "Folder of Extended Yale B, cropped (yaleB01, ...).")
    yale_b_subjects: tuple[str, ...] | None = _setting(
        None, "Subjects of Extended Yale B to train on; default: the 22 of this project's split."
    )
    photoface_dir: str | None = _setting(
        None,
        "Folder PhotofaceDB of the Photoface database; its people for validation choose the best "
        "weights.",
    )
    multilit_dir: str | None = _setting(
        None,
        "Folder of your own multi-lit photos: PERSON/photo*.jpg ..., cropped to the head. Of "
        "folders train and validation, the people in validation choose the best weights.",
    )
    sfsnet_dir: str | None = _setting(
        None, "Folder of SfSNet's synthetic faces; they replace the built-in labelled subjects."
    )
    celeba_dir: str | None = _setting(None, "Folder of CelebA: single photos without labels.")
    pseudo_label_dir: str | None = _setting(
        None, "Folder that tfrelight.pseudo_label wrote: single labelled photos."
    )
    single_share: float = _setting(
        0.2,
        "Share of pairs that are two single photos, if there is a folder of single photos.",
        low=0,
        high=1,
    )
    limit: int = _setting(
        0, "Use at most this many people of each data set, for a quick test; 0: all.", low=0
    )
    labelled_multilit_subjects: int = _setting(
        0, "Number of multi-lit subjects that keep their labels.", low=0
    )
    labelled_multilit_share: float = _setting(
        0.5,
        "Share of labelled subjects among the multi-lit pairs, if some subjects have no labels. 0: "
        "draw all subjects equally often.",
        low=0,
        high=1,
    )
    rendered_targets: tuple[str, ...] = _setting(
        ("synthetic", "multilit"),
        "Kinds of fully labelled photos (synthetic, multilit, single) for which reconstruction and "
        "cross-relighting compare with the rendered labels instead of the photo.",
    )
    strict: bool = _setting(False, "Refuse broken photos instead of skipping them.")

    reconstruction_weight: float = _setting(
        1.0, "Weight of the loss between albedo x shading and the photo. 0: off.", low=0
    )
    albedo_weight: float = _setting(
        2.0, "Weight of the loss between albedo and its label. 0: off.", low=0
    )
    normals_weight: float = _setting(
        1.0, "Weight of the loss between normals and their label. 0: off.", low=0
    )
    light_weight: float = _setting(
        0.5, "Weight of the loss between light and its label. 0: off.", low=0
    )
    mask_weight: float = _setting(
        0.2, "Weight of the loss between mask and its label. 0: off.", low=0
    )
    parts_weight: float = _setting(
        0.2,
        "Weight of the loss between parts and their label, for networks that tell parts apart. 0: "
        "off.",
        low=0,
    )
    cross_relighting_weight: float = _setting(
        3.0,
        "Weight of the multi-lit loss between albedo x shading under the light of the pair's other "
        "photo and that photo. 0: off.",
        low=0,
    )
    albedo_consistency_weight: float = _setting(
        2.5, "Weight of the multi-lit loss between the albedos of a pair. 0: off.", low=0
    )
    normals_consistency_weight: float = _setting(
        0.5, "Weight of the multi-lit loss between the normals of a pair. 0: off.", low=0
    )

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            low, high = field.metadata["low"], field.metadata["high"]
            if low is not None and not value >= low or high is not None and not value <= high:
                expected = f"at least {low}" if high is None else f"{low} to {high}"
                raise InputError(f"Invalid `{field.name}`. Expected {expected}. Received: {value}.")
        if not self.learning_rate > 0:
            raise InputError(
                f"Invalid `learning_rate`. Expected above 0. Received: {self.learning_rate}."
            )
        drops = self.learning_rate_drops
        if any(step < 1 for step in drops) or list(drops) != sorted(set(drops)):
            raise InputError(
                "Invalid `learning_rate_drops`. Expected increasing numbers of steps above 0. "
                f"Received: {','.join(map(str, drops))}."
            )
        if drops and self.warmup_steps:
            raise InputError(
                "`learning_rate_drops` excludes a warm-up. Expected `warmup_steps` 0. "
                f"Received: {self.warmup_steps}."
            )
        if self.yale_b_subjects and not self.yale_b_dir:
            raise InputError(
                "`yale_b_subjects` names people of Extended Yale B. Give `yale_b_dir` too."
            )

    def check_files(self) -> None:
        """Checks folders and files that the fields name, without TensorFlow.

        Raises:
          InputError: one is missing, or `workdir` cannot be written.
        """
        for field in dataclasses.fields(self):
            path = getattr(self, field.name)
            # TensorFlow also reads gs://bucket/folder.
            if not field.name.endswith("_dir") or path is None or "://" in path:
                continue
            if not Path(path).is_dir():
                raise InputError(f"No such folder: {path}. Expected that of `{field.name}`.")
        if self.initial_weights:
            locating.locate(self.initial_weights)
        files.check_folder(self.workdir)

    @property
    def loss_weights(self) -> dict[str, float]:
        """The weight of each loss by name, for `RelightModel`."""
        suffix = "_weight"
        return {
            field.name[: -len(suffix)]: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name.endswith(suffix)
        }

    def settings(self) -> dict[str, Any]:
        """The fields that change a run's numbers: all but `workdir` and `max_minutes`."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del values["workdir"], values["max_minutes"]
        return values
