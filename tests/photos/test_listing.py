"""Folders in place of photos."""

import pytest

from tfrelight.errors import InputError
from tfrelight.photos import listing


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "folder.jpg").mkdir()
    for name in ("b.jpg", "A.JPG", "c.heic", "d.tiff", "notes.txt", "clip.mp4", ".hidden.jpg"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "below" / "deep.jpg").write_bytes(b"")
    return tmp_path


def test_a_folder_stands_for_the_photos_in_it(folder):
    names = ["A.JPG", "b.jpg", "c.heic", "d.tiff"]
    assert listing.expanded([str(folder)]) == [str(folder / name) for name in names]


def test_what_is_no_folder_stays(folder):
    names = [str(folder / "notes.txt"), "nowhere.jpg", str(folder / "below")]
    assert listing.expanded(names) == [*names[:2], str(folder / "below" / "deep.jpg")]


@pytest.mark.parametrize("contents", [[], ["notes.txt"], [".hidden.jpg"]])
def test_a_folder_without_photos_is_refused(tmp_path, contents):
    for name in contents:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match="No photos in the folder .* end in .jpg, "):
        listing.expanded([str(tmp_path)])


def test_every_format_that_is_written_is_found():
    from tfrelight.photos import formats

    assert set(formats.ENDINGS) <= set(listing.ENDINGS)
