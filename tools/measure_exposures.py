"""Measures what relighting leaves of dark photos, black lenses, clipped channels and skin's colour.

    python tools/measure_exposures.py PHOTO...

Each photo is made 512 pixels wide, and relit in four states:

- 2 to 5 stops too dark: how much the fine detail of the face correlates less with that of the relit
  photo than at the normal exposure, without highlights and catchlights, which the photo had not;
  and the factor by which the face's 90th percentile changes;
- with black discs as lenses: the brightest channel of their insides under every named light;
- under warm light that clips (red x 1.35, blue x 0.6, at gains 1, 1.5 and 2): the share of warm
  skin (Lab hue 20 to 95 degrees, chroma above 10) that turns green (a* below 0, not so before);
- as it is: chroma of the face over that of the photo, and chroma over lightness likewise.
"""

from __future__ import annotations

import numpy as np
from absl import app
from PIL import Image, ImageDraw
from scipy import ndimage

import tfrelight
from tfrelight import color, photos
from tfrelight.lights import PRESETS

_WIDTH = 512
_LIGHTS = ("left", "right", "front")
_STOPS = (-2, -3, -4, -5)
_WARM, _GAINS = np.array([1.35, 1.0, 0.6]), (1.0, 1.5, 2.0)
# Radius of a lens and of the part of it that counts, in interocular distances.
_LENS, _INSIDE = 0.38, 0.32
# sRGB to XYZ (IEC 61966-2-1), and its white.
_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def decoded(pixels):
    return color.to_linear_numpy(pixels / np.float32(255))


def encoded(linear):
    return np.uint8(np.round(color.to_srgb_numpy(linear) * 255))


def lab(pixels):
    """CIE L*a*b* of 8-bit pixels, whose white is (1, 1, 1)."""
    share = decoded(pixels) @ (_XYZ / _XYZ.sum(1, keepdims=True)).T
    root = np.where(share > 216 / 24389, np.cbrt(share), (24389 / 27 * share + 16) / 116)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def detail(pixels):
    luma = pixels / 255 @ np.array(color.LUMINANCE)
    return luma - ndimage.gaussian_filter(luma, 3)


def drawn(size, draw):
    """`[H, W]` bool: what a function draws."""
    picture = Image.new("1", size[::-1])
    draw(ImageDraw.Draw(picture))
    return np.asarray(picture)


def inside(decomposed):
    """The face, a little drawn in from its outline."""
    outline = decomposed.faces[0].face.oval
    outline = outline + 0.08 * (outline.mean(0) - outline)
    points = [tuple(point) for point in outline]
    return drawn(decomposed.photo.size, lambda pen: pen.polygon(points, fill=1))


def lenses(decomposed, radius):
    face = decomposed.faces[0].face
    reach = radius * face.interocular_distance

    def draw(pen):
        for x, y in face.eyes:
            pen.ellipse([x - reach, y - reach, x + reach, y + reach], fill=1)

    return drawn(decomposed.photo.size, draw)


def relit(decomposed, light):
    return decomposed.relight(light).as_uint8()


def dark(pixels, region, normal):
    """Rows of text: stops; the largest loss of correlation; the least and largest gain."""

    def correlation(before, after):
        return np.corrcoef(detail(before)[region], detail(after)[region])[0, 1]

    def lit(values):
        return np.percentile(np.sqrt((decoded(values)[region] ** 2).mean(-1)), 90)

    def kept(decomposed, light):
        after = decomposed.relight(light, highlights=0.0).as_uint8()
        return correlation(decomposed.photo.as_uint8(), after)

    expected = {light: kept(normal, light) for light in _LIGHTS}
    for stops in _STOPS:
        under = encoded(decoded(pixels) * 2.0**stops)
        decomposed = tfrelight.decompose(under, faces="largest")
        after = {light: relit(decomposed, light) for light in _LIGHTS}
        loss = max(expected[light] - kept(decomposed, light) for light in _LIGHTS)
        gains = [lit(after[light]) / lit(under) for light in _LIGHTS]
        yield f"  {stops} stops: loss {loss:.3f}, gain {min(gains):.2f} to {max(gains):.2f}"


def black_lenses(pixels, normal):
    covered = pixels.copy()
    covered[lenses(normal, _LENS)] = 9
    decomposed = tfrelight.decompose(covered, faces="largest")
    within = lenses(normal, _INSIDE)
    values = {light: relit(decomposed, light)[within].max(-1) for light in PRESETS}
    middle = max(np.median(one) for one in values.values())
    return f"  lenses of 9: median {middle:.0f}, brightest {max(map(np.max, values.values()))}"


def greenish(pixels):
    for gain in _GAINS:
        warm = encoded(np.clip(decoded(pixels) * _WARM * gain, 0, 1))
        decomposed = tfrelight.decompose(warm, faces="largest")
        _, a, b = np.moveaxis(lab(warm)[inside(decomposed)], -1, 0)
        hue = np.degrees(np.arctan2(b, a))
        skin = (hue > 20) & (hue < 95) & (np.hypot(a, b) > 10)
        shares = []
        for light in _LIGHTS:
            after = lab(relit(decomposed, light))[inside(decomposed)][..., 1]
            shares.append(((after < 0) & (a >= 0))[skin].mean())
        yield f"  warm, gain {gain}: {100 * max(shares):.2f} % of skin turns green"


def chroma(pixels, region, normal):
    def measured(values):
        lightness, a, b = np.moveaxis(lab(values)[region], -1, 0)
        return np.array([np.hypot(a, b).mean(), (np.hypot(a, b) / np.maximum(lightness, 1)).mean()])

    before = measured(pixels)
    for light in _LIGHTS:
        chroma_ratio, saturation_ratio = measured(relit(normal, light)) / before
        yield f"  {light}: chroma x {chroma_ratio:.2f}, over lightness x {saturation_ratio:.2f}"


def main(arguments):
    for path in arguments[1:]:
        image = Image.fromarray(photos.read(path).as_uint8())
        height = round(_WIDTH * image.height / image.width)
        pixels = np.asarray(image.resize((_WIDTH, height), Image.Resampling.LANCZOS))
        normal = tfrelight.decompose(pixels, faces="largest")
        region = inside(normal)
        print(path)
        for text in dark(pixels, region, normal):
            print(text)
        print(black_lenses(pixels, normal))
        for text in (*greenish(pixels), *chroma(pixels, region, normal)):
            print(text)


if __name__ == "__main__":
    app.run(main)
