"""A gRPC client for TensorFlow Serving and `tfrelight.serve`.

    from tfrelight.serving import client

    with client.Client("localhost:8500") as server:
        (png,) = server.relight([jpeg_bytes], lights.Light.preset("left"))

In a shell: `python -m tfrelight.serving.client --server=localhost:8500 photo.jpg --light=left`.
Needs `pip install "tfrelight[serving]"`.
"""

from tfrelight.serving.client.asynchronous import AsyncClient
from tfrelight.serving.client.channel import TLS
from tfrelight.serving.client.errors import (
    DeadlineExceeded,
    InvalidRequest,
    NotServed,
    ResourceExhausted,
    ServingError,
    Unavailable,
)
from tfrelight.serving.client.security import TLSError
from tfrelight.serving.client.synchronous import Client

__all__ = [
    "TLS",
    "AsyncClient",
    "Client",
    "DeadlineExceeded",
    "InvalidRequest",
    "NotServed",
    "ResourceExhausted",
    "ServingError",
    "TLSError",
    "Unavailable",
]
