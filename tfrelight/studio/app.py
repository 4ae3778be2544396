"""The studio's web application: the page, photos and lights."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import importlib.resources
import importlib.util
import logging
import mimetypes
from collections.abc import Callable, Collection
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tfrelight.studio import error_responses, page, tasks
from tfrelight.studio.access import AccessControl
from tfrelight.studio.errors import StudioError
from tfrelight.studio.open_photos import OpenPhotos
from tfrelight.studio.worker import Worker

__all__ = ["StudioConfig", "application"]

_log = logging.getLogger("tfrelight.studio")
_LIGHT_BYTES = 64 * 2**10
# Files received or processed at a time; they are held in memory.
_CONCURRENT_FILES = 8
# Seconds between searches for unused photos.
_TIDY = 15.0


@dataclasses.dataclass(frozen=True)
class StudioConfig:
    """Limits and access of a studio.

    Attributes:
      upload: bytes of a file.
      pixels: of a photo.
      photos: open at a time.
      memory: bytes of all open photos.
      idle: seconds until an unused photo is forgotten.
      seconds: for an upload, and for a photo to wait its turn.
      hosts, token: see `AccessControl`.
    """

    upload: int = 40 * 2**20
    pixels: int = 50_000_000
    photos: int = 64
    memory: int = 2 * 2**30
    idle: float = 1800.0
    seconds: float = 120.0
    hosts: Collection[str] | None = None
    token: str | None = None


def application(load: Callable[[], Any], settings: StudioConfig) -> AccessControl:
    """The studio as an ASGI application.

    Args:
      load: returns the network; called once, in the worker's thread.
      settings: see `StudioConfig`.
    """
    # Outermost, so that every response has the security headers.
    return AccessControl(_Studio(load, settings).app, settings.hosts, settings.token)


class _Studio:
    def __init__(self, load, settings):
        self._load, self._settings = load, settings
        self._open_photos = OpenPhotos(settings.photos, settings.memory, settings.idle)
        self._worker = Worker(seconds=settings.seconds)
        self._files_at_once = anyio.Semaphore(_CONCURRENT_FILES)
        self._model = None
        self._files = dict(_static_files())
        photo = "/photos/{name}"
        self.app = Starlette(
            routes=[
                Route("/", self._file),
                Route("/static/{name}", self._file),
                Route("/samples/{name}", self._file),
                Route("/settings", self._page_settings),
                Route("/photos", self._open, methods=["POST"]),
                Route(f"{photo}/relit", self._relit, methods=["POST"]),
                Route(f"{photo}/film", self._film, methods=["POST"]),
                Route(f"{photo}/maps", self._maps, methods=["POST"]),
                Route(f"{photo}/close", self._close, methods=["POST"]),
                Route("/frames", self._frame, methods=["POST"]),
                Route("/lights/environment", self._environment, methods=["POST"]),
                Route("/lights/photo", self._reference, methods=["POST"]),
            ],
            exception_handlers=error_responses.HANDLERS,
            lifespan=self._lifespan,
        )
        self.app.state.open_photos = self._open_photos

    @contextlib.asynccontextmanager
    async def _lifespan(self, _):
        loading = asyncio.create_task(self._worker.run(self._network))
        # The first request gets the error as well; here it is logged.
        loading.add_done_callback(_log_failure)
        tidying = asyncio.create_task(self._tidy())
        yield
        tidying.cancel()

    async def _tidy(self):
        while True:
            await asyncio.sleep(_TIDY)
            self._open_photos.forget_idle()

    def _network(self):
        if self._model is None:
            self._model = self._load()
        return self._model

    async def _file(self, request):
        name = request.url.path.lstrip("/") or "static/index.html"
        if name not in self._files:
            return await error_responses.not_found(request)
        return Response(self._files[name], media_type=_media_type(name))

    async def _page_settings(self, _):
        return JSONResponse(
            {
                "presets": page.presets(),
                "samples": page.SAMPLES,
                "limits": {"bytes": self._settings.upload},
                "films": _film_formats(),
            }
        )

    async def _open(self, request):
        self._open_photos.check_capacity()
        whole_image = request.query_params.get("whole_image") == "1"
        what = request.query_params.get("what", "person")
        decomposed, data = await self._process_file(
            request, tasks.open_photo, self._network, self._settings.pixels, whole_image, what
        )
        if await request.is_disconnected():
            # Nobody would know the photo's name and close it.
            raise ClientDisconnect
        headers = {"X-Photo": self._open_photos.add(decomposed)}
        return Response(data, 201, headers, "application/octet-stream")

    async def _relit(self, request):
        return await self._download(request, tasks.relit)

    async def _film(self, request):
        return await self._download(request, tasks.film)

    async def _download(self, request, task):
        decomposed = self._open_photos.get(request.path_params["name"])
        light = await self._body(request, _LIGHT_BYTES)
        return _file_response(await self._worker.run(task, decomposed, light))

    async def _maps(self, request):
        decomposed = self._open_photos.get(request.path_params["name"])
        return _file_response(await self._worker.run(tasks.map_archive, decomposed))

    async def _close(self, request):
        self._open_photos.close(request.path_params["name"])
        return Response(status_code=204)

    async def _frame(self, request):
        """A frame of a video: an empty response if nobody is on it."""
        try:
            _, data = await self._process_file(
                request, tasks.open_photo, self._network, self._settings.pixels, False
            )
        except StudioError as error:
            if error.reason != "no_face":
                raise
            return Response(status_code=204)
        return Response(data, media_type="application/octet-stream")

    async def _environment(self, request):
        return _light_response(await self._process_file(request, tasks.environment_light))

    async def _reference(self, request):
        light = await self._process_file(
            request, tasks.photo_light, self._network, self._settings.pixels
        )
        return _light_response(light)

    async def _process_file(self, request, task, *arguments):
        """Receives a file and runs a function of `tasks` on it."""
        try:
            with anyio.fail_after(self._settings.seconds):
                await self._files_at_once.acquire()
        except TimeoutError:
            raise StudioError(503, "busy", "Too many files are being sent. Try again.") from None
        try:
            data = await self._body(request, self._settings.upload)
            return await self._worker.run(task, data, *arguments)
        finally:
            self._files_at_once.release()

    async def _body(self, request, limit):
        """Receives the body of a request.

        Raises:
          StudioError: it has more than `limit` bytes, or takes too long.
        """
        parts, size = [], 0
        try:
            with anyio.fail_after(self._settings.seconds):
                async for part in request.stream():
                    size += len(part)
                    # A body slightly too long is read to its end and dropped, because a browser
                    # that is still sending takes an early response for a lost connection.
                    if size <= limit:
                        parts.append(part)
                    elif size > 3 * limit:
                        break
                    else:
                        parts.clear()
        except TimeoutError:
            raise StudioError(
                408,
                "slow",
                f"The file did not arrive within {self._settings.seconds:g} seconds. Try again, or "
                "choose a smaller one.",
            ) from None
        if size > limit:
            raise StudioError(
                413,
                "large",
                f"The file has more than {limit / 2**20:.3g} MB. Choose a smaller one, or save it "
                "as a JPEG.",
            )
        return b"".join(parts)


def _film_formats():
    """File endings of the films that this process can write."""
    return [".mp4", ".webp"] if importlib.util.find_spec("av") else [".webp"]


def _static_files():
    """Names and contents of all files to serve, read once, so that requests open no path."""
    for folder in ("static", "samples"):
        for path in (importlib.resources.files("tfrelight.studio") / folder).iterdir():
            if path.is_file():
                yield f"{folder}/{path.name}", path.read_bytes()


def _media_type(name):
    # The system's table, which `mimetypes` reads, gives .js different types on different machines.
    return "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0]


def _light_response(coefficients):
    return JSONResponse({"light": coefficients.astype(float).tolist()})


def _file_response(file):
    data, media_type, ending = file
    return Response(data, headers={"X-Ending": ending}, media_type=media_type)


def _log_failure(loading):
    if not loading.cancelled() and loading.exception() is not None:
        _log.error("The network could not be loaded: %s", loading.exception())
