"""Runs training, from a `TrainConfig` to a run folder."""

from __future__ import annotations

import contextlib
import tempfile
from typing import Any

import keras
import tensorflow as tf

from tfrelight import progress
from tfrelight.data import pairs
from tfrelight.data.addons import tfa
from tfrelight.errors import InputError
from tfrelight.models import loading, networks, precision, presets
from tfrelight.models.relight_model import RelightModel
from tfrelight.training import callbacks, strategies
from tfrelight.training.config import TrainConfig
from tfrelight.training.mixture import mixture
from tfrelight.training.run_folder import RunFolder

__all__ = ["train"]

# Pairs in `samples.png`.
_SAMPLES = 6
# Pairs of real people who choose the best weights: two of each, if there are as many people as
# `mixture.VALIDATION_SUBJECTS`.
_HELD_OUT_PAIRS = 64
# Seconds in which a worker must see what the chief writes. NFS shows a new file after 30 to 60
# (`acdirmin`, `acdirmax`) to who has looked for it before.
_PATIENCE = 60


def train(config: TrainConfig) -> list[dict[str, Any]]:
    """Trains a network, or resumes an interrupted run.

    It seeds Python, NumPy and TensorFlow and sets Keras' global precision policy.

    Args:
      config: the settings. All of several workers see the folder `workdir`, which the first one,
        the chief, writes.

    Returns:
      The logs of all epochs of the run.

    Raises:
      InputError: a setting or a data folder is wrong, the run folder holds another run, a loss
        is not finite (the last good weights are kept), or another worker is lost.
    """
    # This must come before any other use of TensorFlow (see `strategies.create`).
    strategy = strategies.create(config.strategy)
    _check_names(config)
    keras.utils.set_random_seed(config.seed)
    precision.set_precision(config.precision)
    place = strategies.place(strategy)
    if config.batch_size % place.workers:
        raise InputError(
            f"Invalid `batch_size`. Expected a multiple of {place.workers}, the number of workers. "
            f"Received: {config.batch_size}."
        )
    if config.max_minutes and place.workers > 1:
        raise InputError("`max_minutes` is for one machine: the clocks of several differ.")
    with contextlib.ExitStack() as stack:
        path = config.workdir
        if place.number:
            # TensorFlow wants every worker to save; what this one saves, nobody needs.
            path = stack.enter_context(tempfile.TemporaryDirectory())
        try:
            return _train(config, strategy, place, RunFolder(path))
        except tf.errors.OpError as error:
            if place.workers == 1 or not strategies.lost(error):
                raise
            raise InputError(
                "Lost another worker. Start all workers again with the same commands: the run "
                f"resumes after its last whole epoch. TensorFlow says: {strategies.reason(error)}"
            ) from error


def _train(config, strategy, place, folder):
    shared = RunFolder(config.workdir)
    shared.check(config.settings())
    arguments = {"size": config.size}
    with strategy.scope():
        network = networks.build(config.network, **arguments)
        if config.initial_weights:
            _initialise(network, config.initial_weights)
        model = RelightModel(network, config.loss_weights)
        model.compile(optimizer=_optimizer(config))
    sources = mixture(config)
    print(sources.summary, flush=True)
    steps = config.epochs * config.steps_per_epoch

    each = config.steps_per_epoch * config.batch_size
    order = pairs.schedule([source.share for source in sources.training], config.epochs * each)

    def used(epochs):
        return pairs.used(sources.training, order, epochs * each)

    real_error = _real_error(model, sources.held_out, config.batch_size)
    keep = callbacks.SaveRun(folder, model, real_error, shared, used)
    if place.workers > 1 and not strategies.agree(strategy, keep.epochs_saved()):
        raise _unshared(config)
    # Only now, when all input is valid, does the run write its folder.
    folder.create(config.settings(), keras.mixed_precision.global_policy().name)
    loading.describe(folder.path, config.network, arguments)
    if place.workers > 1 and not strategies.agree(strategy, int(shared.appears(_PATIENCE))):
        raise _unshared(config)
    done = keep.restore()
    if done == config.epochs:
        print(f"{shared.path} is a finished run of {done} epochs.")
        return keep.history
    if done:
        print(f"Resuming {shared.path} after epoch {done}.")

    validation = pairs.pairs(
        [sources.validation],
        config.batch_size,
        shuffle=False,
        augmented=False,
    )
    validation = validation.cache()
    # Of a dataset whose length it does not know, Keras 3 reports validation means that are
    # N / (N + 1) of the truth.
    batches = sum(1 for _ in validation)
    validation = validation.apply(tf.data.experimental.assert_cardinality(batches))
    validation = validation.with_options(_by_batch())
    samples = _first_pairs(validation, config.batch_size)
    stop = callbacks.StopOnNonFinite()
    terminal = progress.on_terminal()
    with contextlib.closing(callbacks.EpochProgress()) as lines:
        model.fit(
            pairs.pairs(
                sources.training,
                config.batch_size,
                seed=config.seed,
                steps=steps,
                start=done * config.steps_per_epoch,
                places=keep.places,
            ).with_options(_by_batch()),
            validation_data=validation,
            epochs=config.epochs,
            initial_epoch=done,
            steps_per_epoch=config.steps_per_epoch,
            callbacks=[
                keep,
                stop,
                callbacks.SampleImages(folder, samples),
                keras.callbacks.TensorBoard(folder.logs),
                *(
                    [tfa.callbacks.TimeStopping(int(60 * config.max_minutes))]
                    if config.max_minutes
                    else []
                ),
                tfa.callbacks.TQDMProgressBar() if terminal else lines,
            ],
            # Without a terminal for a progress bar, Keras prints a line for each epoch.
            verbose=0 if terminal else 2,
            # `pairs` shuffles.
            shuffle=False,
        )
    if stop.error:
        raise InputError(f"{stop.error} {keep.kept()}")
    print(f"Trained {len(keep.history)} of {config.epochs} epochs: {shared.path}")
    return keep.history


