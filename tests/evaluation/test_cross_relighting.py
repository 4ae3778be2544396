import numpy as np
import pytest

from tfrelight.evaluation import cross_relighting


def test_pairs_are_two_photos_in_either_order():
    pairs = cross_relighting.ordered_pairs(3, [0, 31], 6)
    assert {tuple(pair) for pair in pairs} == {(i, j) for i in range(3) for j in range(3) if i != j}


def test_no_pair_comes_twice():
    pairs = cross_relighting.ordered_pairs(5, [0, 31], 15)
    assert pairs.shape == (15, 2)
    assert len({tuple(pair) for pair in pairs}) == 15
    assert cross_relighting.ordered_pairs(2, [0, 31], 20).shape == (2, 2)


def test_pairs_depend_on_subject_and_seed():
    pairs = cross_relighting.ordered_pairs(37, [0, 31], 20)
    np.testing.assert_array_equal(pairs, cross_relighting.ordered_pairs(37, [0, 31], 20))
    assert (pairs != cross_relighting.ordered_pairs(37, [0, 32], 20)).any()
    assert (pairs != cross_relighting.ordered_pairs(37, [1, 31], 20)).any()


def test_brightness_is_forgiven_but_for_rmse():
    photo = np.random.default_rng(0).uniform(0.1, 0.9, (16, 16))
    result = cross_relighting.compare(0.5 * photo, photo, np.ones((16, 16), bool))
    assert result["si_rmse"] == pytest.approx(0, abs=1e-9)
    assert result["dssim"] == pytest.approx(0, abs=1e-9)
    assert result["psnr"] > 200
    assert result["rmse"] == pytest.approx(0.5 * np.sqrt(np.mean(photo**2)))


def test_shape_is_not_forgiven():
    # (1, 2) against (2, 2): a squared error of 0.4 remains (see test_metrics).
    result = cross_relighting.compare(
        np.array([[1.0, 2.0]]), np.array([[2.0, 2.0]]), np.ones((1, 2), bool)
    )
    assert result["si_rmse"] == pytest.approx(np.sqrt(0.4))
    assert result["psnr"] == pytest.approx(-10 * np.log10(0.4))
    assert result["rmse"] == pytest.approx(np.sqrt(0.5))
