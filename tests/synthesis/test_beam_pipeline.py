"""The Beam job writes what the local pool writes; without Beam, one line says what to install."""

import builtins
import pathlib

import pytest

from tests.synthesis.test_dataset import contents
from tfrelight.data import records
from tfrelight.errors import InputError
from tfrelight.synthesis import beam_pipeline, dataset, portraits

SMALL = portraits.Settings(lights=1, size=16, directions=32)


@pytest.fixture
def beam():
    pytest.importorskip("apache_beam", reason='Apache Beam is not installed: pip install ".[beam]"')


def test_without_beam_the_extra_is_named(tmp_path, monkeypatch):
    whole = builtins.__import__

    def without(name, *arguments, **options):
        if name.partition(".")[0] == "apache_beam":
            raise ImportError(name)
        return whole(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r'pip install "tfrelight\[beam\]"'):
        beam_pipeline.write(tmp_path / "out", SMALL, 2, "DirectRunner")
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore")  # Beam's own
def test_same_bytes_as_the_local_pool_and_only_what_is_missing(tmp_path, monkeypatch, beam):
    monkeypatch.setattr(records, "SUBJECTS_PER_SHARD", 2)
    dataset.write(tmp_path / "local", SMALL, 4, processes=1)
    folder = pathlib.Path(beam_pipeline.write(tmp_path / "beam", SMALL, 4, "DirectRunner"))
    assert contents(tmp_path / "beam") == contents(tmp_path / "local")

    first, second = sorted(folder.glob("*.tfrecord*"))
    second.unlink()
    written = first.stat().st_mtime_ns
    beam_pipeline.write(tmp_path / "beam", SMALL, 4, "DirectRunner")
    assert contents(tmp_path / "beam") == contents(tmp_path / "local")
    assert first.stat().st_mtime_ns == written


@pytest.mark.filterwarnings("ignore")
def test_what_beam_refuses_is_one_line(tmp_path, beam):
    with pytest.raises(InputError, match="refuses the runner.*NoRunner"):
        beam_pipeline.write(tmp_path, SMALL, 1, "NoRunner")
    with pytest.raises(InputError, match="refuses the options.*direct_num_workers"):
        beam_pipeline.write(tmp_path, SMALL, 1, "DirectRunner", ["direct_num_workers=two"])


@pytest.mark.filterwarnings("ignore")
def test_an_error_of_a_worker_is_one_line(tmp_path, monkeypatch, beam):
    def broken(settings, index):
        raise InputError("Expected an atlas. Received: nonsense.")

    monkeypatch.setattr(portraits, "subject", broken)
    with pytest.raises(InputError, match=r"^Expected an atlas. Received: nonsense.$"):
        beam_pipeline.write(tmp_path, SMALL, 1, "DirectRunner")
