"""The Beam job writes what the local pool writes; without Beam, one line says what to install."""

import builtins
import pathlib
import re

import pytest

from tests.synthesis.test_dataset import contents
from tfrelight.data import records
from tfrelight.errors import InputError
from tfrelight.synthesis import beam_pipeline, dataset, portraits

SMALL = portraits.Settings(lights=1, size=16, directions=32)


@pytest.fixture
def beam():
    pytest.importorskip("apache_beam", reason='Apache Beam is not installed: pip install ".[dev]"')


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
@pytest.mark.parametrize(
    "option,told",
    [
        ("paralelism=32", "no option paralelism. Did you mean parallelism?"),
        ("flink_submit_uber_jars", "no option flink_submit_uber_jars. Did you mean"),
        ("--paralelism=32", "no option paralelism. Did you mean parallelism?"),
        ("zzz=1", "no option zzz. Expected one of its Python SDK."),
    ],
)
def test_options_that_beam_does_not_know_are_refused(tmp_path, beam, option, told):
    options = ["flink_master=localhost:8081", "", option, "flink_submit_uber_jar"]
    with pytest.raises(InputError, match=re.escape(told)):
        beam_pipeline.write(tmp_path / "out", SMALL, 1, "FlinkRunner", options)
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "runner,options",
    [
        ("FlinkRunner", ["flink_master=localhost:1", "flink_submit_uber_jar"]),
        ("PortableRunner", ["--job_endpoint=localhost:1", "--job_server_timeout=1"]),
    ],
)
def test_a_runner_that_cannot_be_reached_is_one_line(tmp_path, beam, runner, options):
    with pytest.raises(InputError, match=f"^The runner {runner} could not do the job: ."):
        beam_pipeline.write(tmp_path, SMALL, 1, runner, options)
    assert [path.name for path in tmp_path.glob("*/*/*")] == ["settings.json"]


@pytest.mark.filterwarnings("ignore")
def test_a_bug_in_a_worker_is_not_dressed_up(tmp_path, monkeypatch, beam):
    def broken(settings, index):
        raise RuntimeError("a bug keeps its traceback")

    monkeypatch.setattr(portraits, "subject", broken)
    with pytest.raises(RuntimeError, match="a bug keeps its traceback"):
        beam_pipeline.write(tmp_path, SMALL, 1, "DirectRunner")


@pytest.mark.filterwarnings("ignore")
def test_an_error_of_a_worker_is_one_line(tmp_path, monkeypatch, beam):
    def broken(settings, index):
        raise InputError("Expected an atlas. Received: nonsense.")

    monkeypatch.setattr(portraits, "subject", broken)
    with pytest.raises(InputError, match=r"^Expected an atlas. Received: nonsense.$"):
        beam_pipeline.write(tmp_path, SMALL, 1, "DirectRunner")
