"""Compares what a training step computes with what the processor can: where its time goes.

    python benchmarks/roofline.py --precision=bfloat16

Run it on an idle machine. First come products of matrices and a convolution alone, as fast as
TensorFlow makes them; then the network up to each of its stages, forward, and forward and back; and
then the parts of a whole step of 8 pairs. Medians, milliseconds.
"""

from __future__ import annotations

import statistics
import time

import steps
from absl import flags

from tfrelight.commands import app
from tfrelight.models import precision

flags.DEFINE_enum("precision", "auto", precision.PRECISIONS, "Numbers to compute in.")
flags.DEFINE_integer("repeats", 20, "Repeats of a measurement.", lower_bound=1)
flags.DEFINE_integer("pairs", 8, "Pairs of photos in a step.", lower_bound=1)

# Layers at which the stages of `compact` end.
STAGES = {
    "64x64, 32 channels": "down0_block0_add",
    "32x32, 64 channels": "down1_block1_add",
    "16x16, 128 channels": "down2_block1_add",
    "8x8, 192 channels": "down3_block1_add",
    "back to 16x16": "up2_block_add",
    "back to 32x32": "up1_block_add",
    "back to 64x64": "up0_block_add",
    "detail": "out_conv_relu",
}


def median(work):
    """Median seconds of a function, after two calls that do not count."""
    work(), work()
    seconds = []
    for _ in range(flags.FLAGS.repeats):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def multiply_adds(network):
    """Multiply-adds of a network's convolutions and dense layers, for one photo."""
    import keras

    total = 0
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2DTranspose):
            places = layer.input.shape[1] * layer.input.shape[2]
        elif isinstance(layer, keras.layers.Conv2D):
            places = layer.output.shape[1] * layer.output.shape[2]
        elif isinstance(layer, keras.layers.Dense):
            places = 1
        else:
            continue
        kernel = 1
        for side in layer.kernel.shape:
            kernel *= side
        total += places * kernel
    return total


def alone():
    """Prints what products and convolutions reach."""
    import tensorflow as tf

    print("| alone | billion multiply-adds a second |\n|---|---|")
    for kind in (tf.float32, tf.bfloat16):
        matrix = tf.cast(tf.random.normal((2048, 2048)), kind)
        seconds = median(lambda m=matrix: tf.matmul(m, m)[0, 0].numpy())
        print(f"| product of 2048x2048, {kind.name} | {2048**3 / seconds / 1e9:.0f} |")
        maps = tf.cast(tf.random.normal((16, 64, 64, 64)), kind)
        kernel = tf.cast(tf.random.normal((3, 3, 64, 64)), kind)
        convolve = tf.function(lambda x, k: tf.nn.conv2d(x, k, 1, "SAME"))
        seconds = median(lambda f=convolve, x=maps, k=kernel: f(x, k)[0, 0, 0, 0].numpy())
        work = 16 * 64**4 * 9
        print(f"| 3x3 convolution of 64 channels, {kind.name} | {work / seconds / 1e9:.0f} |")


def passes(network, photos):
    """Median seconds of a network forward, and forward and back."""
    import tensorflow as tf

    def outputs(x):
        return [tf.cast(one, tf.float32) for one in tf.nest.flatten(network(x, training=True))]

    @tf.function
    def forward(x):
        return tf.add_n([tf.reduce_sum(one) for one in outputs(x)])

    @tf.function
    def back(x):
        with tf.GradientTape() as tape:
            total = tf.add_n([tf.reduce_sum(one**2) for one in outputs(x)])
        gradients = tape.gradient(total, network.trainable_variables)
        return tf.add_n([tf.reduce_sum(one) for one in gradients if one is not None])

    return median(lambda: forward(photos).numpy()), median(lambda: back(photos).numpy())


def stages(photos):
    """Prints what each stage of the network adds."""
    import keras

    network = steps.network("compact")
    print(
        f"\n| the network, {len(photos)} photos | multiply-adds, millions a photo | forward, ms ",
        end="",
    )
    print("| forward and back, ms | billion multiply-adds a second, forward and back |")
    print("|---|---|---|---|---|")
    done, before = 0, (0.0, 0.0)

    def row(name, part):
        nonlocal done, before
        work, found = multiply_adds(part), passes(part, photos)
        forward, back = (now - then for now, then in zip(found, before))
        # A pass back computes as many products for the kernels and as many for the maps.
        rate = 3 * len(photos) * (work - done) / max(back, 1e-6) / 1e9
        print(
            f"| {name} | {(work - done) / 1e6:.0f} | {1e3 * forward:.1f} | {1e3 * back:.1f} "
            f"| {rate:.0f} |",
            flush=True,
        )
        done, before = work, found

    for name, layer in STAGES.items():
        row(name, keras.Model(network.input, network.get_layer(layer).output))
    row("heads and light", network)
    print(f"| all | {done / 1e6:.0f} | {1e3 * before[0]:.1f} | {1e3 * before[1]:.1f} | ", end="")
    print(f"{3 * len(photos) * done / before[1] / 1e9:.0f} |")


def step(pairs):
    """Prints the parts of a training step."""
    import tensorflow as tf

    trained, pair = steps.model("compact"), steps.noise(pairs)
    step = tf.function(trained.train_step)
    variables = trained.network.trainable_variables
    outputs, portraits = tf.function(lambda p: trained._forward(p, True))(pair)
    shares, one = trained._shares(portraits), tf.ones([])
    values = dict.fromkeys(shares, one)

    @tf.function
    def network(pair):
        with tf.GradientTape() as tape:
            outputs, _ = trained._forward(pair, True)
        ones = [tf.ones_like(value) for value in outputs.values()]
        return tape.gradient(list(outputs.values()), variables, ones, unconnected_gradients="zero")

    log = tf.function(lambda: trained._log(one, values, outputs, portraits))
    update = tf.function(lambda all_of: trained.optimizer.apply_gradients(zip(all_of, variables)))
    whole = median(lambda: step(pair)["loss"].numpy())
    gradients = network(pair)
    parts = {
        "the network, forward and back": median(lambda: network(pair)[0].numpy()),
        "losses and their gradients": median(
            lambda: trained._score_and_gradients(outputs, portraits, shares, one)[0].numpy()
        ),
        "metrics": median(lambda: log()["loss"].numpy()),
        "optimizer": median(lambda: update(gradients)),
    }
    print(f"\n| a step of {pairs} pairs | ms |\n|---|---|")
    for name, seconds in parts.items():
        print(f"| {name} | {1e3 * seconds:.0f} |")
    print(f"| whole | {1e3 * whole:.0f} |")
    print(f"| photos a second | {2 * pairs / whole:.1f} |")


def main():
    """Prints three Markdown tables."""
    import tensorflow as tf

    precision.set_precision(flags.FLAGS.precision)
    alone()
    stages(tf.random.uniform((2 * flags.FLAGS.pairs, steps.SIZE, steps.SIZE, 3)))
    step(flags.FLAGS.pairs)


if __name__ == "__main__":
    app.run(main)
