"""Many photos in one command: failures are reported, and the rest are processed."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from absl import flags
from tqdm import tqdm

from tfrelight import files, photos, processes, progress
from tfrelight.commands import app, photo_flags
from tfrelight.errors import InputError
from tfrelight.models import engines, locating
from tfrelight.photos import formats, opening

if TYPE_CHECKING:
    from tfrelight.relighting.decomposition import Decomposition
    from tfrelight.relighting.inference import Network

__all__ = ["CheckedPhotos", "Write", "beside", "checked", "outputs", "run", "writable_name"]

# Writes the results of a `Decomposition` and its photo's path, and says where they are.
Write = Callable[["Decomposition", str], str]

# Fewest photos that processes share, and fewest of each: one takes as long to start as three.
_MANY, _SHARE = 8, 4
# Bytes that a photo takes for each pixel; pixels of a file that says nothing of them; and how many
# of the largest files are asked.
_PIXEL, _UNKNOWN, _ASKED = 24, 24_000_000, 4


def outputs(
    paths: list[str], output: str | None, output_dir: str | None, tag: str
) -> dict[str, Path]:
    """The file to write for each photo: beside it, unless a file or a folder is given.

    Args:
      paths: of the photos.
      output: a file, or None.
      output_dir: a folder, or None.
      tag: what the name gets that a file beside the photo has: photo.TAG.jpg.

    Raises:
      InputError: both are given, or one file for several photos.
    """
    if output is not None and output_dir is not None:
        raise InputError("Expected --output=FILE or --output_dir=FOLDER. Received both.")
    if output is not None:
        if len(paths) > 1:
            raise InputError(
                f"--output names one file. Received {len(paths)} photos: choose an --output_dir."
            )
        formats.format_of(output)
        return {paths[0]: Path(output)}
    if output_dir is not None:
        return {path: Path(output_dir) / writable_name(Path(path)) for path in paths}
    return {path: beside(Path(path), tag) for path in paths}


def beside(path: Path, tag: str) -> Path:
    """The name of a file beside a photo or video: photo.TAG.jpg."""
    name = Path(writable_name(path))
    return path.with_name(f"{name.stem}.{tag}{name.suffix}")


def writable_name(path: Path) -> str:
    """The name of a photo's file; it ends in .png if the format can only be read."""
    return path.name if path.suffix.lower() in formats.ENDINGS else f"{path.stem}.png"


class CheckedPhotos(NamedTuple):
    """The photos of a command, checked before the network is loaded.

    Attributes:
      ready: paths of the photos to decompose.
      failed: paths of those that are missing, or whose output cannot be written.
    """

    ready: list[str]
    failed: list[str]


def checked(
    paths: list[str],
    names: Callable[[str], Iterable[Path]],
    output_dir: str | None = None,
) -> CheckedPhotos:
    """Checks photos and their outputs as far as that is quick.

    Each failure is a line on stderr. If no photo is ready, the command ends with status 1.

    Args:
      paths: of the photos.
      names: the files that will be written for a path.
      output_dir: the folder of all these files, which `run` makes if it is missing; or None.

    Raises:
      InputError: --model is no trained model, or the folder cannot be made.
    """
    locating.locate(flags.FLAGS.model)
    folder_exists = output_dir is None or Path(output_dir).exists()
    if output_dir is not None:
        files.check_folder(output_dir)
    found = CheckedPhotos([], [])
    taken: set[Path] = set()
    for path in paths:
        try:
            if not Path(path).is_file():
                raise InputError(f"No such photo: {path}.")
            for name in names(path):
                if folder_exists:
                    files.check_new(name, flags.FLAGS.overwrite)
                if name in taken:
                    raise InputError(f"{name} is already the output of another photo.")
            taken.update(names(path))
            found.ready.append(path)
        except InputError as error:
            found.failed.append(path)
            _report(path, error)
    if not found.ready:
        _print_summary(len(paths), found.failed, output_dir)
        sys.exit(1)
    return found


