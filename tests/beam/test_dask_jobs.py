"""Jobs on a Dask cluster of separate processes: the bytes of one process, whatever fails."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time

import pytest
from PIL import Image

from tests.beam import stand_in
from tests.conftest import ROOT
from tfrelight.errors import InputError
from tfrelight.version import __version__

pytest.importorskip("apache_beam", reason='Apache Beam is not installed: pip install ".[dask]"')
pytest.importorskip("distributed", reason='Dask is not installed: pip install ".[dask]"')

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


def relit(photos, output, found, seconds=0.0, calls=None, factory=None):
    """Relights the sixty photos on a cluster."""
    factory = factory or stand_in.factory(seconds, calls)
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
    report = relit(photos, tmp_path / "out", three, 0.02, tmp_path / "calls")
    assert (report.relit, report.failed) == (56, 4)
    assert_same(photos, tmp_path / "out")
    names = [f"{number:03d}.png" for number in range(60)]
    assert sorted((tmp_path / "calls").read_text().split()) == names
    # Again: only the photos that failed are opened.
    (tmp_path / "calls").write_text("")
    relit(photos, tmp_path / "out", three, 0.0, tmp_path / "calls")
    assert_same(photos, tmp_path / "out")
    assert sorted((tmp_path / "calls").read_text().split()) == [f"{n:03d}.png" for n in BROKEN]


class Background(threading.Thread):
    """A job that runs while the test disturbs it; `done` photos into it."""

    def __init__(self, output, *arguments):
        super().__init__(daemon=True)
        self._output, self._arguments = output, arguments
        self.error = None
        self.start()

    def run(self):
        photos, found, *rest = self._arguments
        try:
            relit(photos, self._output, found, *rest)
        except Exception as error:
            self.error = error

    def wait_for(self, count):
        deadline = time.monotonic() + 60
        while len(list((self._output / "done").glob("*.json"))) < count:
            assert self.is_alive() and time.monotonic() < deadline, self.error
            time.sleep(0.01)

    def end(self):
        self.join(60)
        assert not self.is_alive()
        return self.error


def test_a_worker_killed_halfway_costs_no_photo(photos, three, tmp_path):
    job = Background(tmp_path / "out", photos, three, 0.05, tmp_path / "calls")
    job.wait_for(20)
    three.kill("worker1")
    assert job.end() is None
    assert_same(photos, tmp_path / "out")
    calls = (tmp_path / "calls").read_text().split()
    # What the worker was at is opened again, and what failed; nothing else.
    good = [name for name in calls if int(name[:3]) not in BROKEN]
    assert len(set(good)) == 56 and len(good) <= 57


def test_a_job_goes_on_after_the_scheduler_was_killed(photos, three, tmp_path):
    job = Background(tmp_path / "out", photos, three, 0.05)
    job.wait_for(20)
    three.kill("scheduler")
    error = job.end()
    assert isinstance(error, InputError)
    assert re.fullmatch(
        r"Lost the Dask scheduler at tcp://\S+\. Start it and its workers again, and repeat the "
        r"command; finished work is kept\.",
        str(error),
    )
    assert not (tmp_path / "out" / "results.jsonl").exists()
    three.kill(*three.processes)
    done = {path.stem for path in (tmp_path / "out" / "done").glob("*.json")}
    three.start_scheduler()
    three.start_missing(3)
    relit(photos, tmp_path / "out", three, 0.0, tmp_path / "calls")
    assert_same(photos, tmp_path / "out")
    assert not done & set((tmp_path / "calls").read_text().split())


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


def test_without_workers_the_job_ends_in_one_line(photos, three, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_cluster, "_WORKERS", 1)
    job = Background(tmp_path / "out", photos, three, 0.05)
    job.wait_for(1)
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


NONE = "raise ModuleNotFoundError(\"No module named 'tfrelight'\", name='tfrelight')"


@pytest.mark.parametrize("text,found", [("", "0.0.1"), (NONE, r"\(none\)")])
@pytest.mark.parametrize("late", [False, True])
def test_a_worker_without_the_package_is_named(photos, three, tmp_path, text, found, late):
    path = another_package(tmp_path / "path", text)
    message = f"^The Dask worker tcp://.* has tfrelight {found}. Expected {__version__}, as here"
    job = None
    if late:
        # One worker is left, so that the new one gets work.
        three.kill("worker0", "worker1")
        job = Background(tmp_path / "out", photos, three, 0.2)
        job.wait_for(1)
    three.start_worker("other", path)
    three.wait_for("other")
    try:
        if job is not None:
            error = job.end()
            if error is None:
                # The new worker had work before it was asked, could not import it, and ended.
                assert_same(photos, tmp_path / "out")
            else:
                assert re.match(message, str(error))
        else:
            with pytest.raises(InputError, match=message):
                relit(photos, tmp_path / "out", three)
    finally:
        three.kill("other")


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


@pytest.mark.parametrize("hidden", ["photos", "out"])
def test_a_folder_that_one_worker_does_not_see_is_named(photos, three, tmp_path, hidden):
    folder = {"photos": photos / "photos", "out": tmp_path / "out"}[hidden]
    (tmp_path / "out").mkdir()
    three.kill("worker0", "worker1", "worker2")
    # In a mount space of its own an empty folder lies over the shared one; that of the photos away.
    empty = {"photos": folder.parent, "out": folder}[hidden]
    inside = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs none {empty} && exec "$@"', "sh"]
    if subprocess.run([*inside, "true"], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    three.start_worker("other", before=inside)
    three.wait_for("other")
    try:
        with pytest.raises(InputError, match=f"does not see the folder {folder} of this job"):
            relit(photos, tmp_path / "out", three)
    finally:
        three.kill("other")


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
    flags = [f"--input={tmp_path}/photos/*", "--light=left", "--whole_image"]
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
