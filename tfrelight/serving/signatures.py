"""The signatures of an exported model.

- `decompose`, also `serving_default`: `images` `[N, H, W, 3]` to `albedo`, `normals`, `light`,
  `mask`, `shading`
- `relight`: `images`, `light` `[N, 9, 3]` to `relit` `[N, H, W, 3]`
- `transfer`: `images`, `references` `[N, H, W, 3]` to `relit`, `light` (the references')

All are float32. Photos and `relit` are sRGB in [0, 1], `albedo` and `shading` linear RGB, `normals`
unit vectors. H and W are free, and those of `references` need not be those of `images`: the graph
resizes to the network's size and the maps back.
"""

import tensorflow as tf
from keras.export import ExportArchive

from tfrelight import color, shading

__all__ = ["archive"]

_IMAGES = [None, None, None, 3]
_LIGHT = [None, 9, 3]


def archive(model):
    """The signatures of a model, ready for `write_out(folder)`.

    The first op on every input is `tf.ensure_shape`: TensorFlow Serving does not check a request
    against the signature, and a tensor of a wrong rank in a convolution ends its process.

    Args:
      model: as `tfrelight.load_model` gives it.

    Returns:
      `keras.export.ExportArchive`.
    """

    def decompose(images):
        images = tf.ensure_shape(images, _IMAGES)
        outputs = model(images, training=False)
        return {**outputs, "shading": shading.shade(outputs["normals"], outputs["light"])}

    def relit(images, light):
        outputs = model(images, training=False)
        return color.to_srgb(shading.render(outputs["albedo"], outputs["normals"], light))

    def relight(images, light):
        images, light = tf.ensure_shape(images, _IMAGES), tf.ensure_shape(light, _LIGHT)
        return {"relit": relit(images, light)}

    def transfer(images, references):
        images = tf.ensure_shape(images, _IMAGES)
        references = tf.ensure_shape(references, _IMAGES)
        light = model(references, training=False)["light"]
        return {"relit": relit(images, light), "light": light}

    images = tf.TensorSpec(_IMAGES, tf.float32, name="images")
    light = tf.TensorSpec(_LIGHT, tf.float32, name="light")
    references = tf.TensorSpec(_IMAGES, tf.float32, name="references")
    result = ExportArchive()
    result.track(model)
    # The first endpoint is `serving_default` too.
    result.add_endpoint("decompose", decompose, [images])
    result.add_endpoint("relight", relight, [images, light])
    result.add_endpoint("transfer", transfer, [images, references])
    return result
