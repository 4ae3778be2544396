"""The exception for wrong input."""

import socket

__all__ = ["InputError", "unseen_folder"]


class InputError(ValueError):
    """Wrong input from a person: a path, a flag, a file, an array.

    The message is one line: what was expected, what came, what to do. It names arguments as
    `argument` or `argument=value`; commands print those as flags, without a traceback, and exit
    with status 1.
    """


def unseen_folder(folder: object) -> InputError:
    """The error of a worker that does not see a folder of its job, such as one not mounted."""
    return InputError(
        f"The worker on {socket.gethostname()} does not see the folder {folder} of this job. "
        "Expected a folder that all workers share: mount it there, and repeat the command."
    )
