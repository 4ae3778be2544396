"""Camera effects: turns linear photos into those of a file."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from scipy import ndimage

from tfrelight import color
from tfrelight.photos import opening
from tfrelight.synthesis.photograph import RenderedPhoto

__all__ = ["develop"]

# Shares of photos with one trouble or another. Each is rarer in people's albums; the network has
# to see enough of it.
_UNDEREXPOSED, _OVEREXPOSED = 0.12, 0.08
_WRONG_BALANCE, _CLIPPED_CHANNEL = 0.08, 0.05
_BLOOM, _MOTION, _NOISY = 0.06, 0.06, 0.1
_ENLARGED, _SHARPENED, _STRONG_JPEG = 0.1, 0.15, 0.12


def develop(
    rng: np.random.Generator,
    photo: RenderedPhoto,
    albedo: np.ndarray,
    coverage: np.ndarray,
    effects: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Exposes a linear photo, and adds what lenses, sensors and files do to it.

    Most photos are well exposed. Some are up to five stops too dark or two too bright, have a wrong
    white balance, a channel that clips, motion blur, noise, halos of sharpening or strong
    compression, or are enlarged from a smaller photo.

    Args:
      rng: source of all randomness.
      photo: from `Scene.photograph`.
      albedo: `[H, W, 3]` linear, for the part of the exposure that does not depend on the light.
      coverage: `[H, W]` in [0, 1].
      effects: False applies the exposure only.

    Returns:
      `[H, W, 3]` uint8 sRGB-encoded, and the gain `[3]` from the true light to the photo's.
    """
    inside = coverage > 0.5
    if not inside.any():
        inside = coverage >= 0
    bright = np.percentile(color.luminance_numpy(photo.linear)[inside], 95)
    frontal = np.percentile(color.luminance_numpy(albedo)[inside], 90)
    # A mixture of exposing each photo to the same brightness and one exposure for all lights.
    metered = rng.uniform(0.25, 1.0)
    level = np.exp(rng.normal(np.log(0.5), 0.4))
    gain = level / np.maximum(bright, 1e-3) ** metered / np.maximum(frontal, 1e-2) ** (1 - metered)
    gain = np.full(3, min(gain, 1.1 / np.maximum(bright, 1e-3)))
    if not effects:
        return _encoded(photo.linear * gain.astype(np.float32)), gain
    gain = gain * 2.0 ** _stops(rng) * _balance(rng, photo, inside)
    image = _optics(rng, photo.linear * gain.astype(np.float32))
    noisy = rng.random() < _NOISY
    shot = rng.uniform(0.025, 0.07) if noisy else rng.uniform(0, 0.025)
    read = rng.uniform(0.004, 0.015) if noisy else rng.uniform(0, 0.006)
    noise = rng.standard_normal(image.shape, np.float32)
    image = image + noise * np.sqrt(np.maximum(image, 0) * shot**2 + read**2)
    return _file(rng, image), gain


def _encoded(image):
    return np.round(color.to_srgb_numpy(image) * 255).astype(np.uint8)


def _stops(rng):
    """How much too bright the photo is, in stops."""
    chance = rng.random()
    if chance < _UNDEREXPOSED:
        return -5 * rng.beta(1.2, 1.8)
    if chance < _UNDEREXPOSED + _OVEREXPOSED:
        return rng.uniform(0.4, 2.0)
    return 0.0


def _balance(rng, photo, inside):
    """Gain `[3]` of the white balance."""
    # It removes most of the light's colour. The rest is warm or cold rather than green or magenta.
    cast = (photo.shading * photo.visibility)[inside].mean(0)
    cast = np.maximum(cast / max(cast.mean(), 1e-6), 0.05)
    residue = rng.normal(0, 0.06) * np.array([1, 0, -1]) + rng.normal(0, 0.015, 3)
    removed = rng.uniform(0.6, 1)
    if rng.random() < _WRONG_BALANCE:
        removed = rng.uniform(0, 0.4)
        residue += rng.normal(0, 0.3) * np.array([1, 0, -1]) + rng.normal(0, 0.1, 3)
    gain = np.exp(residue) / cast**removed
    if rng.random() < _CLIPPED_CHANNEL:
        gain[rng.integers(3)] *= rng.uniform(1.4, 3.0)
    return gain


def _optics(rng, image):
    """Blur of the lens, of motion, and light that spreads from what is very bright."""
    size = len(image)
    if rng.random() < _BLOOM:
        excess = np.minimum(np.maximum(image - 0.8, 0), 6.0)
        spread = rng.uniform(0.02, 0.12) * size
        veil = ndimage.gaussian_filter(excess, (spread, spread, 0), mode="nearest")
        image = image + rng.uniform(0.1, 0.4) * veil
    sigma = max(rng.uniform(-0.3, 0.75), 0)
    if sigma > 0.2:
        image = ndimage.gaussian_filter(image, (sigma, sigma, 0), truncate=2.5)
    if rng.random() < _MOTION:
        length, angle = rng.uniform(0.012, 0.045) * size, rng.uniform(0, np.pi)
        half = int(np.ceil(length / 2))
        steps = np.linspace(-length / 2, length / 2, 4 * half + 1)
        kernel = np.zeros((2 * half + 3, 2 * half + 3))
        rows = np.round(half + 1 + steps * np.sin(angle)).astype(int)
        columns = np.round(half + 1 + steps * np.cos(angle)).astype(int)
        np.add.at(kernel, (rows, columns), 1 / len(steps))
        image = np.stack(
            [ndimage.convolve(image[..., k], kernel, mode="nearest") for k in range(3)], -1
        )
    return image


def _file(rng, image):
    """The photo as a file: reduced and enlarged, sharpened, rounded to 8 bits, compressed."""
    size = len(image)
    encoded = _encoded(image)
    quality = int(rng.integers(55, 99))
    if rng.random() < _STRONG_JPEG:
        quality = int(rng.integers(18, 55))
    if rng.random() < _ENLARGED:
        small = max(int(size / rng.uniform(1.4, 4.0)), 8)
        picture = Image.fromarray(encoded).resize((small, small), Image.Resampling.BOX)
        if rng.random() < 0.6:
            picture = Image.fromarray(_compressed(np.asarray(picture), quality))
        ways = [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS]
        encoded = np.asarray(picture.resize((size, size), ways[rng.integers(3)]))
    if rng.random() < _SHARPENED:
        value = encoded.astype(np.float32)
        radius = rng.uniform(0.6, 1.8)
        halo = value - ndimage.gaussian_filter(value, (radius, radius, 0))
        encoded = np.clip(np.round(value + rng.uniform(0.4, 1.8) * halo), 0, 255).astype(np.uint8)
    return _compressed(encoded, quality) if rng.random() < 0.8 else encoded


def _compressed(image, quality):
    packed = io.BytesIO()
    Image.fromarray(image).save(packed, "JPEG", quality=quality)
    return np.asarray(opening.open_image(packed.getvalue()))
