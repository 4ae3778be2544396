"""Metrics for Prometheus, under TensorFlow Serving's names where it has them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sized

import prometheus_client
from prometheus_client.core import Metric

__all__ = ["Endpoint", "count_request", "time_run", "watch_queue"]

# TensorFlow Serving's buckets, microseconds.
_MICROSECONDS = [10 * 1.8**exponent for exponent in range(33)]
_PHOTOS = [1, 2, 4, 8, 16, 32, 64]

# OpenMetrics alone uses the gauges of creation times.
prometheus_client.disable_created_metrics()
_REGISTRY = prometheus_client.CollectorRegistry()
prometheus_client.ProcessCollector(registry=_REGISTRY)


class _Counts:
    """A counter whose name does not end in `_total`, which `prometheus_client` would append."""

    def __init__(self, name, text, labels):
        self._name, self._text, self._labels = name, text, labels
        self._counts = {}
        _REGISTRY.register(self)

    def add(self, *labels):
        self._counts[labels] = self._counts.get(labels, 0) + 1

    def collect(self):
        metric = Metric(self._name, self._text, "unknown")
        for labels, count in list(self._counts.items()):
            metric.add_sample(self._name, dict(zip(self._labels, labels)), count)
        yield metric


_REQUESTS = _Counts(
    ":tensorflow:serving:request_count", "Requests, by status.", ("model_name", "status")
)


def _histogram(name, text, labels, buckets):
    return prometheus_client.Histogram(name, text, labels, buckets=buckets, registry=_REGISTRY)


_LATENCY = _histogram(
    ":tensorflow:serving:request_latency",
    "Microseconds from a request's arrival to its response.",
    ("model_name", "API", "entrypoint"),
    _MICROSECONDS,
)
_RUNTIME = _histogram(
    ":tensorflow:serving:runtime_latency",
    "Microseconds per run of the graph.",
    ("model_name", "API", "runtime"),
    _MICROSECONDS,
)
_BATCH = _histogram(
    ":tfrelight:serving:batch_size", "Photos per run of the graph.", ("model_name",), _PHOTOS
)
_QUEUE = prometheus_client.Gauge(
    ":tfrelight:serving:queue_length", "Requests waiting for a run.", registry=_REGISTRY
)


def count_request(model: str, status: str, api: str, started: float) -> None:
    """Counts a request, and records its latency if it succeeded.

    Args:
      model: name of a served model, or "" for any other, so that clients cannot add labels.
      status: name of the gRPC code.
      api: name of the RPC, such as `Predict`.
      started: `time.monotonic()` at its arrival.
    """
    _REQUESTS.add(model, status)
    if status == "OK":
        _LATENCY.labels(model, api, "GRPC").observe((time.monotonic() - started) * 1e6)


@contextlib.contextmanager
def time_run(model: str, photos: int) -> Iterator[None]:
    """Records the size and the duration of a run of the graph."""
    _BATCH.labels(model).observe(photos)
    started = time.monotonic()
    yield
    _RUNTIME.labels(model, "Predict", "TF1").observe((time.monotonic() - started) * 1e6)


def watch_queue(queue: Sized) -> None:
    """Reports the length of a queue as the number of waiting requests."""
    _QUEUE.set_function(lambda: len(queue))


class Endpoint:
    """Serves the metrics over HTTP, on any path, until `close`.

    Args:
      host: to bind to.
      port: to bind to; 0 for a free one.

    Raises:
      OSError: the port cannot be bound.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server, self._thread = prometheus_client.start_http_server(
            port, host, registry=_REGISTRY
        )
        self.port = self._server.server_port

    def close(self) -> None:
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
