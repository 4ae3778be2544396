"""The runs of an ablation.

The paper's two settings are `mixed`, labelled synthetic portraits and unlabelled multi-lit photos,
and `limited`, multi-lit photos alone with labels for some people. Each setting has four variants of
the losses, which share everything else: steps, order of the photos, initial weights.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

from tfrelight.errors import InputError
from tfrelight.training.config import TrainConfig

__all__ = ["BASELINE", "MULTILIT", "SETTINGS", "VARIANTS", "Run", "runs"]

# The losses that need pairs of photos.
MULTILIT = ("cross_relighting", "albedo_consistency", "normals_consistency")

SETTINGS = ("limited", "mixed")

BASELINE = "supervised"
# The multi-lit losses that each variant adds to reconstruction and the supervised losses.
VARIANTS: dict[str, tuple[str, ...]] = {
    BASELINE: (),
    "cross_relighting": ("cross_relighting",),
    "consistency": ("albedo_consistency", "normals_consistency"),
    "all": MULTILIT,
}


@dataclasses.dataclass(frozen=True)
class Run:
    """One training run.

    Attributes:
      setting: one of `SETTINGS`.
      labels: people of the multi-lit photos who keep their labels; 0 in `mixed`.
      variant: one of `VARIANTS`.
      seed: of weights, order and augmentation.
    """

    setting: str
    labels: int
    variant: str
    seed: int

    @property
    def row(self) -> tuple[str, int, str]:
        """Setting, labels and variant, which runs of other seeds share."""
        return self.setting, self.labels, self.variant

    @property
    def name(self) -> str:
        """Name of the run's folder, such as `limited-1-all-seed0`."""
        parts = [self.setting, *([self.labels] if self.setting == "limited" else []), self.variant]
        return f"{'-'.join(map(str, parts))}-seed{self.seed}"

    def config(self, base: TrainConfig) -> TrainConfig:
        """The configuration of the run: `base` with this run's changes."""
        changes: dict[str, Any] = {"seed": self.seed, "labelled_multilit_subjects": self.labels}
        if self.setting == "limited":
            changes["synthetic_share"] = 0.0
        for name in set(MULTILIT) - set(VARIANTS[self.variant]):
            changes[f"{name}_weight"] = 0.0
        return dataclasses.replace(base, **changes)


def runs(
    settings: Sequence[str],
    labels: Sequence[str | int],
    variants: Sequence[str],
    seeds: Sequence[str | int],
) -> list[Run]:
    """All runs. Those of the first seed come first, so that its table is complete early.

    Args:
      settings: some of `SETTINGS`.
      labels: numbers of labelled people, for `limited`.
      variants: some of `VARIANTS`.
      seeds: numbers.

    Raises:
      InputError: an unknown name, a number below 0, a value given twice, or no value.
    """
    for flag, given, allowed in (
        ("settings", settings, SETTINGS),
        ("variants", variants, VARIANTS),
    ):
        for name in given:
            if name not in allowed:
                raise InputError(
                    f"Invalid --{flag}. Expected some of: {', '.join(allowed)}. Received: {name!r}."
                )
    counts, numbers = _numbers("labels", labels), _numbers("seeds", seeds)
    lists: dict[str, Sequence[str] | list[int]] = {
        "settings": settings,
        "labels": counts,
        "variants": variants,
        "seeds": numbers,
    }
    for flag, values in lists.items():
        if not values or len(set(values)) < len(values):
            raise InputError(
                f"Invalid --{flag}. Expected at least one value and none twice. "
                f"Received: {','.join(map(str, values)) or 'nothing'}."
            )
    return [
        Run(setting, count, variant, seed)
        for seed, setting in itertools.product(numbers, settings)
        for count in (counts if setting == "limited" else [0])
        for variant in variants
    ]


def _numbers(flag, given):
    for text in given:
        if not str(text).isdecimal():
            raise InputError(
                f"Invalid --{flag}. Expected whole numbers of at least 0, such as 0,1,2. "
                f"Received: {text!r}."
            )
    return [int(text) for text in given]
