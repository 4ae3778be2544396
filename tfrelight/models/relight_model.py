"""The model that trains a network on pairs of photos with named losses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfrelight import shading
from tfrelight.data.portrait import PARTS
from tfrelight.errors import InputError
from tfrelight.models import losses

__all__ = ["RelightModel", "pair_losses", "pair_weights"]


def _concatenate(pair):
    """Both photos of each pair in one batch, `[2 B, ...]`: all a, then all b."""
    # XLA does not support strings.
    keys = [key for key, value in pair["a"].items() if value.dtype != tf.string]
    return {key: tf.concat([pair["a"][key], pair["b"][key]], axis=0) for key in keys}


def _labelled(portraits):
    """Weights of the pixels with labels for albedo and normals, `[2 B, H, W, 1]`.

    Photometric stereo leaves albedo 0 where its fit is not valid; those pixels have no label.
    """
    surface = tf.cast(tf.reduce_any(portraits["albedo"] > 0, axis=-1, keepdims=True), tf.float32)
    has_albedo = portraits["has_albedo"][:, None, None, None]
    return portraits["mask"] * tf.maximum(surface, 1.0 - has_albedo)


def _photometric_targets(portraits):
    """The photos that the photometric losses compare with, sRGB-encoded, and pixel weights.

    The target is the photo. If all labels are known and the source allows it (`rendered`), it is
    the labels rendered instead: the photo without cast shadows and highlights, which second-order
    shading cannot show and which training would otherwise put into the albedo. docs/TRAINING.md
    explains when this is right.

    Returns:
      `[2 B, H, W, 3]` and `[2 B, H, W, 1]`.
    """
    known = portraits["has_albedo"] * portraits["has_normals"] * portraits["has_light"]
    known = (portraits["rendered"] * known)[:, None, None, None] > 0
    rendered = shading.render(portraits["albedo"], portraits["normals"], portraits["light"])
    image = portraits["image"]
    target = tf.where(known, losses.encode(rendered), image)
    # The whole head, or every pixel if the mask is unknown.
    weight = tf.where(known, _labelled(portraits), portraits["mask"] * losses.vote(image))
    return target, weight


def pair_weights(names: Iterable[str], portraits: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The weights of the means that `pair_losses` takes: `[2 B, H, W, 1]`, of `light` `[2 B]`."""

    def known(label):
        return portraits[f"has_{label}"]

    def pixels(label, region):
        return known(label)[:, None, None, None] * region

    head = portraits["mask"]
    # Single photos have no partner.
    multilit = portraits["multilit"][:, None, None, None]
    compute = {
        "reconstruction": lambda: _photometric_targets(portraits)[1],
        "albedo": lambda: pixels("albedo", _labelled(portraits)),
        "normals": lambda: pixels("normals", _labelled(portraits)),
        "light": lambda: known("light"),
        "mask": lambda: pixels("mask", tf.ones_like(head)),
        "parts": lambda: pixels("parts", tf.ones_like(head)),
        "cross_relighting": lambda: multilit * losses.swap(_photometric_targets(portraits)[1]),
        "albedo_consistency": lambda: multilit * head,
        "normals_consistency": lambda: multilit * head,
    }
    return {name: compute[name]() for name in names}


