"""Modules that you can call like the function they are named after.

`tfrelight.relight` is the module behind `python -m tfrelight.relight`. Importing it sets the
attribute `relight` of the package to the module, in place of any function of that name. So that
`tfrelight.relight(photo, "left")` always works, the module itself is callable.
"""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable

__all__ = ["make_callable"]


def make_callable(module: str, function: Callable[..., object]) -> None:
    """Makes a module callable: a call of the module calls one of its functions.

    Args:
      module: its name in `sys.modules`.
      function: the function to call. The module gets its signature, for `help` and notebooks.
    """

    class CallableModule(types.ModuleType):
        __signature__ = inspect.signature(function)

        def __call__(self, *args, **kwargs):
            return function(*args, **kwargs)

    sys.modules[module].__class__ = CallableModule
