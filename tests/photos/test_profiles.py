"""Colour profiles: what they describe, and the same colours in sRGB."""

import numpy as np
import pytest
from PIL import ImageCms

from tests import color_profiles
from tfrelight import color
from tfrelight.photos import profiles

# Linear Display P3 to linear sRGB, from the primaries of both (CSS Color 4, section 17).
P3_TO_SRGB = np.array(
    [[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]], np.float32
)


def test_display_p3_becomes_srgb():
    rng = np.random.default_rng(0)
    # Colours that sRGB can hold, too.
    pixels = rng.integers(90, 170, (20, 20, 3), np.uint8)
    linear = color.to_linear_numpy(pixels / 255.0) @ P3_TO_SRGB.T
    expected = color.to_srgb_numpy(linear) * 255
    found = profiles.to_srgb(color_profiles.display_p3())(pixels)
    assert np.abs(found - expected).max() < 1.5
    assert np.abs(found - pixels.astype(float)).max() > 5


@pytest.mark.parametrize("profile", [None, b"", b"broken" * 40, color_profiles.grey()])
def test_without_an_rgb_profile_pixels_stay(profile):
    pixels = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    assert profiles.to_srgb(profile)(pixels) is pixels


def test_srgb_stays_srgb():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = np.arange(255, dtype=np.uint8).reshape(5, 17, 3)
    assert np.abs(profiles.to_srgb(profile)(pixels).astype(int) - pixels).max() <= 1


def test_spaces():
    assert profiles.colour_space(color_profiles.display_p3()) == "RGB"
    assert profiles.colour_space(color_profiles.grey()) == "GRAY"
    assert profiles.colour_space(b"short") == ""
    assert profiles.read(color_profiles.grey(), "GRAY") is not None
    assert profiles.read(color_profiles.grey(), "RGB") is None
