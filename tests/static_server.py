"""A plain server of a folder's files, which sets no headers of its own."""

import contextlib
import functools
import http.server
import threading


@contextlib.contextmanager
def serving(folder):
    """Serves a folder during the block; gives the address."""
    handler = functools.partial(_Silent, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass
