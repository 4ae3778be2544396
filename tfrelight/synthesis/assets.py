"""Identifies the files that a set of portraits was made with."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path

__all__ = ["digest"]


@functools.lru_cache(maxsize=4096)
def _of_file(path, size, changed):
    """SHA-256 of a file; a new size or time of change misses the cache."""
    del size, changed
    return hashlib.sha256(path.read_bytes()).digest()


def digest(paths: Sequence[Path]) -> str:
    """Digest of the names and contents of files, 16 characters; "" without files."""
    if not paths:
        return ""
    total = hashlib.sha256()
    for path in paths:
        status = path.stat()
        total.update(f"{path.name} ".encode())
        total.update(_of_file(path, status.st_size, status.st_mtime_ns))
    return total.hexdigest()[:16]
