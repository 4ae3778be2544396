"""Maps of faces from the network, fused over several crops, with the edges of the photo.

Each face is cropped three times, and each crop is also mirrored. In a tight crop the network sees
the face best; one of the whole head adds hair and neck; and a third, wider one confirms the mask,
because a tree behind a head rarely looks like hair in two crops. All crops of all faces go through
the network together, those of dark faces brightened.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw

from tfrelight import color, harmonics
from tfrelight.faces import find, framing, guided_filter, segmentation
from tfrelight.models import engines
from tfrelight.photos.blending import smoothstep

__all__ = ["FaceMaps", "Network", "decompose", "of_crop"]

# Bounds of the maps' side, which is that of the face's window, pixels.
_SMALLEST, _LARGEST = 128, 256
# Crops in a batch: 32 of 128x128 take 0.5 GB in the compact network.
_BATCH = 32
# Shares of an inner crop's side: the band over which it fades into the outer crop, and the border
# that is not used, because the network lacks context there.
_FADE, _BORDER = 0.2, 0.05
# Guided filters: radius as a share of the side, variance of the encoded photo.
_NORMALS = (0.02, 2e-3)
_MASK = _PARTS = (0.015, 5e-4)
_RESIDUAL = (0.03, 1e-3)
# Share by which the outline of a face shrinks to its middle: the mesh may reach past the jaw.
_OUTLINE_INSET = 0.08
# Distance from the window's middle at which the mask has faded to 0, in units of the window.
_HEAD_RADIUS = 0.48
# Linear value below which a face is brightened for the network, which rarely saw darker ones.
_DARK_FACE = 0.12
# Linear value below which 8 bits hold mostly noise.
_NOISE = 4e-3
_MIRROR = np.diag([-1.0, 1.0, 1.0]).astype(np.float32)


class Network(Protocol):
    """A trained model: what `engines.load` or `load_model` gives, or a `RemoteModel`."""

    def predict_on_batch(self, images: np.ndarray, /) -> dict[str, np.ndarray]:
        """Maps of `[N, H, W, 3]` sRGB crops in [0, 1], as `load_model` describes them."""
        ...


@dataclasses.dataclass(frozen=True)
class FaceMaps:
    """The maps of one face, on the S x S pixels of its window.

    Normals and light are in the photo's frame: x right, y up, z to the camera.

    Attributes:
      window: position of the maps in the photo.
      box: left, top, right, bottom of the photo without letterbox bars, pixels.
      face: the detected face, or None if the whole photo is a crop of one.
      photo: `[S, S, 3]` linear RGB.
      guide: `[S, S]` luma of the photo, sRGB-encoded.
      albedo: `[S, S, 3]` linear RGB in [0, 1].
      normals: `[S, S, 3]` unit vectors.
      mask: `[S, S]` in [0, 1], 1 on the head.
      region: `[S, S]` bool, True on the face, where brightness is metered.
      residual: `[S, S]`, log of the photo's luminance over that of albedo x shading, smoothed: cast
        shadows, highlights and errors of the network.
      light: `[9, 3]` harmonics of the incoming radiance, linear RGB.
      parts: `[S, S, 7]` probabilities in the order of `data.portrait.PARTS`, or None from a network
        that does not tell parts apart.
    """

    window: framing.Window
    box: tuple[int, int, int, int]
    face: find.Face | None
    photo: np.ndarray
    guide: np.ndarray
    albedo: np.ndarray
    normals: np.ndarray
    mask: np.ndarray
    region: np.ndarray
    residual: np.ndarray
    light: np.ndarray
    parts: np.ndarray | None = None


def decompose(
    model: Network,
    photos: Sequence[np.ndarray],
    faces: Sequence[Sequence[find.Face | None]],
) -> list[list[FaceMaps]]:
    """The maps of all faces of several photos.

    Args:
      model: what `tfrelight.load_model` gives.
      photos: each `[H, W, 3]` uint8, sRGB-encoded, upright.
      faces: for each photo its faces, or [None] if it is a crop of one face.

    Returns:
      For each photo the maps of its faces, in their order.
    """
    size = engines.size_of(model)
    windows = [
        [_windows(face, pixels.shape[:2]) for face in found] for pixels, found in zip(photos, faces)
    ]
    # Letterbox bars are not background. Crops have no bars, but may be as dark around the face.
    boxes = [
        (0, 0, *pixels.shape[1::-1]) if None in found else framing.content(pixels)
        for pixels, found in zip(photos, faces)
    ]
    cuts = [
        window.cut(pixels, size, box)
        for pixels, box, photo_windows in zip(photos, boxes, windows)
        for face_windows in photo_windows
        for window in face_windows
    ]
    gains, remaining = [], iter(cuts)
    for photo_windows, found in zip(windows, faces):
        for face_windows, face in zip(photo_windows, found):
            own = [next(remaining) for _ in face_windows]
            # The last crop but one sees the face best.
            gain = _gain(own[-2:][0], face, face_windows[-2:][0])
            gains += [gain] * len(own)
    outputs = iter(_predict(model, cuts, gains))
    return [
        [
            _fuse(pixels, box, face, face_windows, [next(outputs) for _ in face_windows])
            for face, face_windows in zip(found, photo_windows)
        ]
        for pixels, box, found, photo_windows in zip(photos, boxes, faces, windows)
    ]


def of_crop(pixels: np.ndarray, output: dict[str, np.ndarray]) -> FaceMaps:
    """The maps of a crop of one face for which a network's output is known.

    Args:
      pixels: `[H, W, 3]` uint8, sRGB-encoded, upright.
      output: `albedo`, `normals` and `mask` of the crop, and its `light`.
    """
    height, width = pixels.shape[:2]
    return _fuse(pixels, (0, 0, width, height), None, [framing.whole((height, width))], [output])


def _windows(face, size):
    if face is None:
        return [framing.whole(size)]
    framings = (framing.HEAD, framing.FACE, framing.WIDE)
    return [framing.around(face, proportions) for proportions in framings]


def _gain(cut, face, window):
    """The factor in linear RGB that makes a dark face as bright as those that networks know."""
    inside = cut[_oval(face, window, len(cut)) > 0.5]
    # A face that the photo shows only a sliver of has no brightness of its own.
    bright = np.percentile(inside.max(-1), 90.0) if len(inside) else 255.0
    linear = float(color.to_linear_numpy(bright / 255.0))
    return max(1.0, _DARK_FACE / max(linear, 1e-3))


def _predict(model, cuts, gains):
    """The network's outputs for each crop: the mean of it and its mirror image."""
    results = []
    for start in range(0, len(cuts), _BATCH // 2):
        batch = np.stack(
            [
                _brightened(cut, gain)
                for cut, gain in zip(cuts[start : start + _BATCH // 2], gains[start:])
            ]
        )
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
        mean["light"] /= np.reshape(gains[start : start + len(batch)], (-1, 1, 1))
        results += [{name: mean[name][k] for name in mean} for k in range(len(batch))]
    return results


def _brightened(cut, gain):
    """A crop `[S, S, 3]` uint8 in [0, 1], multiplied by a gain in linear RGB."""
    photo = cut.astype(np.float32) / 255.0
    return photo if gain == 1.0 else color.to_srgb_numpy(gain * color.to_linear_numpy(photo))


def _fuse(pixels, box, face, windows, outputs):
    outer = windows[0]
    size = int(np.clip(round(outer.sides.max()), _SMALLEST, _LARGEST))
    canvas = (0, 0, size, size)

    def resampled(number, values):
        """Values of a crop on the pixels of the outer one."""
        window = windows[number]
        place = framing.Window(
            outer.place(window.corner) * size, np.linalg.inv(outer.axes) @ window.axes * size
        )
        return place.uncut(values, canvas)

    def layer(number):
        """Albedo, normals, mask and, if the network tells them apart, parts of a crop."""
        output = outputs[number]
        names = [name for name in ("albedo", "normals", "mask", "parts") if name in output]
        return resampled(number, np.dstack([output[name] for name in names]))

    maps = layer(0)
    if face is None:
        return _refined(outer.cut(pixels, size, box), box, face, outer, maps, outputs[0]["light"])
    inner = layer(1)
    weight = resampled(1, _feather(len(outputs[1]["mask"])))[..., None]
    # A face that fills the inner crop leaves no background to compare, except in front of a turned
    # head; there the inner crop sees the profile best.
    turn = segmentation.turn(face, outer)
    inner[..., 6] = maps[..., 6] + min(1.0, 2.0 * abs(turn)) * np.minimum(
        inner[..., 6] - maps[..., 6], 0.0
    )
    # The network knows albedo x light better than either, so the outer albedo may differ from the
    # inner one by a factor, which is removed.
    inside = weight[..., 0] > 0.9
    scale = np.median(inner[inside, :3], 0) / np.maximum(np.median(maps[inside, :3], 0), 1e-3)
    maps[..., :3] *= np.clip(scale, 0.5, 2.0)
    maps += weight * (inner - maps)
    maps[..., 6] = np.minimum(maps[..., 6], resampled(2, outputs[2]["mask"])[..., 0])
    return _refined(outer.cut(pixels, size, box), box, face, outer, maps, outputs[1]["light"])


def _refined(photo, box, face, window, maps, light):
    """`FaceMaps` in the photo's frame: maps with the photo's edges, and their residual."""
    size = len(photo)
    linear = color.to_linear_numpy(photo / np.float32(255.0))
    guide = color.luminance_numpy(photo / np.float32(255.0))

    def filtered(values, settings):
        radius, epsilon = settings
        return guided_filter.filtered(guide, values, max(1, round(radius * size)), epsilon)

    light = harmonics.rotate(light, window.rotation)
    normals = filtered(maps[..., 3:6] @ window.rotation.T, _NORMALS)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6)
    albedo = np.clip(maps[..., :3], 0.0, 1.0)
    oval = _oval(face, window, size)
    if face is None:
        mask = np.clip(filtered(maps[..., 6:7], _MASK)[..., 0], 0.0, 1.0)
    else:
        points = window.corner + _centres(size) @ window.axes.T
        within = np.all((points >= box[:2]) & (points < box[2:]), -1)
        turn = segmentation.turn(face, window)
        mask = segmentation.head(photo / np.float32(255.0), maps[..., 6], oval, within, turn)
        mask *= _window_fade(size)
    explained = color.luminance_numpy(harmonics.render(albedo, normals, light))
    residual = np.log((color.luminance_numpy(linear) + _NOISE) / (explained + _NOISE))
    residual = filtered(residual[..., None], _RESIDUAL)[..., 0]
    region = oval > 0.5
    parts = np.clip(filtered(maps[..., 7:], _PARTS), 0.0, 1.0) if maps.shape[-1] > 7 else None
    return FaceMaps(
        window, box, face, linear, guide, albedo, normals, mask, region, residual, light, parts
    )


def _centres(size):
    """`[S, S, 2]`: x and y of the pixels' centres in units of the window."""
    y, x = (np.mgrid[:size, :size].astype(np.float32) + 0.5) / size
    return np.stack([x, y], -1)


def _feather(size):
    """`[size, size]`, 0 at the border, 1 inside."""
    inward = np.minimum(np.arange(size) + 0.5, size - 0.5 - np.arange(size)) / size
    ramp = smoothstep((inward - _BORDER) / _FADE)
    return np.outer(ramp, ramp).astype(np.float32)


def _oval(face, window, size):
    """`[S, S]` in [0, 1]: 1 inside the face's outline, or an ellipse without one."""
    picture = Image.new("L", (size, size))
    draw = ImageDraw.Draw(picture)
    if face is None:
        draw.ellipse([0.1 * size, 0.05 * size, 0.9 * size, 0.95 * size], fill=255)
    else:
        outline = face.oval + _OUTLINE_INSET * (face.oval.mean(0) - face.oval)
        draw.polygon([tuple(point) for point in window.place(outline) * size], fill=255)
    return np.asarray(picture, np.float32) / 255.0


def _window_fade(size):
    """`[S, S]`: 1 around the head, fading to 0 before the border of the window."""
    # The 4-norm makes it a square with round corners, to suit the square window.
    distance = np.linalg.norm(_centres(size) - 0.5, ord=4, axis=-1) / _HEAD_RADIUS
    return smoothstep((1.0 - distance) / 0.25)
