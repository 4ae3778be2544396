"""What native libraries print."""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator

__all__ = ["Silent", "quiet", "quiet_import"]


class Silent(threading.Thread):
    """A thread that prints nothing."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hides what native code prints on stderr, such as a greeting that no setting stops.

    Stderr belongs to the whole process. So nothing is hidden while other Python threads run, which
    might print at the same time, except those that are `Silent`.
    """
    if sum(not isinstance(thread, Silent) for thread in threading.enumerate()) > 1:
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


class _QuietImport(importlib.abc.MetaPathFinder):
    """Finds one module as the other finders do, and hides what it prints while it loads."""

    def __init__(self, name):
        self._name = name

    def find_spec(self, fullname, path=None, target=None):
        if fullname != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def quietly(module):
                with quiet():
                    load(module)

            spec.loader.exec_module = quietly
        return spec


def quiet_import(name: str) -> None:
    """Hides what a module's native code prints when the module is first imported, by whomever.

    Does nothing if it has been imported.
    """
    if name not in sys.modules:
        sys.meta_path.insert(0, _QuietImport(name))
