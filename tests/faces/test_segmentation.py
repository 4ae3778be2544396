import numpy as np
import pytest

from tfrelight.faces import framing, segmentation

SIZE = 96


def scene(hair=(0.25, 0.15, 0.1), wall=(0.3, 0.5, 0.7)):
    """A skin-coloured oval under hair before a wall, in a head window; and what is head."""
    share, row = framing.HEAD
    y, x = (np.mgrid[:SIZE, :SIZE] + 0.5) / SIZE
    across, down = (x - 0.5) / share, (y - row) / share
    oval = (across / 1.1) ** 2 + ((down - 0.4) / 1.5) ** 2 < 1
    head = oval | ((across / 1.5) ** 2 + ((down + 0.2) / 1.9) ** 2 < 1)
    photo = np.where(oval[..., None], (0.8, 0.6, 0.5), np.where(head[..., None], hair, wall))
    noise = np.random.default_rng(0).normal(0, 0.02, photo.shape)
    return np.clip(photo + noise, 0, 1).astype(np.float32), oval.astype(np.float32), head


@pytest.mark.parametrize("network", ["right", "much", "little"])
def test_the_head_is_found_by_a_network_that_is_right_or_unsure(network):
    photo, oval, head = scene()
    says = {"right": head * 1.0, "much": np.full_like(oval, 0.7), "little": 0 * oval + 0.3}[network]
    found = segmentation.head(photo, says, oval, np.ones(head.shape, bool))
    union = (found > 0.5) | head
    assert ((found > 0.5) & head).sum() / union.sum() > 0.93
    assert found.min() >= 0 and found.max() <= 1


def test_without_a_difference_in_colour_place_and_network_decide():
    photo, oval, head = scene(hair=(0.3, 0.5, 0.7))
    found = segmentation.head(photo, head * 1.0, oval, np.ones(head.shape, bool))
    assert found[oval > 0.5].min() > 0.8
    assert found[:12, :12].max() < 0.1 and found[:12, -12:].max() < 0.1


@pytest.mark.parametrize("network", ["right", "unsure"])
@pytest.mark.parametrize("backdrop", ["bush", "door"])
def test_a_backdrop_of_the_colours_of_a_head(backdrop, network):
    photo, oval, head = scene()
    y, x = (np.mgrid[:SIZE, :SIZE] + 0.5) / SIZE
    beside, colour, others = {
        "bush": ((x < 0.5) & (y > 0.45), (0.25, 0.2, 0.1), (0.6, 0.75, 0.95)),
        "door": (x < 0.5, (0.75, 0.58, 0.45), (0.3, 0.5, 0.7)),
    }[backdrop]
    wall = np.where(beside[..., None], colour, others)
    wall = wall + np.random.default_rng(1).normal(0, 0.03, photo.shape)
    photo = np.where(head[..., None], photo, np.clip(wall, 0, 1)).astype(np.float32)
    says = {"right": head * 1.0, "unsure": np.full_like(oval, 0.5)}[network]
    found = segmentation.head(photo, says, oval, np.ones(head.shape, bool)) > 0.5
    # Below the chin nothing tells a door of skin colour from a neck.
    assert (found & ~head).sum() < 0.16 * head.sum()
    assert (found & head).sum() > 0.95 * head.sum()


def test_what_lies_outside_the_photo_teaches_no_colour():
    photo, oval, head = scene()
    inside = np.ones(head.shape, bool)
    inside[:, : SIZE // 4] = False
    photo[~inside] = (0.8, 0.6, 0.5)
    found = segmentation.head(photo, head * 1.0, oval, inside)
    there = inside & ((found > 0.5) != head)
    assert there.sum() < 0.05 * head.sum()
