"""Photos in and out without loss.

    from tfrelight import photos

    photo = photos.read("photo.jpg")
    photo.replaced(255 - photo.pixels).save("negative.jpg")

`Photo.pixels` is upright RGB whatever the file held. `Photo.save` restores the rest: bit depth,
alpha, grey or CMYK, colour profile, orientation and metadata. Pixels are treated as sRGB-encoded;
those of another RGB profile keep its primaries and get sRGB's curve.
"""

from tfrelight.photos.photo import Photo, PhotoLike
from tfrelight.photos.reading import read

__all__ = ["Photo", "PhotoLike", "read"]
