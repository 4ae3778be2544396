"""What a page gets in place of what it asked for: a sentence for people, a word for programs."""

from __future__ import annotations

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from tfrelight.errors import InputError
from tfrelight.serving import client
from tfrelight.studio.refusals import Refusal

__all__ = ["HANDLERS", "nothing"]


def _error(status, reason, text):
    return JSONResponse({"error": " ".join(str(text).split()), "reason": reason}, status)


async def _refused(_, error):
    return _error(error.status, error.reason, error)


async def _wrong(_, error):
    return _error(422, "input", error)


async def _lost(_, error):
    if isinstance(error, client.Unavailable):
        text = f"The server {error.server}, which has the network, does not answer"
    else:
        text = str(error).rstrip(".")
    return _error(502, "server", f"{text}. See that it runs and what --server names; try again.")


async def _large(_, error):
    return _error(503, "memory", "There is not enough memory for this photo. Make it smaller.")


async def _left(_, error):
    return Response(status_code=499)


async def nothing(_, error=None):
    """The answer where nothing of that name is."""
    return _error(404, "nothing", "The studio has nothing of that name.")


async def _broken(_, error):
    # Its traceback is logged by the server.
    return _error(
        500,
        "broken",
        f"The studio met an error of its own ({type(error).__name__}). Its terminal says more.",
    )


HANDLERS = {
    Refusal: _refused,
    InputError: _wrong,
    client.ServingError: _lost,
    MemoryError: _large,
    ClientDisconnect: _left,
    404: nothing,
    405: nothing,
    Exception: _broken,
}
