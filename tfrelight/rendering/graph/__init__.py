"""What lamps do to a surface, in TensorFlow, as `tfrelight.rendering` does it in numpy.

Here are the lamps of one photo, `[K, 8]`; `rendering.graph.renderer` says what the numbers are.
"""
