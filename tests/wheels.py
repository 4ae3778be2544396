"""The wheel as an installer gets it."""

import pathlib
import shutil
import subprocess
import sys

from tests.conftest import ROOT


def build(folder: pathlib.Path) -> pathlib.Path:
    """Builds the wheel in `folder`, from a copy of the sources, beside which it leaves folders."""
    source, target = folder / "source", folder / "wheel"
    source.mkdir()
    for name in ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tfrelight", source / "tfrelight", ignore=ignored)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [*command, "--wheel-dir", target, source], check=True, capture_output=True, timeout=120
    )
    (path,) = target.iterdir()
    return path
