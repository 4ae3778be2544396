"""The frame of every command: parse the flags, call `main`, print one clear line on failure.

A command defines its absl flags, imports TensorFlow only inside `main`, so that `--help` answers at
once, and ends in `app.run(main)`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable

from absl import app, flags, logging

from tfrelight.commands import completion
from tfrelight.errors import InputError

__all__ = ["named_as_flags", "run"]


# What the extra `train` brings.
_TRAIN = (
    *("tensorflow", "keras", "tensorflow_addons", "tensorflow_graphics", "tensorflow_datasets"),
    *("embreex", "scipy"),
)
# Flags for the arguments of `serving.client.TLS`.
_ARGUMENTS_OF_TLS = {"ca": "tls_ca", "certificate": "tls_certificate", "key": "tls_key"}


def run(main: Callable[..., int | None], arguments: str | None = None) -> None:
    """Parses the command line, calls `main` and exits with its status (0 if it returns None).

    Exit status: 0 done, or help printed (--help, -h, --helpfull); 1 wrong input or an unusable file
    (one line on stderr); 2 an unknown flag, a wrong value, or an argument too many or too few.

    Args:
      main: a function without arguments; if the command takes `arguments`, of a list of strings.
      arguments: what the positional arguments are, such as "photo"; the command then needs at least
        one, and they may stand before, between or after the flags. None refuses them; otherwise
        absl would silently drop a line without `--` in a flagfile.
    """
    if completion.answer():
        return
    logging.set_verbosity(logging.WARNING)
    flags.FLAGS.set_gnu_getopt(arguments is not None)
    app.run(lambda argv: _main(main, arguments, argv[1:]), flags_parser=_parse)


def named_as_flags(text: str) -> str:
    """The text of a library's error with arguments written as flags of this command.

    `epochs` becomes --epochs and `whole_image=True` becomes --whole_image; names in backticks that
    are no flags stay. `ca`, `certificate` and `key` are those of `serving.client.TLS`.
    """
    return re.sub(r"`(\w+)(?:=(\w+))?`", _as_flag, text)


def _as_flag(match):
    name, value = match.groups()
    name = _ARGUMENTS_OF_TLS.get(name, name)
    if name not in flags.FLAGS:
        return match.group()
    if value in (None, "True"):
        return f"--{name}"
    return f"--no{name}" if value == "False" else f"--{name}={value}"


def _parse(argv):
    try:
        return flags.FLAGS(["--help" if argument == "-h" else argument for argument in argv])
    except SystemExit:
        # absl's help flags exit with status 1, but nothing went wrong.
        sys.exit(0)
    except BrokenPipeError:
        # Somebody has read enough of the help; Python would complain when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except flags.Error as error:
        # absl puts "ERROR:: " before the reason why it cannot open a flagfile.
        reason = _one_line(error).replace("ERROR:: ", "")
        _fail(2, f"{reason} Run with --help for the flags.")


def _main(main, arguments, given):
    if given and arguments is None:
        _fail(
            2,
            f"Unexpected argument {given[0]!r}. Expected flags only, as --name=value "
            "(in a flagfile, one a line, comments on lines of their own).",
        )
    if arguments is not None and not given:
        _fail(2, f"Expected a {arguments}. Received none. Run with --help for the flags.")
    try:
        return main() if arguments is None else main(given)
    except InputError as error:
        _fail(1, named_as_flags(_one_line(error)))
    except OSError as error:
        _fail(1, _os_error(error))
    except ModuleNotFoundError as error:
        if _top(error) not in _TRAIN:
            raise
        _fail(
            1,
            f"This needs {_top(error)}, which is not installed. Install it with "
            'pip install "tfrelight[train]".',
        )
    except KeyboardInterrupt:
        _fail(130, "Interrupted.")


def _top(error):
    return (error.name or "").partition(".")[0]


def _one_line(error):
    return " ".join(str(error).split())


def _os_error(error):
    if error.filename is None:
        return _one_line(error)
    return f"{error.strerror}: {error.filename}"


def _fail(status, message):
    print(f"error: {message}", file=sys.stderr)
    sys.exit(status)
