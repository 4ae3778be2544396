"""The Beam job writes the same bytes as the local pool; failures are one line."""

import builtins
import pathlib
import re
import shutil

import pytest

from tests.synthesis.test_dataset import contents
from tfrelight.beam import synthesis_job
from tfrelight.data import records
from tfrelight.errors import InputError
from tfrelight.synthesis import dataset, portraits

SMALL = portraits.PortraitConfig(lights=1, size=16, directions=32)


@pytest.fixture
def beam():
    pytest.importorskip("apache_beam", reason='Apache Beam is not installed: pip install ".[dev]"')


def test_without_beam_the_error_names_the_extra(tmp_path, monkeypatch):
    real_import = builtins.__import__

    def without(name, *arguments, **options):
        if name.partition(".")[0] == "apache_beam":
            raise ImportError(name)
        return real_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r'pip install "tfrelight\[beam\]"'):
        synthesis_job.write(tmp_path / "out", SMALL, 2, "DirectRunner")
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore")
def test_same_bytes_as_the_local_pool_and_only_missing_shards(tmp_path, monkeypatch, beam):
    monkeypatch.setattr(records, "SUBJECTS_PER_SHARD", 2)
    dataset.write(tmp_path / "local", SMALL, 4, processes=1)
    folder = pathlib.Path(synthesis_job.write(tmp_path / "beam", SMALL, 4, "DirectRunner"))
    assert contents(tmp_path / "beam") == contents(tmp_path / "local")

    first, second = sorted(folder.glob("*.tfrecord*"))
    second.unlink()
    written = first.stat().st_mtime_ns
    synthesis_job.write(tmp_path / "beam", SMALL, 4, "DirectRunner")
    assert contents(tmp_path / "beam") == contents(tmp_path / "local")
    assert first.stat().st_mtime_ns == written


def test_a_shard_that_is_there_is_not_rendered_again(tmp_path, monkeypatch):
    def rendered(settings, index):
        raise AssertionError(index)

    monkeypatch.setattr(portraits, "subject", rendered)
    first = dataset.start(tmp_path / "out", SMALL, 2)[0]
    pathlib.Path(first.path).write_bytes(b"written")
    synthesis_job._write_shard(first, tmp_path / "out", SMALL)
    assert pathlib.Path(first.path).read_bytes() == b"written"


def test_a_worker_that_does_not_see_the_output_is_named(tmp_path):
    first = dataset.start(tmp_path / "out", SMALL, 2)[0]
    shutil.rmtree(tmp_path / "out")
    message = f"^The worker on .* does not see the folder {tmp_path}/out of this job"
    with pytest.raises(InputError, match=message):
        synthesis_job._write_shard(first, tmp_path / "out", SMALL)
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore")
def test_an_unknown_runner_or_option_is_reported_in_one_line(tmp_path, beam):
    with pytest.raises(InputError, match="refuses the runner.*NoRunner"):
        synthesis_job.write(tmp_path, SMALL, 1, "NoRunner")
    with pytest.raises(InputError, match="refuses the options.*direct_num_workers"):
        synthesis_job.write(tmp_path, SMALL, 1, "DirectRunner", ["direct_num_workers=two"])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "option,message",
    [
        ("paralelism=32", "no option paralelism. Did you mean parallelism?"),
        ("flink_submit_uber_jars", "no option flink_submit_uber_jars. Did you mean"),
        ("--paralelism=32", "no option paralelism. Did you mean parallelism?"),
        ("zzz=1", "no option zzz. Expected one of its Python SDK."),
    ],
)
def test_unknown_options_are_refused(tmp_path, beam, option, message):
    options = ["flink_master=localhost:8081", "", option, "flink_submit_uber_jar"]
    with pytest.raises(InputError, match=re.escape(message)):
        synthesis_job.write(tmp_path / "out", SMALL, 1, "FlinkRunner", options)
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "runner,options",
    [
        ("FlinkRunner", ["flink_master=localhost:1", "flink_submit_uber_jar"]),
        ("PortableRunner", ["--job_endpoint=localhost:1", "--job_server_timeout=1"]),
    ],
)
def test_an_unreachable_runner_is_reported_in_one_line(tmp_path, beam, runner, options):
    with pytest.raises(InputError, match=f"^The runner {runner} could not do the job: ."):
        synthesis_job.write(tmp_path, SMALL, 1, runner, options)
    assert [path.name for path in tmp_path.glob("*/*/*")] == ["settings.json"]


@pytest.mark.filterwarnings("ignore")
def test_a_bug_in_a_worker_keeps_its_traceback(tmp_path, monkeypatch, beam):
    def broken(settings, index):
        raise RuntimeError("a bug keeps its traceback")

    monkeypatch.setattr(portraits, "subject", broken)
    with pytest.raises(RuntimeError, match="a bug keeps its traceback"):
        synthesis_job.write(tmp_path, SMALL, 1, "DirectRunner")


@pytest.mark.filterwarnings("ignore")
def test_an_input_error_of_a_worker_is_reported_in_one_line(tmp_path, monkeypatch, beam):
    def broken(settings, index):
        raise InputError("Expected an atlas. Received: nonsense.")

    monkeypatch.setattr(portraits, "subject", broken)
    with pytest.raises(InputError, match=r"^Expected an atlas. Received: nonsense.$"):
        synthesis_job.write(tmp_path, SMALL, 1, "DirectRunner")
