"""LPIPS: left out with a reason, or called as a fake of the package expects."""

import contextlib
import sys
import types

import numpy as np
import pytest

from tfrelight.evaluation import cross_relighting, perceptual

MASK = np.ones((8, 8), bool)
MASK[0] = False


@pytest.fixture(autouse=True)
def fresh():
    perceptual._loaded.cache_clear()
    yield
    perceptual._loaded.cache_clear()


def test_left_out_without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "LPIPS is left out" in perceptual.left_out() and "lpips" in perceptual.left_out()
    image = np.full((8, 8), 0.5)
    assert perceptual.distance(image, image, MASK) is None
    assert "lpips" not in cross_relighting.compare(image, image, MASK)


def test_left_out_without_its_features(monkeypatch):
    def unreachable(net, verbose):
        raise OSError("Name or service not known")

    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace())
    monkeypatch.setitem(sys.modules, "lpips", types.SimpleNamespace(LPIPS=unreachable))
    assert "Name or service not known" in perceptual.left_out()


def test_the_network_sees_encoded_images_in_its_range(monkeypatch):
    seen = []

    def network(a, b):
        seen.extend([a, b])
        return np.abs(a - b).mean()

    torch = types.SimpleNamespace(from_numpy=lambda array: array, no_grad=contextlib.nullcontext)
    monkeypatch.setitem(sys.modules, "torch", torch)
    lpips = types.SimpleNamespace(LPIPS=lambda net, verbose: network)
    monkeypatch.setitem(sys.modules, "lpips", lpips)
    assert perceptual.left_out() is None
    # Linear 0.2140 is sRGB 0.5, and so 0 between -1 and 1.
    grey, white = np.full((8, 8), 0.2140), np.ones((8, 8, 3))
    assert perceptual.distance(grey, np.ones((8, 8)), MASK) == pytest.approx(7 / 8, abs=1e-3)
    assert all(image.shape == (1, 3, 8, 8) and image.dtype == np.float32 for image in seen)
    np.testing.assert_allclose(seen[0][0, :, 1:], 0, atol=1e-3)
    np.testing.assert_allclose(seen[0][0, :, 0], -1)
    found = cross_relighting.compare(white * 0.2, white * 0.5, MASK)
    # After the best scale they are equal.
    assert found["lpips"] == pytest.approx(0, abs=1e-6)
