"""The way of photos through `tfrelight.relight` and `tfrelight.decompose`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from absl import logging

from tfrelight import photos, threads
from tfrelight.errors import InputError
from tfrelight.faces import find
from tfrelight.lights import Light
from tfrelight.models import engines, presets
from tfrelight.photos import Photo, PhotoLike
from tfrelight.relighting import decomposition, face_maps

if TYPE_CHECKING:
    from tfrelight.relighting.decomposition import Decomposition
    from tfrelight.relighting.inference import Network

__all__ = ["each", "in_groups", "light_of", "loaded"]

# Most pixels and photos that are decomposed together, and pixels that are used at a time. A photo
# takes 6 bytes a pixel while it waits and 18 while it is used.
_PIXELS_AT_ONCE, _PIXELS_IN_WORK = 64_000_000, 32_000_000
_PHOTOS_AT_ONCE = 16

Result = TypeVar("Result")
Source = TypeVar("Source", bound=PhotoLike)


def each(
    photo: PhotoLike | list[PhotoLike] | tuple[PhotoLike, ...],
    use: Callable[[Decomposition, PhotoLike], Any],
    model: Network | Path | str | None = None,
    faces: str | int = "all",
    whole_image: bool = False,
    what: str = "person",
) -> Any:
    """Decomposes one photo or a list of them, and uses each `Decomposition`.

    Args:
      photo: path, PIL image, array, bytes or `photos.Photo`, or a list of them.
      use: a function of a `Decomposition` and its source, an item of `photo`. For a list it is
        called from several threads.
      model, faces, whole_image, what: see `tfrelight.relight`.

    Returns:
      What `use` returns; a list for a list.

    Raises:
      InputError: see `tfrelight.relight`. For a list it names the place of the photo.
    """
    several = isinstance(photo, (list, tuple))
    sources: list[PhotoLike] = list(photo) if isinstance(photo, (list, tuple)) else [photo]
    results = []
    for number, result in enumerate(in_groups(sources, use, model, faces, whole_image, what)):
        if isinstance(result, InputError):
            raise InputError(f"Photo {number}: {result}") if several else result
        results.append(result)
    return results if several else results[0]


def light_of(
    photo: PhotoLike, model: Network | Path | str | None = None, whole_image: bool = False
) -> Light:
    """The light on the largest face of a photo, as the network estimates it.

        tfrelight.relight("photo.jpg", tfrelight.light_of("other.jpg")).save("relit.jpg")

    Args:
      photo: path, PIL image, array, bytes or `photos.Photo`.
      model: what `tfrelight.load_model` takes or gives; None for the default.
      whole_image: whether the photo is a crop of one face; then faces are not detected.

    Raises:
      InputError: see `tfrelight.decompose`.
    """
    return each(
        photo, lambda decomposed, _: decomposed.light, model, "largest", whole_image, "face"
    )


def in_groups(
    sources: Iterable[Source],
    use: Callable[[Decomposition, Source], Result],
    model: Network | Path | str | None = None,
    faces: str | int = "all",
    whole_image: bool = False,
    what: str = "person",
) -> Iterator[Result | InputError]:
    """Yields, for each source, what `use` returns for its `Decomposition`, or an `InputError`.

    Reads and decomposes together as many photos as memory allows.

    Args:
      sources: each what `photos.read` takes.
      use: a function of a `Decomposition` and its source; it may raise `InputError`. It is called
        from several threads.
      model, faces, whole_image, what: see `tfrelight.relight`.

    Raises:
      InputError: an invalid `faces` or `what`, no such model, or the package that detects faces is
        missing.
    """
    network = loaded(model)
    find.face_limit(faces)
    face_maps.check(what)
    group: list[tuple[Source, Photo | InputError]] = []
    pixels = 0
    for source in sources:
        photo: Photo | InputError
        try:
            photo = photos.read(source)
        except InputError as error:
            photo = error
        size = 0 if isinstance(photo, InputError) else photo.size[0] * photo.size[1]
        if group and (pixels + size > _PIXELS_AT_ONCE or len(group) == _PHOTOS_AT_ONCE):
            yield from _used(group, use, network, faces, whole_image, what)
            group, pixels = [], 0
        group.append((source, photo))
        pixels += size
        del photo
    yield from _used(group, use, network, faces, whole_image, what)


def _used(group, use, network, faces, whole_image, what):
    good = [photo for _, photo in group if not isinstance(photo, InputError)]
    decomposed = iter(
        decomposition.decompose(good, network, faces, whole_image, what=what) if good else []
    )
    largest = max((photo.size[0] * photo.size[1] for photo in good), default=1)
    at_once = max(1, _PIXELS_IN_WORK // largest)
    waiting = [
        (source, photo if isinstance(photo, InputError) else next(decomposed))
        for source, photo in group
    ]
    for source, result in waiting:
        if not isinstance(result, InputError):
            _warn_of_darkness(result, source)

    def used(source, result):
        if isinstance(result, InputError):
            return result
        try:
            return use(result, source)
        except InputError as error:
            return error

    yield from threads.each(used, *zip(*waiting), at_once=at_once)


def _warn_of_darkness(decomposed, source):
    share = decomposed.legibility
    if share < 1.0:
        name = f"{source}: a" if isinstance(source, (str, Path)) else "A"
        logging.warning(
            "%s face is nearly black, and is relit by %.0f %%. A longer exposure would help.",
            name,
            100.0 * share,
        )


def loaded(model: Network | Path | str | None, engine: str = "auto") -> Network:
    """The model that a `model` argument means: itself, a preset, a file, or the default.

    Args:
      model: a network, or what `engines.load` takes; None for the default.
      engine: what runs it, see `engines.load`.

    Raises:
      InputError: see `engines.load`.
    """
    if hasattr(model, "predict_on_batch"):
        return cast("Network", model)
    name = presets.DEFAULT if model is None else model
    # Only presets are cached: a run folder may have new weights the next time.
    return (_bundled if name in presets.names() else engines.load)(name, engine)


_bundled = functools.lru_cache(maxsize=2)(engines.load)
