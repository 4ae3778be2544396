"""What the network says of faces, fused over framings, with the edges of the photo.

Each face is cut out three times, the face, the whole head and the head with more around it, and
each cut is also mirrored: networks see a face best when it fills the picture, hair and neck only
when it does not, and a tree behind a head seldom passes for hair in two cuts. All cuts of all faces
go through the network together.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from PIL import Image, ImageDraw

from tfrelight import color, harmonics
from tfrelight.faces import framing, guided, segmentation
from tfrelight.models import presets

__all__ = ["FaceMaps", "decompose"]

# Side of the maps, pixels; as many as a face has, up to the larger.
_SMALLEST, _LARGEST = 128, 256
# Cuts that the network gets at once: 32 of 128x128 take 0.5 GB in the compact network.
_BATCH = 32
# Part of an inner cut over which it fades into the outer one, and of its border that is not used:
# there the network has seen one side only.
_FADE, _BORDER = 0.2, 0.05
# Of the guided filters: radius as a share of the side, and variance of the encoded photo.
_NORMALS = (0.02, 2e-3)
_MASK = (0.015, 5e-4)
_RESIDUAL = (0.03, 1e-2)
# What the network leaves unexplained is believed up to this factor (log).
_MOST = 1.5
# Share by which the outline of a face is drawn in before what it holds counts as face.
_DRAWN_IN = 0.08
# How far from the window's middle a head may reach, in units of the window.
_REACH = 0.48
# Linear value below which 8 bits hold mostly noise.
_NOISE = 4e-3
_MIRROR = np.diag([-1.0, 1.0, 1.0]).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class FaceMaps:
    """One face, decomposed. Maps are of the window (S x S), normals and light of the photo's frame.

    Attributes:
      window: where the maps lie in the photo.
      box: left, top, right, bottom of what belongs to the photo: bars beside it do not.
      face: `find.Face`, or None if the whole photo was taken for one.
      photo: `[S, S, 3]` linear RGB.
      guide: `[S, S]` luma of the photo, sRGB-encoded.
      albedo: `[S, S, 3]` linear RGB in [0, 1].
      normals: `[S, S, 3]` unit vectors.
      mask: `[S, S]` in [0, 1], head against the rest.
      region: `[S, S]` bool, where brightness is metered: the face itself.
      residual: `[S, S]`, log of the photo's luminance over albedo x shading, smooth: cast shadows,
        highlights, and what the network got wrong.
      light: `[9, 3]`.
    """

    window: framing.Window
    box: tuple
    face: object
    photo: np.ndarray
    guide: np.ndarray
    albedo: np.ndarray
    normals: np.ndarray
    mask: np.ndarray
    region: np.ndarray
    residual: np.ndarray
    light: np.ndarray


def decompose(model, photos, faces) -> list:
    """Maps of all faces of several photos.

    Args:
      model: as `tfrelight.load_model` gives it.
      photos: list of `[H, W, 3]` uint8, upright.
      faces: for each photo the list of its `find.Face`s, or [None]: all of it is one face.

    Returns:
      for each photo the list of its `FaceMaps`.
    """
    size = presets.size_of(model)
    windows = [
        [_windows(face, pixels.shape[:2]) for face in found] for pixels, found in zip(photos, faces)
    ]
    # A bar beside the picture is no backdrop. A crop of a face has none, but may be dark around it.
    boxes = [
        (0, 0, *pixels.shape[1::-1]) if None in found else framing.content(pixels)
        for pixels, found in zip(photos, faces)
    ]
    cuts = [
        window.cut(pixels, size, box)
        for pixels, box, of_photo in zip(photos, boxes, windows)
        for of_face in of_photo
        for window in of_face
    ]
    outputs = iter(_predict(model, cuts))
    return [
        [
            _fuse(pixels, box, face, of_face, [next(outputs) for _ in of_face])
            for face, of_face in zip(found, of_photo)
        ]
        for pixels, box, found, of_photo in zip(photos, boxes, faces, windows)
    ]


def _windows(face, size):
    if face is None:
        return [framing.whole(size)]
    return [framing.around(face, one) for one in (framing.HEAD, framing.FACE, framing.WIDE)]


def _predict(model, cuts):
    """The network's outputs for each cut, the mean of it and of its mirror image."""
    results = []
    for start in range(0, len(cuts), _BATCH // 2):
        batch = np.stack(cuts[start : start + _BATCH // 2]).astype(np.float32) / 255.0
        outputs = model.predict_on_batch(np.concatenate([batch, batch[:, :, ::-1]]))
        plain, mirrored = (
            {name: value[half] for name, value in outputs.items()}
            for half in (slice(len(batch)), slice(len(batch), None))
        )
        mirrored = {
            name: value if name == "light" else value[:, :, ::-1]
            for name, value in mirrored.items()
        }
        mirrored["normals"] = mirrored["normals"] * _MIRROR.diagonal()
        mirrored["light"] = harmonics.rotate(mirrored["light"], _MIRROR)
        mean = {name: (plain[name] + mirrored[name]) / 2.0 for name in plain}
        results += [{name: mean[name][k] for name in mean} for k in range(len(batch))]
    return results


def _fuse(pixels, box, face, windows, outputs):
    outer = windows[0]
    size = int(np.clip(round(outer.sides.max()), _SMALLEST, _LARGEST))
    canvas = (0, 0, size, size)

    def placed(number, values):
        """Values of a cut on the grid of the outer one."""
        window = windows[number]
        place = framing.Window(
            outer.place(window.corner) * size, np.linalg.inv(outer.axes) @ window.axes * size
        )
        return place.uncut(values, canvas)

    def layer(number):
        """Albedo, normals and mask of a cut."""
        output = outputs[number]
        return placed(number, np.dstack([output["albedo"], output["normals"], output["mask"]]))

    maps = layer(0)
    if face is None:
        return _refined(outer.cut(pixels, size, box), box, face, outer, maps, outputs[0]["light"])
    inner = layer(1)
    weight = placed(1, _feather(len(outputs[1]["mask"])))[..., None]
    # Filled by a face, a cut shows no background to tell it from: its mask is left out.
    inner[..., 6] = maps[..., 6]
    # Albedo times light is known better than either: bring the outer albedo to the inner's.
    inside = weight[..., 0] > 0.9
    scale = np.median(inner[inside, :3], 0) / np.maximum(np.median(maps[inside, :3], 0), 1e-3)
    maps[..., :3] *= np.clip(scale, 0.5, 2.0)
    maps += weight * (inner - maps)
    maps[..., 6] = np.minimum(maps[..., 6], placed(2, outputs[2]["mask"])[..., 0])
    return _refined(outer.cut(pixels, size, box), box, face, outer, maps, outputs[1]["light"])


def _refined(photo, box, face, window, maps, light):
    """Maps with the photo's edges, in its frame; and what they leave unexplained."""
    size = len(photo)
    linear = color.to_linear_numpy(photo / np.float32(255.0))
    guide = (photo / np.float32(255.0)) @ np.float32(color.LUMINANCE)

    def filtered(values, settings):
        radius, epsilon = settings
        return guided.filtered(guide, values, max(1, round(radius * size)), epsilon)

    cosine, sine = np.cos(window.roll), np.sin(window.roll)
    rotation = np.float32([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])
    light = harmonics.rotate(light, rotation)
    normals = filtered(maps[..., 3:6] @ rotation.T, _NORMALS)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6)
    albedo = np.clip(maps[..., :3], 0.0, 1.0)
    oval = _oval(face, window, size)
    if face is None:
        mask = np.clip(filtered(maps[..., 6:], _MASK)[..., 0], 0.0, 1.0)
    else:
        points = window.corner + _centres(size) @ window.axes.T
        within = np.all((points >= box[:2]) & (points < box[2:]), -1)
        mask = segmentation.head(photo / np.float32(255.0), maps[..., 6], oval, within)
        mask *= _near(size)
    explained = luminance(albedo * np.maximum(harmonics.shade(normals, light), 0.0))
    residual = np.log((luminance(linear) + _NOISE) / (explained + _NOISE))
    residual = np.clip(filtered(residual[..., None], _RESIDUAL)[..., 0], -_MOST, _MOST)
    region = oval > 0.5
    return FaceMaps(
        window, box, face, linear, guide, albedo, normals, mask, region, residual, light
    )


def luminance(linear):
    """Luminance (Rec. 709) of linear RGB, `[..., 3]` to `[...]`."""
    return linear @ np.float32(color.LUMINANCE)


def _centres(size):
    """`[S, S, 2]`: x and y of the pixels in units of the window."""
    y, x = (np.mgrid[:size, :size].astype(np.float32) + 0.5) / size
    return np.stack([x, y], -1)


def _feather(size):
    """`[size, size]`, 0 at the border, 1 inside."""
    inward = np.minimum(np.arange(size) + 0.5, size - 0.5 - np.arange(size)) / size
    ramp = np.clip((inward - _BORDER) / _FADE, 0.0, 1.0)
    ramp = ramp * ramp * (3.0 - 2.0 * ramp)
    return np.outer(ramp, ramp).astype(np.float32)


def _oval(face, window, size):
    """`[S, S]` in [0, 1]: the face's outline filled; an ellipse if there is no outline."""
    picture = Image.new("L", (size, size))
    draw = ImageDraw.Draw(picture)
    if face is None:
        draw.ellipse([0.1 * size, 0.05 * size, 0.9 * size, 0.95 * size], fill=255)
    else:
        # Drawn in: the mesh reaches past the jaw of some.
        outline = face.oval + _DRAWN_IN * (face.oval.mean(0) - face.oval)
        draw.polygon([tuple(point) for point in window.place(outline) * size], fill=255)
    return np.asarray(picture, np.float32) / 255.0


def _near(size):
    """`[S, S]`: 1 around the head, fading to 0 before the window ends."""
    # The 4-norm: a square with round corners, as the window is one.
    distance = np.linalg.norm(_centres(size) - 0.5, ord=4, axis=-1) / _REACH
    ramp = np.clip((1.0 - distance) / 0.25, 0.0, 1.0)
    return ramp * ramp * (3.0 - 2.0 * ramp)
