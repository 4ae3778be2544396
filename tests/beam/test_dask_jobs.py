"""Jobs on a Dask cluster of separate processes: the bytes of one process, whatever fails."""

import contextlib
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import types

import pytest
from PIL import Image

from tests.beam import stand_in
from tests.conftest import ROOT
from tfrelight.errors import InputError
from tfrelight.version import __version__

pytest.importorskip("apache_beam", reason='Apache Beam is not installed: pip install ".[dask]"')
distributed = pytest.importorskip(
    "distributed", reason='Dask is not installed: pip install ".[dask]"'
)

from tests.beam.cluster import cluster  # noqa: E402
from tests.beam.test_relight_job import SETTINGS, lines, write_photos  # noqa: E402
from tfrelight.beam import dask_cluster, relight_job  # noqa: E402

# Beam's and Dask's own warnings.
pytestmark = pytest.mark.filterwarnings("ignore")

BROKEN = (3, 20, 41, 55)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Sixty photos, four of them broken, and what one process makes of them."""
    folder = tmp_path_factory.mktemp("photos")
    write_photos(folder / "photos", 60, BROKEN)
    report = relight_job.relight(
        f"{folder}/photos/*.png", f"{folder}/out", stand_in.factory(), SETTINGS
    )
    assert (report.relit, report.failed) == (56, 4)
    return folder


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("three") / "cluster", 3) as found:
        yield found


@pytest.fixture
def three(started):
    """A cluster of three workers; those that a test killed are started again."""
    if "scheduler" not in started.processes:
        started.kill(*started.processes)
        started.start_scheduler()
    started.start_missing(3)
    return started


def relit(photos, output, found, calls=None, gate=None, factory=None):
    """Relights the sixty photos on a cluster."""
    factory = factory or stand_in.factory(calls, gate)
    return relight_job.relight(
        f"{photos}/photos/*.png", str(output), factory, SETTINGS, scheduler=found.address
    )


def assert_same(photos, output):
    """The output is what one process writes, byte for byte, and nothing else."""
    for path in (photos / "out").rglob("*"):
        if path.is_file():
            other = output / path.relative_to(photos / "out")
            expected = path.read_bytes().replace(bytes(photos / "out"), bytes(output))
            assert other.read_bytes() == expected, path
    assert len(list(output.rglob("*"))) == len(list((photos / "out").rglob("*")))


def test_three_workers_write_what_one_process_writes(photos, three, tmp_path):
    report = relit(photos, tmp_path / "out", three, tmp_path / "calls")
    assert (report.relit, report.failed) == (56, 4)
    assert_same(photos, tmp_path / "out")
    names = [f"{number:03d}.png" for number in range(60)]
    assert sorted((tmp_path / "calls").read_text().split()) == names
    # Again: only the photos that failed are opened.
    (tmp_path / "calls").write_text("")
    relit(photos, tmp_path / "out", three, tmp_path / "calls")
    assert_same(photos, tmp_path / "out")
    assert sorted((tmp_path / "calls").read_text().split()) == [f"{n:03d}.png" for n in BROKEN]


class Background(threading.Thread):
    """A job that runs while the test disturbs it. Most of it waits at a gate."""

    def __init__(self, photos, output, found, gate):
        super().__init__(daemon=True)
        self._arguments = photos, output, found, None, gate
        self._gate = gate
        self.error = None
        self.start()

    def run(self):
        try:
            relit(*self._arguments)
        except Exception as error:
            self.error = error

    def wait_for(self, count):
        """Waits until so many workers wait at the gate."""

        def there():
            assert self.is_alive(), self.error
            return len(self._gate.waiting()) == count

        stand_in.until(there, lambda: f"only {self._gate.waiting()} wait")

    def end(self):
        """The error of the job, or None."""
        self.join(120)
        assert not self.is_alive()
        return self.error


@pytest.fixture
def gate(tmp_path):
    """A gate that lets half of the photos pass."""
    (tmp_path / "gate").mkdir()
    found = stand_in.Gate(tmp_path / "gate", 30)
    yield found
    # A worker that still waits would keep the next test waiting.
    found.open()


def test_a_worker_killed_halfway_costs_no_photo(photos, three, tmp_path, gate):
    job = Background(photos, tmp_path / "out", three, gate)
    job.wait_for(3)
    at = dict(gate.waiting())[str(three.processes["worker1"].pid)]
    three.kill("worker1")
    gate.open()
    assert job.end() is None
    assert_same(photos, tmp_path / "out")
    # What the worker was at is opened again, and what failed; nothing else.
    broken = {f"{number:03d}.png" for number in BROKEN}
    calls = [name for name in gate.calls() if name == at or name not in broken]
    assert {name for name in calls if calls.count(name) > 1} == {at}
    assert set(calls) | broken == {f"{number:03d}.png" for number in range(60)}


def test_a_job_goes_on_after_the_scheduler_was_killed(photos, three, tmp_path, gate):
    job = Background(photos, tmp_path / "out", three, gate)
    job.wait_for(3)
    three.kill("scheduler")
    assert_lost(job.end())
    assert not (tmp_path / "out" / "results.jsonl").exists()
    three.kill(*three.processes)
    done = {path.stem for path in (tmp_path / "out" / "done").glob("*.json")}
    assert 20 < len(done) < 56
    three.start_scheduler()
    three.start_missing(3)
    relit(photos, tmp_path / "out", three, tmp_path / "calls")
    assert_same(photos, tmp_path / "out")
    assert not done & set((tmp_path / "calls").read_text().split())


def assert_lost(error):
    assert isinstance(error, InputError)
    assert re.fullmatch(
        r"Lost the Dask scheduler at tcp://\S+\. Start it and its workers again, and repeat the "
        r"command; finished work is kept\.",
        str(error),
    )


def test_a_scheduler_killed_before_it_is_asked_for_workers_is_lost(
    photos, three, tmp_path, monkeypatch
):
    asked = dask_cluster._checked

    def killed(client, known):
        if "scheduler" in three.processes:
            three.kill("scheduler")
        return asked(client, known)

    monkeypatch.setattr(dask_cluster, "_checked", killed)
    with pytest.raises(InputError) as raised:
        relit(photos, tmp_path / "out", three)
    assert_lost(raised.value)


def test_workers_killed_with_the_results_that_they_hold(photos, three, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_cluster, "_WORKERS", 1)
    monkeypatch.setattr(dask_cluster, "_FETCH", 1)
    wait = distributed.wait

    def killed(*arguments, **options):
        done = wait(*arguments, **options)
        three.kill(*three.processes.keys() - {"scheduler"})
        return done

    monkeypatch.setattr(distributed, "wait", killed)
    job = Background(photos, tmp_path / "out", three, None)
    assert "has had no worker for 1 seconds" in str(job.end())
    monkeypatch.undo()
    three.start_missing(3)
    relit(photos, tmp_path / "out", three)
    assert_same(photos, tmp_path / "out")


class Future:
    """A task that has ended with this status, whose results are asked for."""

    def __init__(self, status, results=None, error=None, raised=None):
        self.status, self._results, self._error = status, results, error
        self._raised = error if raised is None else raised

    def result(self, timeout):
        if self._raised is not None:
            raise self._raised
        return self._results

    def exception(self, timeout):
        return self._error


def ended(*futures):
    fake = types.SimpleNamespace(
        wait=lambda *_, **__: types.SimpleNamespace(done=futures),
        TimeoutError=distributed.TimeoutError,
    )
    client = types.SimpleNamespace(as_current=contextlib.nullcontext)
    return dask_cluster._ended(fake, client, list(futures))


def test_every_error_of_a_task_is_its_own_and_others_are_the_scheduler_s():
    # A task may be killed after its results have been asked for, and may raise what Dask raises.
    killed = distributed.scheduler.KilledWorker("task", None, 3)
    own = [killed, OSError("own"), TimeoutError("own"), distributed.TimeoutError("own")]
    failed = [Future("error", error=error) for error in own]
    late = Future("error", error=killed, raised=distributed.TimeoutError())
    done = Future("finished", [1, 2])
    found = ended(*failed, done, late)
    assert [found[one] for one in failed] == [(None, error) for error in own]
    assert found[late] == (None, killed) and found[done] == ([1, 2], None)
    for error in (TimeoutError(), distributed.TimeoutError()):
        assert ended(Future("pending", raised=error), done) == {done: ([1, 2], None)}
    with pytest.raises(OSError, match="scheduler"):
        ended(Future("lost", raised=OSError("scheduler")))


def test_a_killed_worker_costs_one_item_if_items_are_tasks(three, tmp_path):
    three.kill("worker1", "worker2")
    gate = stand_in.Gate(tmp_path, 1)
    function = functools.partial(stand_in.number, gate=gate)
    results = dask_cluster.each(three.address, function, range(24), most=1)
    first = next(results)
    stand_in.until(gate.waiting)

    def held(dask_scheduler):
        return [key for key, task in dask_scheduler.tasks.items() if task.state == "memory"]

    # Nobody refers to the results that have come.
    with distributed.Client(three.address, set_as_default=False) as client:
        stand_in.until(lambda: not client.run_on_scheduler(held), lambda: "results are kept")
    three.kill("worker0")
    three.start_missing(1)
    gate.open()
    assert sorted([first, *results]) == list(range(24))
    calls = gate.calls()
    assert [name for name in calls if calls.count(name) > 1] == [gate.waiting()[0][1]] * 2


def test_a_photo_that_kills_its_workers_is_a_failure(photos, tmp_path, monkeypatch):
    # How many workers may die at a task before Dask gives it up; 3 by default.
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    shutil.copytree(photos / "photos", tmp_path / "photos")
    Image.new("RGB", (11, 11)).save(tmp_path / "photos" / "000.png")
    with cluster(tmp_path / "cluster", 3) as found:
        report = relit(tmp_path, tmp_path / "out", found)
    failures = {pathlib.Path(line["photo"]).name: line["reason"] for line in report_of(tmp_path)}
    killed = {name for name, reason in failures.items() if reason.startswith("Every worker that")}
    # Dask blames what waited at the killed worker as well; the next start tries it again.
    assert "000.png" in killed and len(killed) <= 4
    assert failures.keys() - killed == {f"{number:03d}.png" for number in BROKEN} - killed
    assert report.relit + report.failed == 60 and report.failed == len(failures)


def report_of(folder):
    return lines(folder / "out" / "failed.jsonl")


def test_without_workers_the_job_ends_in_one_line(photos, three, tmp_path, monkeypatch, gate):
    monkeypatch.setattr(dask_cluster, "_WORKERS", 1)
    job = Background(photos, tmp_path / "out", three, gate)
    job.wait_for(3)
    three.kill("worker0", "worker1", "worker2")
    message = "has had no worker for 1 seconds. Start workers with dask worker tcp://"
    assert message in str(job.end())
    with pytest.raises(InputError, match=message):
        relit(photos, tmp_path / "out", three)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nosuch://there", "127.0.0.1:x"])
def test_without_a_scheduler_the_job_ends_in_one_line(photos, tmp_path, monkeypatch, address):
    monkeypatch.setattr(dask_cluster, "_CONNECT", 1)
    with pytest.raises(InputError, match=f"^No Dask scheduler answers at {address}. Expected"):
        relight_job.relight(
            f"{photos}/photos/*.png",
            str(tmp_path / "out"),
            stand_in.factory(),
            SETTINGS,
            scheduler=address,
        )


def another_package(folder, text):
    """A folder whose package `tfrelight` comes before the installed one."""
    (folder / "tfrelight").mkdir(parents=True)
    (folder / "tfrelight" / "__init__.py").write_text(text)
    (folder / "tfrelight" / "version.py").write_text('__version__ = "0.0.1"\n')
    return folder


def another_version(folder):
    """A folder whose package `tfrelight` is this one, with another version."""
    another_package(folder, "")
    for path in (ROOT / "tfrelight").iterdir():
        if path.name not in ("version.py", "__pycache__"):
            (folder / "tfrelight" / path.name).unlink(missing_ok=True)
            (folder / "tfrelight" / path.name).symlink_to(path)
    return folder


NONE = "raise ModuleNotFoundError(\"No module named 'tfrelight'\", name='tfrelight')"


@pytest.fixture
def other(three):
    """Starts the worker `other`, and ends it after the test."""
    yield functools.partial(three.start_worker, "other")
    if "other" in three.processes:
        three.kill("other")


@pytest.mark.parametrize("text,found", [("", "0.0.1"), (NONE, r"\(none\)")])
def test_a_worker_without_the_package_is_named(photos, three, other, tmp_path, text, found):
    other(another_package(tmp_path / "path", text))
    three.wait_for("other")
    message = f"^The Dask worker tcp://.* has tfrelight {found}. Expected {__version__}, as here"
    with pytest.raises(InputError, match=message):
        relit(photos, tmp_path / "out", three)


def test_a_worker_of_another_version_that_comes_late_ends_the_job(
    photos, three, other, tmp_path, gate
):
    job = Background(photos, tmp_path / "out", three, gate)
    job.wait_for(3)
    other(another_version(tmp_path / "path"))
    message = f"The Dask worker .* has tfrelight 0.0.1. Expected {__version__}, as here"
    assert re.match(message, str(job.end()))
    # Nor did that worker relight anything before it was asked.
    assert len(gate.waiting()) == 3


def test_a_worker_of_another_version_relights_nothing(photos, three, other, tmp_path, monkeypatch):
    three.kill("worker0", "worker1", "worker2")
    other(another_version(tmp_path / "path"))
    three.wait_for("other")
    # As if it came when those that are there had been asked.
    monkeypatch.setattr(dask_cluster, "_checked", lambda client, known: client.nthreads())
    message = f"^The Dask worker on .* has tfrelight 0.0.1. Expected {__version__}, as here"
    with pytest.raises(InputError, match=message):
        relit(photos, tmp_path / "out", three, tmp_path / "calls")
    assert not (tmp_path / "calls").exists()


def mount(*arguments):
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path):
    """A folder with 64 KB of room, and a function that makes room."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=64k", "none", str(folder))
    yield folder, lambda: mount("-o", "remount,size=8m", str(folder))
    subprocess.run(["umount", folder], check=True)


