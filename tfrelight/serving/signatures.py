"""The signatures of an exported model.

- `decompose`, also `serving_default`: `images` to `albedo`, `normals`, `light`, `mask`, `shading`
- `relight`: `images`, `light` to `relit`
- `transfer`: `images`, `references` to `relit`, `light` (the references')
- `decompose_bytes`: `image_bytes` to `albedo_png_bytes`, `normals_png_bytes`, `shading_png_bytes`,
  `light`
- `relight_bytes`: `image_bytes`, `light` to `relit_png_bytes`

`images`, `references` and `relit` are `[N, H, W, 3]` float32 sRGB in [0, 1], `albedo` and `shading`
linear RGB, `normals` unit vectors, `light` `[N, 9, 3]`, `mask` `[N, H, W, 1]`. H and W are free,
and those of `references` need not be those of `images`: the graph resizes to the network's size and
the maps back. `image_bytes` `[N]` are JPEG or PNG files, each of its own size; so are the PNG files
that come back, albedo and shading sRGB-encoded, normals as (n + 1) / 2. How a photo is relit is
told in `tfrelight.serving.quotient`.
"""

import tensorflow as tf
from keras.export import ExportArchive

from tfrelight import color, shading
from tfrelight.models import presets
from tfrelight.serving import codecs, defaults, quotient, strips

__all__ = ["archive", "functions"]

_IMAGES = [None, None, None, 3]
_LIGHT = [None, 9, 3]
_PNG = tf.TensorSpec([], tf.string)


def _checked(photos, shape, **others):
    """`photos`, known to be of a shape, not none, not too many, and as many as each of `others`.

    `tf.ensure_shape` is the first op on every input: TensorFlow Serving does not check a request
    against the signature, and a tensor of a wrong rank in a convolution ends its process. An empty
    batch would be refused too, by a convolution that speaks of something else.
    """
    photos = tf.ensure_shape(photos, shape)
    checks = [tf.debugging.assert_positive(tf.size(photos), "Expected one photo or more")]
    number, most = tf.shape(photos)[0], defaults.MAX_PHOTOS
    checks.append(tf.debugging.assert_less_equal(number, most, f"Expected {most} photos or fewer"))
    for name, other in others.items():
        message = f"Expected as many rows of `{name}` as there are photos."
        checks.append(tf.debugging.assert_equal(number, tf.shape(other)[0], message))
    with tf.control_dependencies(checks):
        return tf.identity(photos)


def functions(network):
    """The signatures as functions of tensors.

    Args:
      network: as `presets.load_network` gives it.

    Returns:
      dict of name to (function, list of `tf.TensorSpec`).
    """
    size = network.input_shape[1]
    model = presets.of_any_size(network)

    def to_network(images):
        return tf.image.resize(images, [size, size], antialias=True)

    def files_to_network(image_bytes):
        spec = tf.TensorSpec([size, size, 3], tf.float32)
        return codecs.each(lambda data: to_network(codecs.decode(data)) / 255.0, image_bytes, spec)

    def decompose(images):
        outputs = model(_checked(images, _IMAGES), training=False)
        return {**outputs, "shading": shading.shade(outputs["normals"], outputs["light"])}

    def relit(images, light):
        small = to_network(images)
        coefficients = quotient.coefficients(network(small, training=False), small, light)
        large = tf.image.resize(coefficients, tf.shape(images)[1:3])
        return quotient.apply(images, color.to_linear(images), large)

    def relight(images, light):
        light = tf.ensure_shape(light, _LIGHT)
        return {"relit": relit(_checked(images, _IMAGES, light=light), light)}

    def transfer(images, references):
        references = _checked(references, _IMAGES)
        images = _checked(images, _IMAGES, references=references)
        light = network(to_network(references), training=False)["light"]
        return {"relit": relit(images, light), "light": light}

    def decompose_bytes(image_bytes):
        image_bytes = codecs.checked(_checked(image_bytes, [None]))
        names = ("albedo_png_bytes", "normals_png_bytes", "shading_png_bytes")
        maps = network(files_to_network(image_bytes), training=False)
        shade = shading.shade(maps["normals"], maps["light"])
        small = tf.concat([maps["albedo"], maps["normals"], shade], axis=-1)

        def encoded(photo):
            data, small = photo
            return strips.enlarged(codecs.decode(data), small, shown, names)

        def shown(_, large):
            albedo, normals, shade = tf.split(large, 3, axis=-1)
            normals = tf.math.l2_normalize(normals, axis=-1, epsilon=1e-6)
            return [color.to_srgb(albedo), (normals + 1.0) / 2.0, color.to_srgb(shade)]

        pngs = codecs.each(encoded, (image_bytes, small), {name: _PNG for name in names})
        return {**pngs, "light": maps["light"]}

    def relight_bytes(image_bytes, light):
        light = tf.ensure_shape(light, _LIGHT)
        image_bytes = codecs.checked(_checked(image_bytes, [None], light=light))
        small = files_to_network(image_bytes)
        coefficients = quotient.coefficients(network(small, training=False), small, light)

        def encoded(photo):
            data, coefficients = photo
            return strips.enlarged(codecs.decode(data), coefficients, relit_strip, names)

        def relit_strip(pixels, large):
            srgb = tf.cast(pixels, tf.float32) / 255.0
            return [quotient.apply(srgb, codecs.to_linear(pixels), large)]

        names = ("relit_png_bytes",)
        return codecs.each(encoded, (image_bytes, coefficients), {name: _PNG for name in names})

    images = tf.TensorSpec(_IMAGES, tf.float32, name="images")
    light = tf.TensorSpec(_LIGHT, tf.float32, name="light")
    references = tf.TensorSpec(_IMAGES, tf.float32, name="references")
    image_bytes = tf.TensorSpec([None], tf.string, name="image_bytes")
    return {
        "decompose": (decompose, [images]),
        "relight": (relight, [images, light]),
        "transfer": (transfer, [images, references]),
        "decompose_bytes": (decompose_bytes, [image_bytes]),
        "relight_bytes": (relight_bytes, [image_bytes, light]),
    }


def archive(network):
    """The signatures of a network, ready for `write_out(folder)`.

    Args:
      network: as `presets.load_network` gives it.

    Returns:
      `keras.export.ExportArchive`.
    """
    result = ExportArchive()
    result.track(network)
    # The first endpoint is `serving_default` too.
    for name, (function, specs) in functions(network).items():
        result.add_endpoint(name, function, specs)
    return result
