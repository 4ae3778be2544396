"""Relighting jobs: every photo once, across broken photos, interruptions and restarts."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tests.beam import stand_in
from tests.conftest import ROOT
from tfrelight.beam import relight_job, relight_worker
from tfrelight.errors import InputError

# Beam's own warnings.
pytestmark = pytest.mark.filterwarnings("ignore")

pytest.importorskip("apache_beam", reason='Apache Beam is not installed: pip install ".[beam]"')

SETTINGS = stand_in.SETTINGS


# Bytes of broken photos; None is a photo that triggers a bug in `stand_in`.
KINDS = (b"", b"no photo", b"\x89PNG\r\n\x1a\n and then nothing", None)


def write_photos(folder, count, broken=(), kinds=KINDS):
    """Writes small photos `000.png`, ...; the numbers in `broken` get each kind in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for number in range(count):
        kind = kinds[broken.index(number) % len(kinds)] if number in broken else b""
        pixels = rng.integers(0, 256, (12, 13 if kind is None else 16, 3), dtype=np.uint8)
        path = folder / f"{number:03d}.png"
        Image.fromarray(pixels).save(path)
        if number in broken and kind is not None:
            path.write_bytes(kind)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def as_set(lines):
    found = {json.dumps(line, sort_keys=True) for line in lines}
    assert len(found) == len(lines), "a duplicate line"
    return found


BROKEN = (3, 20, 41, 62, 83, 104, 125, 146, 167, 199)


@pytest.fixture(scope="module")
def two_hundred(tmp_path_factory):
    """200 photos with 10 broken ones, relit without interruption."""
    folder = tmp_path_factory.mktemp("bulk")
    write_photos(folder / "photos", 200, BROKEN)
    calls = folder / "calls"
    report = relight_job.relight(
        f"{folder}/photos/*.png", str(folder / "out"), stand_in.factory(calls), SETTINGS
    )
    return folder, report, calls.read_text().split()


def test_a_job_writes_190_pictures_and_10_reasons(two_hundred):
    folder, report, calls = two_hundred
    assert (report.relit, report.failed) == (190, 10)
    assert len(calls) == 200
    results, failures = (lines(folder / "out" / f"{n}.jsonl") for n in ("results", "failed"))
    assert len(as_set(results)) == 190
    for line in results:
        assert os.path.isfile(line["photo"])
        assert set(line) == {"photo", "relit", "width", "height"}
        with Image.open(line["photo"]) as photo, Image.open(line["relit"]) as relit:
            assert relit.size == photo.size == (line["width"], line["height"])
            np.testing.assert_array_equal(np.asarray(relit), np.asarray(photo)[:, ::-1])
    pictures = [path for path in (folder / "out" / "relit").rglob("*") if path.is_file()]
    assert {str(path) for path in pictures} == {line["relit"] for line in results}

    assert sorted(line["photo"] for line in failures) == [
        str(folder / "photos" / f"{number:03d}.png") for number in BROKEN
    ]
    assert all(set(line) == {"photo", "reason"} and line["reason"] for line in failures)
    reasons = {os.path.basename(line["photo"]): line["reason"] for line in failures}
    # A bug is reported with its type.
    assert reasons["062.png"] == "ZeroDivisionError: a bug that one photo triggers"
    assert "cannot identify" in reasons["020.png"]
    assert all("\n" not in reason for reason in reasons.values())


def test_a_second_start_skips_finished_photos(two_hundred, tmp_path):
    folder, _, _ = two_hundred
    before = [as_set(lines(folder / "out" / f"{n}.jsonl")) for n in ("results", "failed")]
    written = {p: p.stat().st_mtime_ns for p in (folder / "out" / "relit").iterdir()}
    calls = tmp_path / "calls"
    report = relight_job.relight(
        f"{folder}/photos/*.png", str(folder / "out"), stand_in.factory(calls), SETTINGS
    )
    assert (report.relit, report.failed) == (190, 10)
    # Failed photos are tried again.
    assert sorted(calls.read_text().split()) == [f"{number:03d}.png" for number in BROKEN]
    assert [as_set(lines(folder / "out" / f"{n}.jsonl")) for n in ("results", "failed")] == before
    assert {p: p.stat().st_mtime_ns for p in (folder / "out" / "relit").iterdir()} == written


