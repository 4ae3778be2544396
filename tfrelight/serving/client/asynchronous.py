"""The client for programs with an event loop, and for many photos at a time."""

from __future__ import annotations

import asyncio

from tfrelight.serving.client import photos as files
from tfrelight.serving.client.calls import Calls

__all__ = ["AsyncClient"]


class AsyncClient(Calls):
    """`Client` with every method awaited; make it where its event loop runs. Arguments: `Calls`."""

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.close()

    async def close(self):
        """Closes the channel."""
        await self._channel.close()

    async def predict(self, inputs, signature="serving_default", outputs=None):
        """See `Client.predict`."""
        return await self._call(*self._predict(inputs, signature, outputs))

    async def relight(self, photos, light):
        """See `Client.relight`."""
        return await self._call(*self._relight(photos, light))

    async def decompose(self, photos, outputs=None):
        """See `Client.decompose`."""
        return await self._call(*self._decompose(photos, outputs))

    async def status(self):
        """See `Client.status`."""
        return await self._call(*self._status())

    async def metadata(self):
        """See `Client.metadata`."""
        return await self._call(*self._metadata())

    async def relight_many(self, paths, light, concurrency=8):
        """Photos of files under another light, in the order in which they are done.

        Only `concurrency` photos are in memory at a time, however many there are.

        Args:
          paths: of the files; any iterable.
          light: `[9, 3]`, for all.
          concurrency: requests at a time.

        Yields:
          (path, PNG file's bytes), or (path, the `InputError` or `OSError` that says why not).
        """

        async def one(path):
            try:
                data = await asyncio.to_thread(files.read, path)
                (png,) = await self.relight([data], light)
                return path, png
            except (ValueError, OSError) as error:
                return path, error

        left, running = iter(paths), set()
        try:
            while True:
                while len(running) < concurrency and (path := next(left, None)) is not None:
                    running.add(asyncio.create_task(one(path)))
                if not running:
                    return
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
        finally:
            for task in running:
                task.cancel()

    def _open(self, options, credentials):
        import grpc

        if credentials is None:
            return grpc.aio.insecure_channel(self.server, options)
        return grpc.aio.secure_channel(self.server, credentials, options)

    async def _call(self, service, method, request, parse):
        import grpc

        call, attempts = self._method(service, method), self._new_attempts()
        while True:
            try:
                return parse(await call(request, timeout=attempts.seconds_left()))
            except grpc.RpcError as error:
                wait = attempts.wait_after(error)
            await asyncio.sleep(wait)
