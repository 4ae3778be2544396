"""The signatures of an exported model.

- `decompose`, also `serving_default`: `images` to `albedo`, `normals`, `light`, `mask`, `shading`,
  and `parts` of a network that tells parts apart
- `relight`: `images`, `light` to `relit`
- `relight_lamps`: `images`, `lamps` to `relit`, with cast shadows and highlights
- `transfer`: `images`, `references` to `relit`, `light` (the references')
- `decompose_bytes`: `image_bytes` to `albedo_png_bytes`, `normals_png_bytes`, `shading_png_bytes`,
  `light`
- `relight_bytes`: `image_bytes`, `light` to `relit_png_bytes`
- `relight_lamps_bytes`: `image_bytes`, `lamps` to `relit_png_bytes`
- `relight_jpeg`, `relight_lamps_jpeg`: as the last two, to `relit_jpeg_bytes`, in less time

`images`, `references` and `relit` are `[N, H, W, 3]` float32, sRGB-encoded in [0, 1]; `albedo` and
`shading` are linear RGB, `normals` unit vectors, `light` `[N, 9, 3]`, `mask` `[N, H, W, 1]`,
`parts` `[N, H, W, 7]` probabilities in the order of `tfrelight.data.portrait.PARTS`. H and W are
free, and `references` may have others than `images`: the graph resizes photos to the network's
size, and the maps back. `image_bytes` `[N]` are JPEG or PNG files of any sizes. The PNG
files that come back have the same sizes; albedo and shading in them are sRGB-encoded, normals are
(n + 1) / 2. `tfrelight.serving.graph_relighting` has the formula of `relight`.

`lamps` `[N, K, 8]` are for each photo K lamps: direction x, y, z; angular radius in radians, up to
pi / 2, above which a lamp is even light from all sides; linear RGB, relative to the photo's white;
weight, 0 for rows that only fill up. Brightness counts among the lamps alone: the lit part of the
face stays as bright as in the photo. It is what `tfrelight.relight(..., whole_image=True)` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import keras
import tensorflow as tf
from keras.export import ExportArchive

from tfrelight import color, shading
from tfrelight.lights import lamp_rows
from tfrelight.models import loading, photo_arrays
from tfrelight.photos import graph_filters
from tfrelight.relighting.graph import compositing, crop_maps
from tfrelight.serving import codecs, defaults, graph_relighting, tiling

__all__ = ["archive", "functions"]

_IMAGES = [None, None, None, 3]
_LIGHT, _LAMPS = [None, 9, 3], [None, None, 8]
_FILE = tf.TensorSpec([], tf.string)


def _checked(photos, shape, **others):
    """Checks the shape of `photos`, their number, and that each of `others` has as many rows.

    `tf.ensure_shape` is the first op on every input, because TensorFlow Serving does not check
    requests against the signature, and a convolution of a tensor of the wrong rank crashes it. An
    empty batch is refused here for the sake of the message.
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


def _checked_images(images, **others):
    """Checks what `_checked` does, and that `images` are in [0, 1]; see `photo_arrays`.

    Numbers that are not finite pass: the maps show them.
    """
    images = _checked(images, _IMAGES, **others)
    above = tf.logical_and(images > photo_arrays.HIGHEST, images < math.inf)
    below = tf.logical_and(images < photo_arrays.LOWEST, images > -math.inf)
    wrong = tf.reduce_any(tf.logical_or(above, below))
    text = "Expected sRGB-encoded photos in [0, 1]. Divide photos in 0..255 by 255."
    with tf.control_dependencies([tf.debugging.Assert(tf.logical_not(wrong), [text])]):
        return tf.identity(images)


def _checked_lamps(lamps):
    """Checks the shape of `lamps`, how many there are, and what no lamp can be."""
    lamps = tf.ensure_shape(lamps, _LAMPS)
    number, most = tf.shape(lamps)[1], lamp_rows.MOST
    direction, radius, weight = lamps[..., :3], lamps[..., 3], lamps[..., 7]
    is_unit = tf.abs(tf.linalg.norm(direction, axis=-1) - 1.0) < 0.1
    # Even light has no direction, and neither has a row that only fills up.
    directed = tf.reduce_all(is_unit | (radius > math.pi / 2.0) | (weight <= 0.0))
    checks = [
        tf.debugging.assert_positive(number, "Expected one lamp or more"),
        tf.debugging.assert_less_equal(number, most, f"Expected {most} lamps or fewer"),
        tf.debugging.Assert(
            tf.reduce_all(tf.math.is_finite(lamps)) & tf.reduce_all(lamps[..., 3:] >= 0.0),
            ["Expected lamps of finite numbers; radius, colour and weight from 0."],
        ),
        tf.debugging.Assert(directed, ["Expected unit vectors as directions of lamps."]),
    ]
    with tf.control_dependencies(checks):
        return tf.identity(lamps)


