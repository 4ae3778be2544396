"""Presets: the package's weights in half precision, and the checks before they are used."""

import json

import numpy as np
import pytest

import tfrelight
from tests.models.test_networks import TINY, photos
from tfrelight.errors import InputError
from tfrelight.models import networks, presets

ARGUMENTS = TINY["compact"]


@pytest.fixture
def preset_folder(tmp_path):
    """A folder of presets with a tiny network, and the network."""
    network = networks.build("compact", **ARGUMENTS)
    rng = np.random.default_rng(0)
    for variable in network.weights:
        variable.assign(rng.normal(0, 0.1, variable.shape))
    presets.write(tmp_path, "tiny", "compact", ARGUMENTS, network, {"licence": "Apache-2.0"})
    return tmp_path, network


def load(folder, name="tiny"):
    preset = presets.find(name, folder)
    network = networks.build(preset.network, **preset.arguments)
    presets.restore(network, preset)
    return network


def test_half_precision_is_what_comes_back(preset_folder):
    folder, network = preset_folder
    for stored, variable in zip(load(folder).weights, network.weights):
        np.testing.assert_array_equal(stored, variable.numpy().astype(np.float16))
    index = json.loads((folder / "presets.json").read_text())
    assert index["tiny"]["licence"] == "Apache-2.0"


def test_the_same_weights_give_the_same_bytes(preset_folder):
    folder, network = preset_folder
    before = (folder / "tiny.npz").read_bytes()
    presets.write(folder, "tiny", "compact", ARGUMENTS, network, {})
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


def test_damaged_weights_are_refused(preset_folder):
    folder, _ = preset_folder
    content = bytearray((folder / "tiny.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "tiny.npz").write_bytes(content)
    refused(folder, "damaged", "Expected SHA-256", "found")


def test_missing_weights_are_refused(preset_folder):
    folder, _ = preset_folder
    (folder / "tiny.npz").unlink()
    refused(folder, "cannot be read", "Expected", "found: No such file")


def test_weights_of_another_version_are_refused(preset_folder):
    folder, _ = preset_folder
    edit(folder, format=presets.FORMAT + 1)
    refused(folder, f"Expected format {presets.FORMAT}", f"found {presets.FORMAT + 1}")


@pytest.mark.parametrize("arguments", [{"filters": [8, 16]}, {"blocks": [2, 1, 1]}])
def test_weights_of_another_network_are_refused(preset_folder, arguments):
    folder, _ = preset_folder
    edit(folder, arguments={**ARGUMENTS, **arguments})
    refused(folder, "another network", "Expected compact with", "found")


def test_an_unknown_preset_names_those_there_are(preset_folder):
    folder, _ = preset_folder
    refused(folder, "a preset (tiny)", name="huge")


def test_a_missing_or_broken_list_is_named(tmp_path):
    with pytest.raises(InputError, match="presets.json"):
        presets.names(tmp_path)
    (tmp_path / "presets.json").write_text("{")
    with pytest.raises(InputError, match="presets.json is not a list of presets"):
        presets.names(tmp_path)


def test_the_default_comes_with_the_package():
    assert presets.names()[0] == presets.DEFAULT
    maps = tfrelight.load_model().predict(photos(2, 70, 90), verbose=0)
    assert maps["albedo"].shape == (2, 70, 90, 3)
    named = tfrelight.load_model(presets.DEFAULT).predict(photos(2, 70, 90), verbose=0)
    np.testing.assert_array_equal(maps["normals"], named["normals"])
