"""Figures for Prometheus, under TensorFlow Serving's names where it has them."""

from __future__ import annotations

import contextlib
import time

import prometheus_client
from prometheus_client.core import Metric

__all__ = ["Endpoint", "answered", "running", "watch_queue"]

# TensorFlow Serving's buckets, microseconds.
_MICROSECONDS = [10 * 1.8**exponent for exponent in range(33)]
_PHOTOS = [1, 2, 4, 8, 16, 32, 64]

# A gauge of the time of creation beside each figure is for OpenMetrics.
prometheus_client.disable_created_metrics()
_REGISTRY = prometheus_client.CollectorRegistry()
prometheus_client.ProcessCollector(registry=_REGISTRY)


class _Counts:
    """Counters whose names do not end in `_total`, which this library would add."""

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
    "Microseconds from a request's arrival to its answer.",
    ("model_name", "API", "entrypoint"),
    _MICROSECONDS,
)
_RUNTIME = _histogram(
    ":tensorflow:serving:runtime_latency",
    "Microseconds of one run of the graph.",
    ("model_name", "API", "runtime"),
    _MICROSECONDS,
)
_BATCH = _histogram(
    ":tfrelight:serving:batch_size", "Photos in one run of the graph.", ("model_name",), _PHOTOS
)
_QUEUE = prometheus_client.Gauge(
    ":tfrelight:serving:queue_length", "Requests that wait for a run.", registry=_REGISTRY
)


def answered(model, status, api, started):
    """Counts a request.

    Args:
      model: name of a model that is served, or "" for any other, of which there is no end.
      status: name of the gRPC code.
      api: `Predict`, ...
      started: `time.monotonic()` at its arrival.
    """
    _REQUESTS.add(model, status)
    if status == "OK":
        _LATENCY.labels(model, api, "GRPC").observe((time.monotonic() - started) * 1e6)


@contextlib.contextmanager
def running(model, photos):
    """Counts a run of the graph, and times it."""
    _BATCH.labels(model).observe(photos)
    started = time.monotonic()
    yield
    _RUNTIME.labels(model, "Predict", "TF1").observe((time.monotonic() - started) * 1e6)


def watch_queue(queue):
    """The length of this queue is the number of waiting requests."""
    _QUEUE.set_function(lambda: len(queue))


class Endpoint:
    """Serves the figures over HTTP, on any path, until `close`.

    Args:
      host: to bind to.
      port: to bind to; 0 for any that is free.

    Raises:
      OSError: the port cannot be bound.
    """

    def __init__(self, host, port):
        self._server, self._thread = prometheus_client.start_http_server(
            port, host, registry=_REGISTRY
        )
        self.port = self._server.server_port

    def close(self):
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