def _unshared(config):
    return InputError(
        f"Not every worker sees the same folder {config.workdir}. Expected a `workdir` that all "
        "workers share."
    )


def _real_error(model, held_out, batch_size):
    """A function to the error on held-out people, of the same pairs after every epoch, or None."""
    if held_out is None:
        return None
    fixed = pairs.pairs(
        [held_out],
        batch_size,
        steps=-(-_HELD_OUT_PAIRS // batch_size),
        shuffle=False,
        augmented=False,
    ).cache()
    return lambda: model.cross_relighting(fixed)


def _check_names(config):
    for name, allowed in (("network", networks.NETWORKS), ("precision", precision.PRECISIONS)):
        if getattr(config, name) not in allowed:
            raise InputError(
                f"Invalid `{name}`. Expected one of: {', '.join(allowed)}. "
                f"Received: {getattr(config, name)!r}."
            )


def _initialise(network, trained):
    """Takes over trained weights. One network may tell parts apart and the other the mask alone."""
    own, given = map(presets.variables, (network, loading.load_network(trained)))
    shared = own.keys() & given.keys()
    if any(own[name].shape != given[name].shape for name in shared) or any(
        name.partition("/")[0] not in ("parts_out", "mask_out")
        for name in own.keys() ^ given.keys()
    ):
        raise InputError(
            f"Invalid `initial_weights`. Expected weights of the network {network.name} for photos "
            f"of {network.input_shape[1]} pixels (`network`, `size`). Received: {trained}."
        )
    for name in shared:
        own[name].assign(given[name])
    fresh = sorted(own.keys() - shared)
    if fresh:
        print(f"{trained} lacks {', '.join(fresh)}, which start at random.", flush=True)


def _optimizer(config):
    steps = config.epochs * config.steps_per_epoch
    warmup = min(config.warmup_steps, steps // 2)
    rate = config.learning_rate
    if config.learning_rate_drops:
        drops = list(config.learning_rate_drops)
        rates = [rate * 0.1**number for number in range(len(drops) + 1)]
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay(drops, rates)
    elif warmup:
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0, steps - warmup, warmup_target=rate, warmup_steps=warmup
        )
    else:
        schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
    optimizer = keras.optimizers.AdamW(
        schedule, weight_decay=config.weight_decay, global_clipnorm=1.0
    )
    if keras.mixed_precision.global_policy().name == "mixed_float16":
        optimizer = keras.mixed_precision.LossScaleOptimizer(optimizer)
    return optimizer


def _by_batch():
    """Splits each batch over the workers, because there are too few record files to split."""
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return options


def _first_pairs(dataset, batch_size):
    batches = list(dataset.take(-(-_SAMPLES // batch_size)))
    joined = tf.nest.map_structure(lambda *parts: tf.concat(parts, axis=0), *batches)
    return tf.nest.map_structure(lambda part: part[:_SAMPLES], joined)
