"""gRPC's health service; who watches it is told when the server ends."""

from __future__ import annotations

import asyncio

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

__all__ = ["Health"]

# TensorFlow Serving's short names, and the server as a whole.
_SERVICES = ("", "PredictionService", "ModelService")


class Health(health.aio.HealthServicer):
    """Says SERVING until `enter_graceful_shutdown`, then NOT_SERVING."""

    def __init__(self):
        super().__init__()
        self._ended = asyncio.Event()

    async def add_to(self, server):
        """Adds it to a `grpc.aio` server."""
        health_pb2_grpc.add_HealthServicer_to_server(self, server)
        for service in _SERVICES:
            await self.set(service, health_pb2.HealthCheckResponse.SERVING)

    def end(self):
        """Ends the watches, for which the server would wait as for any call."""
        self._ended.set()

    async def Watch(self, request, context):
        """See `grpc.health.v1.Health`."""
        watching = asyncio.create_task(super().Watch(request, context))
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait({watching, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                return watching.result()
        finally:
            watching.cancel()
            ended.cancel()
            await asyncio.gather(watching, ended, return_exceptions=True)
        await context.abort(grpc.StatusCode.UNAVAILABLE, "The server is shutting down")
