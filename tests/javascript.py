"""Runs Node on the modules of the pages."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.conftest import ROOT

NODE = shutil.which("node")
# Of tests that need it.
MARKS = [
    pytest.mark.skipif(NODE is None, reason="Node.js is not installed (version 20.19 or later)"),
    pytest.mark.skipif(
        # The last that was added.
        not (ROOT / "node_modules" / "wabt").is_dir(),
        reason="node_modules is missing or older than package-lock.json: run `npm ci`",
    ),
]


def run(*arguments, **variables):
    """Runs Node in the repository; its output is the message if it fails."""
    done = subprocess.run(
        [NODE, *map(str, arguments)],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def run_tests(folder, expected):
    """Runs the tests in a folder; `expected` is where their expected values are."""
    tests = sorted((ROOT / folder).glob("*.test.js"))
    run("--test", "--test-reporter=spec", *tests, TFRELIGHT_EXPECTED_VALUES=expected)
