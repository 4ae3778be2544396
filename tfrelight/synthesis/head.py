"""Random people without hair and clothes: shape, age, ancestry and expression."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from tfrelight.synthesis.body_model import EYELIDS, load_model
from tfrelight.synthesis.mesh import TEETH, TONGUE, Mesh, neck_share, vertex_normals

__all__ = [
    "Head",
    "clear_eyes",
    "phenotype",
    "sample_expression",
    "sample_head",
    "sample_traits",
    "visible",
]

# Standard deviation of a shape direction's weight, by folder. The model's artists made the shape at
# weight 1, the largest.
_SPREAD = {
    "head": 0.14,
    "forehead": 0.16,
    "eyebrows": 0.3,
    "eyes": 0.3,
    "nose": 0.28,
    "mouth": 0.25,
    "cheek": 0.35,
    "chin": 0.26,
    "ears": 0.3,
    "neck": 0.2,
    "asym": 0.18,
    "torso": 0.3,
}
_HEAD_SHAPES = "diamond invertedtriangular oval rectangular round square triangular".split()
# Directions that move the whole head (framing would undo them) or follow from age and weight.
_SKIPPED = ("head/head-trans", "neck/neck-trans", "neck/measure", "head/head-age", "head/head-fat")
# The age of each target in years.
_AGES = {"baby": 1.0, "child": 11.0, "young": 25.0, "old": 85.0}


@dataclasses.dataclass
class Head:
    """A person's head. Lengths are millimetres; the origin is between the eyes.

    Attributes:
      mesh: skin, teeth and tongue; arms as in the body model.
      control: `[V, 3]` control vertices of the body model, from which its surface follows.
      surface: `[W, 3]` the body model's surface. It is the mesh, or the body under a scanned head.
      lashes: roots and tips, `[n, 3]` each, of four rows.
      eye_centres: `[2, 3]`, the person's left eye first.
      eye_radii: `[2]`.
      gaze: `[2]` degrees, yaw to the image's right and pitch up.
      ancestry: `[3]` (african, asian, caucasian), sums to 1.
      sex: 0 (female) to 1 (male).
      age: years.
      has_atlas: True if the texture coordinates fit skin atlases.
    """

    mesh: Mesh
    control: np.ndarray
    surface: np.ndarray
    lashes: list[tuple[np.ndarray, np.ndarray]]
    eye_centres: np.ndarray
    eye_radii: np.ndarray
    gaze: np.ndarray
    ancestry: np.ndarray
    sex: float
    age: float
    has_atlas: bool

    @property
    def interocular_distance(self) -> float:
        """Millimetres between the centres of the eyes."""
        return float(np.linalg.norm(self.eye_centres[0] - self.eye_centres[1]))


def _blend(value, anchors):
    """Weights that interpolate linearly between `anchors`, a dict of names to positions."""
    names, positions = list(anchors), np.array(list(anchors.values()))
    weights = [np.interp(value, positions, row) for row in np.eye(len(names))]
    return {name: weight for name, weight in zip(names, weights) if weight > 0}


def phenotype(
    ancestry: np.ndarray, sex: float, age: float, muscle: float, weight: float
) -> dict[str, float]:
    """Weights of the targets for ancestry, sex and age (see `Head`) and build, in [0, 1]."""
    weights: dict[str, float] = {}
    thirds = (0.0, 0.5, 1.0)
    for sex_name, a in _blend(sex, {"female": 0.0, "male": 1.0}).items():
        for age_name, b in _blend(age, _AGES).items():
            for race, c in zip(("african", "asian", "caucasian"), ancestry):
                weights[f"macro/{race}-{sex_name}-{age_name}"] = a * b * c
            for m, d in _blend(
                muscle, dict(zip(("minmuscle", "averagemuscle", "maxmuscle"), thirds))
            ).items():
                for w, e in _blend(
                    weight, dict(zip(("minweight", "averageweight", "maxweight"), thirds))
                ).items():
                    weights[f"macro/universal-{sex_name}-{age_name}-{m}-{w}"] = a * b * d * e
    return weights


def _shape(rng, model, strength):
    """Random weights of every shape direction, nearly equal on the left and the right."""
    weights = {}
    for stem, (negative, _) in model.directions.items():
        folder, _, name = stem.partition("/")
        if stem.startswith(_SKIPPED) or folder == "head" and name[5:] in _HEAD_SHAPES:
            continue
        spread = _SPREAD[folder] * strength
        if name.endswith("trans") and folder in ("mouth", "nose"):
            spread *= 0.6
        if name in ("mouth-trans-in", "nose-trans-in", "head-angle"):
            spread *= 0.3
        side = name[:2]
        if side == "r-" and folder in ("eyes", "cheek", "ears"):
            left = weights[f"{folder}/l-{name[2:]}"]
            value = left + 0.08 * rng.normal()
        else:
            value = spread * rng.normal()
        value = np.clip(value, -1.0, 1.0)
        weights[stem] = value if negative else abs(value) * 0.6
    mixture = rng.dirichlet(np.full(len(_HEAD_SHAPES), 0.35)) * rng.uniform(0, 0.6)
    weights.update({f"head/head-{name}": w for name, w in zip(_HEAD_SHAPES, mixture)})
    return weights


def _both(name, left, right):
    return {f"unit/{name}Left": left, f"unit/{name}Right": right}


def sample_expression(rng: np.random.Generator) -> tuple[dict[str, float], np.ndarray, float]:
    """Draws an expression.

    Returns:
      Weights of facial actions, gaze (see `Head`), and the opening of the mouth in [0, 1].
    """
    weights: dict[str, float] = {}

    def add(units):
        for name, weight in units.items():
            weights[name] = weights.get(name, 0.0) + weight

    def pair(name, amount, uneven=0.1):
        add(_both(name, *np.clip(amount + uneven * amount * rng.normal(size=2), 0, 1)))

    mouth = rng.choice(
        ["neutral", "smile", "grin", "open", "press", "pucker", "frown", "mixed"],
        p=[0.56, 0.16, 0.08, 0.054, 0.038, 0.023, 0.039, 0.046],
    )
    jaw = 0.0
    if mouth == "neutral":
        jaw = 0.06 * rng.beta(1, 3)
        pair("mouthSmile", 0.12 * rng.random())
        pair("mouthPress", 0.15 * rng.random())
    elif mouth == "smile":
        pair("mouthSmile", rng.uniform(0.2, 0.6))
        pair("cheekSquint", rng.uniform(0, 0.45))
        pair("mouthDimple", rng.uniform(0, 0.3))
    elif mouth == "grin":
        pair("mouthSmile", rng.uniform(0.3, 0.75))
        pair("cheekSquint", rng.uniform(0.15, 0.6))
        pair("mouthUpperUp", rng.uniform(0.15, 0.45))
        pair("mouthLowerDown", rng.uniform(0.1, 0.35))
        jaw = rng.uniform(0.0, 0.25)
    elif mouth == "open":
        jaw = rng.uniform(0.1, 0.6)
        pair("mouthStretch", rng.uniform(0, 0.3))
    elif mouth == "press":
        pair("mouthPress", rng.uniform(0.2, 0.75))
        add(
            {
                "unit/mouthRollLower": rng.uniform(0, 0.45),
                "unit/mouthRollUpper": rng.uniform(0, 0.4),
            }
        )
    elif mouth == "pucker":
        add({"unit/mouthPucker": rng.uniform(0.2, 0.7), "unit/mouthFunnel": rng.uniform(0, 0.2)})
    elif mouth == "frown":
        pair("mouthFrown", rng.uniform(0.15, 0.6))
        add({"unit/mouthShrugLower": rng.uniform(0, 0.4)})
    else:
        for name in ("mouthLeft", "mouthRight", "jawForward", "jawLeft", "jawRight", "cheekPuff"):
            add({f"unit/{name}": 0.4 * rng.random() * (rng.random() < 0.3)})
        pair("noseSneer", 0.45 * rng.random())
        add(_both("mouthSmile", *rng.uniform(0, 0.5, 2)))
    add({"unit/jawOpen": jaw})
    parted = (
        "jawOpen",
        "mouthFunnel",
        "mouthUpperUpLeft",
        "mouthLowerDownLeft",
        "mouthStretchLeft",
    )
    opening = max(weights.get(f"unit/{name}", 0.0) for name in parted)

    brows = rng.choice(["neutral", "raised", "lowered", "inner"], p=[0.64, 0.14, 0.15, 0.07])
    if brows == "raised":
        pair("browOuterUp", rng.uniform(0.15, 0.75))
        add({"unit/browInnerUp": rng.uniform(0.15, 0.7)})
    elif brows == "lowered":
        pair("browDown", rng.uniform(0.15, 0.75))
    elif brows == "inner":
        add({"unit/browInnerUp": rng.uniform(0.2, 0.7)})

    lids = rng.choice(
        ["neutral", "squint", "wide", "half", "closed"], p=[0.76, 0.10, 0.06, 0.04, 0.04]
    )
    closed = 0.12 * rng.random()
    if lids == "squint":
        pair("eyeSquint", rng.uniform(0.2, 0.7))
        closed += rng.uniform(0, 0.2)
    elif lids == "wide":
        pair("eyeWide", rng.uniform(0.3, 0.9))
        closed = 0.0
    elif lids == "half":
        closed = rng.uniform(0.25, 0.6)
    elif lids == "closed":
        closed = 1.0
    pair("eyeBlink", closed, 0.03)
    gaze = np.array([rng.normal(0, 6), rng.normal(0, 4)]).clip([-28, -15], [28, 15])
    # The person's left eye is on the image's right, so yaw to the right turns it outwards.
    outwards, up = gaze[0] / 35, gaze[1] / 30
    right, left = max(outwards, 0), max(-outwards, 0)
    add({"unit/eyeLookOutLeft": right, "unit/eyeLookInRight": right})
    add({"unit/eyeLookInLeft": left, "unit/eyeLookOutRight": left})
    add(_both("eyeLookUp" if up > 0 else "eyeLookDown", abs(up), abs(up)))
    return {name: min(weight, 1.0) for name, weight in weights.items()}, gaze, opening


def clear_eyes(
    surface: np.ndarray,
    eyelids: np.ndarray,
    centres: np.ndarray,
    radii: np.ndarray,
    gap: float = 0.5,
) -> None:
    """Moves eyelids out of the eyeballs, in place. Mixtures of targets can push them in.

    Args:
      surface: `[V, 3]` vertices.
      eyelids: `[V]` weights of the eyelids' region.
      centres: `[2, 3]` of the eyeballs.
      radii: `[2]` of the eyeballs.
      gap: distance to keep from the eyeball, millimetres.
    """
    for centre, radius in zip(centres, radii):
        offset = surface - centre
        distance = np.linalg.norm(offset, axis=-1)
        # Lids lie in front of the eyeball; vertices deep beside it line the socket.
        inside = (eyelids > 0.15) & (offset[:, 2] > 0.35 * radius) & (distance < radius + gap)
        surface[inside] += offset[inside] * ((radius + gap) / distance[inside] - 1)[:, None]


def visible(material: np.ndarray, opening: float) -> np.ndarray:
    """The triangles to keep, `[T]` bool: drops teeth and tongue behind closed lips.

    Mixed shapes would let them show through.

    Args:
      material: `[T]` of the triangles.
      opening: of the mouth, in [0, 1].
    """
    return np.isin(material, (TEETH, TONGUE), invert=True) | (opening > 0.12)


def sample_traits(rng: np.random.Generator) -> dict[str, Any]:
    """Draws ancestry, sex and age, as fields of `Head`."""
    ages = [rng.uniform(6, 18), rng.uniform(18, 40), rng.uniform(40, 85)]
    return dict(
        ancestry=rng.dirichlet([0.35, 0.35, 0.35]),
        sex=float(np.clip(rng.beta(0.35, 0.35), 0, 1)),
        age=float(rng.choice(ages, p=[0.14, 0.48, 0.38])),
    )


def sample_head(rng: np.random.Generator) -> Head:
    """Draws a head: ancestry, sex, age, build, shape, asymmetry and expression."""
    model = load_model()
    traits = sample_traits(rng)
    age, weight = traits["age"], float(rng.beta(2.2, 2.2))
    weights = phenotype(traits["ancestry"], traits["sex"], age, float(rng.beta(2, 2)), weight)
    weights.update(_shape(rng, model, rng.uniform(0.6, 1.15)))
    aged = np.interp(age, [9, 18, 40, 85], [-0.4, -0.1, 0.0, 0.5]) + 0.2 * rng.normal()
    weights["head/head-age"] = float(np.clip(aged, -1, 1))
    weights["head/head-fat"] = float(np.clip(1.2 * (weight - 0.5) + 0.25 * rng.normal(), -1, 1))
    units, gaze, opening = sample_expression(rng)
    vertices = model.morph(weights)
    # Facial actions are made for the neutral head, so they are scaled to this head.
    centres, _ = model.eyes(vertices)
    neutral_centres, _ = model.eyes(model.neutral)
    size = np.linalg.norm(centres[0] - centres[1]) / np.linalg.norm(
        neutral_centres[0] - neutral_centres[1]
    )
    vertices += (model.morph(units) - model.neutral) * np.float32(size)
    centres, radii = model.eyes(vertices)
    origin = centres.mean(0).astype(np.float32)
    surface = model.refine(vertices - origin)
    # Moves teeth and tongue back, because mixed shapes would let them through the lips.
    surface[model.inner, 2] -= 2.5
    clear_eyes(surface, model.regions[:, EYELIDS], centres - origin, radii)
    shown = visible(model.material, opening)
    mesh = Mesh(
        vertices=surface,
        normals=vertex_normals(surface, model.triangles),
        triangles=model.triangles[shown],
        material=model.material[shown],
        rest=model.rest,
        coordinates=model.coordinates[shown],
        regions=model.regions,
        follow=neck_share(model.rest[:, 1]),
    )
    return Head(
        mesh=mesh,
        control=vertices - origin,
        surface=surface,
        lashes=model.lashes(vertices - origin),
        eye_centres=centres - origin,
        eye_radii=radii,
        gaze=gaze,
        has_atlas=True,
        **traits,
    )
