"""The one exception that says: the input was wrong, and here is what to do."""

__all__ = ["InputError"]


class InputError(ValueError):
    """Wrong input from a person: a path, a flag, a file, an array.

    The message is one line: what was expected, what came, what to do. Commands print it without a
    traceback and exit with status 1.
    """
