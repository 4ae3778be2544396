"""What `tfrelight decompose` writes for each photo."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfrelight.relighting.decomposition import Decomposition

__all__ = ["WriteMaps"]

# The files of `map_files.write`, which leaves out parts that the network does not tell.
_CONTENTS = (
    *("albedo.png", "normals.png", "shading.png", "mask.png", "parts.png"),
    *("light.json", "light.png", "sheet.png"),
)
_EXR = ("albedo.exr", "normals.exr", "shading.exr")


@dataclasses.dataclass(frozen=True)
class WriteMaps:
    """Writes the maps of a photo, also in another process.

    Attributes:
      output_dir, exr: the flags.
    """

    output_dir: str
    exr: bool

    def names(self, path: str) -> dict[str, Path]:
        """The files of a photo by what they hold."""
        contents = _CONTENTS + (_EXR if self.exr else ())
        stem = Path(path).stem
        return {name: Path(self.output_dir) / f"{stem}_{name}" for name in contents}

    def __call__(self, decomposed: Decomposition, path: str) -> str:
        from tfrelight.relighting import map_files

        names = self.names(path)
        written = map_files.write(decomposed, names)
        return f"{names['sheet.png']}, and {written - 1} files beside it"
