"""What native libraries print is hidden only while nobody else could print."""

import pytest

from tests import running

QUIET = """
import os, threading
from tfrelight import native

def said(text):
    os.write(2, text)

"""


def stderr(code):
    # A process of its own: test runners have threads.
    done = running.python("-c", QUIET + code)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_what_native_code_prints_is_hidden():
    assert stderr("with native.quiet():\n    said(b'hidden')\nsaid(b'after')") == "after"


@pytest.mark.parametrize("error", ["ValueError", "KeyboardInterrupt"])
def test_an_error_gives_stderr_back(error):
    code = f"try:\n    with native.quiet():\n        raise {error}\nexcept {error}:\n    said(b'x')"
    assert stderr(code) == "x"


def test_beside_other_threads_nothing_is_hidden():
    code = """
done = threading.Event()
threading.Thread(target=done.wait).start()
before = os.fstat(2)
with native.quiet():
    assert os.fstat(2) == before
    said(b'heard')
done.set()
"""
    assert stderr(code) == "heard"


def test_beside_threads_that_print_nothing_it_is_hidden():
    code = """
done = threading.Event()
native.Silent(target=done.wait, daemon=True).start()
with native.quiet():
    said(b'hidden')
done.set()
"""
    assert stderr(code) == ""


def test_what_a_module_prints_when_it_is_first_imported_is_hidden(tmp_path):
    (tmp_path / "noisy.py").write_text("import os; os.write(2, b'hello'); value = 5")
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
native.quiet_import("noisy")
import json.tool, noisy
assert noisy.value == 5 and noisy.__spec__.name == "noisy"
said(b"after")
"""
    assert stderr(code) == "after"
