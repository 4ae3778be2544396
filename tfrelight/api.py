"""What `tfrelight.relight` and `tfrelight.decompose` do with photos, in Python and as commands."""

from __future__ import annotations

import functools

from tfrelight import photos
from tfrelight.errors import InputError
from tfrelight.faces import decomposition
from tfrelight.models import bundled, presets

__all__ = ["each", "in_groups", "loaded"]

# Photos that are held at once, by their pixels: a photo takes 6 bytes a pixel here and 18 where it
# is decomposed.
_PIXELS_AT_ONCE = 64_000_000
_PHOTOS_AT_ONCE = 16


def each(photo, use, model=None, faces="all", whole_image=False):
    """Decomposes one photo or a list of them, and uses each `Decomposition`.

    Args:
      photo: what `photos.read` takes, or a list of that.
      use: function of a `Decomposition` and what it came from.
      model, faces, whole_image: see `tfrelight.relight`.

    Returns:
      what `use` returned; a list if `photo` is one.

    Raises:
      InputError: see `tfrelight.relight`. Of a list it says at which place.
    """
    several = isinstance(photo, (list, tuple))
    results = []
    given = list(photo) if several else [photo]
    for number, result in enumerate(in_groups(given, use, model, faces, whole_image)):
        if isinstance(result, InputError):
            raise InputError(f"Photo {number}: {result}") if several else result
        results.append(result)
    return results if several else results[0]


def in_groups(sources, use, model=None, faces="all", whole_image=False):
    """Yields for each source what `use` made of its `Decomposition`, or the `InputError`.

    As many are read and decomposed together as memory allows.
    """
    model = loaded(model)
    decomposition.most(faces)
    group, pixels = [], 0
    for source in sources:
        try:
            photo = photos.read(source)
        except InputError as error:
            photo = error
        size = 0 if isinstance(photo, InputError) else photo.size[0] * photo.size[1]
        if group and (pixels + size > _PIXELS_AT_ONCE or len(group) == _PHOTOS_AT_ONCE):
            yield from _used(group, use, model, faces, whole_image)
            group, pixels = [], 0
        group.append((source, photo))
        pixels += size
        del photo
    yield from _used(group, use, model, faces, whole_image)


def _used(group, use, model, faces, whole_image):
    good = [photo for _, photo in group if not isinstance(photo, InputError)]
    decomposed = iter(decomposition.decompose(good, model, faces, whole_image) if good else [])
    for source, photo in group:
        result = photo if isinstance(photo, InputError) else next(decomposed)
        if not isinstance(result, InputError):
            try:
                result = use(result, source)
            except InputError as error:
                result = error
        yield result


def loaded(model):
    """A model from what `tfrelight.load_model` gives or takes; None for its default."""
    if hasattr(model, "predict_on_batch"):
        return model
    model = bundled.DEFAULT if model is None else model
    # A run folder may hold other weights the next time.
    return _bundled(model) if model in bundled.names() else presets.load_model(model)


_bundled = functools.lru_cache(maxsize=2)(presets.load_model)
