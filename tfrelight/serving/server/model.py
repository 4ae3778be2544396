"""One model and its versions: which are loaded, which wait, which failed and why."""

from __future__ import annotations

import dataclasses
import logging
import threading
from pathlib import Path

import grpc
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import get_model_status_pb2, prediction_log_pb2

from tfrelight.serving import defaults, folders
from tfrelight.serving.server import requests
from tfrelight.serving.server.refusal import Refusal, of_failure
from tfrelight.serving.server.servable import Servable

__all__ = ["Model", "State", "load"]

_STATES = get_model_status_pb2.ModelVersionStatus.State
_MOST_WARM_UP = 1000

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class State:
    """What `GetModelStatus` tells of a version: name of its state, of a code, and a text."""

    state: str
    code: str = "OK"
    text: str = ""

    def proto(self, version):
        """The message."""
        status = get_model_status_pb2.ModelVersionStatus(
            version=version, state=_STATES.Value(self.state)
        )
        status.status.error_code = grpc.StatusCode[self.code].value[0]
        status.status.error_message = self.text
        return status


def load(path, largest):
    """Loads a version and answers its warm-up requests.

    Args:
      path: of the version's folder.
      largest: bytes that one tensor of a request may take.

    Returns:
      `Servable`.

    Raises:
      Refusal: it cannot be loaded, or a warm-up request is refused.
    """
    try:
        servable = Servable(path)
        try:
            _warm_up(servable, largest)
        except BaseException:
            servable.close()
            raise
    except (OSError, RuntimeError) as error:
        raise Refusal("NOT_FOUND", f"Could not load {path}: {error}") from error
    except Exception as error:
        # A graph of a newer TensorFlow, for one, is a ValueError.
        raise of_failure(error, f"Could not load {path}: {error}") from error
    return servable


def _warm_up(servable, largest):
    path = Path(servable.path) / defaults.WARM_UP
    if not path.is_file():
        return
    try:
        for number, record in enumerate(tf.data.TFRecordDataset(str(path))):
            if number == _MOST_WARM_UP:
                raise Refusal(
                    "INVALID_ARGUMENT",
                    f"Number of warmup records exceeds the maximum ({_MOST_WARM_UP}) at {path}",
                )
            log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
            if not log.HasField("predict_log"):
                raise Refusal("UNIMPLEMENTED", f"Unsupported log_type for warmup at {path}")
            request = requests.check(log.predict_log.request, servable.signatures, largest)
            servable.run(request.signature, request.inputs, request.outputs)
    except tf.errors.DataLossError as error:
        text = f"{error.message}. Please verify your warmup data is in TFRecord format."
        raise Refusal("DATA_LOSS", text) from error
    except DecodeError as error:
        text = f"Failed to parse warmup record: {error} from {path}"
        raise Refusal("INVALID_ARGUMENT", text) from error


class Model:
    """The versions of one model.

    `update` is called by one thread at a time; the others may be called by any at any time.

    Args:
      config: `ModelConfig`, which `update` may exchange.
      largest: see `load`.
    """

    def __init__(self, config, largest):
        self.config = config
        self._largest = largest
        self._lock = threading.Lock()
        self._loaded = {}
        self._states = {}
        self._paths = {}
        self._complaint = None

    def states(self):
        """The `State` of each version, of all that were ever wanted."""
        with self._lock:
            return dict(self._states)

    def available(self):
        """Numbers of the versions that answer, ascending."""
        with self._lock:
            return sorted(self._loaded)

    def acquire(self, version=None):
        """The version's number and `Servable`, acquired; of the latest version by default.

        Raises:
          KeyError: it is not available.
        """
        with self._lock:
            number = max(self._loaded, default=None) if version is None else version
            servable = self._loaded[number]
            servable.acquire()
            return number, servable

    def update(self):
        """Loads and unloads what the folder and the configuration ask for.

        What is new is loaded first; the old goes once something new answers.
        """
        try:
            wanted = self._wanted()
        except OSError as error:
            # As TensorFlow Serving does: what is loaded stays, for the disk may come back.
            if str(error) != self._complaint:
                _log.warning("Cannot read the versions of %s: %s", self.config.name, error)
            self._complaint = str(error)
            return
        self._complaint = None
        for number in wanted:
            if self._is_new(number):
                self._load(number)
        with self._lock:
            if wanted and not set(wanted) & set(self._loaded):
                return
            leaving = {n: self._loaded.pop(n) for n in list(self._loaded) if n not in wanted}
            for number in leaving:
                self._states[number] = State("UNLOADING")
        for number, servable in leaving.items():
            servable.close()
            self._set(number, State("END"))

    def close(self, seconds=None):
        """Unloads all versions; see `Servable.close`."""
        with self._lock:
            loaded, self._loaded = self._loaded, {}
        for servable in loaded.values():
            servable.close(seconds)

    def _wanted(self):
        self._paths = folders.versions(self.config.base_path)
        numbers = sorted(self._paths)
        with self._lock:
            # A version that failed is tried again when its folder has been away, not every minute
            # as in TensorFlow Serving: nothing about a finished folder changes.
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
            # One that ended well was unloaded, and is wanted again.
            return state is None or (state.state == "END" and state.code == "OK")

    def _load(self, number):
        self._set(number, State("LOADING"))
        try:
            servable = load(self._paths[number], self._largest)
        except Refusal as refusal:
            _log.warning("Version %d of %s: %s", number, self.config.name, refusal)
            self._set(number, State("END", refusal.code.name, refusal.text))
            return
        with self._lock:
            self._loaded[number] = servable
            self._states[number] = State("AVAILABLE")
        _log.info("Version %d of %s is available.", number, self.config.name)

    def _set(self, number, state):
        with self._lock:
            self._states[number] = state
