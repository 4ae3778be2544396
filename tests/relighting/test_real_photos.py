"""What holds on real photos: detail, background, and cross-relighting as good as the network's."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

import tfrelight
from tests.conftest import ROOT
from tfrelight import color, harmonics, photos
from tfrelight.data.portrait import PARTS
from tfrelight.evaluation import cross_relighting, yale_b
from tfrelight.lights import PRESETS
from tfrelight.relighting import decomposition

ASTRONAUT = ROOT / "docs" / "astronaut.jpg"


@pytest.fixture(scope="module")
def model():
    return tfrelight.load_model()


def detail(pixels, sigma):
    """Log of the values less their surroundings', the mean of channels: no factor changes it."""
    log = np.log(np.maximum(color.to_linear_numpy(pixels / np.float32(255)), 1e-4)).mean(-1)
    return log - ndimage.gaussian_filter(log, sigma)


def faces_inside(face, size):
    """The inside of the face's outline, a little drawn in."""
    picture = Image.new("L", size[::-1])
    middle = face.oval.mean(0)
    outline = middle + 0.92 * (face.oval - middle)
    ImageDraw.Draw(picture).polygon([tuple(point) for point in outline], fill=1)
    return np.asarray(picture) > 0


def check(path, model):
    (decomposed,) = decomposition.decompose([photos.read(path)], model, faces="largest")
    before = decomposed.photo.pixels
    np.testing.assert_array_equal(decomposed.relight(decomposed.light).pixels, before)
    face = decomposed.faces[0].face
    inside = faces_inside(face, decomposed.photo.size)
    # What is black or clipped in the photo holds no detail, and relighting restores the latter.
    clipped = ndimage.binary_dilation(before.max(-1) >= 248, iterations=2)
    # Eyes do not keep the catchlights of the old light, but much of a face's detail is theirs.
    eyes = ndimage.binary_dilation(decomposed.parts() == PARTS.index("eyes"), iterations=8)
    inside &= (before.min(-1) > 20) & ~clipped
    nobody = decomposed.mask() == 0
    assert nobody.mean() > 0.05
    sigma = max(0.7, 0.01 * face.interocular_distance)
    for name in PRESETS:
        after = decomposed.relight(name).pixels
        np.testing.assert_array_equal(after[nobody], before[nobody])
        # Edges of shadows and highlights are detail that the photo had not.
        after = decomposed.relight(name, shadows=0.0, highlights=0.0).pixels
        # A channel that hardly any light is left for is 8 bits of nothing.
        where = inside & (after.min(-1) > 10) & (after.max(-1) < 252)
        whole, kept = detail(before, sigma)[where], where & ~eyes
        old, new = detail(before, sigma)[kept], detail(after, sigma)[kept]
        apart = np.linalg.norm(new * (old @ new) / (new @ new) - old) / np.linalg.norm(whole)
        assert apart < 0.1, (name, apart)


def test_the_astronaut(model):
    check(ASTRONAUT, model)


def test_highlights_leave_no_spots_and_no_grey(model):
    """Bright skin that only gets darker has the colour of the rest, in every pixel."""
    (decomposed,) = decomposition.decompose([photos.read(ASTRONAUT)], model)
    before = decomposed.photo.as_uint8()
    inside = faces_inside(decomposed.faces[0].face, decomposed.photo.size)
    inside &= decomposed.parts() == PARTS.index("skin")
    after = decomposed.relight("rim", shadows=0.0, highlights=0.0).as_uint8()

    def redness(pixels):
        linear = color.to_linear_numpy(pixels / np.float32(255))
        return np.log(linear[..., 0] + 0.01) - np.log(linear[..., 2] + 0.01)

    old, new = redness(before), redness(after)
    clipped = inside & (before.max(-1) == 255)
    spots, there = (one - ndimage.median_filter(one, 5) for one in (new, old))
    assert clipped.sum() > 10 and (spots - there)[clipped].max() < 0.3
    shining = inside & ndimage.binary_erosion(before.min(-1) > 190, iterations=2)
    usual = np.median(old[inside])
    assert shining.sum() > 50 and old[shining].mean() < usual - 0.25
    assert new[shining].mean() > usual - 0.2


def test_a_black_collar_stays_black(model):
    """Her neck is lit anew, the black cloth below it hides nothing that could come back."""
    (decomposed,) = decomposition.decompose([photos.read(ASTRONAUT)], model)
    collar = np.s_[192:200, 210:240]
    before = decomposed.photo.pixels[collar]
    assert before.mean() < 20
    for name in ("moonlight", "neon", "left"):
        assert decomposed.relight(name).pixels[collar].mean() < before.mean() + 8, name


