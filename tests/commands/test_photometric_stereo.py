"""`photometric_stereo`: what is unknown, and that nothing done is no success."""

import pytest

from tests import dataset_folders as folders
from tests import running


def run(folder, *flags):
    flags = flags or ["--dataset=multilit"]
    return running.command("photometric_stereo", f"--data_dir={folder}", *flags)


def test_without_lights_it_names_what_estimates_them(tmp_path):
    folders.multilit(tmp_path, ["anna", "bo"], lamps=False)
    result = run(tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert "anna: the lights of 0 photos are known" in result.stderr
    [error] = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert "Nothing was written: 2 of 2 skipped" in error
    assert "lights.csv (photo,azimuth,elevation), or let --model=compact-128 estimate" in error
    assert list(tmp_path.rglob("*.mat")) == []


@pytest.mark.parametrize("separator", [",", ";"])
def test_what_is_done_is_said(tmp_path, separator):
    folders.multilit(tmp_path, ["anna"])
    path = tmp_path / "lights.csv"
    path.write_text(path.read_text().replace(",", separator))
    result = run(tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("1 written, 0 already there, 0 skipped")
    again = run(tmp_path)
    assert again.returncode == 0 and again.stdout.startswith("0 written, 1 already there")


def test_other_data_sets_get_no_advice_that_does_not_help(tmp_path):
    folders.photoface(tmp_path, ["1001/day1"])
    (tmp_path / "1001/day1/LightSource.m").unlink()
    result = run(tmp_path, "--dataset=photoface")
    assert result.returncode == 1 and "Nothing was written: 1 of 1 skipped" in result.stderr
    assert "--model" not in result.stderr
