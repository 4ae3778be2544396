"""Presets: the weights that come with the package, half precision, checked before they are used."""

import json

import numpy as np
import pytest

import tfrelight
from tests.models.test_networks import TINY, photos
from tfrelight.errors import InputError
from tfrelight.models import bundled, presets

ARGUMENTS = TINY["compact"]


@pytest.fixture
def shelf(tmp_path):
    """A folder of presets with a tiny network, and the network."""
    network = presets.build("compact", **ARGUMENTS)
    rng = np.random.default_rng(0)
    for variable in network.weights:
        variable.assign(rng.normal(0, 0.1, variable.shape))
    bundled.write(tmp_path, "tiny", "compact", ARGUMENTS, network, {"licence": "Apache-2.0"})
    return tmp_path, network


def load(folder, name="tiny"):
    preset = bundled.find(name, folder)
    network = presets.build(preset.network, **preset.arguments)
    bundled.restore(network, preset)
    return network


def test_half_precision_is_what_comes_back(shelf):
    folder, network = shelf
    for stored, variable in zip(load(folder).weights, network.weights):
        np.testing.assert_array_equal(stored, variable.numpy().astype(np.float16))
    index = json.loads((folder / "presets.json").read_text())
    assert index["tiny"]["licence"] == "Apache-2.0"


def test_the_same_weights_give_the_same_bytes(shelf):
    folder, network = shelf
    before = (folder / "tiny.npz").read_bytes()
    bundled.write(folder, "tiny", "compact", ARGUMENTS, network, {})
    assert (folder / "tiny.npz").read_bytes() == before


def edit(folder, **changes):
    path = folder / "presets.json"
    index = json.loads(path.read_text())
    index["tiny"].update(changes)
    path.write_text(json.dumps(index))


def refused(folder, *words, name="tiny"):
    with pytest.raises(InputError) as error:
        load(folder, name)
    for word in (name, *words):
        assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_damaged_weights_are_refused(shelf):
    folder, _ = shelf
    content = bytearray((folder / "tiny.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "tiny.npz").write_bytes(content)
    refused(folder, "damaged", "Expected SHA-256", "found")


def test_missing_weights_are_refused(shelf):
    folder, _ = shelf
    (folder / "tiny.npz").unlink()
    refused(folder, "cannot be read", "Expected", "found: No such file")


def test_weights_of_another_version_are_refused(shelf):
    folder, _ = shelf
    edit(folder, format=bundled.FORMAT + 1)
    refused(folder, f"Expected format {bundled.FORMAT}", f"found {bundled.FORMAT + 1}")


@pytest.mark.parametrize("arguments", [{"filters": [8, 16]}, {"blocks": [2, 1, 1]}])
def test_weights_of_another_network_are_refused(shelf, arguments):
    folder, _ = shelf
    edit(folder, arguments={**ARGUMENTS, **arguments})
    refused(folder, "another network", "Expected compact with", "found")


def test_an_unknown_preset_names_those_there_are(shelf):
    folder, _ = shelf
    refused(folder, "a preset (tiny)", name="huge")


def test_a_missing_or_broken_list_is_named(tmp_path):
    with pytest.raises(InputError, match="presets.json"):
        bundled.names(tmp_path)
    (tmp_path / "presets.json").write_text("{")
    with pytest.raises(InputError, match="presets.json is not a list of presets"):
        bundled.names(tmp_path)


def test_the_default_comes_with_the_package():
    assert bundled.names()[0] == bundled.DEFAULT
    maps = tfrelight.load_model().predict(photos(2, 70, 90), verbose=0)
    assert maps["albedo"].shape == (2, 70, 90, 3)
    named = tfrelight.load_model(bundled.DEFAULT).predict(photos(2, 70, 90), verbose=0)
    np.testing.assert_array_equal(maps["normals"], named["normals"])
