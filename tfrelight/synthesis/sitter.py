"""One person from head to waist: body, hair, clothes and things, in a pose."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from tfrelight.synthesis import (
    atlases,
    fabric,
    garments,
    hair,
    hairstyle,
    ict,
    parts,
    skin,
    staging,
    things,
    tresses,
    wardrobe,
)
from tfrelight.synthesis import head as heads
from tfrelight.synthesis.appearance import Appearance, sample_appearance
from tfrelight.synthesis.body_model import load_model
from tfrelight.synthesis.mesh import Mesh, vertex_normals
from tfrelight.synthesis.posture import Posture, deform, sample_posture
from tfrelight.synthesis.render import Hits
from tfrelight.synthesis.skull import Skull

__all__ = ["Sitter", "Wishes", "build"]


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What a person may have; shares of people.

    Attributes:
      hair: render locks and beards.
      near_face: share with a hand near the face.
      glasses: share with glasses.
      things: how many have hats, jewellery and the like; 1 is the most.
      wanted: names of things (`things.sample_things`), instead of drawing them.
      outfit: name of an outfit, instead of drawing one.
      gesture: what a hand does at the face, of `posture.NEAR_FACE`, instead of drawing it.
      ict_facekit, ict_share: see `portraits.PortraitConfig`.
    """

    hair: bool = True
    near_face: float = 0.12
    glasses: float = 0.2
    things: float = 0.5
    wanted: tuple[str, ...] | None = None
    outfit: str | None = None
    gesture: str | None = None
    ict_facekit: str | None = None
    ict_share: float = 0.5


@dataclasses.dataclass
class Sitter:
    """A person before the camera, posed, with the middle of the eyes at the origin.

    Attributes:
      mesh: everything that casts shadows.
      head: the head in the neutral pose.
      look: colours.
      pose: how head and body are turned.
      posture: what the arms do.
      outfit: name of the clothes.
      things: names of what is on the head or in the hands.
      finishes: of what is worn; material `WORN` + k has finish k.
      lenses: lenses that one sees through, or None.
      tint: `[3]` share of light that passes them twice.
    """

    mesh: Mesh
    head: heads.Head
    look: Appearance
    pose: staging.Pose
    posture: Posture
    outfit: str
    things: list[str]
    finishes: list[fabric.Finish]
    lenses: Mesh | None
    tint: np.ndarray

    def paint(self, hits: Hits, footprint: float, atlas: str | None = None) -> skin.Surface:
        """The surface at hits on this person.

        Args:
          hits: on `mesh`.
          footprint: of a hit's sample, millimetres.
          atlas: path of a skin atlas, or None.
        """
        detail = atlases.load(atlas) if atlas and self.head.has_atlas else None
        return skin.paint(
            self.look, self.head, hits, self.pose.head, self.finishes, footprint, detail
        )


def _dressed_body(head, posture, covered):
    """The head with its body in a posture, without the skin deep under cloth."""
    model, mesh = load_model(), head.mesh
    body = deform(posture, model.weights, head.surface)
    if head.has_atlas:
        triangles = mesh.triangles
        keep = ~garments.covered(triangles, covered)
        return dataclasses.replace(
            mesh,
            vertices=body,
            normals=vertex_normals(body, model.triangles),
            triangles=triangles[keep],
            material=mesh.material[keep],
            coordinates=mesh.coordinates[keep],
        )
    # A scanned head ends at the shoulders, where the body's surface takes over.
    below = (model.rest[:, 1] < -196) | (np.abs(model.rest[:, 0]) > 106)
    triangles = model.triangles[(below[model.triangles]).any(1)]
    triangles = triangles[~garments.covered(triangles, covered)]
    torso = Mesh(
        vertices=body,
        normals=vertex_normals(body, model.triangles),
        triangles=triangles,
        material=np.zeros(len(triangles), np.uint8),
        rest=model.rest,
        coordinates=np.zeros((len(triangles), 3, 2), np.float32),
        regions=0 * model.regions,
        follow=0 * body[:, 0],
    )
    return Mesh.join([mesh, torso])


def build(
    rng_of: Callable[[str], np.random.Generator],
    wishes: Wishes,
    pose: staging.Pose,
) -> Sitter:
    """Draws a person.

    Args:
      rng_of: gives the generator of a stage, so that stages do not shift each other's numbers.
      wishes: what the person may have.
      pose: how head and body are turned.
    """
    rng = rng_of("head")
    if wishes.ict_facekit and rng.random() < wishes.ict_share:
        head = ict.sample_head(rng, wishes.ict_facekit)
    else:
        head = heads.sample_head(rng)
    style = hairstyle.sample_style(rng_of("style"), head)
    look = sample_appearance(rng_of("look"), head, style)
    rng = rng_of("posture")
    model = load_model()
    against = pose.against_body
    posture = sample_posture(
        rng, model, head.control, against, staging.PIVOT, wishes.near_face, wishes.gesture
    )
    rng = rng_of("clothes")
    dresser = wardrobe.Dresser(model, head.control, head.surface, posture)
    clothes = dresser.dress(rng, head.sex > 0.85 and head.age > 17, wishes.outfit)
    body = _dressed_body(head, posture, clothes.covered)
    rng = rng_of("parts")
    meshes = [body, *parts.eyeballs(head)]
    made_up = look.lipstick_cover > 0
    meshes.append(parts.lashes(rng, head, 1.0 if made_up else rng.uniform(0.35, 0.7)))
    posed = dataclasses.replace(head, mesh=body)
    skull = Skull(posed)
    locks: list[Mesh] = []
    if wishes.hair:
        below = hair.Below([body, *clothes.meshes], skull.scale)
        locks = hair.grow(rng, posed, skull, style, below) + tresses.tied(rng, skull, style, below)
    on = things.sample_things(
        rng_of("things"),
        posed,
        skull,
        posture,
        against,
        clothes,
        dresser.ring,
        body,
        locks,
        wishes.glasses,
        wishes.things,
        wishes.wanted,
    )
    meshes += clothes.meshes + on.meshes + on.hair
    return Sitter(
        mesh=staging.apply(pose, Mesh.join(meshes)),
        head=head,
        look=look,
        pose=pose,
        posture=posture,
        outfit=clothes.name,
        things=on.names,
        finishes=clothes.finishes,
        lenses=None if on.lenses is None else staging.apply(pose, on.lenses),
        tint=on.tint,
    )
