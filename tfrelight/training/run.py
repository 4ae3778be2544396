"""A run from its settings to its folder."""

import sys

import keras
import tensorflow as tf

from tfrelight import losses
from tfrelight.addons import tfa
from tfrelight.data import pairs
from tfrelight.errors import InputError
from tfrelight.models import precision, presets
from tfrelight.models.relight_model import RelightModel
from tfrelight.training import callbacks, strategies
from tfrelight.training.mixture import mixture
from tfrelight.training.run_folder import RunFolder

__all__ = ["train"]

# Pairs in `samples.png`.
_SAMPLES = 6


def train(workdir, settings, strategy=None, max_minutes=0):
    """Trains a network, or goes on with a run that was interrupted.

    Args:
      workdir: folder of the run. Of several workers the first uses it, the others
        `WORKDIR-worker1` and so on: every worker needs its own checkpoints to go on from.
      settings: the flags of `tfrelight.train` by name, those left out that do not change numbers.
      strategy: from `strategies.create`; None for one device.
      max_minutes: stop after so many; 0 for no limit.

    Returns:
      list of dicts, the logs of all epochs of the run.

    Raises:
      InputError: a setting or a data folder is wrong, the run folder holds another run, or a loss
        became NaN (the last good weights are kept).
    """
    _validate(settings)
    strategy = strategy or tf.distribute.get_strategy()
    keras.utils.set_random_seed(settings["seed"])
    precision.set_precision(settings["precision"])
    number = strategies.worker(strategy)
    folder = RunFolder(f"{workdir}-worker{number}" if number else workdir)
    folder.check(settings)
    arguments = {"size": settings["size"]}
    with strategy.scope():
        network = presets.build(settings["network"], **arguments)
        if settings["initial_weights"]:
            _initialise(network, settings["initial_weights"])
        model = RelightModel(network, {name: settings[f"{name}_weight"] for name in losses.NAMES})
        model.compile(optimizer=_optimizer(settings))
    sources = mixture(settings)
    print(sources.summary, flush=True)
    # Now that nothing is left to refuse.
    folder.create(settings, keras.mixed_precision.global_policy().name)
    presets.describe(folder.path, settings["network"], arguments)
    keep = callbacks.Keep(folder, model, monitor=presets.BEST_BY)
    done = keep.restore()
    if done == settings["epochs"]:
        print(f"{folder.path} is a finished run of {done} epochs.")
        return keep.history
    if done:
        print(f"Going on with {folder.path} after epoch {done}.")

    validation = pairs.pairs(
        [sources.validation],
        settings["batch_size"],
        shuffle=False,
        augmented=False,
    )
    validation = validation.cache().with_options(_by_batch())
    samples = _first_pairs(validation, settings["batch_size"])
    stop = callbacks.StopOnNonFinite()
    model.fit(
        pairs.pairs(
            sources.training,
            settings["batch_size"],
            seed=settings["seed"],
            steps=settings["epochs"] * settings["steps_per_epoch"],
            start=done * settings["steps_per_epoch"],
        ).with_options(_by_batch()),
        validation_data=validation,
        epochs=settings["epochs"],
        initial_epoch=done,
        steps_per_epoch=settings["steps_per_epoch"],
        callbacks=[
            stop,
            keep,
            callbacks.ShowSamples(folder, samples),
            keras.callbacks.TensorBoard(folder.logs),
            *([tfa.callbacks.TimeStopping(int(60 * max_minutes))] if max_minutes else []),
            *([tfa.callbacks.TQDMProgressBar()] if sys.stderr.isatty() else []),
        ],
        # Where there is no terminal for a progress bar, one line an epoch.
        verbose=0 if sys.stderr.isatty() else 2,
    )
    if stop.error:
        raise InputError(f"{stop.error} {keep.kept()}")
    return keep.history


def _validate(settings):
    choices = {
        "network": presets.NETWORKS,
        "precision": precision.PRECISIONS,
    }
    for name, allowed in choices.items():
        if settings[name] not in allowed:
            raise InputError(
                f"Invalid --{name}. Expected one of: {', '.join(allowed)}. "
                f"Received: {settings[name]!r}."
            )
    if not settings["learning_rate"] > 0:
        raise InputError(
            f"Invalid --learning_rate. Expected above 0. Received: {settings['learning_rate']}."
        )
    drops = settings["learning_rate_drops"]
    if not all(str(step).isdecimal() for step in drops) or _drops(settings) != sorted(
        set(_drops(settings)) - {0}
    ):
        raise InputError(
            "Invalid --learning_rate_drops. Expected rising numbers of steps above 0. "
            f"Received: {','.join(map(str, drops))}."
        )
    if drops and settings["warmup_steps"]:
        raise InputError(
            "--learning_rate_drops has no warm-up. Expected --warmup_steps=0. "
            f"Received: {settings['warmup_steps']}."
        )


def _initialise(network, trained):
    weights = presets.load_network(trained).get_weights()
    wanted, found = ([w.shape for w in v] for v in (network.get_weights(), weights))
    if wanted != found:
        raise InputError(
            f"Invalid --initial_weights. Expected weights of the network {network.name} for photos "
            f"of {network.input_shape[1]} pixels, as --network and --size say. Received: {trained}."
        )
    network.set_weights(weights)


def _drops(settings):
    return [int(step) for step in settings["learning_rate_drops"]]


def _optimizer(settings):
    steps = settings["epochs"] * settings["steps_per_epoch"]
    warmup = min(settings["warmup_steps"], steps // 2)
    rate = settings["learning_rate"]
    if settings["learning_rate_drops"]:
        drops = _drops(settings)
        rates = [rate * 0.1**number for number in range(len(drops) + 1)]
        rate = keras.optimizers.schedules.PiecewiseConstantDecay(drops, rates)
    elif warmup:
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, steps - warmup, warmup_target=rate, warmup_steps=warmup
        )
    else:
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    optimizer = keras.optimizers.AdamW(
        rate, weight_decay=settings["weight_decay"], global_clipnorm=1.0
    )
    if keras.mixed_precision.global_policy().name == "mixed_float16":
        optimizer = keras.mixed_precision.LossScaleOptimizer(optimizer)
    return optimizer


def _by_batch():
    """Workers take their part of each batch; the record files are too few to deal out."""
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return options


def _first_pairs(dataset, batch_size):
    batches = list(dataset.take(-(-_SAMPLES // batch_size)))
    joined = tf.nest.map_structure(lambda *parts: tf.concat(parts, axis=0), *batches)
    return tf.nest.map_structure(lambda part: part[:_SAMPLES], joined)
