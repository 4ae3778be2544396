"""Maps of people from the network, fused over several crops, with the edges of the photo.

Each face is cropped three times, and each crop is also mirrored. In a tight crop the network sees
the face best; one of the whole head adds hair and neck; and a third, wider one confirms the mask,
because a tree behind a head rarely looks like hair in two crops. A fourth shows the body, whose
maps stay apart. All crops of all faces go through the network together, those of dark faces
brightened.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from tfrelight import color, harmonics, threads
from tfrelight.data.portrait import PARTS
from tfrelight.errors import InputError
from tfrelight.faces import find, framing, guided_filter, segmentation
from tfrelight.models import engines
from tfrelight.relighting import inference, window_weights
from tfrelight.relighting.inference import Network

__all__ = ["WHAT", "FaceMaps", "check", "decompose", "of_crop"]

# What of a person is relit.
WHAT = ("person", "head", "face")

# Bounds of the maps' side, which is that of the face's window, pixels.
SMALLEST, LARGEST = 128, 256
# Places of the crops of a found face; the first is of the head.
_FACE, _WIDE, _BODY = 1, 2, 3
# Guided filters: radius as a share of the side, variance of the encoded photo.
NORMALS = (0.02, 2e-3)
MASK = OF_PARTS = (0.015, 5e-4)
RESIDUAL = (0.03, 1e-3)
# Linear value below which 8 bits hold mostly noise.
NOISE = 4e-3


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
      body: maps of the body below, or None.
      head_window: of a body, the window of its head, whose maps count inside it; None of a head.
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
    body: FaceMaps | None = None
    head_window: framing.Window | None = None

    def probability(self, *names: str) -> np.ndarray | None:
        """`[S, S]` in [0, 1]: that a pixel shows one of these `PARTS`; None without `parts`."""
        if self.parts is None:
            return None
        return self.parts[..., [PARTS.index(name) for name in names]].sum(-1)

    def scaled(self, factors: np.ndarray) -> FaceMaps:
        """The maps for the photo in another size.

        Args:
          factors: `[2]`, of the photo's width and height.
        """
        return dataclasses.replace(
            self,
            window=self.window.scaled(factors),
            box=tuple(np.round(self.box * np.tile(factors, 2)).astype(int)),
            face=None if self.face is None else self.face.scaled(factors),
            body=None if self.body is None else self.body.scaled(factors),
            head_window=(None if self.head_window is None else self.head_window.scaled(factors)),
        )


def check(what: str) -> None:
    """Checks that `what` is one of `WHAT`.

    Raises:
      InputError: it is not.
    """
    if what not in WHAT:
        raise InputError(f"Invalid `what`. Expected one of: {', '.join(WHAT)}. Received: {what!r}.")


def decompose(
    model: Network,
    photos: Sequence[np.ndarray],
    faces: Sequence[Sequence[find.Face | None]],
    what: str = "person",
) -> list[list[FaceMaps]]:
    """The maps of all faces of several photos.

    Args:
      model: what `tfrelight.load_model` gives.
      photos: each `[H, W, 3]` uint8, sRGB-encoded, upright.
      faces: for each photo its faces, or [None] if it is a crop of one face.
      what: one of `WHAT`. Bodies, and parts of crops, need a network that tells parts apart.

    Returns:
      For each photo the maps of its faces, in their order.
    """
    size = engines.size_of(model)
    # Letterbox bars are not background. Crops have no bars, but may be as dark around the face.
    boxes = [
        (0, 0, *pixels.shape[1::-1]) if None in found else framing.content(pixels)
        for pixels, found in zip(photos, faces)
    ]
    windows = [
        [_windows(face, pixels.shape[:2], box, what) for face in found]
        for pixels, box, found in zip(photos, boxes, faces)
    ]
    cutting = [
        (window, pixels, size, box)
        for pixels, box, photo_windows in zip(photos, boxes, windows)
        for face_windows in photo_windows
        for window in face_windows
    ]
    cuts = list(threads.each(framing.Window.cut, *zip(*cutting)))
    gains, remaining = [], iter(cuts)
    for photo_windows, found in zip(windows, faces):
        for face_windows, face in zip(photo_windows, found):
            own = [next(remaining) for _ in face_windows]
            # The second crop sees the face best.
            best = min(_FACE, len(own) - 1)
            oval = window_weights.oval(face, face_windows[best], size)
            gain = inference.gain(own[best][oval > 0.5])
            gains += [gain] * len(own)
    outputs = iter(inference.predict(model, cuts, gains))
    people = [
        (pixels, box, face, face_windows, [next(outputs) for _ in face_windows], what)
        for pixels, box, found, photo_windows in zip(photos, boxes, faces, windows)
        for face, face_windows in zip(found, photo_windows)
    ]
    heads = [functools.partial(_head, *person) for person in people]
    bodies = [functools.partial(_body, *person) for person in people]
    drawn = list(threads.each(lambda draw: draw(), heads + bodies))
    maps = threads.each(_person, drawn[: len(heads)], drawn[len(heads) :])
    return [[next(maps) for _ in found] for found in faces]


def of_crop(pixels: np.ndarray, output: dict[str, np.ndarray]) -> FaceMaps:
    """The maps of a crop of one face for which a network's output is known.

    Args:
      pixels: `[H, W, 3]` uint8, sRGB-encoded, upright.
      output: `albedo`, `normals` and `mask` of the crop, and its `light`.
    """
    height, width = pixels.shape[:2]
    window = framing.whole((height, width))
    return _head(pixels, (0, 0, width, height), None, [window], [output], "person")


def _windows(face, size, box, what):
    if face is None:
        return [framing.whole(size)]
    framings = (framing.HEAD, framing.FACE, framing.WIDE)
    windows = [framing.around(face, proportions) for proportions in framings]
    return [*windows, framing.body(face, box)] if what == "person" else windows


def _body(pixels, box, face, windows, outputs, what):
    """What `_refined` takes of a body but for its light; None without a crop of it."""
    if len(windows) <= _BODY or "parts" not in outputs[_BODY]:
        return None
    window, output = windows[_BODY], outputs[_BODY]
    size = _side(window)
    maps = window.onto(_stacked(output), window, size)
    photo = window.cut(pixels, size, box)
    oval = window_weights.oval(face, window, size)
    within = _within(window, box, size)
    turn = segmentation.turn(face, window)
    mask = segmentation.person(photo / np.float32(255.0), maps[..., 6], oval, within, turn)
    mask *= window_weights.edge_fade(window, box, size)
    return photo, box, face, window, maps, mask


def _person(head, body):
    """`FaceMaps` of a head, and with it of its body, of which `_body` gives the rest."""
    if body is None:
        return head
    *before, maps, mask = body
    face, window = before[-2:]
    # Albedo x light is known better than either, and the light is that on the face.
    region = window_weights.oval(face, window, len(maps)) > 0.5
    if region.any() and head.region.any():
        maps[..., :3] *= _scale(head.albedo[head.region], maps[region, :3])
    found = _refined(*before, maps, head.light, mask)
    return dataclasses.replace(head, body=dataclasses.replace(found, head_window=head.window))


def _within(window, box, size):
    """`[S, S]` bool: whether pixels of a window lie inside the photo."""
    points = window.corner + window_weights.centres(size) @ window.axes.T
    return np.all((points >= box[:2]) & (points < box[2:]), -1)


def _wanted(maps, what):
    """What of a crop's mask counts, `[S, S]` in [0, 1]: all of it if the network knows no parts."""
    shares = {name: maps[..., 7 + k] for k, name in enumerate(PARTS[: maps.shape[-1] - 7])}
    if what == "person" or not shares:
        return 1.0
    if what == "head":
        return 1.0 - shares["cloth"]
    return shares["skin"] + shares["eyes"] + shares["mouth"]


def _side(window):
    return int(np.clip(round(window.sides.max()), SMALLEST, LARGEST))


def _scale(wanted, found):
    """The factor of each channel between two sets of albedos, `[N, 3]`."""
    return np.clip(np.median(wanted, 0) / np.maximum(np.median(found, 0), 1e-3), 0.5, 2.0)


def _stacked(output):
    """Albedo, normals, mask and, if the network tells them apart, parts, `[S, S, 7 or more]`."""
    names = [name for name in ("albedo", "normals", "mask", "parts") if name in output]
    return np.dstack([output[name] for name in names])


def _head(pixels, box, face, windows, outputs, what):
    outer = windows[0]
    size = _side(outer)
    maps = outer.onto(_stacked(outputs[0]), outer, size)
    photo = outer.cut(pixels, size, box)
    light = harmonics.rotate(outputs[min(_FACE, len(outputs) - 1)]["light"], outer.rotation)
    if face is None:
        maps[..., 6] *= _wanted(maps, what)
        return _refined(photo, box, face, outer, maps, light)

    def resampled(number, values):
        return windows[number].onto(values, outer, size)

    inner = resampled(_FACE, _stacked(outputs[_FACE]))
    weight = resampled(_FACE, window_weights.feather(len(outputs[_FACE]["mask"])))[..., None]
    # A face that fills the inner crop leaves no background to compare, except in front of a turned
    # head; there the inner crop sees the profile best.
    turn = segmentation.turn(face, outer)
    inner[..., 6] = maps[..., 6] + min(1.0, 2.0 * abs(turn)) * np.minimum(
        inner[..., 6] - maps[..., 6], 0.0
    )
    # The network knows albedo x light better than either, so the outer albedo may differ from the
    # inner one by a factor, which is removed.
    inside = weight[..., 0] > 0.9
    maps[..., :3] *= _scale(inner[inside, :3], maps[inside, :3])
    maps += weight * (inner - maps)
    maps[..., 6] = np.minimum(maps[..., 6], resampled(_WIDE, outputs[_WIDE]["mask"])[..., 0])
    # The outline says what the face is.
    mask = maps[..., 6] * _wanted(maps, "head" if what == "face" else what)
    with_body = what == "person" and maps.shape[-1] > 7
    within = _within(outer, box, size)
    oval = window_weights.oval(face, outer, size)
    mask = segmentation.head(photo / np.float32(255.0), mask, oval, within, turn, with_body)
    if not with_body:
        mask *= window_weights.head_fade(window_weights.centres(size))
    if what == "face":
        mask *= window_weights.face_fade(face, outer, size)
    return _refined(photo, box, face, outer, maps, light, mask)


