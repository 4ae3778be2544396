"""The command `tfrelight`, with every module that `python -m tfrelight.NAME` starts as a part.

    tfrelight relight photo.jpg --light=left

`tfrelight completion bash` prints what makes a shell complete commands, flags and lights.
"""

from __future__ import annotations

import os
import runpy
import sys

from tfrelight.commands import completion
from tfrelight.version import __version__

__all__ = ["COMMANDS", "MODULES", "main"]

# What each command does, in the order of the help.
COMMANDS = {
    "relight": "put photos, or a video, under another light",
    "decompose": "write albedo, normals, shading and mask of photos",
    "studio": "open the page on which you drag the light",
    "lights": "draw named lights, and convert light files",
    "batch": "relight or decompose millions of photos, with Apache Beam",
    "train": "train a network",
    "evaluate": "measure a network",
    "experiments": "train and measure many networks",
    "export": "write a network for TensorFlow Serving, LiteRT or ONNX",
    "serve": "serve an exported network",
    "client": "send photos to a server",
    "synthesize": "render synthetic portraits",
    "photometric_stereo": "normals and albedo of one person under many lights",
    "pseudo_label": "label photos by a trained network",
    "completion": "print completions for bash, zsh or fish",
}
# The module of a command that has another name.
MODULES = {"client": "serving.client"}
# Commands whose matrices are so small that threads would only wait for each other.
_SMALL_MATRICES = ("relight", "decompose", "client")


def main() -> None:
    """Runs the command that the first argument names, and exits."""
    name, *rest = sys.argv[1:] or ["--help"]
    if name in ("--help", "-h", "help"):
        print("\n".join(COMMANDS) if completion.ASK in os.environ else _help())
    elif name == "--version":
        print(f"tfrelight {__version__}")
    elif name == "completion":
        sys.exit(completion.main(rest))
    elif name in COMMANDS:
        sys.argv[1:] = rest
        module = MODULES.get(name, name)
        if name in _SMALL_MATRICES:
            # numpy reads it when it is imported.
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        # As `python -m` does it, also for the processes that it starts.
        runpy.run_module(f"tfrelight.{module}", run_name="__main__", alter_sys=True)
    else:
        print(
            f"error: No command {name!r}. Expected one of: {', '.join(COMMANDS)}.", file=sys.stderr
        )
        sys.exit(2)


def _help():
    width = max(map(len, COMMANDS)) + 2
    lines = [f"  {name:{width}}{does}" for name, does in COMMANDS.items()]
    return (
        "Portrait intrinsic decomposition and relighting.\n\n"
        "usage: tfrelight COMMAND [ARGUMENTS] [--FLAG=VALUE ...]\n\n"
        + "\n".join(lines)
        + f"\n\ntfrelight COMMAND --help explains a command; tfrelight --version: {__version__}."
    )
