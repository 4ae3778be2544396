"""What `tfrelight relight` writes for each photo."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from tfrelight.commands import many_photos

if TYPE_CHECKING:
    from tfrelight.commands.light_flags import LightRequest
    from tfrelight.relighting.decomposition import Decomposition

__all__ = ["WritePhoto"]


@dataclasses.dataclass(frozen=True)
class WritePhoto:
    """Writes a photo under the light that the flags ask for, also in another process.

    Attributes:
      request: the light.
      output, output_dir: the flags.
      tag: of names beside photos, see `many_photos.outputs`.
      background, overwrite, mark: the flags.
    """

    request: LightRequest
    output: str | None
    output_dir: str | None
    tag: str
    background: bool
    overwrite: bool
    mark: bool

    def name(self, path: str) -> Path:
        """The file to write for a photo."""
        return many_photos.outputs([path], self.output, self.output_dir, self.tag)[path]

    def __call__(self, decomposed: Decomposition, path: str) -> str:
        name = self.name(path)
        self.request.relit(decomposed, self.background).save(name, self.overwrite, self.mark)
        return str(name)
