"""Numbered versions of an exported model in one folder, as TensorFlow Serving reads them."""

import contextlib
import errno
import io
import os
import shutil
import tempfile
from pathlib import Path

from tfrelight import files
from tfrelight.errors import InputError
from tfrelight.serving import agreement, defaults, folders, manifest, signatures, warm_up

__all__ = ["publish"]


def _take_next_number(aside, output_dir):
    """Renames a finished folder to the next number that is free, and returns its path."""
    while True:
        version = output_dir / str(max(folders.versions(output_dir), default=0) + 1)
        try:
            os.rename(aside, version)
            return version
        except OSError as error:
            # Somebody else has published under this number since it was counted.
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise


def publish(model, output_dir, precision="float32", warmed=True):
    """Exports a trained model as the next version.

    The version is written aside and takes its number when it is whole, so a server that watches the
    folder never sees half of it.

    Args:
      model: what `tfrelight.load_model` takes.
      output_dir: folder of the versions; made if it is not there.
      precision: `float32`, or `bfloat16`: half the time on a CPU that computes in it (AMX or
        AVX512-BF16), slower on one that does not.
      warmed: whether to write warm-up requests.

    Returns:
      path of the new version.

    Raises:
      InputError: there is no such model, the folder cannot be written, in bfloat16 the model
        answers otherwise (see `agreement`), or the warm-up's protocol is not installed.
    """
    network = agreement.load_network(model, precision)
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
            signatures.archive(network).write_out(str(aside))
        written = []
        if warmed:
            definitions = manifest.graph_of(aside).signature_def
            inputs = {name: list(definitions[name].inputs) for name in defaults.SIGNATURES}
            written = warm_up.write(aside, inputs)
        description = manifest.describe(aside, network, model, precision, written)
        files.write_json(aside / defaults.MANIFEST, description)
        # mkdtemp's folder is for its owner alone; a server often runs as somebody else.
        aside.chmod(0o755)
        return _take_next_number(aside, output_dir)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
