"""A studio that answers on a port of this machine, in a thread of the tests' process."""

import contextlib
import dataclasses
import io
import socket
import threading
import time

import httpx
import numpy as np
import pytest
import uvicorn
from PIL import Image

from tests.relighting import heads
from tfrelight.studio import app

HOSTS = ("127.0.0.1", "localhost", "::1")


@dataclasses.dataclass
class Studio:
    """Where a studio answers, and what it holds."""

    url: str
    opened: object
    client: httpx.Client

    def open(self, data, **query):
        return self.client.post("/photos", content=data, params=query)


@contextlib.contextmanager
def running(load, **settings):
    """A studio with a network, as `Studio`."""
    settings = app.StudioConfig(**{"hosts": HOSTS, **settings})
    application = app.application(load, settings)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    config = uvicorn.Config(application, log_level="critical", lifespan="on", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        with httpx.Client(base_url=url, timeout=120) as client:
            yield Studio(url, application.app.state.open_photos, client)
    finally:
        server.should_exit = True
        thread.join()
        bound.close()


@pytest.fixture(scope="session")
def ball_model():
    """A network that knows one head, a ball, whatever the photo."""
    return heads.model()


@pytest.fixture
def studio(ball_model):
    with running(lambda: ball_model) as one:
        yield one


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def ball(**options):
    return png(heads.photo(**options))


def pixels_of(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
