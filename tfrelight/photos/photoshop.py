"""Photoshop's image resources, in which JPEG (APP13) and TIFF (tag 34377) files keep IPTC.

A resource is a signature, a number, a name and data, each padded to an even length (Adobe Photoshop
File Formats Specification, "Image Resource Blocks").
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

__all__ = ["cleaned", "iptc", "with_iptc"]

_SIGNATURES = (b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR")
_IPTC = 1028
# Thumbnails 1033 and 1036; layers, which no longer exist, 1024, 1026, 1069 and 1072; copies of what
# is kept elsewhere, EXIF 1058 and 1059 and XMP 1060.
_STALE = (1024, 1026, 1033, 1036, 1058, 1059, 1060, 1069, 1072)


def cleaned(resources: bytes) -> bytes:
    """The resources that stay true when the pixels change: all but thumbnails, layers and EXIF.

    What follows a broken resource is left out.
    """
    return b"".join(block for number, block, _ in _resources(resources) if number not in _STALE)


def iptc(resources: bytes) -> bytes | None:
    """The IPTC records among the resources, or None."""
    return next((data for number, _, data in _resources(resources) if number == _IPTC), None)


def with_iptc(resources: bytes, records: bytes) -> bytes:
    """The resources and IPTC records, unless they hold some already."""
    if iptc(resources) is not None:
        return resources
    padding = b"\0" * (len(records) % 2)
    return resources + struct.pack(">4sHHI", b"8BIM", _IPTC, 0, len(records)) + records + padding


def _resources(resources: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yields number, bytes and data of each resource."""
    start = 0
    while resources[start : start + 4] in _SIGNATURES and start + 7 <= len(resources):
        (number,) = struct.unpack_from(">H", resources, start + 4)
        # A Pascal string: its length, then its characters.
        name = 1 + resources[start + 6]
        data = start + 6 + name + name % 2 + 4
        if data > len(resources):
            return
        (size,) = struct.unpack_from(">I", resources, data - 4)
        if data + size > len(resources):
            return
        end = data + size + size % 2
        yield number, resources[start:end], resources[data : data + size]
        start = end