def pair_losses(
    names: Iterable[str], outputs: dict[str, tf.Tensor], portraits: dict[str, tf.Tensor]
) -> dict[str, tf.Tensor]:
    """The losses of one batch of pairs.

    With albedo A, normals N, light L, shading S(N, L), mask M, parts P and photo I; a star marks a
    label, 1 and 2 the photos of a pair. Each is a weighted mean over pixels:

        reconstruction       |encode(A S(N, L)) - I|
        albedo               |encode(A) - encode(A*)|
        normals              |N - N*| + 1 - N . N*
        light                relative squared error of a white ball's shading (`losses.light`)
        mask                 -M* log M - (1 - M*) log(1 - M)
        parts                -log P_t, with the true part t of each pixel
        cross_relighting     |encode(A_1 S(N_1, L_2)) - I_2|, and 2 -> 1
        albedo_consistency   |encode(A_1) - encode(A_2)|
        normals_consistency  1 - N_1 . N_2

    Args:
      names: the losses to compute, from `losses.NAMES`.
      outputs: the network's outputs for `[2 B]` photos: all first photos, then all second ones.
      portraits: the portraits of the same photos.

    Returns:
      dict of a scalar for each name.
    """
    albedo, normals, light = outputs["albedo"], outputs["normals"], outputs["light"]
    photometric = {"reconstruction", "cross_relighting"} & set(names)
    photo = _photometric_targets(portraits)[0] if photometric else None
    weights = pair_weights(names, portraits)

    compute = {
        "reconstruction": lambda weight: losses.reconstruction(
            albedo, normals, light, photo, weight
        ),
        "albedo": lambda weight: losses.absolute(
            losses.encode(albedo), losses.encode(portraits["albedo"]), weight
        ),
        "normals": lambda weight: (
            losses.absolute(normals, portraits["normals"], weight)
            + losses.angle(normals, portraits["normals"], weight)
        ),
        "light": lambda weight: losses.light(light, portraits["light"], weight),
        "mask": lambda weight: losses.binary_cross_entropy(
            outputs["mask"], portraits["mask"], weight
        ),
        "parts": lambda weight: losses.cross_entropy(outputs["parts"], portraits["parts"], weight),
        "cross_relighting": lambda weight: losses.cross_relighting(
            albedo, normals, light, photo, weight
        ),
        "albedo_consistency": lambda weight: losses.albedo_consistency(albedo, weight),
        "normals_consistency": lambda weight: losses.normals_consistency(normals, weight),
    }
    return {name: compute[name](weights[name]) for name in names}


