"""What every command shares: flags in, one call, one clear line on failure.

An entry point defines its absl flags at module level, imports TensorFlow only inside `main`, and
ends in `cli.run(main)`; so `--help` answers at once.
"""

import sys

from absl import app, flags, logging

from tfrelight.errors import InputError

__all__ = ["positional", "run"]


def run(main):
    """Parses the command line, calls `main()`, and exits with its status (0 if it returns None).

    Exit status: 0 done, 1 the input was wrong or a file could not be used (one line on stderr),
    2 a flag is unknown or has a wrong value, or an argument is left over.

    Args:
      main: a function of the positional arguments (a list of strings) if it has an attribute
        `positional`, else a function without arguments; leftover arguments are then an error,
        because a line without `--` in a flagfile would otherwise be dropped in silence.
    """
    logging.set_verbosity(logging.WARNING)
    app.run(lambda argv: _main(main, argv), flags_parser=_parse)


def positional(main):
    """Marks a `main` that takes the positional arguments."""
    main.positional = True
    return main


def _parse(argv):
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        _fail(2, f"{_one_line(error)} Run with --help for the flags.")
    except OSError as error:
        _fail(1, _os_error(error))


def _main(main, argv):
    arguments = argv[1:]
    takes_arguments = getattr(main, "positional", False)
    if arguments and not takes_arguments:
        _fail(
            2,
            f"Unexpected argument {arguments[0]!r}. Expected flags only, as --name=value "
            "(in a flagfile, one a line, comments on lines of their own).",
        )
    try:
        return main(arguments) if takes_arguments else main()
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
