"""Which runs an ablation is made of.

The paper's two settings: `mixed`, labelled synthetic portraits and unlabelled multi-lit photos; and
`limited`, multi-lit photos alone, of which some people have labels. In each setting four variants
of the losses, which are the same in everything else: steps, order of the photos, initial weights.
"""

from __future__ import annotations

import dataclasses
import itertools

from tfrelight.errors import InputError

__all__ = ["BASELINE", "MULTILIT", "SETTINGS", "VARIANTS", "Run", "runs"]

# The losses that need pairs of photos.
MULTILIT = ("cross_relighting", "albedo_consistency", "normal_consistency")

SETTINGS = ("limited", "mixed")

BASELINE = "supervised"
# Which multi-lit losses are added to the supervised ones and the reconstruction.
VARIANTS = {
    BASELINE: (),
    "cross_relighting": ("cross_relighting",),
    "consistency": ("albedo_consistency", "normal_consistency"),
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
    def row(self):
        """What runs of other seeds have in common with it."""
        return self.setting, self.labels, self.variant

    @property
    def name(self):
        """Of its folder, as `limited-1-all-seed0`."""
        parts = [self.setting, *([self.labels] if self.setting == "limited" else []), self.variant]
        return f"{'-'.join(map(str, parts))}-seed{self.seed}"

    def settings(self, base):
        """The settings of the run: those of `tfrelight.train`, with what makes it this run."""
        off = set(MULTILIT) - set(VARIANTS[self.variant])
        return {
            **base,
            "seed": self.seed,
            "labelled_multilit_subjects": self.labels,
            **({"synthetic_share": 0.0} if self.setting == "limited" else {}),
            **{f"{name}_weight": 0.0 for name in off},
        }


def runs(settings, labels, variants, seeds) -> list:
    """Every run, those of the first seed first, so that one seed's table is whole early.

    Args:
      settings: some of `SETTINGS`.
      labels: for `limited`: numbers of labelled people.
      variants: some of `VARIANTS`.
      seeds: numbers.

    Raises:
      InputError: an unknown name, a number below 0, a repetition, or nothing at all.
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
    labels, seeds = _numbers("labels", labels), _numbers("seeds", seeds)
    for flag, given in (
        ("settings", settings),
        ("labels", labels),
        ("variants", variants),
        ("seeds", seeds),
    ):
        if not given or len(set(given)) < len(given):
            raise InputError(
                f"Invalid --{flag}. Expected at least one value and none twice. "
                f"Received: {','.join(map(str, given)) or 'nothing'}."
            )
    return [
        Run(setting, count, variant, seed)
        for seed, setting in itertools.product(seeds, settings)
        for count in (labels if setting == "limited" else [0])
        for variant in variants
    ]


def _numbers(flag, given):
    for text in given:
        if not str(text).isdecimal():
            raise InputError(
                f"Invalid --{flag}. Expected whole numbers from 0 on, as 0,1,2. Received: {text!r}."
            )
    return [int(text) for text in given]
