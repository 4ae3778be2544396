"""The models of a server, as its configuration lists them; found by name, version or label."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.apis import model_pb2
from tensorflow_serving.config import model_server_config_pb2

from tfrelight.errors import InputError
from tfrelight.serving.server.errors import RequestError
from tfrelight.serving.server.model import Model, VersionState
from tfrelight.serving.server.servable import Servable

__all__ = ["Models", "one_model", "parse_config"]

_log = logging.getLogger(__name__)


def one_model(name: str, base_path: Path | str) -> model_server_config_pb2.ModelServerConfig:
    """The configuration that serves the latest version in a folder as one model."""
    config = model_server_config_pb2.ModelServerConfig()
    config.model_config_list.config.add(
        name=name, base_path=str(base_path), model_platform="tensorflow"
    )
    return config


def parse_config(text: str, name: str) -> model_server_config_pb2.ModelServerConfig:
    """Parses a configuration in TensorFlow Serving's text format.

    Args:
      text: of the configuration.
      name: of its file, for the error.

    Raises:
      InputError: it cannot be parsed.
    """
    config = model_server_config_pb2.ModelServerConfig()
    try:
        return text_format.Parse(text, config)
    except text_format.ParseError as error:
        raise InputError(f"{name} is not a model configuration: {error}") from error


def _check(config):
    """Raises `RequestError` for a configuration that this server cannot serve."""
    if config.WhichOneof("config") != "model_config_list":
        raise RequestError(
            "INVALID_ARGUMENT",
            "ServerModelConfig type not supported by HandleReloadConfigRequest."
            " Only ModelConfigList is currently supported",
        )
    seen = set()
    for model in config.model_config_list.config:
        if model.model_platform != "tensorflow":
            text = f"Model {model.name}: expected model_platform 'tensorflow'."
            raise RequestError("INVALID_ARGUMENT", f"{text} Received: {model.model_platform!r}.")
        if not model.name or not model.base_path:
            raise RequestError("INVALID_ARGUMENT", "A model needs a name and a base_path.")
        if model.name in seen:
            text = f"Illegal to list model {model.name} multiple times in config list"
            raise RequestError("INVALID_ARGUMENT", text)
        seen.add(model.name)


class Models:
    """All models of a server.

    Args:
      limit: bytes that the tensors of a request may take together.
      early_labels: whether a new label may point to a version that is not available yet.
    """

    def __init__(self, limit: int, early_labels: bool = False) -> None:
        self._limit = limit
        self._early_labels = early_labels
        # Held while versions load and unload; lookups do not wait for it.
        self._changing = threading.Lock()
        self._models: dict[str, Model] = {}
        self._labels: dict[str, dict[str, int]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._models

    def apply(self, config: model_server_config_pb2.ModelServerConfig) -> None:
        """Loads the models of a configuration and unloads all others.

        Raises:
          RequestError: the configuration is invalid, and nothing changes; or a model has no version
            that can be served, or a label points to a version that is not available, and the models
            change but the labels do not.
        """
        _check(config)
        with self._changing:
            models = {}
            for entry in config.model_config_list.config:
                model = self._models.get(entry.name) or Model(entry, self._limit)
                model.config = entry
                model.update()
                models[entry.name] = model
            removed = [model for name, model in self._models.items() if name not in models]
            self._models = models
            for model in removed:
                model.close()
            self._labels = {name: self._checked_labels(models[name]) for name in models}

    def _checked_labels(self, model):
        name, available = model.config.name, model.available()
        if not available:
            reasons = [
                f"{number}: {state.text}" for number, state in sorted(model.states().items())
            ]
            reason = "; ".join(reasons) or f"no numbered folders in {model.config.base_path}"
            text = f"Some models did not become available: {name} ({reason})"
            raise RequestError("UNKNOWN", text)
        before = self._labels.get(name, {})
        for label, version in model.config.version_labels.items():
            early = self._early_labels and before.get(label, version) == version
            if version not in available and not early:
                raise RequestError(
                    "FAILED_PRECONDITION",
                    f"Request to assign label to version {version} of model {name}, which is not "
                    "currently available for inference",
                )
        return dict(model.config.version_labels)

    def update(self) -> None:
        """Looks at all folders once: loads new versions and unloads old ones."""
        with self._changing:
            for name, model in self._models.items():
                try:
                    model.update()
                except Exception:
                    # One model's failure must not stop the others; the next poll tries again.
                    _log.exception("Cannot look for new versions of %s", name)

    def acquire(self, spec: model_pb2.ModelSpec) -> tuple[int, Servable]:
        """Acquires the version that a `ModelSpec` asks for.

        Returns:
          its number and `Servable`, which the caller releases.

        Raises:
          RequestError: there is none; with TensorFlow Serving's code and text.
        """
        if not spec.name:
            raise RequestError("INVALID_ARGUMENT", "ModelSpec has no name specified.")
        version = self._version(spec)
        try:
            return self._models[spec.name].acquire(version)
        except KeyError:
            query = (
                f"Latest({spec.name})" if version is None else f"Specific({spec.name}, {version})"
            )
            raise RequestError("NOT_FOUND", f"Servable not found for request: {query}") from None

    def _version(self, spec):
        choice = spec.WhichOneof("version_choice")
        if choice == "version":
            return spec.version.value
        if choice == "version_label":
            try:
                return self._labels[spec.name][spec.version_label]
            except KeyError:
                text = f"Unrecognized servable version label: {spec.version_label}"
                raise RequestError("INVALID_ARGUMENT", text) from None
        return None

    def states(self, spec: model_pb2.ModelSpec) -> dict[int, VersionState]:
        """The states of a model's versions, by number.

        Args:
          spec: names the model, and one version or none for all.

        Raises:
          RequestError: there is none; with TensorFlow Serving's code and text.
        """
        version = self._version(spec)
        found = self._models[spec.name].states() if spec.name in self._models else {}
        if version is not None:
            if version not in found:
                text = f"Could not find version {version} of model {spec.name}"
                raise RequestError("NOT_FOUND", text)
            return {version: found[version]}
        if not found:
            raise RequestError("NOT_FOUND", f"Could not find any versions of model {spec.name}")
        return found

    def close(self, seconds: float) -> bool:
        """Unloads everything.

        Args:
          seconds: to wait for a load to end, and for the users of each version, at most.

        Returns:
          whether all loads have ended.
        """
        idle = self._changing.acquire(timeout=seconds)
        try:
            models, self._models = self._models, {}
            for model in models.values():
                model.close(seconds)
        finally:
            if idle:
                self._changing.release()
        return idle
