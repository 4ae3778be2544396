"""Where the files of a model lie."""

import pytest

from tfrelight.errors import InputError
from tfrelight.models import locating, presets


@pytest.fixture
def run(tmp_path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "model.json").write_text("{}")
    for name in ("last", "best"):
        (tmp_path / "weights" / f"{name}.weights.h5").write_bytes(b"")
    return tmp_path


def test_a_preset(tmp_path):
    assert locating.locate(presets.DEFAULT) == presets.find(presets.DEFAULT)


def test_a_run_and_one_of_its_files(run):
    last, best = (run / "weights" / f"{name}.weights.h5" for name in ("last", "best"))
    assert locating.locate(run) == locating.TrainedRun(run / "model.json", last)
    assert locating.locate(str(best)) == locating.TrainedRun(run / "model.json", best)


@pytest.mark.parametrize("gone", ["model.json", "weights/last.weights.h5"])
def test_what_is_missing_is_named(run, gone):
    (run / gone).unlink()
    with pytest.raises(InputError, match=f"{gone} is missing"):
        locating.locate(run)


@pytest.mark.parametrize("name", ["nowhere", "no/where", "nowhere.weights.h5"])
def test_no_model(name):
    with pytest.raises(InputError, match="No trained model"):
        locating.locate(name)
