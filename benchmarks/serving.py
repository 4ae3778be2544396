"""Measures the local server: throughput, latency, memory, and behaviour under overload.

    python benchmarks/serving.py --report=serving.json

It exports the model, starts `tfrelight.serve` on the loopback interface, and sends it photos of one
size from many clients in this process. It takes some minutes, bounded by --requests and --seconds.
Run it on an idle machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

from absl import flags

from tfrelight import threads
from tfrelight.commands import app

_MODEL = flags.DEFINE_string("model", "compact-128", "Preset or run folder to export.")
_PRECISION = flags.DEFINE_string("precision", "float32", "Precision of the export.")
_SIZE = flags.DEFINE_integer(
    "size", 256, "Height and width of the photos (JPEG), pixels.", lower_bound=1
)
_CLIENTS = flags.DEFINE_integer("clients", 64, "Number of simultaneous clients.", lower_bound=1)
_SECONDS = flags.DEFINE_float(
    "seconds", 20, "Length of each measurement of speed.", lower_bound=0.1
)
_REQUESTS = flags.DEFINE_integer(
    "requests", 5000, "Requests of the measurement of memory.", lower_bound=501
)
_OVERLOAD = flags.DEFINE_float(
    "overload", 10, "Rate of the overload, in units of the capacity.", lower_bound=1
)
_PARTS = flags.DEFINE_list(
    "parts", ["throughput", "memory", "overload"], "Parts of the benchmark to run."
)
_SERVER_FLAGS = flags.DEFINE_list("server_flags", [], "Additional flags of tfrelight.serve.")
_REPORT = flags.DEFINE_string("report", None, "JSON file to write.")

_METHOD = "/tensorflow.serving.PredictionService/Predict"
_BATCHES = (8, 32)


def _photo():
    """An enlarged synthetic portrait, as JPEG."""
    from PIL import Image

    from tfrelight.synthesis import portraits

    settings = portraits.PortraitConfig(lights=1, size=128)
    image = Image.fromarray(portraits.subject(settings, 0)["images"][0])
    data = io.BytesIO()
    image.resize((_SIZE.value, _SIZE.value), Image.BICUBIC).save(data, "JPEG", quality=92)
    return data.getvalue()


def _in_process(signature, photo, light, batch):
    """Photos per second of the SavedModel in this process, in batches."""
    import numpy as np
    import tensorflow as tf

    inputs = {
        "image_bytes": tf.constant([photo] * batch),
        "light": tf.constant(np.repeat(light[None], batch, axis=0)),
    }
    signature(**inputs)
    started, count = time.monotonic(), 0
    while time.monotonic() - started < _SECONDS.value:
        signature(**inputs)["relit_png_bytes"].numpy()
        count += batch
    return round(count / (time.monotonic() - started), 1)


@contextlib.contextmanager
def _server(base):
    """Starts the server; yields its address and the URL of its metrics."""
    command = [sys.executable, "-m", "tfrelight.serve", f"--model_base_path={base}"]
    command += ["--port=0", "--metrics_port=0", *_SERVER_FLAGS.value]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        address, metrics = re.match(r"Serving .* on (\S+), metrics on (\S+)", line).groups()
        yield address, f"http://{metrics}"
    finally:
        process.terminate()
        process.wait(60)


def _resident(metrics):
    """Resident memory of the server, bytes."""
    text = urllib.request.urlopen(metrics, timeout=10).read().decode()
    return float(re.search(r"^process_resident_memory_bytes (\S+)$", text, re.MULTILINE).group(1))


class _Clients:
    """Clients with separate channels, like separate processes."""

    def __init__(self, address, count, request):
        import grpc

        options = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_receive_message_length", -1),
        ]
        self._request = request
        self.channels = [grpc.aio.insecure_channel(address, options) for _ in range(count)]
        self._calls = [channel.unary_unary(_METHOD) for channel in self.channels]

    async def call(self, number, timeout):
        """Sends a request of client `number`; returns the code's name and the seconds."""
        import grpc

        started = time.monotonic()
        try:
            await self._calls[number % len(self._calls)](self._request, timeout=timeout)
            code = "OK"
        except grpc.aio.AioRpcError as error:
            code = error.code().name
        return code, time.monotonic() - started

    async def send_in_turn(self, done):
        """Each client sends its next request when the last is answered, until `done()`."""

        async def work(number):
            times = []
            while not done():
                code, seconds = await self.call(number, 60)
                if code != "OK":
                    raise RuntimeError(f"expected an answer, got {code}")
                times.append(seconds)
            return times

        answers = await asyncio.gather(*(work(n) for n in range(len(self._calls))))
        return sorted(itertools.chain(*answers))

    async def close(self):
        for channel in self.channels:
            await channel.close()


def _quantiles(seconds):
    """p50, p95 and p99 in milliseconds."""
    ordered = sorted(seconds)
    return {
        f"p{percent}_ms": round(
            1000 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
        )
        for percent in (50, 95, 99)
    }


