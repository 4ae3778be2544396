"""Skin colour from melanin and haemoglobin: spectra integrated to linear RGB.

The model is an absorbing epidermis over a scattering dermis: R = T_epidermis² R_dermis.

Sources. Melanin 6.6e11 L^-3.33 /cm and bloodless skin 0.244 + 85.3 exp(-(L - 154) / 66.2) /cm (L in
nm): S. L. Jacques, "Skin optics", Oregon Medical Laser Center News, 1998. Reduced scattering 46 (L
/ 500)^-1.42 /cm: S. L. Jacques, "Optical properties of biological tissues: a review", Physics in
Medicine and Biology 58, 2013. Haemoglobin: S. Prahl's tabulation, Oregon Medical Laser Center,
1999, at 150 g/l. Diffuse reflectance of the dermis: H. W. Jensen et al., "A practical model for
subsurface light transport", SIGGRAPH 2001, eq. 15 integrated. The two-layer use of it for skin
follows C. Donner and H. W. Jensen, "A spectral BSSRDF for shading human skin", EGSR 2006. Colour
matching functions: C. Wyman, P.-P. Sloan and P. Shirley, "Simple analytic approximations to the CIE
XYZ color matching functions", JCGT 2, 2013. Blood in vessels: R. van Veen, W. Verkruysse and H.
Sterenborg, "Diffuse-reflectance spectroscopy from 500 to 1060 nm by correction for inhomogeneously
distributed absorbers", Optics Letters 27, 2002. Daylight D65 in steps of 10 nm: CIE 15.
"""

from __future__ import annotations

import functools

import numpy as np

__all__ = ["BLOOD", "MELANIN", "table"]

_WAVELENGTHS = np.arange(400, 701, 10, dtype=float)
# Molar extinction, /cm/M, of oxygenated and deoxygenated haemoglobin at _WAVELENGTHS.
_OXYGENATED = np.array(
    [266232, 466840, 480360, 246072, 102580, 62816, 44480, 33209, 26629, 23684, 20933, 20035, 24202]
    + [
        39957,
        53236,
        43016,
        32613,
        44496,
        50104,
        14401,
        3200,
        1506,
        942,
        610,
        442,
        368,
        320,
        294,
        278,
    ]
    + [276, 290],
    float,
)
_DEOXYGENATED = np.array(
    [
        223296,
        303956,
        407560,
        528600,
        413280,
        103292,
        23389,
        16156,
        14550,
        16684,
        20862,
        25774,
        31590,
    ]
    + [
        39036,
        46592,
        53412,
        53788,
        45072,
        37020,
        28324,
        14677,
        9444,
        6510,
        5149,
        4345,
        3750,
        3227,
        2795,
    ]
    + [2408, 2052, 1794],
    float,
)
_D65 = np.array(
    [82.75, 91.49, 93.43, 86.68, 104.86, 117.01, 117.81, 114.86, 115.92, 108.81, 109.35, 107.80]
    + [
        104.79,
        107.69,
        104.41,
        104.05,
        100.00,
        96.33,
        95.79,
        88.69,
        90.01,
        89.60,
        87.70,
        83.29,
        83.70,
    ]
    + [80.03, 80.21, 82.28, 78.28, 69.72, 71.61]
)
_XYZ_TO_RGB = np.array(  # IEC 61966-2-1
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
)
_VESSEL = 0.002  # radius of small vessels in the dermis, cm (van Veen et al. 2002)
_EPIDERMIS = 0.006  # thickness, cm (Jacques 1998)
# Mean path of diffuse light through a thin layer, over the layer's thickness.
_SLANT = 2.0
# Internal reflection term (1 + F) / (1 - F) with F = -1.440 / n² + 0.710 / n + 0.668 + 0.0636 n for
# a refractive index n of 1.4 (Jensen et al. 2001, section 2.1).
_FRESNEL = -1.440 / 1.4**2 + 0.710 / 1.4 + 0.668 + 0.0636 * 1.4
_BOUNDARY = (1 + _FRESNEL) / (1 - _FRESNEL)
# Reflectance of the layers above the melanin. Our choice, not a measurement: without this floor
# under blue, dark skin would be far more saturated than in photos.
_SURFACE = 0.028

# Axes of `table`: volume fractions of melanosomes in the epidermis and of blood in the dermis.
MELANIN = np.geomspace(0.002, 0.6, 48)
BLOOD = np.geomspace(0.0008, 0.30, 24)


def _colour_matching():
    """Weights `[31, 3]` from a reflectance spectrum to linear RGB; white gives (1, 1, 1)."""

    def lobe(mean, below, above):
        width = np.where(_WAVELENGTHS < mean, below, above)
        return np.exp(-0.5 * ((_WAVELENGTHS - mean) * width) ** 2)

    x = 0.362 * lobe(442.0, 0.0624, 0.0374) + 1.056 * lobe(599.8, 0.0264, 0.0323)
    x = x - 0.065 * lobe(501.1, 0.0490, 0.0382)
    y = 0.821 * lobe(568.8, 0.0213, 0.0247) + 0.286 * lobe(530.9, 0.0613, 0.0322)
    z = 1.217 * lobe(437.0, 0.0845, 0.0278) + 0.681 * lobe(459.0, 0.0385, 0.0725)
    weights = _D65[:, None] * np.stack([x, y, z], -1) @ _XYZ_TO_RGB.T
    return weights / weights.sum(0)


_MATCHING = _colour_matching()


@functools.lru_cache(maxsize=8)
def table(scattering: float = 1.0, oxygenation: float = 0.75) -> np.ndarray:
    """Diffuse albedo of skin by melanin and blood.

    Args:
      scattering: factor on the scattering of the dermis; a larger one makes paler skin.
      oxygenation: share of haemoglobin that carries oxygen; a smaller one makes bluer skin.

    Returns:
      `[48, 24, 3]` float32 linear RGB over `MELANIN` and `BLOOD`.
    """
    blood = (
        np.log(10) * 150 / 64500 * (oxygenation * _OXYGENATED + (1 - oxygenation) * _DEOXYGENATED)
    )
    # Light does not reach the inside of a strongly absorbing vessel, so blood in vessels absorbs
    # less in the Soret band than the same haemoglobin spread evenly.
    depth = 2 * blood * _VESSEL
    blood = blood * (1 - np.exp(-depth)) / depth
    bare = 0.244 + 85.3 * np.exp(-(_WAVELENGTHS - 154) / 66.2)
    absorbed = BLOOD[:, None] * blood + (1 - BLOOD[:, None]) * bare
    scattered = scattering * 46.0 * (_WAVELENGTHS / 500) ** -1.42
    single = scattered / (scattered + absorbed)
    root = np.sqrt(3 * (1 - single))
    dermis = single / 2 * (1 + np.exp(-4 / 3 * _BOUNDARY * root)) * np.exp(-root)
    melanin = MELANIN[:, None] * 6.6e11 * _WAVELENGTHS**-3.33 + (1 - MELANIN[:, None]) * bare
    epidermis = np.exp(-2 * _SLANT * melanin * _EPIDERMIS)
    spectra = _SURFACE + (1 - _SURFACE) * epidermis[:, None] * dermis[None]
    return np.maximum(spectra @ _MATCHING, 1e-3).astype(np.float32)
