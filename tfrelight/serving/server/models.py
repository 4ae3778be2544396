"""The models of a server: from a configuration, by name, version or label, and up to date."""

from __future__ import annotations

import logging
import threading

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from tfrelight.errors import InputError
from tfrelight.serving.server.model import Model
from tfrelight.serving.server.refusal import Refusal

__all__ = ["Models", "one_model", "parse_config"]

_log = logging.getLogger(__name__)


def one_model(name, base_path):
    """The configuration of one model: of its folder's latest version."""
    config = model_server_config_pb2.ModelServerConfig()
    config.model_config_list.config.add(
        name=name, base_path=str(base_path), model_platform="tensorflow"
    )
    return config


def parse_config(text, name):
    """A configuration in TensorFlow Serving's text format.

    Raises:
      InputError: it is none; `name` is whose it is.
    """
    config = model_server_config_pb2.ModelServerConfig()
    try:
        return text_format.Parse(text, config)
    except text_format.ParseError as error:
        raise InputError(f"{name} is not a configuration of models: {error}") from error


def _check(config):
    """Refuses a configuration that cannot be meant."""
    if config.WhichOneof("config") != "model_config_list":
        raise Refusal(
            "INVALID_ARGUMENT",
            "ServerModelConfig type not supported by HandleReloadConfigRequest."
            " Only ModelConfigList is currently supported",
        )
    seen = set()
    for model in config.model_config_list.config:
        if model.model_platform != "tensorflow":
            text = f"Model {model.name}: expected model_platform 'tensorflow'."
            raise Refusal("INVALID_ARGUMENT", f"{text} Received: {model.model_platform!r}.")
        if not model.name or not model.base_path:
            raise Refusal("INVALID_ARGUMENT", "A model needs a name and a base_path.")
        if model.name in seen:
            text = f"Illegal to list model {model.name} multiple times in config list"
            raise Refusal("INVALID_ARGUMENT", text)
        seen.add(model.name)


class Models:
    """All models that a server serves.

    Args:
      largest: bytes that one tensor of a request may take.
      early_labels: whether a label that is new may be for a version that is not available yet.
    """

    def __init__(self, largest, early_labels=False):
        self._largest = largest
        self._early_labels = early_labels
        # Held while versions load and unload; lookups do not wait for it.
        self._changing = threading.Lock()
        self._models = {}
        self._labels = {}

    def __contains__(self, name):
        return name in self._models

    def apply(self, config):
        """Serves what a configuration names, and nothing else. Returns when it is loaded.

        Args:
          config: `ModelServerConfig`.

        Raises:
          Refusal: it is not one that can be served: nothing is changed. Or no version of a model
            can be, or a label is for a version that is not available: the models are changed, and
            labels stay as they were.
        """
        _check(config)
        with self._changing:
            configs = {model.name: model for model in config.model_config_list.config}
            models = {}
            for name, one in configs.items():
                models[name] = self._models.get(name) or Model(one, self._largest)
                models[name].config = one
                models[name].update()
            left = [model for name, model in self._models.items() if name not in models]
            self._models = models
            for model in left:
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
            raise Refusal("UNKNOWN", text)
        before = self._labels.get(name, {})
        for label, version in model.config.version_labels.items():
            early = self._early_labels and before.get(label, version) == version
            if version not in available and not early:
                raise Refusal(
                    "FAILED_PRECONDITION",
                    f"Request to assign label to version {version} of model {name}, which is not "
                    "currently available for inference",
                )
        return dict(model.config.version_labels)

    def update(self):
        """Looks at all folders once: loads new versions, unloads old ones."""
        with self._changing:
            for name, model in self._models.items():
                try:
                    model.update()
                except Exception:
                    # Whatever it is, the other models go on, and it is looked at again.
                    _log.exception("Cannot look for new versions of %s", name)

    def acquire(self, spec):
        """The version that a `ModelSpec` asks for, acquired.

        Returns:
          its number and `Servable`.

        Raises:
          Refusal: as TensorFlow Serving would.
        """
        if not spec.name:
            raise Refusal("INVALID_ARGUMENT", "ModelSpec has no name specified.")
        version = self._version(spec)
        try:
            return self._models[spec.name].acquire(version)
        except KeyError:
            wanted = (
                f"Latest({spec.name})" if version is None else f"Specific({spec.name}, {version})"
            )
            raise Refusal("NOT_FOUND", f"Servable not found for request: {wanted}") from None

    def _version(self, spec):
        choice = spec.WhichOneof("version_choice")
        if choice == "version":
            return spec.version.value
        if choice == "version_label":
            try:
                return self._labels[spec.name][spec.version_label]
            except KeyError:
                text = f"Unrecognized servable version label: {spec.version_label}"
                raise Refusal("INVALID_ARGUMENT", text) from None
        return None

    def states(self, spec):
        """`State`s by version: of the one that a `ModelSpec` asks for, or of all.

        Raises:
          Refusal: as TensorFlow Serving would.
        """
        version = self._version(spec)
        found = self._models[spec.name].states() if spec.name in self._models else {}
        if version is not None:
            if version not in found:
                text = f"Could not find version {version} of model {spec.name}"
                raise Refusal("NOT_FOUND", text)
            return {version: found[version]}
        if not found:
            raise Refusal("NOT_FOUND", f"Could not find any versions of model {spec.name}")
        return found

    def close(self, seconds):
        """Unloads everything.

        Args:
          seconds: to wait at most for a load under way, and for who uses a version: see `Servable`.

        Returns:
          whether no load is under way.
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
