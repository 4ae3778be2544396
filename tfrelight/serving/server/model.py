"""One model: loads and unloads its versions, and knows the state of each."""

from __future__ import annotations

import dataclasses
import logging
import threading
from pathlib import Path

import grpc
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import get_model_status_pb2, prediction_log_pb2
from tensorflow_serving.config import model_server_config_pb2

from tfrelight.serving import defaults, folders
from tfrelight.serving.server import requests
from tfrelight.serving.server.errors import RequestError, from_exception
from tfrelight.serving.server.servable import Servable

__all__ = ["Model", "VersionState", "load"]

_STATES = get_model_status_pb2.ModelVersionStatus.State
# TensorFlow Serving's limit.
_MAX_WARM_UP_RECORDS = 1000

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class VersionState:
    """What `GetModelStatus` reports about a version.

    Attributes:
      state: name of a `ModelVersionStatus.State`.
      code: name of a gRPC code; other than OK for a version that failed.
      text: why it failed.
    """

    state: str
    code: str = "OK"
    text: str = ""

    def proto(self, version: int) -> get_model_status_pb2.ModelVersionStatus:
        """The message for a version's number."""
        status = get_model_status_pb2.ModelVersionStatus(
            version=version, state=_STATES.Value(self.state)
        )
        status.status.error_code = grpc.StatusCode[self.code].value[0]
        status.status.error_message = self.text
        return status


def load(path: Path | str, limit: int) -> Servable:
    """Loads a version and runs its warm-up requests.

    Args:
      path: folder of the version.
      limit: bytes that the tensors of a request may take together.

    Raises:
      RequestError: it cannot be loaded, or a warm-up request fails.
    """
    try:
        servable = Servable(path)
        try:
            _warm_up(servable, limit)
        except BaseException:
            servable.close()
            raise
    except (OSError, RuntimeError) as error:
        raise RequestError("NOT_FOUND", f"Could not load {path}: {error}") from error
    except Exception as error:
        # For example, a graph of a newer TensorFlow raises a ValueError.
        raise from_exception(error, f"Could not load {path}: {error}") from error
    return servable


def _warm_up(servable, limit):
    path = Path(servable.path) / defaults.WARM_UP
    if not path.is_file():
        return
    try:
        for number, record in enumerate(tf.data.TFRecordDataset(str(path))):
            if number == _MAX_WARM_UP_RECORDS:
                raise RequestError(
                    "INVALID_ARGUMENT",
                    f"Number of warmup records exceeds the maximum ({_MAX_WARM_UP_RECORDS}) "
                    f"at {path}",
                )
            log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
            if not log.HasField("predict_log"):
                raise RequestError("UNIMPLEMENTED", f"Unsupported log_type for warmup at {path}")
            request = requests.check(log.predict_log.request, servable.signatures, limit)
            servable.run(request.signature, request.inputs, request.outputs)
    except tf.errors.DataLossError as error:
        text = f"{error.message}. Please verify your warmup data is in TFRecord format."
        raise RequestError("DATA_LOSS", text) from error
    except DecodeError as error:
        text = f"Failed to parse warmup record: {error} from {path}"
        raise RequestError("INVALID_ARGUMENT", text) from error


class Model:
    """The versions of one model.

    One thread at a time may call `update`; the other methods are safe in any thread.

    Attributes:
      config: `ModelConfig`; the next `update` follows it.

    Args:
      config: `ModelConfig`.
      limit: see `load`.
    """

    def __init__(self, config: model_server_config_pb2.ModelConfig, limit: int) -> None:
        self.config = config
        self._limit = limit
        self._lock = threading.Lock()
        self._loaded: dict[int, Servable] = {}
        self._states: dict[int, VersionState] = {}
        self._paths: dict[int, Path] = {}
        self._logged: str | None = None

    def states(self) -> dict[int, VersionState]:
        """The state of each version that was selected for loading, by number."""
        with self._lock:
            return dict(self._states)

    def available(self) -> list[int]:
        """Numbers of the loaded versions, ascending."""
        with self._lock:
            return sorted(self._loaded)

    def acquire(self, version: int | None = None) -> tuple[int, Servable]:
        """Acquires a version; the latest by default.

        Returns:
          its number and `Servable`, which the caller releases.

        Raises:
          KeyError: it is not loaded.
        """
        with self._lock:
            number = max(self._loaded, default=-1) if version is None else version
            servable = self._loaded[number]
            servable.acquire()
            return number, servable

    def update(self) -> None:
        """Loads and unloads versions as the folder and the configuration say.

        New versions are loaded first; old ones are unloaded once a new one is available.
        """
        try:
            selected = self._selected()
        except OSError as error:
            # Loaded versions stay, as in TensorFlow Serving, because the disk may come back.
            if str(error) != self._logged:
                _log.warning("Cannot read the versions of %s: %s", self.config.name, error)
            self._logged = str(error)
            return
        self._logged = None
        for number in selected:
            if self._is_new(number):
                self._load(number)
        with self._lock:
            if selected and not set(selected) & set(self._loaded):
                return
            old = {n: self._loaded.pop(n) for n in list(self._loaded) if n not in selected}
            for number in old:
                self._states[number] = VersionState("UNLOADING")
        for number, servable in old.items():
            servable.close()
            self._set(number, VersionState("END"))

    def close(self, seconds: float | None = None) -> None:
        """Unloads all versions; see `Servable.close`."""
        with self._lock:
            loaded, self._loaded = self._loaded, {}
        for servable in loaded.values():
            servable.close(seconds)

    def _selected(self):
        """Numbers of the versions that should be loaded, ascending."""
        self._paths = folders.versions(self.config.base_path)
        numbers = sorted(self._paths)
        with self._lock:
            # A failed version is retried only after its folder was removed and restored. TensorFlow
            # Serving retries five times, but the contents of a finished folder do not change.
            self._states = {
                n: s for n, s in self._states.items() if n in numbers or n in self._loaded
            }
        policy = self.config.model_version_policy
        kind = policy.WhichOneof("policy_choice")
        if kind == "all":
            return numbers
        if kind == "specific":
            return [n for n in numbers if n in policy.specific.versions]
        latest = policy.latest.num_versions or 1
        return numbers[-latest:]

    def _is_new(self, number):
        with self._lock:
            state = self._states.get(number)
            # END with OK: it was unloaded, and is selected again.
            return state is None or (state.state == "END" and state.code == "OK")

    def _load(self, number):
        self._set(number, VersionState("LOADING"))
        try:
            servable = load(self._paths[number], self._limit)
        except RequestError as error:
            _log.warning("Version %d of %s: %s", number, self.config.name, error)
            self._set(number, VersionState("END", error.code.name, error.text))
            return
        with self._lock:
            self._loaded[number] = servable
            self._states[number] = VersionState("AVAILABLE")
        _log.info("Version %d of %s is available.", number, self.config.name)

    def _set(self, number, state):
        with self._lock:
            self._states[number] = state
