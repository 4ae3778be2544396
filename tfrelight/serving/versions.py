"""Exports a model as the next numbered version in a folder, as TensorFlow Serving reads them."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import shutil
import tempfile
from pathlib import Path

from tfrelight import files
from tfrelight.errors import InputError
from tfrelight.serving import defaults, folders, manifest, parity, signatures, warm_up

__all__ = ["publish"]


def _take_next_number(aside, output_dir):
    """Renames a finished folder to the next free number, and returns its path."""
    while True:
        version = output_dir / str(max(folders.versions(output_dir), default=0) + 1)
        try:
            os.rename(aside, version)
            return version
        except OSError as error:
            # Another export took this number in the meantime.
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise


def publish(
    model: Path | str,
    output_dir: Path | str,
    precision: str = "float32",
    with_warm_up: bool = True,
) -> Path:
    """Exports a trained model as the next version.

        versions.publish("runs/mixed", "models/tfrelight")

    The version is written under another name and renamed when complete, so that a server which
    watches the folder never sees a partial one.

    Args:
      model: what `tfrelight.load_model` takes.
      output_dir: folder of the versions; created if missing.
      precision: `float32` or `bfloat16`, which halves the time on CPUs with AMX or AVX512-BF16 and
        is slower on others.
      with_warm_up: whether to write warm-up requests.

    Returns:
      path of the new version.

    Raises:
      InputError: the model does not exist, the folder cannot be written, the outputs in bfloat16
        differ by more than `parity.TOLERANCE`, or the package for warm-up requests is missing.
    """
    network = parity.load_network(model, precision)
    output_dir = Path(output_dir)
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
        # Servers ignore folders whose name is not a number.
        aside = Path(tempfile.mkdtemp(dir=output_dir, prefix=".unfinished-"))
    except OSError as error:
        raise InputError(f"Cannot write to {output_dir}: {error.strerror}.") from error
    try:
        # Keras prints the signatures, which `saved_model_cli show --all --dir` shows as well.
        with contextlib.redirect_stdout(io.StringIO()):
            signatures.archive(network).write_out(str(aside))
        requests = []
        if with_warm_up:
            definitions = manifest.graph_of(aside).signature_def
            inputs = {name: list(definitions[name].inputs) for name in defaults.SIGNATURES}
            requests = warm_up.write(aside, inputs)
        description = manifest.describe(aside, network, model, precision, requests)
        files.write_json(aside / defaults.MANIFEST, description)
        # mkdtemp's folder is private to its owner, but servers often run as another user.
        aside.chmod(0o755)
        return _take_next_number(aside, output_dir)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
