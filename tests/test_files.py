"""Text of any program, stamps that change with every edit, and checks of outputs."""

import os

import pytest

from tfrelight import files
from tfrelight.errors import InputError


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_text_of_any_program(tmp_path, encoding, end):
    (tmp_path / "a.txt").write_bytes(f"Søren{end}張偉{end}".encode(encoding))
    assert files.read_text(tmp_path / "a.txt") == "Søren\n張偉\n"


def test_what_is_no_text_is_marked(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"a\xffb")
    assert files.read_text(tmp_path / "a.txt") == "a\ufffdb"


def test_a_stamp_changes_with_every_edit(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, ns=(10**9, 10**9))
    paths = [tmp_path / "a", tmp_path / "b"]
    seen = [files.stamp(paths, tmp_path)]
    assert files.stamp(reversed(paths), tmp_path) == seen[0]
    os.utime(tmp_path / "a", ns=(10**9, 10**9 + 1))  # edited, of the same size
    seen.append(files.stamp(paths, tmp_path))
    (tmp_path / "a").write_text("longer")
    os.utime(tmp_path / "a", ns=(10**9, 10**9 + 1))  # of the same time
    seen.append(files.stamp(paths, tmp_path))
    seen += [files.stamp(paths[:1], tmp_path), files.stamp([], tmp_path)]
    (tmp_path / "a").rename(tmp_path / "c")
    seen.append(files.stamp([tmp_path / "c", tmp_path / "b"], tmp_path))
    assert len(set(seen)) == len(seen)


def test_a_folder_that_moves_keeps_its_stamp(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a").write_text("a")
    before = files.stamp([tmp_path / "one" / "a"], tmp_path / "one")
    (tmp_path / "one").rename(tmp_path / "two")
    assert files.stamp([tmp_path / "two" / "a"], tmp_path / "two") == before


def test_a_folder_that_can_be_made_or_written_passes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path, tmp_path / "a", tmp_path / "a" / "b" / "c", "relative/below", "."):
        files.check_folder(folder)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", ["", "a", "a/b"])
def test_a_folder_at_or_below_a_file_is_refused(tmp_path, below):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file is not a folder"):
        files.check_folder(tmp_path / "file" / below)


@pytest.mark.parametrize("below", ["", "a", "a/b"])
def test_a_folder_that_cannot_be_written_is_refused(tmp_path, monkeypatch, below):
    # Root may write everywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match="is not writable"):
        files.check_folder(tmp_path / below)


def test_a_new_file(tmp_path):
    files.check_new(tmp_path / "new.png")
    (tmp_path / "old.png").write_text("")
    files.check_new(tmp_path / "old.png", overwrite=True)
    with pytest.raises(InputError, match="old.png exists. Choose another name, or pass `overwr"):
        files.check_new(tmp_path / "old.png")
    with pytest.raises(InputError, match="there is no folder"):
        files.check_new(tmp_path / "nowhere" / "new.png")
    with pytest.raises(InputError, match="it is a folder"):
        files.check_new(tmp_path, overwrite=True)
