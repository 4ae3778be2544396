"""Commands on many photos: in groups, the good ones done whatever the others are, and a summary."""

from __future__ import annotations

import sys
from pathlib import Path

from absl import flags
from tqdm import tqdm

from tfrelight import files
from tfrelight.errors import InputError
from tfrelight.photos import formats

__all__ = ["outputs", "run"]


def outputs(paths, output, output_dir) -> dict:
    """The file to write for each photo.

    Args:
      paths: of the photos.
      output: a file, or None.
      output_dir: a folder, or None.

    Raises:
      InputError: neither or both are given, or a file for several photos.
    """
    if (output is None) == (output_dir is None):
        raise InputError("Where to? Expected --output=FILE or --output_dir=FOLDER.")
    if output is not None:
        if len(paths) > 1:
            raise InputError(
                f"--output names one file. Received {len(paths)} photos: choose an --output_dir."
            )
        formats.format_of(output)
        return {paths[0]: Path(output)}
    return {path: Path(output_dir) / _written(Path(path).name) for path in paths}


def _written(name):
    """The name, with an ending that can be written."""
    return name if Path(name).suffix.lower() in formats.ENDINGS else Path(name).stem + ".png"


def run(paths, write, names, output_dir=None) -> int:
    """Decomposes photos as the flags of `photo_flags` say, and writes what comes of each.

    Args:
      paths: of the photos.
      write: function of a `Decomposition` and the path it came from.
      names: function of a path: the files that `write` is going to write.
      output_dir: folder to make if it is not there, or None.

    Returns:
      the command's exit status: 0, or 1 if anything failed. Each failure is a line on stderr.

    Raises:
      InputError: the folder cannot be made, or `api.in_groups` says no.
    """
    given = flags.FLAGS
    if output_dir is not None:
        try:
            Path(output_dir).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"Cannot write to {output_dir}: {error.strerror}.") from error
    failed = []

    def fail(path, error):
        failed.append(path)
        text = " ".join(str(error).split())
        # Errors of `photos.read` name the file.
        tqdm.write(f"error: {text if str(path) in text else f'{path}: {text}'}", file=sys.stderr)

    ready, taken = [], set()
    for path in paths:
        try:
            for name in names(path):
                files.check_new(name, given.overwrite)
                if name in taken:
                    raise InputError(f"{name} is already the output of another photo.")
            taken.update(names(path))
            ready.append(path)
        except InputError as error:
            fail(path, error)
    # TensorFlow takes seconds to import: what is wrong so far has been said.
    from tfrelight import api

    results = api.in_groups(ready, write, given.model, given.faces, given.whole_image)
    quiet = len(paths) == 1 or not sys.stderr.isatty()
    progress = tqdm(results, total=len(ready), unit="photo", disable=quiet)
    for path, result in zip(ready, progress):
        if isinstance(result, InputError):
            fail(path, result)
    if len(paths) > 1:
        summary = f"{len(paths) - len(failed)} of {len(paths)} photos done"
        print(summary + (f"; failed: {', '.join(map(str, failed))}." if failed else "."))
    return 1 if failed else 0
