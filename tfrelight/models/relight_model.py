"""The model that trains: one network, pairs of photos, named losses."""

import keras
import tensorflow as tf

from tfrelight import losses, shading
from tfrelight.errors import InputError

__all__ = ["RelightModel", "pair_losses"]


def _swap(batch):
    """Photos 1 and 2 of each pair exchanged: the batch holds all 1s, then all 2s."""
    first, second = tf.split(batch, 2)
    return tf.concat([second, first], axis=0)


def _concatenate(pair):
    """Both photos of each pair in one batch, `[2 B, ...]`: all a, then all b."""
    # XLA knows no strings.
    keys = [key for key, value in pair["a"].items() if value.dtype != tf.string]
    return {key: tf.concat([pair["a"][key], pair["b"][key]], axis=0) for key in keys}


def _labelled(portraits):
    """Pixels whose albedo and normals, where known at all, are labels, `[2 B, H, W, 1]`.

    Photometric stereo, for one, does not hold everywhere: where it left no albedo, no label.
    """
    surface = tf.cast(tf.reduce_any(portraits["albedo"] > 0, axis=-1, keepdims=True), tf.float32)
    has_albedo = portraits["has_albedo"][:, None, None, None]
    return portraits["mask"] * tf.maximum(surface, 1.0 - has_albedo)


def _photos(portraits):
    """What albedo x shading should give, sRGB-encoded, and which pixels vote on it.

    That is the photo; but where all labels are known (and the source's `rendered` allows it), what
    they render: the photo without cast shadows, highlights and whatever else second-order shading
    does not hold, all of which would else be pressed into the albedo.

    Is that right for labels from photometric stereo, which are estimates? They are fitted to the
    photos themselves, robustly: shadows and highlights are left out. On Extended Yale B what they
    render is nearly as close to a photo as that surface can come under any second-order light:
    0.062 si-RMSE, against 0.057 under the light that fits the photo best. That light, though,
    points 32 degrees (median) away from the flash, to make up for the shadows
    (`tools/measure_labels.py`). With the photo as target the photometric losses would pull there,
    against the light's own label; with the labels' picture all losses have one minimum. So yes, at
    a price: errors of the labels stay, and about labelled people cross-relighting says nothing that
    the labels do not. What multi-lit losses bring comes from unlabelled people.

    It is not right for pseudo-labels: a network's guess must not hide the photo from the next one.
    And on synthetic people it is right at first, where it keeps shadows out of the albedo, but not
    to the end: their albedo is the surface's alone. What is dark under every light, between the
    lips, in nostrils and the corners of eyes, is not in it, and second-order shading does not make
    it dark either. `tools/train_presets.py` therefore ends with the photos. `--rendered_targets`
    has these defaults and changes them.

    Returns:
      `[2 B, H, W, 3]` and `[2 B, H, W, 1]`.
    """
    known = portraits["has_albedo"] * portraits["has_normals"] * portraits["has_light"]
    known = (portraits["rendered"] * known)[:, None, None, None] > 0
    rendered = shading.render(portraits["albedo"], portraits["normals"], portraits["light"])
    image = portraits["image"]
    target = tf.where(known, losses.encode(rendered), image)
    # Skin and hair alike; everywhere where the mask is not known.
    weight = tf.where(known, _labelled(portraits), portraits["mask"] * losses.vote(image))
    return target, weight


def pair_losses(names, outputs, portraits):
    """The losses of one batch of pairs.

    Args:
      names: which of `losses.NAMES`; nothing is computed for the others.
      outputs: the network's dict for `[2 B]` photos: all first ones, then all second ones.
      portraits: the portraits of the same photos.

    Returns:
      dict of a scalar for each name.
    """
    albedo, normals, light = outputs["albedo"], outputs["normals"], outputs["light"]
    photometric = {"reconstruction", "cross_relighting"} & set(names)
    photo, voting = _photos(portraits) if photometric else (None, None)

    def known(label):
        return portraits[f"has_{label}"]

    def pixels(label, region):
        return known(label)[:, None, None, None] * region

    head = portraits["mask"]
    labelled = _labelled(portraits)
    # Single photos have no partner.
    multilit = portraits["multilit"][:, None, None, None]

    needs_encoding = {"albedo", "albedo_consistency"} & set(names)
    encoded = losses.encode(albedo) if needs_encoding else None

    compute = {
        "reconstruction": lambda: losses.photometric(
            shading.render(albedo, normals, light), photo, voting
        ),
        "albedo": lambda: losses.absolute(
            losses.encode(albedo),
            losses.encode(portraits["albedo"]),
            pixels("albedo", labelled),
        ),
        "normal": lambda: (
            losses.absolute(normals, portraits["normals"], pixels("normals", labelled))
            + losses.angle(normals, portraits["normals"], pixels("normals", labelled))
        ),
        "light": lambda: losses.light(light, portraits["light"], known("light")),
        "mask": lambda: losses.binary_cross_entropy(
            outputs["mask"], head, pixels("mask", tf.ones_like(head))
        ),
        # Albedo and normals of one photo under the light of the other give the other.
        "cross_relighting": lambda: losses.photometric(
            shading.render(albedo, normals, _swap(light)), _swap(photo), multilit * _swap(voting)
        ),
        "albedo_consistency": lambda: losses.absolute(encoded, _swap(encoded), multilit * head),
        "normal_consistency": lambda: losses.angle(normals, _swap(normals), multilit * head),
    }
    return {name: compute[name]() for name in names}


class RelightModel(keras.Model):
    """Trains a network on pairs of photos of one subject under two lights.

    `fit` takes batches of `{"a": portraits, "b": portraits}` (`tfrelight.data.pairs`). Each step
    runs the network once on both photos of every pair and minimises the weighted sum of the named
    losses. Calling the model calls the network.

    Args:
      network: functional model with the outputs of `models.layers.heads`.
      loss_weights: dict of `losses.NAMES` to weights, at least 0; a loss with weight 0 or without
        an entry is not computed.

    Raises:
      InputError: a name that is not a loss, a weight that is no number from 0 up, or none above 0.
    """

    def __init__(self, network, loss_weights, **kwargs):
        super().__init__(**kwargs)
        unknown = sorted(set(loss_weights) - set(losses.NAMES))
        if unknown:
            raise InputError(
                f"Unknown loss {unknown[0]!r}. Expected some of: {', '.join(losses.NAMES)}."
            )
        wrong = [name for name, weight in loss_weights.items() if not weight >= 0]
        if wrong:
            raise InputError(
                f"Invalid weight of the loss {wrong[0]!r}. Expected at least 0. "
                f"Received: {loss_weights[wrong[0]]}."
            )
        self.network = network
        self.weights_of_losses = {n: w for n, w in loss_weights.items() if w > 0}
        if not self.weights_of_losses:
            raise InputError("Expected at least one loss with a weight above 0. Received: none.")
        names = ["loss", *self.weights_of_losses, "normal_degrees"]
        self.means = {name: keras.metrics.Mean(name=name) for name in names}

    def _score(self, outputs, portraits):
        """The weighted sum of the losses and the losses by name."""
        parts = pair_losses(self.weights_of_losses, outputs, portraits)
        return tf.add_n([self.weights_of_losses[name] * parts[name] for name in parts]), parts

    # Scores of small operations on full-resolution maps, which XLA makes a few, if it sees both
    # ways at once. What that saves: `benchmarks/networks.py --parts`.
    @tf.function(jit_compile=True)
    def _score_and_gradients(self, outputs, portraits, scale):
        """`_score`, and the gradients of scale x sum with respect to the outputs."""
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            total, parts = self._score(outputs, portraits)
            scaled = scale * total
        # A head that no loss reaches has no gradient.
        gradients = tape.gradient(
            scaled, outputs, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return total, parts, gradients

    @property
    def metrics(self):
        return list(self.means.values())

    def call(self, inputs, training=None):
        return self.network(inputs, training=training)

    def _regularization(self):
        return tf.add_n(self.network.losses) if self.network.losses else tf.zeros([])

    def _forward(self, pair, training):
        portraits = _concatenate(pair)
        outputs = self.network(portraits["image"], training=training)
        return {key: tf.cast(value, tf.float32) for key, value in outputs.items()}, portraits

    def _log(self, total, parts, outputs, portraits):
        self.means["loss"].update_state(total)
        for name, value in parts.items():
            self.means[name].update_state(value)
        weight = portraits["has_normals"][:, None, None, None] * _labelled(portraits)
        cosine = tf.reduce_sum(outputs["normals"] * portraits["normals"], axis=-1, keepdims=True)
        degrees = tf.acos(tf.clip_by_value(cosine, -1.0, 1.0)) * 57.29578
        self.means["normal_degrees"].update_state(degrees, sample_weight=weight)
        return {name: mean.result() for name, mean in self.means.items()}

    def train_step(self, data):
        variables = self.network.trainable_variables
        # The optimizer adds up the replicas' gradients.
        scale = tf.constant(1.0 / tf.distribute.get_strategy().num_replicas_in_sync)
        scaling = isinstance(self.optimizer, keras.mixed_precision.LossScaleOptimizer)
        if scaling:
            scale = self.optimizer.get_scaled_loss(scale)
        with tf.GradientTape() as tape:
            outputs, portraits = self._forward(data, training=True)
            extra = self._regularization()
        total, parts, by_output = self._score_and_gradients(outputs, portraits, scale)
        gradients = tape.gradient(
            [outputs, extra],
            variables,
            output_gradients=[by_output, scale],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        if scaling:
            gradients = self.optimizer.get_unscaled_gradients(gradients)
        self.optimizer.apply_gradients(zip(gradients, variables))
        return self._log(total + extra, parts, outputs, portraits)

    def test_step(self, data):
        outputs, portraits = self._forward(data, training=False)
        total, parts = self._score(outputs, portraits)
        return self._log(total + self._regularization(), parts, outputs, portraits)
