import numpy as np
import pytest

from tfrelight.photos import pictures


def test_page_puts_each_picture_under_its_title():
    rows = [
        {"one": np.full((20, 30, 3), r), "two": np.full((20, 30, 3), r + 0.5)} for r in (0, 0.2)
    ]
    page = pictures.page(rows)
    assert page.shape == (14 + 2 * 20, 2 * 30, 3)
    np.testing.assert_array_equal(page[14:34, :30], 0)
    np.testing.assert_array_equal(page[14:34, 30:], 0.5)
    np.testing.assert_array_equal(page[34:, :30], 0.2)
    np.testing.assert_array_equal(page[34:, 30:], 0.7)
    titles = page[:14]
    assert titles[:, :30].min() < 0.5 and titles[:, 30:].min() < 0.5


def test_encodings():
    # IEC 61966-2-1: linear 0.2140 is sRGB 0.5.
    grey = pictures.encoded(np.full((2, 2), 0.2140))
    assert grey.shape == (2, 2, 3)
    np.testing.assert_allclose(grey, 0.5, atol=1e-3)
    mask = np.array([[True, False]])
    normals = pictures.encoded_normals(np.float32([[[0, 0, 1], [0, 0, 1]]]), mask)
    assert normals.tolist() == [[[0.5, 0.5, 1.0], [0.0, 0.0, 0.0]]]
    assert pictures.encoded(np.full((1, 2, 3), -1.0), mask).max() == pytest.approx(0)