def functions(
    network: keras.Model,
) -> dict[str, tuple[Callable[..., dict[str, tf.Tensor]], list[tf.TensorSpec]]]:
    """The signatures as functions of tensors.

    Args:
      network: from `loading.load_network`.

    Returns:
      name to (function, specs of its arguments).
    """
    size = network.input_shape[1]
    model = loading.of_any_size(network)

    def to_network(images):
        return tf.image.resize(images, [size, size], antialias=True)

    def files_to_network(image_bytes):
        spec = tf.TensorSpec([size, size, 3], tf.float32)
        return codecs.each(lambda data: to_network(codecs.decode(data)) / 255.0, image_bytes, spec)

    def decompose(images):
        outputs = model(_checked_images(images), training=False)
        return {**outputs, "shading": shading.shade(outputs["normals"], outputs["light"])}

    def relit(images, light):
        small = to_network(images)
        coefficients = graph_relighting.coefficients(network(small, training=False), small, light)
        large = tf.image.resize(coefficients, tf.shape(images)[1:3])
        return graph_relighting.apply(images, color.to_linear(images), large)

    def relight(images, light):
        light = tf.ensure_shape(light, _LIGHT)
        return {"relit": relit(_checked_images(images, light=light), light)}

    def with_lamps(photo_maps_and_lamps):
        photo, outputs, lamps = photo_maps_and_lamps
        return compositing.coefficients(crop_maps.of_outputs(photo, outputs), lamps)

    def relight_lamps(images, lamps):
        lamps = _checked_lamps(lamps)
        images = _checked_images(images, lamps=lamps)
        outputs = crop_maps.predict(network, graph_filters.cut(images, size))
        spec = tf.TensorSpec([None, None, compositing.CHANNELS], tf.float32)
        small = codecs.each(with_lamps, (images, outputs, lamps), spec)
        large = tf.image.resize(small, tf.shape(images)[1:3])
        grey = compositing.is_grey(images, lamps)
        return {"relit": compositing.apply(images, color.to_linear(images), large, grey)}

    def transfer(images, references):
        references = _checked_images(references)
        images = _checked_images(images, references=references)
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
            return tiling.enlarged(codecs.decode(data), small, shown, names)

        def shown(_, large):
            albedo, normals, shade = tf.split(large, 3, axis=-1)
            normals = tf.math.l2_normalize(normals, axis=-1, epsilon=1e-6)
            return [color.to_srgb(albedo), (normals + 1.0) / 2.0, color.to_srgb(shade)]

        pngs = codecs.each(encoded, (image_bytes, small), {name: _FILE for name in names})
        return {**pngs, "light": maps["light"]}

    def relight_files(name, encode):
        """A signature that relights files by harmonics, and calls those it makes by `name`."""

        def relight(image_bytes, light):
            light = tf.ensure_shape(light, _LIGHT)
            image_bytes = codecs.checked(_checked(image_bytes, [None], light=light))
            small = files_to_network(image_bytes)
            outputs = network(small, training=False)
            coefficients = graph_relighting.coefficients(outputs, small, light)

            def encoded(photo):
                data, coefficients = photo
                pixels = codecs.decode(data)
                return tiling.enlarged(pixels, coefficients, relit_strip, [name], encode)

            def relit_strip(pixels, large):
                srgb = tf.cast(pixels, tf.float32) / 255.0
                return [graph_relighting.apply(srgb, codecs.to_linear(pixels), large)]

            return codecs.each(encoded, (image_bytes, coefficients), {name: _FILE})

        return relight

    def relight_lamps_files(name, encode):
        """A signature that relights files by lamps, and calls those it makes by `name`."""

        def relight(image_bytes, lamps):
            lamps = _checked_lamps(lamps)
            image_bytes = codecs.checked(_checked(image_bytes, [None], lamps=lamps))
            spec = tf.TensorSpec([size, size, 3], tf.float32)
            cuts = codecs.each(
                lambda data: graph_filters.cut(codecs.decode(data)[None], size)[0],
                image_bytes,
                spec,
            )
            outputs = crop_maps.predict(network, cuts)

            def encoded(data_maps_and_lamps):
                data, outputs, lamps = data_maps_and_lamps
                pixels = codecs.decode(data)
                small = with_lamps((pixels, outputs, lamps))
                grey = compositing.is_grey(pixels[None], lamps[None])[0]

                def relit_strip(pixels, large):
                    srgb = tf.cast(pixels, tf.float32) / 255.0
                    return [compositing.apply(srgb, codecs.to_linear(pixels), large, grey)]

                return tiling.enlarged(pixels, small, relit_strip, [name], encode)

            return codecs.each(encoded, (image_bytes, outputs, lamps), {name: _FILE})

        return relight

    images = tf.TensorSpec(_IMAGES, tf.float32, name="images")
    light = tf.TensorSpec(_LIGHT, tf.float32, name="light")
    lamps = tf.TensorSpec(_LAMPS, tf.float32, name="lamps")
    references = tf.TensorSpec(_IMAGES, tf.float32, name="references")
    image_bytes = tf.TensorSpec([None], tf.string, name="image_bytes")
    png = "relit_png_bytes", codecs.encode
    jpeg = "relit_jpeg_bytes", codecs.encode_jpeg
    return {
        "decompose": (decompose, [images]),
        "relight": (relight, [images, light]),
        "relight_lamps": (relight_lamps, [images, lamps]),
        "transfer": (transfer, [images, references]),
        "decompose_bytes": (decompose_bytes, [image_bytes]),
        "relight_bytes": (relight_files(*png), [image_bytes, light]),
        "relight_lamps_bytes": (relight_lamps_files(*png), [image_bytes, lamps]),
        "relight_jpeg": (relight_files(*jpeg), [image_bytes, light]),
        "relight_lamps_jpeg": (relight_lamps_files(*jpeg), [image_bytes, lamps]),
    }


def archive(network: keras.Model) -> ExportArchive:
    """The signatures of a network, ready for `write_out(folder)`.

    Args:
      network: from `loading.load_network`.
    """
    result = ExportArchive()
    result.track(network)
    # Keras makes the first endpoint `serving_default` as well.
    for name, (function, specs) in functions(network).items():
        result.add_endpoint(name, function, specs)
    return result
