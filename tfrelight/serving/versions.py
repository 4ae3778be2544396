"""Numbered versions of an exported model in one folder, as TensorFlow Serving reads them."""

import contextlib
import io
import os
import shutil
import tempfile
from pathlib import Path

from tfrelight.errors import InputError
from tfrelight.models import presets
from tfrelight.serving import signatures

__all__ = ["publish"]


def publish(model, output_dir):
    """Exports a trained model as the next version.

    Args:
      model: what `tfrelight.load_model` takes.
      output_dir: folder of the versions; made if it is not there.

    Returns:
      path of the new version.

    Raises:
      InputError: there is no such model, or the folder cannot be written.
    """
    loaded = presets.load_model(model)
    output_dir = Path(output_dir)
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
        # A server looks only at folders whose name is a number.
        aside = Path(tempfile.mkdtemp(dir=output_dir, prefix=".unfinished-"))
    except OSError as error:
        raise InputError(f"Cannot write to {output_dir}: {error.strerror}.") from error
    try:
        # Keras prints the signatures; `saved_model_cli show --all --dir` does when wanted.
        with contextlib.redirect_stdout(io.StringIO()):
            signatures.archive(loaded).write_out(str(aside))
        # mkdtemp's folder is for its owner alone; a server often runs as somebody else.
        aside.chmod(0o755)
        numbers = [int(path.name) for path in output_dir.iterdir() if path.name.isdecimal()]
        version = output_dir / str(max(numbers, default=0) + 1)
        os.rename(aside, version)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return version
