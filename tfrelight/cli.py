"""What every command shares: flags in, one call, one clear line on failure.

An entry point defines its absl flags at module level, imports TensorFlow only inside `main`, and
ends in `cli.run(main)`; so `--help` answers at once.
"""

import sys

from absl import app, flags, logging

from tfrelight.errors import InputError

__all__ = ["run"]


def run(main, arguments=None):
    """Parses the command line, calls `main()`, and exits with its status (0 if it returns None).

    Exit status: 0 done, 1 the input was wrong or a file could not be used (one line on stderr),
    2 a flag is unknown or has a wrong value, or an argument is left over or missing.

    Args:
      main: a function without arguments, or of a list of strings if the command takes `arguments`.
      arguments: what the arguments that are no flags stand for, as "photo": one or more are then
        expected, before, between or after the flags. Default: none are, because a line without
        `--` in a flagfile would otherwise be dropped in silence.
    """
    logging.set_verbosity(logging.WARNING)
    flags.FLAGS.set_gnu_getopt(arguments is not None)
    app.run(lambda argv: _main(main, arguments, argv[1:]), flags_parser=_parse)


def _parse(argv):
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        # absl shouts "ERROR:: " before the reason that a flagfile cannot be opened.
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
        _fail(1, _one_line(error))
    except OSError as error:
        _fail(1, _os_error(error))
    except KeyboardInterrupt:
        _fail(130, "Interrupted.")


def _one_line(error):
    return " ".join(str(error).split())


def _os_error(error):
    if error.filename is None:
        return _one_line(error)
    return f"{error.strerror}: {error.filename}"


def _fail(status, message):
    print(f"error: {message}", file=sys.stderr)
    sys.exit(status)