def _refined(photo, box, face, window, maps, light, mask=None):
    """`FaceMaps` in the photo's frame: maps with the photo's edges, and their residual.

    The light is in the photo's frame already. Without a mask it is the network's.
    """
    size = len(maps)
    linear = color.to_linear_numpy(photo / np.float32(255.0))
    guide = color.luminance_numpy(photo / np.float32(255.0))

    def filtered(values, settings):
        radius, epsilon = settings
        return guided_filter.filtered(guide, values, max(1, round(radius * size)), epsilon)

    normals = harmonics.unit(filtered(maps[..., 3:6] @ window.rotation.T, NORMALS))
    albedo = np.clip(maps[..., :3], 0.0, 1.0)
    if mask is None:
        mask = np.clip(filtered(maps[..., 6:7], MASK)[..., 0], 0.0, 1.0)
    explained = color.luminance_numpy(harmonics.render(albedo, normals, light))
    residual = np.log((color.luminance_numpy(linear) + NOISE) / (explained + NOISE))
    residual = filtered(residual[..., None], RESIDUAL)[..., 0]
    region = window_weights.oval(face, window, size) > 0.5
    parts = np.clip(filtered(maps[..., 7:], OF_PARTS), 0.0, 1.0) if maps.shape[-1] > 7 else None
    return FaceMaps(
        window, box, face, linear, guide, albedo, normals, mask, region, residual, light, parts
    )
