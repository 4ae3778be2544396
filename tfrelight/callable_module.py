"""Modules that are called like the function they are named after.

`tfrelight.relight` is the module behind `python -m tfrelight.relight`; importing it puts it into
the package under that name, whatever else the name meant. So the module itself has to be what
`tfrelight.relight(photo, "left")` calls.
"""

import inspect
import sys
import types

__all__ = ["make_callable"]


def make_callable(module, function):
    """Makes calls of a module calls of one of its functions.

    Args:
      module: its name, in `sys.modules`.
      function: what to call; its signature becomes that of the module.
    """

    class CallableModule(types.ModuleType):
        def __call__(self, *args, **kwargs):
            return function(*args, **kwargs)

    called = sys.modules[module]
    called.__class__ = CallableModule
    # What `help` and notebooks show.
    called.__signature__ = inspect.signature(function)