def test_a_job_killed_halfway_continues(two_hundred, tmp_path):
    folder, _, _ = two_hundred
    pattern, output = f"{folder}/photos/*.png", tmp_path / "out"
    code = (
        "import pathlib, sys; from tests.beam import stand_in\n"
        "from tfrelight.beam import relight_job\n"
        "gate = stand_in.Gate(pathlib.Path(sys.argv[3]), 100)\n"
        "factory = stand_in.factory(gate=gate)\n"
        "relight_job.relight(*sys.argv[1:3], factory, stand_in.SETTINGS)"
    )
    gate = stand_in.Gate(tmp_path / "gate", 100)
    gate.folder.mkdir()
    job = subprocess.Popen([sys.executable, "-c", code, pattern, output, gate.folder], cwd=ROOT)
    stand_in.until(lambda: gate.waiting() or job.poll() is not None)
    job.send_signal(signal.SIGKILL)
    job.wait()
    done = {path.stem for path in (output / "done").glob("*.json")}
    assert 80 <= len(done) <= 100
    assert not (output / "results.jsonl").exists()
    # Files of a process that was killed while it wrote them.
    good = {line["photo"] for line in lines(folder / "out" / "results.jsonl")}
    left = next(name for name in map(os.path.basename, sorted(good)) if name not in done)
    (output / "done" / f".{left}.json.0123.part").write_bytes(b'{"pho')
    (output / "relit" / left).write_bytes(b"half of a pict")

    calls = tmp_path / "calls"
    report = relight_job.relight(pattern, str(output), stand_in.factory(calls), SETTINGS)
    assert (report.relit, report.failed) == (190, 10)
    again = calls.read_text().split()
    assert not done & set(again) and len(again) == 200 - len(done)
    for name in ("results", "failed"):
        whole = (folder / "out" / f"{name}.jsonl").read_text()
        expected = {line.replace(str(folder / "out"), str(output)) for line in whole.splitlines()}
        found = (output / f"{name}.jsonl").read_text().splitlines()
        assert len(found) == len(set(found)) and set(found) == expected
    for picture in (folder / "out" / "relit").iterdir():
        assert (output / "relit" / picture.name).read_bytes() == picture.read_bytes()
    assert not list(output.rglob("*.part"))


@pytest.fixture
def job(tmp_path):
    """Runs a job on `photos/` in a new folder; returns its report and the photos it opened."""

    def run(pattern="photos/*.png", output="out", settings=SETTINGS, **kwargs):
        calls = tmp_path / "calls"
        calls.write_text("")
        factory = stand_in.factory(calls)
        report = relight_job.relight(
            f"{tmp_path}/{pattern}", f"{tmp_path}/{output}", factory, settings, **kwargs
        )
        return report, sorted(calls.read_text().split())

    write_photos(tmp_path / "photos", 3)
    return run


def test_new_and_changed_photos_are_relit(job, tmp_path):
    assert job()[1] == ["000.png", "001.png", "002.png"]
    write_photos(tmp_path / "more", 5)
    os.rename(tmp_path / "more" / "004.png", tmp_path / "photos" / "004.png")
    changed = tmp_path / "photos" / "001.png"
    Image.new("RGB", (20, 10)).save(changed)
    later = time.time() + 10
    os.utime(changed, (later, later))
    os.remove(tmp_path / "out" / "relit" / "002.png")
    report, calls = job()
    assert calls == ["001.png", "002.png", "004.png"]
    assert report.relit == 4
    with Image.open(tmp_path / "out" / "relit" / "001.png") as relit:
        assert relit.size == (20, 10)


def test_a_photo_with_a_truncated_record_is_relit_again(job, tmp_path):
    job()
    (tmp_path / "out" / "done" / "001.png.json").write_text('{"photo": ')
    report, calls = job()
    assert calls == ["001.png"] and report.relit == 3


def test_folders_and_endings_are_kept_apart(job, tmp_path):
    write_photos(tmp_path / "photos" / "anna", 1)
    write_photos(tmp_path / "photos" / "ben" / "2020", 1)
    with Image.open(tmp_path / "photos" / "000.png") as image:
        image.save(tmp_path / "photos" / "000.JPG")
        image.save(tmp_path / "photos" / "000.bmp")
    report, _ = job("photos/**")
    assert (report.relit, report.failed) == (7, 0)
    folder = tmp_path / "out" / "relit"
    assert {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} == {
        "000.png",
        "000.JPG",
        "000.bmp.png",
        "001.png",
        "002.png",
        "anna/000.png",
        "ben/2020/000.png",
    }


def test_the_job_s_output_is_not_read_as_photos(job, tmp_path):
    assert job("**", output="photos/out")[0].relit == 3
    report, calls = job("**", output="photos/out")
    # This test's file `calls` is in the folder, too.
    assert calls == ["calls"] and report.relit == 3


