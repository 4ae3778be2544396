"""What `tfrelight relight` writes for each photo."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfrelight.commands.light_flags import LightRequest
    from tfrelight.relighting.decomposition import Decomposition

__all__ = ["WritePhoto"]


@dataclasses.dataclass(frozen=True)
class WritePhoto:
    """Writes a photo under the light that the flags ask for, also in another process.

    Attributes:
      request: the light.
      names: the file of each photo, by its path.
      background, overwrite, mark: the flags.
    """

    request: LightRequest
    names: dict[str, Path]
    background: bool
    overwrite: bool
    mark: bool

    def __call__(self, decomposed: Decomposition, path: str) -> str:
        request = self.request
        light = request.light(decomposed.light, decomposed.background)
        relit = decomposed.relight(
            light,
            request.strength,
            request.exposure,
            self.background,
            request.white_balance,
            **request.drawing,
        )
        relit.save(self.names[path], self.overwrite, self.mark)
        return str(self.names[path])
