"""Reads the files of export/: YAML, and TensorFlow Serving's text protobufs."""

import functools
import re

import yaml
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)

from tests.conftest import ROOT

KIT = ROOT / "export"
DEPLOYMENTS = ("kubernetes/deployment.yaml", "kubernetes/canary/deployment.yaml")

# Messages that are missing in tensorflow-serving-api: name, number and type of their fields, from
# servables/tensorflow/session_bundle_config.proto, config/monitoring_config.proto and
# config/ssl_config.proto of TensorFlow Serving 2.15.
_INT64 = ".google.protobuf.Int64Value"
_MESSAGES = {
    "BatchingParameters": [
        ("max_batch_size", 1, _INT64),
        ("batch_timeout_micros", 2, _INT64),
        ("max_enqueued_batches", 3, _INT64),
        ("num_batch_threads", 4, _INT64),
        ("thread_pool_name", 5, ".google.protobuf.StringValue"),
        ("allowed_batch_sizes", 6, "repeated int64"),
        ("pad_variable_length_inputs", 7, "bool"),
    ],
    "PrometheusConfig": [("enable", 1, "bool"), ("path", 2, "string")],
    "MonitoringConfig": [("prometheus_config", 1, ".tensorflow.serving.PrometheusConfig")],
    "SSLConfig": [
        ("server_key", 1, "string"),
        ("server_cert", 2, "string"),
        ("custom_ca", 3, "string"),
        ("client_verify", 4, "bool"),
    ],
}


@functools.cache
def _pool():
    field_type = descriptor_pb2.FieldDescriptorProto
    types = {
        "bool": field_type.TYPE_BOOL,
        "string": field_type.TYPE_STRING,
        "int64": field_type.TYPE_INT64,
    }
    file = descriptor_pb2.FileDescriptorProto(
        name="kit.proto",
        package="tensorflow.serving",
        syntax="proto3",
        dependency=["google/protobuf/wrappers.proto"],
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            repeated, kind = kind.startswith("repeated "), kind.rpartition(" ")[2]
            entry = message.field.add(name=field, number=number)
            entry.label = field_type.LABEL_REPEATED if repeated else field_type.LABEL_OPTIONAL
            if kind in types:
                entry.type = types[kind]
            else:
                entry.type, entry.type_name = field_type.TYPE_MESSAGE, kind
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return pool


def _parse(path, message):
    return text_format.Parse(path.read_text(encoding="utf-8"), message)


def parsed(path, name):
    """Parses a file in protobuf's text format as a message of TensorFlow Serving."""
    descriptor = _pool().FindMessageTypeByName(f"tensorflow.serving.{name}")
    return _parse(path, message_factory.GetMessageClass(descriptor)())


def model(name="models.config"):
    """The only model of a models.config, a `tensorflow.serving.ModelConfig`."""
    from tensorflow_serving.config import model_server_config_pb2

    config = _parse(KIT / name, model_server_config_pb2.ModelServerConfig())
    (only,) = config.model_config_list.config
    return only


def documents(name):
    """The documents of a YAML file."""
    return list(yaml.safe_load_all((KIT / name).read_text(encoding="utf-8")))


def document(name):
    """The only document of a YAML file."""
    (only,) = documents(name)
    return only


def compose():
    """docker-compose.yml with the defaults of its variables."""
    text = (KIT / "docker-compose.yml").read_text(encoding="utf-8")
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)
    # `$$` is an escaped dollar; any other dollar is a variable without a default.
    assert not re.search(r"(?<!\$)\$(?!\$)", text), "a variable without a default"
    return yaml.safe_load(text.replace("$$", "$"))


def flags(arguments):
    """`--name=value` arguments: name to value."""
    assert all(argument.startswith("--") and "=" in argument for argument in arguments), arguments
    return dict(argument[2:].split("=", 1) for argument in arguments)


def server_flags():
    """Yields the name of each file that starts tensorflow_model_server, and the server's flags."""
    yield "docker-compose.yml", flags(compose()["services"]["tfrelight"]["command"])
    for name in DEPLOYMENTS:
        (container,) = document(name)["spec"]["template"]["spec"]["containers"]
        yield name, flags(container["args"])
