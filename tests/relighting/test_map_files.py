"""Maps as files and on a sheet: the head of `heads`, of which every map is known."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from tests import color_profiles
from tests.relighting import heads
from tfrelight import photos
from tfrelight.data import part_pictures
from tfrelight.errors import InputError
from tfrelight.lights import as_light
from tfrelight.photos import exr, metadata
from tfrelight.relighting import decomposition, map_files


@pytest.fixture(scope="module")
def decomposed():
    pixels = heads.photo(height=60, width=90)
    (one,) = decomposition.decompose([photos.read(pixels)], heads.model(), whole_image=True)
    return one


@pytest.fixture(scope="module")
def telling():
    """As `decomposed`, by a network that tells parts apart."""
    pixels = heads.photo(height=60, width=90)
    network = heads.model(parts=True)
    (one,) = decomposition.decompose([photos.read(pixels)], network, whole_image=True)
    return one


def test_parts_are_a_file_and_a_cell_with_a_legend(decomposed, telling, tmp_path):
    names = [*(f"{name}.png" for name in map_files.MAPS), "light.json", "light.png", "sheet.png"]
    paths = {name: tmp_path / name for name in [*names, "parts.png"]}
    assert map_files.write(decomposed, paths) == 7 and not paths["parts.png"].exists()
    assert map_files.write(telling, paths) == 8
    with Image.open(paths["parts.png"]) as picture:
        np.testing.assert_array_equal(picture, part_pictures.COLOURS[telling.parts()])
    page = map_files.sheet(telling)
    assert page.shape == (14 + 60 + 16, 7 * 90, 3)
    shown = page[14:-16, 5 * 90 : 6 * 90]
    np.testing.assert_array_equal(shown, part_pictures.picture(telling.parts()))
    np.testing.assert_array_equal(page[-16:], part_pictures.legend(7 * 90))


def test_pictures_of_maps_by_hand():
    # Normals (n + 1) / 2, black where there are none.
    normals = np.float32([[[0, 0, 1], [-1, 0, 0], [0, 0.6, 0.8], [0, 0, 0]]])
    expected = [[128, 128, 255], [0, 128, 128], [128, 204, 230], [0, 0, 0]]
    np.testing.assert_array_equal(map_files.picture("normals", normals)[0], expected)
    # 0.21586 is 128 of 255 in sRGB.
    linear = np.full((1, 1, 3), 0.21586, np.float32)
    assert (map_files.picture("albedo", linear) == 128).all()
    assert (map_files.picture("shading", 2 * linear) == 128).all()
    # And 0.03310 is 51.
    assert (map_files.picture("albedo", np.full((1, 1, 3), 0.0331)) == 51).all()
    mask = map_files.picture("mask", np.float32([[0.0, 0.5, 1.0]]))
    np.testing.assert_array_equal(mask, [[[0] * 3, [128] * 3, [255] * 3]])


def test_every_map_is_written(decomposed, tmp_path):
    names = [*(f"{name}.png" for name in map_files.MAPS), "light.json", "light.png", "sheet.png"]
    names += ["albedo.exr", "normals.exr", "shading.exr"]
    paths = {name: tmp_path / name for name in names}
    map_files.write(decomposed, paths)
    assert {path.name for path in tmp_path.iterdir()} == set(names)
    for name in map_files.MAPS:
        values = getattr(decomposed, name)()
        with Image.open(paths[f"{name}.png"]) as picture:
            np.testing.assert_array_equal(picture, map_files.picture(name, values))
        if name != "mask":
            np.testing.assert_allclose(exr.read(paths[f"{name}.exr"])[0], values, atol=2e-3)
    light = as_light(paths["light.json"])
    np.testing.assert_allclose(light.coefficients, decomposed.light.coefficients, atol=1e-6)
    with Image.open(paths["light.png"]) as picture:
        assert picture.size == (256, 256)


def test_maps_in_exr_may_be_left_out(decomposed, tmp_path):
    names = [*(f"{name}.png" for name in map_files.MAPS), "light.json", "light.png", "sheet.png"]
    map_files.write(decomposed, {name: tmp_path / name for name in names})
    assert {path.name for path in tmp_path.iterdir()} == set(names)


def test_what_cannot_be_written_is_one_error(decomposed, tmp_path):
    names = [*(f"{name}.png" for name in map_files.MAPS), "light.json", "light.png", "sheet.png"]
    with pytest.raises(InputError, match="Cannot write the maps: No such file or directory"):
        map_files.write(decomposed, {name: tmp_path / "nowhere" / name for name in names})


def test_the_sheet_shows_photo_maps_and_light(decomposed):
    page = map_files.sheet(decomposed)
    # Photo, four maps, light, each as large as the photo, under a line of titles.
    assert page.shape == (14 + 60, 6 * 90, 3) and page.dtype == np.uint8
    cells = page[14:].reshape(60, 6, 90, 3).swapaxes(0, 1)
    np.testing.assert_array_equal(cells[0], decomposed.photo.pixels)
    for name, cell in zip(map_files.MAPS, cells[1:5]):
        np.testing.assert_array_equal(cell, map_files.picture(name, getattr(decomposed, name)()))
    # The sphere is as high as the photo, and in the middle.
    sphere = np.uint8(np.round(decomposed.light.sphere(60) * 255))
    np.testing.assert_array_equal(cells[5][:, 15:75], sphere)
    assert cells[5][:, :15].max() == cells[5][:, 75:].max() == 0


def test_a_large_photo_has_a_small_sheet():
    pixels = heads.photo(height=300, width=600)
    (one,) = decomposition.decompose([photos.read(pixels)], heads.model(), whole_image=True)
    assert map_files.sheet(one).shape == (14 + 128, 6 * 256, 3)


def test_maps_of_colours_have_the_photos_profile_and_the_sheet_is_srgb(decomposed, tmp_path):
    profile = color_profiles.display_p3()
    origin = metadata.Origin(format="JPEG", icc_profile=profile)
    wide = dataclasses.replace(
        decomposed, photo=dataclasses.replace(decomposed.photo, origin=origin)
    )
    names = [*(f"{name}.png" for name in map_files.MAPS), "light.json", "light.png", "sheet.png"]
    map_files.write(wide, {name: tmp_path / name for name in names})
    for name in names:
        if name.endswith(".png"):
            with Image.open(tmp_path / name) as picture:
                expected = profile if name in ("albedo.png", "shading.png") else None
                assert picture.info.get("icc_profile") == expected, name
    # In sRGB the same colours have larger differences between the channels.
    plain, converted = map_files.sheet(decomposed), map_files.sheet(wide)
    difference = np.abs(plain.astype(int) - converted).reshape(74, 6, 90, 3).max((0, 2, 3))
    titles = ["photo", "albedo", "normals", "shading", "mask", "light"]
    changed = {title for title, most in zip(titles, difference) if most > 0}
    # The light of this head is white, and so its shading the same under both.
    assert changed == {"photo", "albedo"}
    skin = np.s_[14 + 25 : 14 + 35, 40:50]
    assert np.ptp(converted[skin], axis=-1).mean() > np.ptp(plain[skin], axis=-1).mean() + 3