class RelightModel(keras.Model):
    """Trains a network on pairs of photos of one subject under two lights.

    `fit` takes batches of `{"a": portraits, "b": portraits}` (`tfrelight.data.pairs`). Each step
    runs the network once on both photos of every pair and minimises the weighted sum of the named
    losses. Calling the model calls the network.

        network = networks.build("compact")
        model = RelightModel(network, {"reconstruction": 1.0, "cross_relighting": 1.0})
        model.compile(optimizer=keras.optimizers.Adam(1e-4))
        source = pairs.Source("photos", ["photos.tfrecord"])
        model.fit(pairs.pairs([source], batch_size=8, steps=1000), shuffle=False)
        network.save_weights("photos.weights.h5")

    `tfrelight.training.run` adds mixtures, checkpoints and logs.

    Args:
      network: functional model with the outputs of `models.layers.heads`.
      loss_weights: dict from `losses.NAMES` to weights, at least 0. Losses with weight 0 or without
        an entry are not computed, nor is `parts` for a network without that output.

    Raises:
      InputError: an unknown loss, a weight that is not a number of at least 0, or no weight above
        0.
    """

    def __init__(self, network: keras.Model, loss_weights: dict[str, float], **kwargs: Any) -> None:
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
        tells_parts = "parts" in network.output
        self.loss_weights = {
            name: weight
            for name, weight in loss_weights.items()
            if weight > 0 and (name != "parts" or tells_parts)
        }
        if not self.loss_weights:
            raise InputError("Expected at least one loss with a weight above 0. Received: none.")
        names = ["loss", *self.loss_weights, "normals_degrees"]
        self.means = {name: keras.metrics.Mean(name=name) for name in names}
        # Intersection over union, the mean of the parts that labels or predictions show.
        self.overlap = (
            # A type of its own: Keras 3 counts in integers, and warns of weights with fractions.
            keras.metrics.MeanIoU(
                len(PARTS), sparse_y_pred=False, name="parts_iou", dtype="float32"
            )
            if tells_parts
            else None
        )

    def _shares(self, portraits):
        """The factor of each loss with which the mean over replicas is the loss of all photos.

        Losses are weighted means, and each replica has its own sum of weights.
        """
        context = tf.distribute.get_replica_context()
        replicas = context.num_replicas_in_sync
        if replicas == 1:
            return {name: tf.ones([]) for name in self.loss_weights}
        weights = pair_weights(self.loss_weights, portraits)
        own = {name: tf.reduce_sum(weight) for name, weight in weights.items()}
        total = context.all_reduce(tf.distribute.ReduceOp.SUM, own)
        return {name: replicas * tf.math.divide_no_nan(own[name], total[name]) for name in weights}

    def _score(self, outputs, portraits, shares):
        """The weighted sum of the losses, and the losses by name."""
        values = pair_losses(self.loss_weights, outputs, portraits)
        values = {name: shares[name] * value for name, value in values.items()}
        return tf.add_n([self.loss_weights[name] * values[name] for name in values]), values

    # The losses and their gradients are many small operations on full-resolution maps. XLA fuses
    # them if it compiles both together; `benchmarks/networks.py --parts` measures the gain.
    @tf.function(jit_compile=True)
    def _score_and_gradients(self, outputs, portraits, shares, scale):
        """`_score`, and the gradients of scale times the sum with respect to the outputs."""
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            total, values = self._score(outputs, portraits, shares)
            scaled = scale * total
        # An output that no loss uses has no gradient.
        gradients = tape.gradient(
            scaled, outputs, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return total, values, gradients

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The means that `fit` resets at each epoch."""
        return [*self.means.values(), *([self.overlap] if self.overlap else [])]

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> dict[str, tf.Tensor]:
        """Calls the network."""
        return self.network(inputs, training=training)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Builds the optimizer, in place of what Keras 3 does before `fit` under a strategy.

        Keras would draw a batch to build the model with, and begin the dataset again, which a
        seeded shuffle then reads in another order.
        """
        if self.optimizer is not None and not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.network.trainable_variables)

    def _regularization(self):
        return tf.add_n(self.network.losses) if self.network.losses else tf.zeros([])

    def _forward(self, pair, training):
        portraits = _concatenate(pair)
        outputs = self.network(portraits["image"], training=training)
        return {key: tf.cast(value, tf.float32) for key, value in outputs.items()}, portraits

    def _log(self, total, values, outputs, portraits):
        self.means["loss"].update_state(total)
        for name, value in values.items():
            self.means[name].update_state(value)
        weight = portraits["has_normals"][:, None, None, None] * _labelled(portraits)
        cosine = tf.reduce_sum(outputs["normals"] * portraits["normals"], axis=-1, keepdims=True)
        degrees = tf.acos(tf.clip_by_value(cosine, -1.0, 1.0)) * 57.29578
        self.means["normals_degrees"].update_state(degrees, sample_weight=weight)
        logs = {name: mean.result() for name, mean in self.means.items()}
        return logs | self._part_logs(outputs, portraits)

    def _part_logs(self, outputs, portraits):
        if self.overlap is None:
            return {}
        label = portraits["parts"]
        weight = portraits["has_parts"][:, None, None, None] * tf.ones_like(label, tf.float32)
        self.overlap.update_state(label, outputs["parts"], sample_weight=weight)
        return {self.overlap.name: self.overlap.result()}

    def train_step(self, data: dict[str, dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
        """One optimizer step on a batch of pairs; returns the logs."""
        variables = self.network.trainable_variables
        # The optimizer sums the gradients over replicas.
        scale = tf.constant(1.0 / tf.distribute.get_strategy().num_replicas_in_sync)
        if hasattr(self.optimizer, "scale_loss"):
            # Keras 3, whose optimizers divide the gradients by the scale themselves.
            scale = self.optimizer.scale_loss(scale)
        keras_2_scales = hasattr(self.optimizer, "get_scaled_loss")
        if keras_2_scales:
            scale = self.optimizer.get_scaled_loss(scale)
        with tf.GradientTape() as tape:
            outputs, portraits = self._forward(data, training=True)
            extra = self._regularization()
        shares = self._shares(portraits)
        total, values, by_output = self._score_and_gradients(outputs, portraits, shares, scale)
        gradients = tape.gradient(
            [outputs, extra],
            variables,
            output_gradients=[by_output, scale],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        if keras_2_scales:
            gradients = self.optimizer.get_unscaled_gradients(gradients)
        self.optimizer.apply_gradients(zip(gradients, variables))
        return self._log(total + extra, values, outputs, portraits)

    def cross_relighting(self, pairs: tf.data.Dataset) -> float:
        """The mean cross-relighting loss over batches of equal size, whatever its weight is."""
        return float(np.mean([self._cross_relighting(pair) for pair in pairs]))

    @tf.function
    def _cross_relighting(self, data):
        outputs, portraits = self._forward(data, training=False)
        return pair_losses(["cross_relighting"], outputs, portraits)["cross_relighting"]

    def test_step(self, data: dict[str, dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
        """Evaluates a batch of pairs; returns the logs."""
        outputs, portraits = self._forward(data, training=False)
        total, values = self._score(outputs, portraits, self._shares(portraits))
        return self._log(total + self._regularization(), values, outputs, portraits)