def test_a_full_output_disk_ends_the_job_until_there_is_room(photos, three, small_disk):
    folder, make_room = small_disk
    with pytest.raises(InputError, match=r"^Cannot use .*: No space left on device\. Make room"):
        relit(photos, folder / "out", three)
    assert not (folder / "out" / "results.jsonl").exists()
    make_room()
    relit(photos, folder / "out", three)
    assert_same(photos, folder / "out")


def test_a_full_temporary_disk_ends_the_job_and_fails_no_photo(photos, three, tmp_path):
    with pytest.raises(InputError, match="^The disk of .* is full. Make room there, and repeat"):
        relit(photos, tmp_path / "out", three, factory=stand_in.full_disk_factory)
    relit(photos, tmp_path / "out", three)
    assert_same(photos, tmp_path / "out")


def mounted(path):
    """A command's beginning: in a mount space of its own an empty folder lies over a path."""
    over = f"mount -t tmpfs none {path} && " if path else ""
    inside = ["unshare", "--mount", "sh", "-c", f'{over}exec "$@"', "sh"]
    if subprocess.run([*inside, "true"], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    return inside


@pytest.mark.parametrize("hidden", ["photos", "above the photos", "out"])
def test_a_folder_that_a_worker_does_not_see_is_named(photos, three, other, tmp_path, hidden):
    (tmp_path / "out").mkdir()
    folder = tmp_path / "out" if hidden == "out" else photos / "photos"
    three.kill("worker0", "worker1", "worker2")
    other(before=mounted(photos if hidden == "above the photos" else folder))
    three.wait_for("other")
    with pytest.raises(InputError, match=f"^The worker on .* does not see the folder {folder} of"):
        relit(photos, tmp_path / "out", three, tmp_path / "calls")
    assert not list((tmp_path / "out").glob("*.jsonl"))
    # Not one photo is relit in vain.
    assert (tmp_path / "calls").exists() == (hidden != "out")


def test_an_output_folder_unmounted_meanwhile_is_named(photos, three, other, tmp_path, gate):
    three.kill("worker0", "worker1", "worker2")
    other(before=mounted(None))
    three.wait_for("other")
    job = Background(photos, tmp_path / "out", three, gate)
    job.wait_for(1)
    inside = ["nsenter", "--mount", f"--target={three.processes['other'].pid}"]
    subprocess.run([*inside, "mount", "-t", "tmpfs", "none", tmp_path / "out"], check=True)
    gate.open()
    assert f"does not see the folder {tmp_path / 'out'} of this job" in str(job.end())
    assert not (tmp_path / "out" / "results.jsonl").exists()


def test_relative_paths_are_refused(photos, three, monkeypatch):
    monkeypatch.chdir(photos)
    with pytest.raises(InputError, match="Expected an absolute path for `input`"):
        relight_job.relight(
            "photos/*", "new", stand_in.factory(), SETTINGS, scheduler=three.address
        )
    assert not pathlib.Path("new").exists()


def test_beam_s_own_runner_for_dask_is_refused(photos, tmp_path):
    for name in ("DaskRunner", "apache_beam.runners.dask.dask_runner.DaskRunner"):
        with pytest.raises(InputError, match="last step of a pipeline only.*--dask_scheduler"):
            relight_job.relight(f"{photos}/photos/*", str(tmp_path), None, SETTINGS, name)


def command(name, *arguments):
    return subprocess.run(
        [sys.executable, "-m", f"tfrelight.{name}", *arguments],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_the_batch_command_relights_on_the_cluster(three, tmp_path):
    write_photos(tmp_path / "photos", 4, (1,))
    # A relative path, which the workers, in folders of their own, do not have.
    model = "--model=tfrelight/models/weights/compact-128.tflite"
    flags = [f"--input={tmp_path}/photos/*", "--light=left", "--whole_image", model]
    for output, more in (("one", []), ("three", [f"--dask_scheduler={three.address}"])):
        done = command("batch", *flags, f"--output_dir={tmp_path}/{output}", *more)
        assert done.returncode == 3, done.stderr
        assert done.stdout.startswith("3 of 4 photos relit")
    for path in (tmp_path / "one").rglob("*"):
        if path.is_file():
            other = tmp_path / "three" / path.relative_to(tmp_path / "one")
            assert other.read_bytes() == path.read_bytes().replace(b"/one/", b"/three/")


def test_portraits_of_the_cluster_are_those_of_one_process(three, tmp_path, monkeypatch):
    pytest.importorskip("tensorflow_datasets", reason='TensorFlow is missing: pip install ".[dev]"')
    from tests.synthesis.test_dataset import contents
    from tfrelight.beam import synthesis_job
    from tfrelight.data import records
    from tfrelight.synthesis import dataset, portraits

    # One worker: each takes seconds to import TensorFlow.
    three.kill("worker1", "worker2")
    monkeypatch.setattr(records, "SUBJECTS_PER_SHARD", 2)
    small = portraits.PortraitConfig(lights=1, size=16, directions=32)
    dataset.write(tmp_path / "one", small, 6, processes=1)
    folder = synthesis_job.write(tmp_path / "three", small, 6, scheduler=three.address)
    assert contents(tmp_path / "three") == contents(tmp_path / "one")

    first, second, *_ = sorted(pathlib.Path(folder).glob("*.tfrecord*"))
    second.unlink()
    written = first.stat().st_mtime_ns
    synthesis_job.write(tmp_path / "three", small, 6, scheduler=three.address)
    assert contents(tmp_path / "three") == contents(tmp_path / "one")
    assert first.stat().st_mtime_ns == written