def _report(path, error):
    text = app.named_as_flags(" ".join(str(error).split()))
    # Errors of `photos.read` already name the file.
    tqdm.write(f"error: {text if str(path) in text else f'{path}: {text}'}", file=sys.stderr)


def run(
    found: CheckedPhotos,
    write: Write,
    output_dir: str | None = None,
) -> int:
    """Decomposes photos as the flags of `photo_flags` say, and writes the results.

    Prints what `write` returns if there is one photo, else a summary. Each failure is a line on
    stderr.

    Args:
      found: the photos, from `checked`; one or more are ready.
      write: writes the results of a photo. Pickle must be able to send it.
      output_dir: a folder to make if it is missing, or None.

    Returns:
      The command's exit status: 0, or 1 if anything failed.

    Raises:
      InputError: the folder cannot be made, or `pipeline.in_groups` refuses its arguments.
    """
    given, ready, failed = flags.FLAGS, found.ready, list(found.failed)
    total = len(ready) + len(failed)
    sources: list[Any] = list(ready)
    if len(ready) == 1:
        # What is no photo is refused before the network loads.
        try:
            sources = [photos.read(ready[0])]
        except InputError as error:
            _report(ready[0], error)
            ready, failed = [], [*failed, ready[0]]
    if ready:
        if output_dir is not None:
            try:
                Path(output_dir).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError(f"Cannot write to {output_dir}: {error.strerror}.") from error
        job = _Job(write, photo_flags.network(), given.faces, given.whole_image, given.what)
        count = _processes(ready, job.network)
        if count > 1:
            results = processes.each(job, ready, count)
        else:
            results = job.each(sources, ready[0] if len(ready) == 1 else None)
        if total > 1:
            results = progress.track(results, "Photos", "done", len(ready))
        for path, result in _each_of(ready, results):
            if isinstance(result, InputError):
                failed.append(path)
                _report(path, result)
            elif total == 1:
                print(result)
    _print_summary(total, failed, output_dir)
    return 1 if failed else 0


def _each_of(paths, results):
    """Each path with its result; where a process was killed, that is said of the first one left."""
    left = iter(paths)
    try:
        for result in results:
            yield next(left), result
    except processes.KilledError as error:
        yield next(left), error
        for path in left:
            yield path, InputError(f"{path} was not reached.")


@dataclasses.dataclass(frozen=True)
class _Job:
    """What a command does with each photo; but for the first two the attributes are flags."""

    write: Write
    network: Network
    faces: str
    whole_image: bool
    what: str

    def each(self, sources: list[Any], path: str | None = None) -> Iterator[str | InputError]:
        """What `write` returns for each photo, or why there is nothing.

        Args:
          sources: paths, or one photo that has been read.
          path: of that photo.
        """
        from tfrelight.relighting import pipeline

        return pipeline.in_groups(
            sources,
            lambda decomposed, source: self.write(decomposed, path or source),
            self.network,
            self.faces,
            self.whole_image,
            self.what,
        )

    def __call__(self, path: str) -> str | InputError:
        return next(self.each([path]))


def _processes(paths, network):
    """How many processes share photos; TensorFlow fills the processors by itself."""
    if len(paths) < _MANY or not isinstance(network, engines.LiteRT):
        return 1
    # The photo of most pixels is hardly ever a small file.
    largest = sorted(map(Path, paths), key=lambda path: path.stat().st_size)[-_ASKED:]
    size = _PIXEL * max(map(_pixels, largest))
    return max(1, min(processes.affordable(size), len(paths) // _SHARE))


def _pixels(path):
    try:
        with opening.open_image(path.read_bytes()) as image:
            return image.width * image.height
    except (OSError, InputError):
        return _UNKNOWN


def _print_summary(total, failed, output_dir):
    if total == 1:
        return
    where = f", in {output_dir}" if output_dir is not None and len(failed) < total else ""
    summary = f"{total - len(failed)} of {total} photos done{where}"
    print(summary + (f"; failed: {', '.join(failed)}." if failed else "."))