@pytest.mark.parametrize(
    "pattern, found",
    [
        ("*.png", {"a.png", "b.png", "x[1].png"}),
        ("./*.png", {"a.png", "b.png", "x[1].png"}),
        ("?.png", {"a.png", "b.png"}),
        ("[ac].png", {"a.png"}),
        ("a.png", {"a.png"}),
        ("f*/c.png", {"folder/c.png"}),
        ("*/*.png", {"folder/c.png"}),
        ("**", {"a.png", "b.png", "x[1].png", "folder/c.png"}),
        ("folder/../*.png", {"a.png", "b.png", "x[1].png"}),
    ],
)
def test_a_pattern_below_the_current_folder(tmp_path, monkeypatch, pattern, found):
    write_photos(tmp_path / "new", 4)
    (tmp_path / "here 2" / "folder").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here 2")
    for number, name in enumerate(["a.png", "b.png", "x[1].png", "folder/c.png"]):
        os.rename(tmp_path / "new" / f"{number:03d}.png", name)
    # The second job must not relight the output of the first.
    for _ in range(2):
        report = relight_job.relight(pattern, "out", stand_in.factory(), SETTINGS)
        assert (report.relit, report.failed) == (len(found), 0)
    assert {line["photo"] for line in lines(tmp_path / "here 2/out/results.jsonl")} == found
    below = tmp_path / "here 2" / "out" / "relit"
    written = [path.relative_to(below) for path in below.rglob("*") if path.is_file()]
    assert {path.name for path in written} == {os.path.basename(name) for name in found}


def test_the_output_is_known_by_another_path(tmp_path, monkeypatch):
    write_photos(tmp_path, 2)
    monkeypatch.chdir(tmp_path)
    for pattern in (f"{tmp_path}/**", "**"):
        assert relight_job.relight(pattern, "out", stand_in.factory(), SETTINGS).relit == 2


