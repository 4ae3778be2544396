"""One browser, the built page, and a server of it for all these tests."""

import os
import sys

import pytest

from tests import static_server
from tests.javascript import run
from tests.studio.browser.page import chromium


@pytest.fixture(scope="package")
def browser():
    with chromium() as one:
        yield one


@pytest.fixture(scope="package")
def folder(tmp_path_factory):
    """The built page."""
    path = tmp_path_factory.mktemp("page")
    run("web/build.js", path, **{**os.environ, "PYTHON": sys.executable})
    return path


@pytest.fixture(scope="package")
def server(folder):
    """The address of a server that sets no headers."""
    with static_server.serving(folder) as address:
        yield address
