"""A training step of a network on pairs of noise, for the measurements of speed."""

import numpy as np

# Height and width of the photos.
SIZE = 128


def network(name):
    from tfrelight.models import networks

    return networks.build(name, size=SIZE)


def trainer(name, pairs):
    """A function that takes a training step with every loss on labelled pairs."""
    import tensorflow as tf

    trained, pair = model(name), noise(pairs)
    step = tf.function(trained.train_step)
    return lambda: step(pair)["loss"].numpy()


def model(name):
    """The model that trains a network, compiled."""
    import keras

    from tfrelight.models import losses
    from tfrelight.models.relight_model import RelightModel

    trained = RelightModel(network(name), dict.fromkeys(losses.NAMES, 1.0))
    trained.compile(optimizer=keras.optimizers.AdamW(1e-4, global_clipnorm=1.0))
    return trained


def noise(pairs):
    """Labelled pairs of noise."""
    import tensorflow as tf

    from tfrelight.data.portrait import LABELS, PARTS

    rng = np.random.default_rng(0)

    def portraits():
        maps = {"image": 3, "albedo": 3, "mask": 1}
        found = {key: rng.random((pairs, SIZE, SIZE, channels)) for key, channels in maps.items()}
        normals = rng.normal(size=(pairs, SIZE, SIZE, 3))
        found["normals"] = normals / np.linalg.norm(normals, axis=-1, keepdims=True)
        found["light"] = rng.normal(1, 0.1, (pairs, 9, 3))
        weights = [f"has_{label}" for label in LABELS]
        found.update(dict.fromkeys((*weights, "multilit", "rendered"), np.ones(pairs)))
        tensors = {key: tf.constant(value, tf.float32) for key, value in found.items()}
        parts = rng.integers(0, len(PARTS), (pairs, SIZE, SIZE, 1))
        return {**tensors, "parts": tf.constant(parts, tf.uint8)}

    return {"a": portraits(), "b": portraits()}