def test_black_lenses_stay_black(model):
    """Discs over the astronaut's eyes, under every named light."""
    pixels = photos.read(ASTRONAUT).pixels
    (plain,) = decomposition.decompose([photos.read(pixels)], model)
    face = plain.faces[0].face
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]] + 0.5
    apart = np.min([np.hypot(x - u, y - v) for u, v in face.eyes], 0) / face.interocular_distance
    covered = pixels.copy()
    covered[apart <= 0.38] = 9
    (decomposed,) = decomposition.decompose([photos.read(covered)], model)
    for name in PRESETS:
        assert decomposed.relight(name).pixels[apart <= 0.32].max() < 25, name


@pytest.mark.parametrize("stops", [0, -3, -4])
def test_the_lit_part_of_a_face_keeps_its_brightness_with_highlights(model, stops):
    linear = color.to_linear_numpy(photos.read(ASTRONAUT).pixels / np.float32(255)) * 2.0**stops
    pixels = np.uint8(np.round(255 * color.to_srgb_numpy(linear)))
    (decomposed,) = decomposition.decompose([photos.read(pixels)], model)
    inside = faces_inside(decomposed.faces[0].face, pixels.shape[:2])

    def lit(values):
        linear = color.to_linear_numpy(values[inside] / np.float32(255))
        return np.percentile(np.sqrt(np.mean(linear**2, -1)), 90)

    for name in ("left", "right", "front"):
        gain = lit(decomposed.relight(name).pixels) / lit(pixels)
        assert 0.92 < gain < 1.08, (name, gain)


def test_bars_change_nothing(model):
    """A photo in bars is the photo, and bars."""
    # So close that the window of the head reaches over its borders.
    plain = photos.read(ASTRONAUT).pixels[20:170, 165:280]
    framed = np.pad(plain, ((80, 80), (0, 0), (0, 0)))
    alone, within = decomposition.decompose([photos.read(plain), photos.read(framed)], model)
    # Beside a bar two rows blend with it.
    assert np.abs(alone.mask() - within.mask()[80:-80])[2:-2].mean() < 0.025
    relit = within.relight("left").pixels
    assert relit[:80].max() == 0 and relit[-80:].max() == 0
    expected = alone.relight("left").pixels.astype(int)
    assert np.abs(relit[80:-80] - expected).mean() < 3


@pytest.mark.parametrize(
    "name", ["ffhq_00104", "ffhq_00290", "ffhq_00300", "ffhq_00508", "ffhq_00572", "obama"]
)
def test_portraits(real_data, model, name):
    (path,) = [one for one in real_data("portraits").glob(f"{name}.*")]
    check(path, model)


def test_cross_relighting_is_as_good_as_the_networks(real_data, model):
    """The full path on crops, against albedo x shading at the network's size."""
    network, path = [], []
    for number in ("31", "37"):
        person = yale_b.person(real_data("CroppedYale"), number, model.predict_on_batch)
        images, outputs = person.photos.images, person.outputs
        encoded = np.repeat(color.to_srgb_numpy(images)[..., None], 3, axis=-1)
        crops = [photos.read(one) for one in encoded]
        decomposed = decomposition.decompose(crops, model, whole_image=True)
        for source, reference in cross_relighting.ordered_pairs(len(images), [0, int(number)], 20):
            shading = harmonics.shade(outputs["normals"][source], outputs["light"][reference])
            plain = np.maximum(outputs["albedo"][source] * shading, 0).mean(-1)
            relit = decomposed[source].relight(decomposed[reference].light, exposure=None)
            full = color.to_linear_numpy(relit.pixels).mean(-1)
            for scores, image in ((network, plain), (path, full)):
                compared = cross_relighting.compare(image, images[reference], person.mask)
                scores.append(compared["si_rmse"])
    assert np.mean(path) < 1.05 * np.mean(network)


MEMORY = """
import resource, sys
import tfrelight
tfrelight.relight(sys.argv[1], "left").save(sys.argv[2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_24_megapixels_take_less_than_2_gib(tmp_path):
    """python -m pytest -m slow tests/faces/test_real_photos.py"""
    head = Image.open(ASTRONAUT).crop((75, 0, 395, 320))
    head.resize((6000, 4000)).save(tmp_path / "large.jpg", quality=92)
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, tmp_path / "large.jpg", tmp_path / "relit.jpg"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) / 2**20 < 2.0
    with Image.open(tmp_path / "relit.jpg") as relit:
        assert relit.size == (6000, 4000)
