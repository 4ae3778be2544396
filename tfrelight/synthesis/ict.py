"""Scanned heads: a user's own copy of ICT-FaceKit as a second family of people.

ICT-FaceKit (R. Li et al., "Learning formation of physically-based face attributes", CVPR 2020; MIT
licence) has 100 identity directions and the facial actions of this package's body model. A few
landmarks map its surface to the neutral head of that model, so that skin, brows and hair fit.
"""

from __future__ import annotations

import functools
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.spatial import cKDTree

from tfrelight.errors import InputError
from tfrelight.files import stamp
from tfrelight.synthesis import head as heads
from tfrelight.synthesis.body_model import EARS, EYELIDS, LIPS, load_model
from tfrelight.synthesis.head import Head
from tfrelight.synthesis.mesh import SKIN, TEETH, TONGUE, Mesh, neck_share, vertex_normals

__all__ = ["files", "load", "sample_head"]

_NEUTRAL = "generic_neutral_mesh"
# Vertices at some of the 68 landmarks of 300-W (Sagonas et al., 2013).
_LIPS = [5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841]
_RIGHT_EYE = [1507, 1542, 1537, 1528, 1518, 1511]
_LEFT_EYE = [3742, 3751, 3756, 3721, 3725, 3732]
_BRIDGE, _NOSE, _BELOW_NOSE, _CHIN = 978, 4857, 1147, 966
_SKIN = ("M_Face", "M_BackHead")
# The exceptions of numpy and of zip files for damaged files and files of another kind.
_BROKEN = (
    *(OSError, EOFError, LookupError, NotImplementedError, TypeError, ValueError),
    *(tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
_EYES = (("M_IrisLeft", "M_ScleraLeft"), ("M_IrisRight", "M_ScleraRight"))


def _read_obj(path, whole):
    """Reads the vertices `[V, 3]` of an OBJ file and, if `whole`, its polygons and materials."""
    vertices, polygons, materials, material = [], [], [], ""
    for line in path.read_text().splitlines():
        if line.startswith("v "):
            vertices.append(line[2:])
        elif whole and line.startswith("usemtl "):
            material = line[7:].strip()
        elif whole and line.startswith("f "):
            corners = [int(word.split("/")[0]) - 1 for word in line[2:].split()]
            polygons.append((corners + [-1])[:4])
            materials.append(material)
    points = np.array(" ".join(vertices).split(), np.float32).reshape(len(vertices), -1)[:, :3]
    return points, np.array(polygons), np.array(materials)


def files(path: Path | str) -> list[Path]:
    """The files to read: the packed file if there is one, else the OBJ files.

    Args:
      path: ICT-FaceKit's folder, or a packed `.npz` file of it.

    Raises:
      InputError: there is neither.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    packed = sorted(path.glob("*.npz"))
    folder = path / "FaceXModel" if (path / "FaceXModel").is_dir() else path
    found = packed[:1] or sorted(folder.glob("*.obj"))
    if not packed and f"{_NEUTRAL}.obj" not in [file.name for file in found]:
        raise InputError(
            "Invalid `ict_facekit`. Expected the folder FaceXModel of ICT-FaceKit or its packed"
            f" .npz file. {path}: neither {_NEUTRAL}.obj nor an .npz file."
        )
    return found


def _read(found):
    """Reads names, vertices `[N, V, 3]`, polygons `[F, 4]` (-1 pads triangles), materials `[F]`."""
    if found[0].suffix != ".obj":
        # numpy would leave a file open that is not a zip file.
        with open(found[0], "rb") as opened, np.load(opened) as file:
            names = [str(name) for name in file["names"]]
            return names, file["V"], file["faces"], file["materials"][file["face_material"]]
    names = [file.stem for file in found]
    _, polygons, materials = _read_obj(found[names.index(_NEUTRAL)], True)
    return names, np.stack([_read_obj(file, False)[0] for file in found]), polygons, materials


def _inside(points, polygon):
    """Signed distance `[N]` of 2D points to a polygon's outline, positive inside."""
    start, end = polygon, np.roll(polygon, -1, axis=0)
    along = end - start
    offset = points[:, None] - start
    share = np.clip((offset * along).sum(-1) / (along**2).sum(-1), 0, 1)
    distance = np.linalg.norm(offset - share[..., None] * along, axis=-1).min(1)
    y = points[:, 1:2]
    crosses = (start[:, 1] > y) != (end[:, 1] > y)
    slope = np.where(along[:, 1] == 0, 1e-9, along[:, 1])
    at = start[:, 0] + (y - start[:, 1]) / slope * along[:, 0]
    return np.where((crosses & (points[:, :1] < at)).sum(1) % 2 == 1, distance, -distance)


class _Model:
    """ICT-FaceKit in this package's frame: millimetres, origin between the eyes."""

    def __init__(self, found):
        names, vertices, polygons, materials = _read(found)
        neutral = vertices[names.index(_NEUTRAL)]
        eyes = [np.unique(polygons[np.isin(materials, parts)]) for parts in _EYES]
        self._eyes = [index[index >= 0] for index in eyes]
        # Some eye parts contain a stray vertex of the other eye.
        self._eyes = [
            index[neutral[index, 0] * sign > 0] for index, sign in zip(self._eyes, (1, -1))
        ]
        origin = np.mean([self._middle(neutral, index) for index in self._eyes], axis=0)
        self.neutral = ((neutral - origin) * 10).astype(np.float32)
        offsets = (vertices - neutral) * 10
        chosen = [i for i, name in enumerate(names) if name.startswith("identity")]
        self.identities = offsets[chosen].astype(np.float32)
        self.actions = {
            name: offsets[i].astype(np.float32)
            for i, name in enumerate(names)
            if not name.startswith("identity") and name != _NEUTRAL
        }
        kinds = {"M_Teeth": TEETH, "M_GumsTongue": TONGUE}
        kinds.update({name: SKIN for name in _SKIN})
        keep = np.isin(materials, list(kinds))
        quads, kind = polygons[keep], np.array([kinds[m] for m in materials[keep]], np.uint8)
        halves = quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
        real = (halves >= 0).all(1)
        self.triangles = halves[real].astype(np.int32)
        self.material = np.repeat(kind, 2)[real]
        self.rest = self._carry().astype(np.float32)
        self.regions = self._regions()

    @staticmethod
    def _middle(vertices, index):
        points = vertices[index]
        return (points.max(0) + points.min(0)) / 2

    def _carry(self):
        """Maps vertices to the package's neutral head, by a thin-plate spline through landmarks."""
        mine, other = self.neutral, load_model()
        theirs, lips = other.rest, other.regions[:, LIPS] > 0.5
        front = theirs[:, 2] > -20
        middle = (np.abs(theirs[:, 0]) < 3) & front
        skin = np.unique(self.triangles[self.material == SKIN])

        def among(points, allowed, score):
            return points[np.flatnonzero(allowed)[np.argmax(score[allowed])]]

        x, y, z = theirs.T
        pairs = [
            (mine[_NOSE], among(theirs, middle & (y > -48) & (y < -15), z)),
            (mine[_BRIDGE], among(theirs, middle & (y > -8) & (y < 12), -z)),
            (mine[_BELOW_NOSE], among(theirs, middle & (y > -58) & (y < -38), -z)),
            (mine[_LIPS[3]], among(theirs, lips & middle, y)),
            (mine[_LIPS[9]], among(theirs, lips & middle, -y)),
            (mine[_LIPS[6]], among(theirs, lips, x)),
            (mine[_LIPS[0]], among(theirs, lips, -x)),
            (mine[_CHIN], among(theirs, middle & (y < -95) & (y > -118), z - y)),
            (among(mine[skin], np.ones(len(skin), bool), mine[skin, 1]), among(theirs, y > 0, y)),
            (
                among(mine[skin], np.abs(mine[skin, 1] - 30) < 8, -mine[skin, 2]),
                among(theirs, np.abs(y - 30) < 8, -z),
            ),
        ]
        rows = other.lashes(other.neutral)
        for points, row in ((_LEFT_EYE, rows[0][0]), (_RIGHT_EYE, rows[2][0])):
            ends = mine[[points[0], points[3]]]
            corners = row[[0, -1]] if abs(ends[0, 0]) > abs(ends[1, 0]) else row[[-1, 0]]
            pairs += list(zip(ends, corners))
        for sign in (1, -1):
            for height in (25.0, 60.0):
                own = np.abs(mine[skin, 1] - height) < 6
                pairs.append(
                    (
                        among(mine[skin], own, sign * mine[skin, 0]),
                        among(theirs, np.abs(y - height) < 6, sign * x),
                    )
                )
            own = np.abs(mine[skin, 1] + 15) < 30
            pairs.append(
                (
                    among(mine[skin], own, sign * mine[skin, 0]),
                    among(theirs, np.abs(y + 15) < 30, sign * x),
                )
            )
        source, target = (np.array(side, float) for side in zip(*pairs))
        return RBFInterpolator(source, target, kernel="thin_plate_spline", smoothing=1e-3)(mine)

    def _regions(self):
        other = load_model()
        regions = np.zeros((len(self.neutral), other.regions.shape[1]), np.float32)
        skin = np.unique(other.triangles[other.material == SKIN])
        _, nearest = cKDTree(other.rest[skin]).query(self.rest)
        regions[:, EARS] = other.regions[skin][nearest, EARS]
        front = self.neutral[:, 2] > -12
        flat = self.neutral[:, :2].astype(float)
        lips = _inside(flat, flat[_LIPS])
        regions[:, LIPS] = np.clip(0.5 + lips / 2.5, 0, 1) * front
        eye = np.maximum(_inside(flat, flat[_LEFT_EYE]), _inside(flat, flat[_RIGHT_EYE]))
        regions[:, EYELIDS] = np.clip(1 + (eye + 2) / 6, 0, 1) * front
        return regions

    def eyes(self, vertices):
        """Centres `[2, 3]` and radii `[2]` of the eyeballs."""
        centres = np.stack([self._middle(vertices, index) for index in self._eyes])
        radii = [np.ptp(vertices[index, 1]) / 2 for index in self._eyes]
        return centres, np.array(radii)

    def lashes(self, vertices):
        """Roots and tips of the four rows of lashes, as `body_model.BodyModel.lashes`."""
        rows = []
        for outline in (_LEFT_EYE, _RIGHT_EYE):
            points = vertices[outline]
            for lid, way in (([0, 1, 2, 3], 1), ([0, 5, 4, 3], -1)):
                place = np.linspace(0, 3, 12)
                # A cubic through the lid's four points makes a smooth arc.
                root = np.stack(
                    [np.polyval(np.polyfit(range(4), points[lid, k], 3), place) for k in range(3)],
                    -1,
                )
                fan = (root[:, :1] - points[:, :1].mean()) * [0.25, 0, 0]
                tip = root + fan + np.array([0.0, way * 3.0, 6.0])
                rows.append((root, tip))
        return rows


def load(path: str) -> _Model:
    """Loads ICT-FaceKit from its folder or a packed `.npz` file; from memory while none changes.

    Raises:
      InputError: see `files`; or the files are damaged or hold something else.
    """
    return _loaded(path, stamp(files(path), Path(path).parent))


@functools.lru_cache(maxsize=1)
def _loaded(path, _):
    found = files(path)
    try:
        return _Model(found)
    except _BROKEN as error:
        raise InputError(
            "Invalid `ict_facekit`. Expected the folder FaceXModel of ICT-FaceKit or its packed"
            f" .npz file. {path}: {error}"
        ) from error


def _action(name):
    """The names in ICT-FaceKit of one of this package's facial actions."""
    name = name[len("unit/") :]
    if name.endswith("Left"):
        return [name[:-4] + "_L"] if name[:-4] not in ("jaw", "mouth") else [name]
    if name.endswith("Right"):
        return [name[:-5] + "_R"] if name[:-5] not in ("jaw", "mouth") else [name]
    return [name, name + "_L", name + "_R"]


def _body(mesh, interocular_distance, traits, rng):
    """Control vertices of a body that fits under a scanned head."""
    model = load_model()
    weights = heads.phenotype(**traits, muscle=rng.beta(2, 2), weight=rng.beta(2.2, 2.2))
    vertices = model.morph(weights)
    # Scans are of adults, whatever the age that the skin shows.
    vertices *= np.float32(interocular_distance / np.ptp(model.eyes(vertices)[0][:, 0]))

    def foot(points, rest):  # the middle of the neck's foot
        near = (np.abs(rest[:, 1] + 172) < 8) & (np.abs(rest[:, 0]) < 70)
        return (points[near].min(0) + points[near].max(0)) / 2

    shift = foot(mesh.vertices, mesh.rest) - foot(model.refine(vertices), model.rest)
    return (vertices + shift).astype(np.float32)


def sample_head(rng: np.random.Generator, path: str) -> Head:
    """Draws a head from ICT-FaceKit (see `head.sample_head`).

    Args:
      rng: source of all randomness.
      path: see `load`.
    """
    model = load(path)
    weights = 0.85 * rng.normal(size=len(model.identities)).astype(np.float32)
    vertices = model.neutral + np.tensordot(weights, model.identities, 1)
    units, gaze, opening = heads.sample_expression(rng)
    for name, weight in units.items():
        for action in _action(name):
            if weight and action in model.actions:
                vertices = vertices + np.float32(weight) * model.actions[action]
    centres, radii = model.eyes(vertices)
    origin = centres.mean(0).astype(np.float32)
    surface = (vertices - origin).astype(np.float32)
    # Scanned lips do not quite close. Moving the teeth back keeps the gap dark.
    inner = np.unique(model.triangles[model.material != SKIN])
    surface[inner, 2] -= 3.0
    heads.clear_eyes(surface, model.regions[:, EYELIDS], centres - origin, radii, 0.2)
    lashes = [(root - origin, tip - origin) for root, tip in model.lashes(vertices)]
    traits = heads.sample_traits(rng)
    shown = heads.visible(model.material, opening)
    mesh = Mesh(
        vertices=surface,
        normals=vertex_normals(surface, model.triangles),
        triangles=model.triangles[shown],
        material=model.material[shown],
        rest=model.rest,
        coordinates=np.zeros((int(shown.sum()), 3, 2), np.float32),
        regions=model.regions,
        follow=neck_share(model.rest[:, 1]),
    )
    control = _body(mesh, float(np.ptp(centres[:, 0])), traits, rng)
    return Head(
        mesh=mesh,
        control=control,
        surface=load_model().refine(control),
        lashes=lashes,
        eye_centres=centres - origin,
        eye_radii=radii,
        gaze=gaze,
        has_atlas=False,
        **traits,
    )
