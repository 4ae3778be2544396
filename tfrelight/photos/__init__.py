"""Photos in and out without loss: what is not relit is written as it was read.

    photo = photos.read("photo.jpg")
    photo.replaced(pixels).save("relit.jpg")

Whatever the file held, a `Photo` shows it as upright RGB; when it is written, everything else comes
back: bit depth, alpha, grey or CMYK, colour profile, orientation and metadata. Values are taken as
sRGB-encoded; those of another RGB profile keep their primaries and are decoded with sRGB's curve.
"""

from tfrelight.photos.photo import Photo, read

__all__ = ["Photo", "read"]
