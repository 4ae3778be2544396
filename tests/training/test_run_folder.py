"""The folder of a run as the workers that do not write it see it."""

import os
import time
from pathlib import Path

from tfrelight.training.run_folder import RunFolder


def test_a_worker_sees_what_the_chief_writes_on_a_disk_that_remembers_what_was_missing(
    tmp_path, monkeypatch
):
    """As NFS does: only a listing of the folder makes it look for a missing file again."""
    folder = RunFolder(tmp_path / "run")
    exists, scandir, missing = Path.exists, os.scandir, set()

    def remembered(path):
        if path not in missing and not exists(path):
            missing.add(path)
        return path not in missing

    def listed(path):
        missing.difference_update([one for one in missing if one.parent == Path(path)])
        return scandir(path)

    def write(seconds):
        folder.path.mkdir(exist_ok=True)
        folder.flags.touch()

    monkeypatch.setattr(Path, "exists", remembered)
    monkeypatch.setattr(os, "scandir", listed)
    # While the worker sleeps.
    monkeypatch.setattr(time, "sleep", write)
    assert folder.appears(60)


def test_a_folder_that_nobody_creates_does_not_appear(tmp_path):
    assert not RunFolder(tmp_path / "run").appears(0.0)


def test_places_of_the_last_two_epochs_are_kept(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.places_after(3).before(0, 100) == (0, 0)
    for epoch in (1, 2, 3):
        folder.keep_places(epoch, {0: (epoch, 10 * epoch), 1: (0, 0)})
    assert folder.places_after(1).before(0, 100) == (0, 0)
    assert folder.places_after(2).before(0, 100) == (2, 20)
    assert folder.places_after(3).before(0, 100) == (3, 30)
    assert folder.places_after(3).before(0, 29) == (0, 0)
