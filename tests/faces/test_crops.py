import numpy as np
import pytest
from PIL import Image

from tfrelight.faces import crops

SIZE = 128


@pytest.mark.parametrize("roll,side", [(0.0, 40.0), (0.7, 40.0), (-2.0, 100.0), (0.7, 260.0)])
def test_a_crop_is_turned_and_points_in_it_lie_in_the_photo(roll, side):
    size, middle = 600, np.array([310.0, 280.0])
    y, x = np.mgrid[:size, :size] + 0.5
    ramps = Image.fromarray(np.uint8(np.stack([x, y, 0 * x], -1) / size * 255 + 0.5))
    crop, turn, corner = crops.cut(ramps, middle, side, roll, SIZE)
    np.testing.assert_allclose(corner + turn @ (SIZE / 2, SIZE / 2), middle)
    seen = np.asarray(crop).astype(float)
    assert seen.shape == (SIZE, SIZE, 3)
    v, u = np.mgrid[:SIZE, :SIZE] + 0.5
    right, down = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]]) * side
    places = corner + (u[..., None] * right + v[..., None] * down) / SIZE
    off = seen[..., :2] / 255 * size - places
    # Well inside the turned square, 8 bits of the ramps and a pixel.
    assert np.abs(off[4:-4, 4:-4]).max() < 3.5 and np.abs(off.mean((0, 1))).max() < 1.2


def test_a_crop_may_reach_beyond_the_photo():
    white = Image.new("RGB", (60, 40), (255, 255, 255))
    # 60 pixels from -30 to 30, and from -10 to 50.
    crop = np.asarray(crops.cut(white, np.array([0.0, 20.0]), 60.0, 0.0, 192)[0])
    assert crop[40:150, 100:].min() == 255 and crop[:, :92].max() == 0
    assert crop[:28].max() == 0 and crop[164:].max() == 0
    assert np.asarray(crops.cut(white, np.array([-500.0, -500.0]), 60.0, 0.0, 192)[0]).max() == 0