def test_other_settings_are_refused_in_the_same_folder(job, tmp_path):
    job()
    before = {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    with pytest.raises(InputError, match=r"other settings \(light, strength\).*another folder"):
        job(settings={"light": "left", "strength": 0.5})
    assert {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()} == before
    (tmp_path / "out" / "settings.json").write_text("[1]")
    with pytest.raises(InputError, match="settings.json was not written by a job"):
        job()


@pytest.mark.parametrize("pattern", ["photos/*.jpg", "photos", "nowhere/*.png"])
def test_a_pattern_without_photos_is_refused(job, tmp_path, pattern):
    with pytest.raises(InputError, match="No photo matches .*Expected a pattern such as"):
        job(pattern)
    assert not (tmp_path / "out").exists()


def test_an_unknown_scheme_is_reported_in_one_line(tmp_path):
    with pytest.raises(InputError, match="nosuchbucket"):
        relight_job.relight(
            "nosuchbucket://photos/*.png", str(tmp_path), stand_in.factory(), SETTINGS
        )


def test_an_unknown_runner_or_option_is_reported_in_one_line(job):
    with pytest.raises(InputError, match="refuses the runner.*NoRunner"):
        job(runner="NoRunner")
    with pytest.raises(InputError, match="refuses the options.*direct_num_workers"):
        job(options=["direct_num_workers=two"])


def test_an_output_folder_that_is_a_file_is_refused(job, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="Cannot use .*file"):
        job(output="file")


def test_an_unwritable_output_ends_the_job(job, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "relit").write_text("in the way")
    with pytest.raises(InputError, match="Cannot use .*out"):
        job()


def test_a_failing_factory_ends_the_job(tmp_path):
    write_photos(tmp_path / "photos", 2)
    with pytest.raises(InputError, match=r"^Expected a model\. Received: nothing\.$"):
        relight_job.relight(
            f"{tmp_path}/photos/*", str(tmp_path / "out"), stand_in.failing_factory, SETTINGS
        )


def photo_of(tmp_path):
    from apache_beam.io.filesystem import FileMetadata

    return FileMetadata(f"{tmp_path}/photos/a.png", 1, 0.0)


def test_a_photo_that_is_gone_fails_unless_its_folder_is_empty(tmp_path):
    factory = stand_in.factory()
    job = relight_worker.new_job(f"{tmp_path}/photos/*", f"{tmp_path}/out", factory)
    message = f"^The worker on .* does not see the folder {tmp_path}/photos of this job"
    for _ in ("no folder", "an empty one"):
        with pytest.raises(InputError, match=message):
            relight_worker.outcome(job, photo_of(tmp_path))
        (tmp_path / "photos").mkdir(exist_ok=True)
    (tmp_path / "photos" / "b.png").touch()
    assert "No such file" in relight_worker.outcome(job, photo_of(tmp_path))["reason"]


def test_an_output_folder_that_goes_while_a_photo_is_relit_is_not_made_again(tmp_path):
    def remove(photo, output):
        shutil.rmtree(tmp_path / "out")
        return {}

    write_photos(tmp_path / "photos", 1)
    job = relight_worker.new_job(f"{tmp_path}/photos/*", f"{tmp_path}/out", lambda: remove)
    for _ in ("while", "before"):
        with pytest.raises(InputError, match=f"does not see the folder {tmp_path}/out of this job"):
            relight_worker.outcome(job, photo_of(tmp_path))
        assert not (tmp_path / "out").exists()


def test_worker_processes_write_the_same_records(job, tmp_path):
    job()
    options = ["direct_num_workers=2", "direct_running_mode=multi_processing"]
    report, _ = job(output="processes", options=options)
    assert report.relit == 3
    expected = (tmp_path / "out" / "results.jsonl").read_text().replace("/out/", "/processes/")
    found = (tmp_path / "processes" / "results.jsonl").read_text()
    assert set(found.splitlines()) == set(expected.splitlines())


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    """A local folder as bucket://, accessible through Beam's file systems only."""
    from apache_beam.io.filesystem import FileMetadata
    from apache_beam.io.localfilesystem import LocalFileSystem

    root = tmp_path_factory.mktemp("bucket")

    def local(path):
        assert path.startswith("bucket://"), path
        return path.replace("bucket://", f"{root}/", 1)

    class Bucket(LocalFileSystem):
        @classmethod
        def scheme(cls):
            return "bucket"

        def join(self, basepath, *paths):
            return "/".join([basepath.rstrip("/"), *paths])

        def split(self, path):
            return path.rpartition("/")[::2]

        def has_dirs(self):
            return False

        def mkdirs(self, path):
            super().mkdirs(local(path))

        def _list(self, dir_or_prefix):
            for path in sorted(root.rglob("*")):
                name = f"bucket://{path.relative_to(root)}"
                # Beam removes its own temporary files.
                with contextlib.suppress(FileNotFoundError):
                    if path.is_file() and name.startswith(dir_or_prefix):
                        yield self.metadata(name)

        def metadata(self, path):
            known = os.stat(local(path))
            return FileMetadata(path, known.st_size, known.st_mtime)

        def create(self, path, *arguments, **options):
            return super().create(local(path), *arguments, **options)

        def open(self, path, *arguments, **options):
            return super().open(local(path), *arguments, **options)

        def rename(self, sources, destinations):
            super().rename(
                [local(path) for path in sources], [local(path) for path in destinations]
            )

        def exists(self, path):
            return os.path.exists(local(path))

        def last_updated(self, path):
            return os.path.getmtime(local(path))

        def delete(self, paths):
            for path in map(local, paths):
                shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)

    yield root
    # Beam finds file systems among the existing subclasses.
    del Bucket


def test_photos_and_results_in_a_bucket(bucket, tmp_path, monkeypatch):
    write_photos(bucket / "faces" / "anna", 4, broken=(1, 2))
    # A bucket's path mistaken for a local one would be written here.
    monkeypatch.chdir(tmp_path)
    calls = tmp_path / "calls"
    arguments = ("bucket://faces/**.png", "bucket://faces/out")
    report = relight_job.relight(*arguments, stand_in.factory(calls), SETTINGS)
    assert (report.relit, report.failed) == (2, 2)
    assert report.results == "bucket://faces/out/results.jsonl"
    for line in lines(bucket / "faces" / "out" / "results.jsonl"):
        name = line["photo"].replace("bucket://faces/", "")
        assert line["relit"] == f"bucket://faces/out/relit/{name}"
        with Image.open(bucket / "faces" / "out" / "relit" / name) as relit:
            assert relit.size == (16, 12)
    failures = lines(bucket / "faces" / "out" / "failed.jsonl")
    # The photo's name in the bucket, not that of a worker's copy.
    for line in failures:
        assert line["photo"] in line["reason"] or "empty" in line["reason"]
        assert "/tmp" not in line["reason"]
    calls.write_text("")
    relight_job.relight(*arguments, stand_in.factory(calls), SETTINGS)
    assert len(calls.read_text().split()) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["calls"]
