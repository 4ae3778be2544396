"""OpenEXR files: float pictures, linear by convention."""

from __future__ import annotations

import contextlib
import io
import os

import numpy as np

from tfrelight import files

__all__ = ["read", "size", "write"]

_MAGIC = b"\x76\x2f\x31\x01"


def size(path):
    """Height and width, from the header alone.

    Raises:
      ValueError: no EXR file. OpenEXR raises others by what is broken in one.
    """
    first, last = _header(path)["dataWindow"]
    width, height = (np.asarray(last, int) - first + 1).tolist()
    return height, width


def read(path):
    """The pixels of a file with channels R, G and B, or Y alone.

    Args:
      path: of the file.

    Returns:
      `[H, W, 3]` of the file's float type, as they are; and whether its compression (DWAA, DWAB)
      rings, below zero around lamps.

    Raises:
      ValueError: no EXR file. OpenEXR raises others by what is broken in one.
      KeyError: other channels.
    """
    import OpenEXR

    lossy = _header(path)["compression"] in (
        OpenEXR.Compression.DWAA_COMPRESSION,
        OpenEXR.Compression.DWAB_COMPRESSION,
    )
    with _silence():
        channels = OpenEXR.File(str(path)).channels()
    together = next((name for name in ("RGB", "RGBA") if name in channels), None)
    if together:
        return channels[together].pixels[..., :3], lossy
    names = "YYY" if "Y" in channels and "R" not in channels else "RGB"
    return np.stack([channels[name].pixels for name in names], -1), lossy


def write(path, values):
    """Writes `[H, W, 3]` float32 as a file with channels R, G and B, whole or not at all."""
    import OpenEXR

    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with files.replacing(path, suffix=".exr") as aside:
        OpenEXR.File(header, {"RGB": np.ascontiguousarray(values)}).write(str(aside))


def _header(path):
    import OpenEXR

    with open(path, "rb") as file:
        if file.read(4) != _MAGIC:
            raise ValueError("no EXR header")
    with _silence():
        return OpenEXR.File(str(path), header_only=True).header()


@contextlib.contextmanager
def _silence():
    """OpenEXR warns on Python's stdout and on C's stderr; its exceptions say enough."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
