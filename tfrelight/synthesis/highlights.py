"""Highlights of rough surfaces."""

from __future__ import annotations

import numpy as np

__all__ = ["F0", "highlight"]

# Reflectance of skin at normal incidence, refractive index 1.4.
F0 = 0.028


def highlight(
    normal: np.ndarray,
    view: np.ndarray,
    gloss: np.ndarray,
    direction: np.ndarray,
    roughness: np.ndarray,
) -> np.ndarray:
    """Highlight `[P]` or `[P, D]` per unit of shading from `[3]` or `[D, 3]` directions.

    GGX (Walter et al., 2007) with Schlick's Fresnel term and Karis' approximation of its
    visibility, times pi n.l: a lamp of shading I adds I times this.

    Args:
      normal, view: `[P, 3]` unit vectors, of the surface and to the camera.
      gloss: `[P]` factor on `F0`.
      direction: unit vectors to the light.
      roughness: `[P]` GGX alpha.
    """
    column = (slice(None), None) if direction.ndim == 2 else slice(None)
    n_v = (normal * view).sum(-1)
    n_l = normal @ direction.T
    v_l = view @ direction.T
    inverse = 1 / np.sqrt(np.maximum(2 + 2 * v_l, 1e-4))
    n_h = np.minimum((n_l + n_v[column]) * inverse, 1)
    alpha2 = np.square(roughness)[column]
    lobe = alpha2 / np.square(n_h * n_h * (alpha2 - 1) + (1 + 1e-7))
    grazing = 1 - np.clip((1 + v_l) * inverse, 0, 1)
    grazing *= np.square(np.square(grazing))
    n_l = np.maximum(n_l, 0)
    k = (roughness / 2)[column]
    masked = 4 * (n_l * (1 - k) + k) * (np.maximum(n_v, 0.05)[column] * (1 - k) + k)
    return lobe * (F0 + (1 - F0) * grazing) * n_l / masked * gloss[column]
