"""The studio's web application: pages, photos, lights."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import importlib.resources
import importlib.util
import logging
import mimetypes

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tfrelight.lights import PRESETS
from tfrelight.studio import answers
from tfrelight.studio.guard import Guard
from tfrelight.studio.opened import Opened
from tfrelight.studio.refusals import Refusal
from tfrelight.studio.worker import Worker

__all__ = ["Settings", "application"]

_log = logging.getLogger("tfrelight.studio")
_LIGHT_BYTES = 64 * 2**10
# Files that are received or worked on at a time: they are held in memory.
_SENDING = 8
# Seconds between looks for photos that nobody uses any more.
_TIDY = 15.0
# NASA's and in the public domain; rendered by tools/make_studio_samples.py.
_SAMPLES = ("astronaut.jpg", "curls.jpg", "glasses.jpg")


@dataclasses.dataclass(frozen=True)
class Settings:
    """Limits of a studio, and who may use it.

    upload: bytes of a file. pixels: of a photo. photos, memory: open at a time, and their bytes.
    idle: seconds until an unused photo is forgotten. seconds: for an upload, and to wait for one's
    turn. hosts, token: see `guard.Guard`.
    """

    upload: int = 40 * 2**20
    pixels: int = 50_000_000
    photos: int = 64
    memory: int = 2 * 2**30
    idle: float = 1800.0
    seconds: float = 120.0
    hosts: tuple | None = None
    token: str | None = None


def application(load, settings: Settings) -> Guard:
    """The studio as an ASGI application.

    Args:
      load: a function that gives the network, called once, in the worker's thread.
      settings: see `Settings`.
    """
    studio = _Studio(load, settings)
    # Outside of everything, so that no answer goes out without its headers.
    guard = Guard(studio.app, settings.hosts, settings.token)
    guard.opened = studio.opened
    return guard


class _Studio:
    def __init__(self, load, settings):
        self._load, self._settings = load, settings
        self.opened = Opened(settings.photos, settings.memory, settings.idle)
        self._worker = Worker(seconds=settings.seconds)
        # Made where its event loop runs, which Python 3.9 wants.
        self._sending = None
        self._model = None
        self._files = dict(_static())
        photo = "/photos/{name}"
        self.app = Starlette(
            routes=[
                Route("/", self._file),
                Route("/static/{name}", self._file),
                Route("/samples/{name}", self._file),
                Route("/settings", self._about),
                Route("/photos", self._open, methods=["POST"]),
                Route(f"{photo}/relit", self._relit, methods=["POST"]),
                Route(f"{photo}/film", self._film, methods=["POST"]),
                Route(f"{photo}/maps", self._maps, methods=["POST"]),
                Route(f"{photo}/close", self._close, methods=["POST"]),
                Route("/lights/environment", self._environment, methods=["POST"]),
                Route("/lights/photo", self._reference, methods=["POST"]),
            ],
            exception_handlers=answers.HANDLERS,
            lifespan=self._lifespan,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, _):
        self._sending = asyncio.Semaphore(_SENDING)
        loading = asyncio.create_task(self._worker.run(self._network))
        # Who asks first gets the error; here it must not be lost either.
        loading.add_done_callback(_say)
        tidying = asyncio.create_task(self._tidy())
        yield
        tidying.cancel()
        self._worker.close()

    async def _tidy(self):
        while True:
            await asyncio.sleep(_TIDY)
            self.opened.forget_idle()

    def _network(self):
        if self._model is None:
            self._model = self._load()
        return self._model

    async def _file(self, request):
        name = request.url.path.lstrip("/") or "static/index.html"
        if name not in self._files:
            return await answers.nothing(request)
        return Response(self._files[name], media_type=_media_type(name))

    async def _about(self, _):
        presets = {
            name: {"description": preset.description, "lamps": preset.lamps}
            for name, preset in PRESETS.items()
        }
        return JSONResponse(
            {
                "presets": presets,
                "samples": _SAMPLES,
                "limits": {"bytes": self._settings.upload},
                "films": _films(),
            }
        )

    async def _open(self, request):
        self.opened.check()
        whole = request.query_params.get("whole_image") == "1"
        pixels = self._settings.pixels
        decomposed, block = await self._of_file(request, "scene_of", self._network, pixels, whole)
        if await request.is_disconnected():
            # Nobody knows of this photo, so nobody would close it.
            raise ClientDisconnect
        headers = {"X-Photo": self.opened.add(decomposed)}
        return Response(block, 201, headers, "application/octet-stream")

    async def _relit(self, request):
        return await self._made(request, "relit")

    async def _film(self, request):
        return await self._made(request, "film")

    async def _made(self, request, what):
        decomposed = self.opened.get(request.path_params["name"])
        light = await self._body(request, _LIGHT_BYTES)
        return _as_file(await self._worker.run(_do, what, decomposed, light))

    async def _maps(self, request):
        decomposed = self.opened.get(request.path_params["name"])
        return _as_file(await self._worker.run(_do, "map_files", decomposed))

    async def _close(self, request):
        self.opened.close(request.path_params["name"])
        return Response(status_code=204)

    async def _environment(self, request):
        light = await self._of_file(request, "environment")
        return JSONResponse({"light": light.astype(float).tolist()})

    async def _reference(self, request):
        pixels = self._settings.pixels
        light = await self._of_file(request, "light_of", self._network, pixels)
        return JSONResponse({"light": light.astype(float).tolist()})

    async def _of_file(self, request, what, *arguments):
        """What a function of `work` makes of the file that is sent."""
        try:
            await asyncio.wait_for(self._sending.acquire(), self._settings.seconds)
        except asyncio.TimeoutError:
            raise Refusal(503, "busy", "Too many files are being sent. Try again.") from None
        try:
            data = await self._body(request, self._settings.upload)
            return await self._worker.run(_do, what, data, *arguments)
        finally:
            self._sending.release()

    async def _body(self, request, most):
        """The request's body.

        Raises:
          Refusal: it is too long, or takes too long to come.
        """
        parts, size = [], 0
        try:
            async with _deadline(self._settings.seconds):
                async for part in request.stream():
                    size += len(part)
                    # The rest of a little too much is read and dropped: a browser that is still
                    # sending would take an early answer for a lost connection.
                    if size <= most:
                        parts.append(part)
                    elif size > 3 * most:
                        break
                    else:
                        parts.clear()
        except asyncio.TimeoutError:
            raise Refusal(
                408,
                "slow",
                f"The file did not arrive within {self._settings.seconds:g} seconds. Try again, or "
                "choose a smaller one.",
            ) from None
        if size > most:
            raise Refusal(
                413,
                "large",
                f"The file has more than {most / 2**20:.3g} MB. Choose a smaller one, or save it "
                "as a JPEG.",
            )
        return b"".join(parts)


def _do(what, *arguments):
    """Calls a function of `work`."""
    # Here, in the worker's thread: it brings TensorFlow, which takes seconds to import.
    from tfrelight.studio import work

    return getattr(work, what)(*arguments)


@contextlib.asynccontextmanager
async def _deadline(seconds):
    """`asyncio.timeout`, which Python 3.9 does not have yet."""
    task, expired = asyncio.current_task(), False

    def expire():
        nonlocal expired
        expired = True
        task.cancel()

    timer = asyncio.get_running_loop().call_later(seconds, expire)
    try:
        yield
    except asyncio.CancelledError:
        if expired:
            raise asyncio.TimeoutError from None
        raise
    finally:
        timer.cancel()


def _films():
    """Endings of the films of `work.film` that this process can write."""
    return [".mp4", ".webp"] if importlib.util.find_spec("av") else [".webp"]


def _static():
    """Everything that may be asked for by name, read once: no path from outside is opened."""
    for folder in ("static", "samples"):
        for path in (importlib.resources.files("tfrelight.studio") / folder).iterdir():
            if path.is_file():
                yield f"{folder}/{path.name}", path.read_bytes()


def _media_type(name):
    # What the system's own table says of .js differs from machine to machine.
    return "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0]


def _as_file(made):
    data, kind, ending = made
    return Response(data, headers={"X-Ending": ending}, media_type=kind)


def _say(loading):
    if not loading.cancelled() and loading.exception() is not None:
        _log.error("The network could not be loaded: %s", loading.exception())
