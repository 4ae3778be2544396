"""The client for programs with an event loop, and for many photos at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfrelight.serving.client import errors, security
from tfrelight.serving.client import photos as files
from tfrelight.serving.client.calls import Calls

if TYPE_CHECKING:
    from tfrelight.lights import LightLike

__all__ = ["AsyncClient"]


class AsyncClient(Calls):
    """`Client` with every method awaited. Create it inside the event loop that will use it.

    `Calls` lists the arguments.
    """

    _asynchronous = True

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the channel."""
        await self._channel.close()

    async def predict(
        self,
        inputs: Mapping[str, np.ndarray | Sequence[bytes]],
        signature: str = "serving_default",
        outputs: Sequence[str] | None = None,
    ) -> dict[str, np.ndarray | list[bytes]]:
        """See `Client.predict`."""
        return await self._call(*self._predict(inputs, signature, outputs))

    async def relight(
        self, photos: Sequence[bytes], light: LightLike, mark: bool = True
    ) -> list[bytes]:
        """See `Client.relight`."""
        pngs = await self._call(*self._relight(photos, light))
        return await asyncio.to_thread(files.with_metadata, pngs, photos, mark)

    async def decompose(
        self, photos: Sequence[bytes], outputs: Sequence[str] | None = None
    ) -> dict[str, np.ndarray | list[bytes]]:
        """See `Client.decompose`."""
        return await self._call(*self._decompose(photos, outputs))

    async def status(self) -> dict[int, str]:
        """See `Client.status`."""
        return await self._call(*self._status())

    async def metadata(self) -> dict[str, dict[str, dict[str, tuple]]]:
        """See `Client.metadata`."""
        return await self._call(*self._metadata())

    async def relight_many(
        self,
        paths: Iterable[Path | str],
        light: LightLike,
        concurrency: int = 8,
        mark: bool = True,
    ) -> AsyncGenerator[tuple[Path | str, bytes | Exception], None]:
        """Relights photo files and yields each result as soon as it is ready.

        It holds at most `concurrency` photos in memory.

        Args:
          paths: of the files.
          light: what `lights.as_light` takes, for all photos.
          concurrency: requests at a time.
          mark: see `Client.relight`.

        Yields:
          (path, bytes of the relit PNG file), or (path, the `InputError` or `OSError`) for a photo
          that failed.
        """

        async def relight(path):
            try:
                data = await asyncio.to_thread(files.read, path)
                (png,) = await self.relight([data], light, mark)
                return path, png
            except (ValueError, OSError) as error:
                return path, error

        remaining = iter(paths)
        running: set[asyncio.Task] = set()
        try:
            while True:
                while len(running) < concurrency and (path := next(remaining, None)) is not None:
                    running.add(asyncio.create_task(relight(path)))
                if not running:
                    return
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
        finally:
            for task in running:
                task.cancel()

    async def _call(self, service, method, request, parse):
        import grpc

        until = time.monotonic() + self.timeout
        answer = self._method(service, method)(request, timeout=self.timeout)
        try:
            if not self._reached:
                await self._reach(answer, until)
            return parse(await answer)
        except grpc.RpcError as error:
            raise errors.from_rpc(error, self.server) from error
        finally:
            answer.cancel()

    async def _reach(self, answer, until):
        """Waits for a first answer, and looks for the reason if there is none soon.

        Args:
          answer: the call.
          until: time (`time.monotonic`) at which it ends.
        """
        import grpc

        try:
            code = await asyncio.wait_for(asyncio.shield(answer.code()), security.PATIENCE)
        except asyncio.TimeoutError:
            code = None
        if code in (None, grpc.StatusCode.UNAVAILABLE):
            await asyncio.to_thread(
                security.check, self.server, self._tls, until - time.monotonic()
            )
        self._reached = code != grpc.StatusCode.UNAVAILABLE
