"""JSON error responses: `error` for people, `reason` for programs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from tfrelight.errors import InputError
from tfrelight.serving import client
from tfrelight.studio.errors import StudioError

__all__ = ["HANDLERS", "not_found"]


def _response(status, reason, text):
    return JSONResponse({"error": " ".join(str(text).split()), "reason": reason}, status)


async def _studio_error(_, error):
    return _response(error.status, error.reason, error)


async def _input_error(_, error):
    return _response(422, "input", error)


async def _serving_error(_, error):
    if isinstance(error, client.Unavailable):
        text = f"The server {error.server}, which runs the network, does not answer"
    else:
        text = str(error).rstrip(".")
    return _response(502, "server", f"{text}. Check that it runs at --server, and try again.")


async def _memory_error(_, error):
    return _response(503, "memory", "There is not enough memory for this photo. Make it smaller.")


async def _disconnected(_, error):
    return Response(status_code=499)


async def not_found(_: Any, error: Exception | None = None) -> Response:
    """The response for an unknown path or method."""
    return _response(404, "nothing", "The studio has nothing under this address.")


async def _other_error(_, error):
    # The server logs its traceback.
    return _response(
        500,
        "broken",
        f"The studio has a bug ({type(error).__name__}). See its terminal for details.",
    )


HANDLERS: dict[Any, Callable[..., Awaitable[Response]]] = {
    StudioError: _studio_error,
    InputError: _input_error,
    client.ServingError: _serving_error,
    MemoryError: _memory_error,
    ClientDisconnect: _disconnected,
    404: not_found,
    405: not_found,
    Exception: _other_error,
}
