"""Modules that are called like the function they are named after.

`tfrelight.relight` is the module behind `python -m tfrelight.relight`; importing it puts it into
the package under that name, whatever else the name meant. So the module itself has to be what
`tfrelight.relight(photo, "left")` calls.
"""

import functools
import sys
import types

__all__ = ["make_callable"]


def make_callable(module, function):
    """Makes calls of a module calls of one of its functions.

    Args:
      module: its name, in `sys.modules`.
      function: what to call; its signature and documentation become the module's call's.
    """

    class CallableModule(types.ModuleType):
        @functools.wraps(function)
        def __call__(self, *args, **kwargs):
            return function(*args, **kwargs)

    sys.modules[module].__class__ = CallableModule
