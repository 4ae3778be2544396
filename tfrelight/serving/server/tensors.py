"""`TensorProto`s of requests as arrays, and arrays as those of responses."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

__all__ = ["array_of", "bytes_of", "proto_of"]

# Of a string, beside what is in it: 24 in TensorFlow's tensor, 8 in the array.
_STRING = 32

# Packed float_val of a TensorProto: field 5, length-delimited.
_FLOATS = bytes([5 << 3 | 2])


def array_of(proto, largest):
    """The array that a `TensorProto` from anybody holds.

    Args:
      proto: of the request.
      largest: bytes. A proto of a few bytes may ask for terabytes of zeros.

    Returns:
      array, of dtype object for strings, also if it is a scalar.

    Raises:
      ValueError: it holds none, or one of more than `largest`.
    """
    try:
        shape = tf.TensorShape(proto.tensor_shape)
        dtype = tf.dtypes.as_dtype(proto.dtype)
        count = int(np.prod(shape.as_list(), dtype=object))
        size = count * (_STRING if dtype == tf.string else dtype.size)
    except (TypeError, ValueError) as error:
        raise ValueError(f"not a tensor: {error}") from error
    if size > largest:
        raise ValueError(f"{size} bytes. Expected at most {largest}")
    try:
        # The parser of the C++ server, which is not Python's in every case.
        value = tf.io.parse_tensor(proto.SerializeToString(), dtype).numpy()
    except (tf.errors.OpError, NotImplementedError) as error:
        raise ValueError(f"not a tensor: {error}") from error
    # A scalar comes as a value of Python.
    return np.asarray(value, object if dtype == tf.string else None)


def bytes_of(array):
    """Bytes that an array of `array_of` takes, the strings in it included."""
    if array.dtype != object:
        return array.nbytes
    return _STRING * array.size + sum(map(len, array.flat))


def proto_of(array):
    """A `TensorProto` of an output: values in its fields, as TensorFlow Serving sends them."""
    array = np.asarray(array)
    if array.dtype != np.float32:
        return tf.make_tensor_proto(array)
    proto = tensor_pb2.TensorProto(dtype=tf.float32.as_datatype_enum)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    # As bytes, because a list of Python floats takes a hundred times as long.
    data = np.ascontiguousarray(array, "<f4").tobytes()
    proto.MergeFromString(_FLOATS + _varint(len(data)) + data)
    return proto


def _varint(number):
    """Seven bits a byte, the lowest first; the eighth says that more follow."""
    result = bytearray()
    while number > 0x7F:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*result, number])
