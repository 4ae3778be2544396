"""Measures how whole people are told and relit: `python tools/measure_people.py`.

Synthetic people of the built-in test split, whom nobody was trained on, at 512x512 pixels, half
bodies or in another framing:

- intersection over union of the mask and of each part, over all people together, as
  `Decomposition.mask` and `parts` give them at the photo's size;
- the angle between the directions of light that fit the relit face and the relit clothes best, by
  least squares of the relit photo over the true albedo on a constant and the true normals;
- the share of pixels off the person, and of those more than eight beside it, that change by more
  than 2 of 255: on average, and on the worst photo.
"""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
from absl import flags
from scipy import ndimage

import tfrelight
from tfrelight import color, progress
from tfrelight.commands import app, photo_flags
from tfrelight.data import portrait
from tfrelight.relighting import pipeline
from tfrelight.synthesis import portraits, staging

_PEOPLE = flags.DEFINE_integer("people", 12, "How many people.", lower_bound=1)
_FRAMING = flags.DEFINE_enum("framing", "half", staging.FRAMINGS, "How much of a person shows.")
_LIGHTS = ("left", "right")
# Fewest pixels of a part that tell a direction, and least value of the albedo that they need.
_ENOUGH, _DARK = 500, 0.02


def settings():
    """People in one framing; the built-in generator draws them."""
    framings = ((_FRAMING.value, 1.0),)
    return dataclasses.replace(
        portraits.PortraitConfig(), size=512, lights=1, framings=framings, company=0.0
    )


def direction(linear, albedo, normals):
    """The direction `[3]` of a distant light that explains pixels `[N, 3]` best."""
    lit = (linear / np.maximum(albedo, _DARK)).mean(-1)
    fit = np.linalg.lstsq(np.column_stack([np.ones(len(normals)), normals]), lit, rcond=None)[0]
    return fit[1:] / np.linalg.norm(fit[1:])


def apart(relit, person):
    """Degrees between the lights on face and clothes, or None if too little of one is there."""
    found = []
    linear = color.to_linear_numpy(relit / np.float32(255.0))
    normals = portrait.decode_normals(person["normals"])
    albedo = portrait.decode_albedo(person["albedo"])
    burnt = relit.max(-1) > 250
    for part in ("skin", "cloth"):
        here = (person["parts"][..., 0] == portrait.PARTS.index(part)) & ~burnt
        here &= albedo.min(-1) > _DARK
        if here.sum() < _ENOUGH:
            return None
        found.append(direction(linear[here], albedo[here], normals[here]))
    return float(np.degrees(np.arccos(np.clip(found[0] @ found[1], -1.0, 1.0))))


def overlaps(counts):
    """Intersection over union of each class, from a matrix of counts `[N, N]`."""
    both = np.diag(counts)
    return both / np.maximum(counts.sum(0) + counts.sum(1) - both, 1)


def main():
    """Prints the figures."""
    model = pipeline.loaded(flags.FLAGS.model, flags.FLAGS.engine)
    tests = (index for index in itertools.count() if portraits.split_of(index) == "test")
    people = (portraits.subject(settings(), index) for index in tests)
    counts, masks, angles = np.zeros((7, 7), int), np.zeros((2, 2), int), []
    missed, changed = 0, []
    for person in progress.track(
        itertools.islice(people, _PEOPLE.value), "People", "people", _PEOPLE.value
    ):
        photo, parts = person["images"][0], person["parts"][..., 0]
        try:
            decomposed = tfrelight.decompose(photo, model=model, faces="largest")
        except tfrelight.InputError:
            missed += 1
            continue
        np.add.at(counts, (parts.ravel(), decomposed.parts().ravel()), 1)
        mask = decomposed.mask()
        beside = ndimage.distance_transform_edt(parts == 0) > 8
        np.add.at(masks, ((parts > 0).ravel().astype(int), (mask > 0.5).ravel().astype(int)), 1)
        for light in _LIGHTS:
            relit = decomposed.relight(light).pixels
            difference = np.abs(relit.astype(int) - photo).max(-1)
            if beside.any():
                changed.append([(difference[off] > 2).mean() for off in (parts == 0, beside)])
            angle = apart(relit, person)
            if angle is not None:
                angles.append(angle)
    print(f"{_PEOPLE.value - missed} of {_PEOPLE.value} people found")
    print(f"person: intersection over union {overlaps(masks)[1]:.3f}")
    for name, value in zip(portrait.PARTS, overlaps(counts)):
        print(f"{name}: {value:.3f}")
    if angles:
        print(
            f"face and clothes: median {np.median(angles):.1f} degrees apart, largest "
            f"{max(angles):.1f}, {np.mean(np.array(angles) <= 15):.0%} within 15, of {len(angles)}"
        )
    for name, shares in zip(("off the person", "eight beside it"), np.transpose(changed)):
        print(f"pixels {name} that change: {shares.mean():.2%}, at most {shares.max():.2%}")


if __name__ == "__main__":
    photo_flags.define_model()
    app.run(main)
