"""The exception for wrong input."""

__all__ = ["InputError"]


class InputError(ValueError):
    """Wrong input from a person: a path, a flag, a file, an array.

    The message is one line: what was expected, what came, what to do. It names arguments as
    `argument` or `argument=value`; commands print those as flags, without a traceback, and exit
    with status 1.
    """
