"""Conversion between arrays and `TensorProto`s of requests and responses."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

__all__ = ["nbytes", "to_array", "to_proto"]

# Bytes that a string takes beside its content: 24 in TensorFlow's tensor, 8 in the array.
_STRING = 32

# Tag of a `TensorProto`'s packed float_val: field 5, length-delimited.
_FLOATS = bytes([5 << 3 | 2])


def to_array(proto: tensor_pb2.TensorProto, limit: int) -> np.ndarray:
    """Reads a `TensorProto` of an untrusted client.

    Args:
      proto: of any content.
      limit: bytes of the array. A proto of a few bytes may declare terabytes of zeros.

    Returns:
      array of any shape; of dtype object for strings, scalars included.

    Raises:
      ValueError: `proto` is invalid, or larger than `limit`.
    """
    try:
        shape = tf.TensorShape(proto.tensor_shape)
        dtype = tf.dtypes.as_dtype(proto.dtype)
        count = int(np.prod(shape.as_list(), dtype=object))
        size = count * (_STRING if dtype == tf.string else dtype.size)
    except (TypeError, ValueError) as error:
        raise ValueError(f"not a tensor: {error}") from error
    if size > limit:
        raise ValueError(f"{size} bytes. Expected at most {limit}")
    try:
        # The C++ server's parser; the one of Python accepts other protos.
        value = tf.io.parse_tensor(proto.SerializeToString(), dtype).numpy()
    except (tf.errors.OpError, NotImplementedError) as error:
        raise ValueError(f"not a tensor: {error}") from error
    # A scalar string comes as Python's bytes.
    return np.asarray(value, object if dtype == tf.string else None)


def nbytes(array: np.ndarray) -> int:
    """Bytes that an array of `to_array` takes, its strings included."""
    if array.dtype != object:
        return array.nbytes
    return _STRING * array.size + sum(map(len, array.flat))


def to_proto(array: np.ndarray) -> tensor_pb2.TensorProto:
    """A `TensorProto` with the values in its typed field, as TensorFlow Serving sends them."""
    array = np.asarray(array)
    if array.dtype != np.float32:
        return tf.make_tensor_proto(array)
    proto = tensor_pb2.TensorProto(dtype=tf.float32.as_datatype_enum)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    # Serialized bytes, because a list of Python floats takes a hundred times as long.
    data = np.ascontiguousarray(array, "<f4").tobytes()
    proto.MergeFromString(_FLOATS + _varint(len(data)) + data)
    return proto


def _varint(number):
    """Protobuf's variable-length integer: seven bits a byte, low first; bit 8: more follow."""
    result = bytearray()
    while number > 0x7F:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*result, number])