def _for(seconds):
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


async def _speed(address, request, count):
    clients = _Clients(address, count, request)
    await clients.send_in_turn(_for(3))
    started = time.monotonic()
    seconds = await clients.send_in_turn(_for(_SECONDS.value))
    rate = len(seconds) / (time.monotonic() - started)
    await clients.close()
    return {"clients": count, "photos_per_second": round(rate, 1), **_quantiles(seconds)}


async def _memory(address, metrics, request):
    clients = _Clients(address, _CLIENTS.value, request)
    left = itertools.count(_REQUESTS.value, -1)
    first = {}

    def done():
        number = next(left)
        if number == _REQUESTS.value - 500:
            first["bytes"] = _resident(metrics)
        return number <= 0

    await clients.send_in_turn(done)
    await clients.close()
    before, after = first["bytes"], _resident(metrics)
    return {
        "requests": _REQUESTS.value,
        "after_500_mb": round(before / 2**20),
        "at_the_end_mb": round(after / 2**20),
        "growth_percent": round(100 * (after / before - 1), 1),
    }


async def _overload(address, metrics, request, capacity):
    """Sends requests at a steady rate, answered or not; each may take 10 seconds."""
    clients = _Clients(address, _CLIENTS.value, request)
    rate, answers, running = _OVERLOAD.value * capacity, [], set()
    started = time.monotonic()
    before = _resident(metrics)

    async def send(number):
        answers.append(await clients.call(number, 10))

    for number in itertools.count():
        due = started + number / rate
        if due - started > _SECONDS.value:
            break
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        task = asyncio.create_task(send(number))
        running.add(task)
        task.add_done_callback(running.discard)
    took = time.monotonic() - started
    # After the overload. The server may refuse a new request until the queue has room; it answers
    # the request when the queue before it is done.
    ended = sent = time.monotonic()
    while (await clients.call(0, 60))[0] != "OK":
        await asyncio.sleep(0.01)
        sent = time.monotonic()
    answered = time.monotonic()
    await asyncio.gather(*running)
    _, alone = await clients.call(0, 60)
    await clients.close()
    codes = {code: sum(1 for c, _ in answers if c == code) for code, _ in answers}
    refused = [s for code, s in answers if code in ("UNAVAILABLE", "RESOURCE_EXHAUSTED")]
    return {
        "sent_per_second": round(len(answers) / took, 1),
        "capacity_per_second": round(capacity, 1),
        "answers": codes,
        "answered_per_second": round(codes.get("OK", 0) / took, 1),
        "refused_after": _quantiles(refused) if refused else None,
        "refuses_on_for_ms": round(1000 * (sent - ended)),
        "queue_empty_after_ms": round(1000 * (answered - ended)),
        "one_alone_ms": round(1000 * alone),
        "memory_growth_percent": round(100 * (_resident(metrics) / before - 1), 1),
    }


def _measure(base, folder):
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    from tfrelight import Light
    from tfrelight.serving import defaults

    photo, light = _photo(), Light.preset("left").coefficients
    message = predict_pb2.PredictRequest()
    message.model_spec.name = defaults.MODEL_NAME
    message.model_spec.signature_name = "relight_bytes"
    message.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto([photo]))
    message.inputs["light"].CopyFrom(tf.make_tensor_proto(light[None]))
    request = message.SerializeToString()

    report = {
        "model": _MODEL.value,
        "precision": _PRECISION.value,
        "photo": f"{_SIZE.value}x{_SIZE.value} JPEG, {len(photo)} bytes",
        "cores": threads.available(),
        "server_flags": _SERVER_FLAGS.value,
    }
    loaded = tf.saved_model.load(str(folder))
    signature = loaded.signatures["relight_bytes"]
    rates = {batch: _in_process(signature, photo, light, batch) for batch in _BATCHES}
    report["in_process_photos_per_second"] = {f"batch_{n}": rate for n, rate in rates.items()}
    with _server(base) as (address, metrics):
        for count in (1, _CLIENTS.value):
            report[f"clients_{count}"] = asyncio.run(_speed(address, request, count))
        many = report[f"clients_{_CLIENTS.value}"]["photos_per_second"]
        report["share_of_in_process"] = round(many / max(rates.values()), 3)
        if "memory" in _PARTS.value:
            report["memory"] = asyncio.run(_memory(address, metrics, request))
        if "overload" in _PARTS.value:
            report["overload"] = asyncio.run(_overload(address, metrics, request, many))
    return report


def main():
    """Exports the model, measures, and prints the report."""
    import json

    from tfrelight import files
    from tfrelight.serving import versions

    with tempfile.TemporaryDirectory() as folder:
        base = pathlib.Path(folder) / "tfrelight"
        path = versions.publish(_MODEL.value, base, precision=_PRECISION.value)
        report = _measure(base, path)
    print(json.dumps(report, indent=2))
    if _REPORT.value:
        files.write_json(_REPORT.value, report)


if __name__ == "__main__":
    app.run(main)
