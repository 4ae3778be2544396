"""One browser, the built page, and a server of it for all these tests."""

import functools
import http.server
import os
import sys
import threading

import pytest

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
    handler = functools.partial(Silent, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as one:
        threading.Thread(target=one.serve_forever).start()
        yield f"http://127.0.0.1:{one.server_port}"
        one.shutdown()


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass
