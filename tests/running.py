"""Commands as users start them."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT


def command(name, *arguments):
    """Runs `python -m tfrelight.NAME` in the checkout."""
    return python("-m", f"tfrelight.{name}", *arguments)


def python(*arguments):
    """Runs Python in the checkout."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
