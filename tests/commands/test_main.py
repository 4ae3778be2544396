import os
import shutil
import subprocess
import sys

import pytest

import tfrelight
from tests.conftest import ROOT
from tests.test_package import COMMANDS as MODULES_WITH_MAIN
from tfrelight.commands import main

# As pip's script starts it.
START = "from tfrelight.commands import main; main.main()"


def started(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-c", START, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_every_module_that_python_starts_is_a_command():
    modules = {main.MODULES.get(name, name) for name in main.COMMANDS} - {"completion"}
    started_by_python = {name.removesuffix(".__main__") for name in MODULES_WITH_MAIN}
    # `python -m tfrelight` is the command itself.
    started_by_python.remove("tfrelight")
    assert {f"tfrelight.{name}" for name in modules} == started_by_python


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",), ("help",)])
def test_the_help_lists_the_commands(arguments):
    done = started(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    for name, does in main.COMMANDS.items():
        assert f"  {name} " in done.stdout and does in done.stdout


def test_the_version():
    assert started("--version").stdout == f"tfrelight {tfrelight.__version__}\n"


def test_an_unknown_command_is_one_line():
    done = started("relite", "photo.jpg")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: No command 'relite'. Expected one of: relight, ")
    assert done.stderr.count("\n") == 1


def test_a_command_is_what_python_starts():
    done = started("lights", "--list")
    again = subprocess.run(
        [sys.executable, "-m", "tfrelight.lights", "--list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and done.stdout == again.stdout != ""
    explained = started("relight", "--help").stdout
    assert "Relights photos" in explained and "--strength" in explained
    missing = started("relight", "nowhere.jpg", "--light=left")
    assert missing.returncode == 1 and "No such photo: nowhere.jpg" in missing.stderr


def test_a_shell_is_told_flags_and_lights():
    words = started("relight", TFRELIGHT_COMPLETION="1").stdout.split()
    assert {"--light=rembrandt", "--output=", "--mark", "--nomark", "--engine=litert"} <= set(words)
    assert "--seed=" not in words
    assert started("--help", TFRELIGHT_COMPLETION="1").stdout.split() == list(main.COMMANDS)


@pytest.mark.parametrize(
    "line,expected",
    [
        ("tfrelight rel", ["relight"]),
        ("tfrelight relight photo.jpg --light=re", ["rembrandt"]),
        ("tfrelight relight --nomar", ["--nomark"]),
        ("tfrelight relight --output=LICEN", ["LICENSE"]),
        ("tfrelight completion z", ["zsh"]),
    ],
)
def test_bash_completes(tmp_path, line, expected):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash on this machine")
    program = tmp_path / "tfrelight"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{START}" "$@"\n')
    program.chmod(0o755)
    # The words as bash breaks them, with "=" as a word of its own.
    words = line.replace("=", " = ").split(" ")
    script = (
        'eval "$(tfrelight completion bash)"\n'
        f"COMP_LINE='{line}' COMP_POINT={len(line)} COMP_CWORD={len(words) - 1}\n"
        f"COMP_WORDS=({' '.join(words)})\n"
        '_tfrelight 2>/dev/null; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [bash, "-c", script],
        cwd=ROOT,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == expected, done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_are_valid(shell):
    script = started("completion", shell)
    assert script.returncode == 0 and "TFRELIGHT_COMPLETION=1 tfrelight" in script.stdout
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} on this machine, which checks the syntax")
    checked = subprocess.run([program, "-n"], input=script.stdout, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("arguments", [("tcsh",), ("bash", "zsh")])
def test_an_unknown_shell_is_refused(arguments):
    done = started("completion", *arguments)
    assert done.returncode == 2 and "usage: tfrelight completion bash|zsh|fish" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_completion_says_how_it_is_used(arguments):
    done = started("completion", *arguments)
    assert (done.returncode, done.stderr) == (0, "") and "~/.bashrc" in done.stdout
