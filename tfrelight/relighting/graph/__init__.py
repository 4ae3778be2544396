"""A crop of one upright face under lamps, in TensorFlow, as `tfrelight.relighting` does in numpy.

The numpy modules say what is done and why; those of the same names here do it for one photo, whose
maps are `[S, S, ...]`. Nothing here finds faces: it is `whole_image=True` of `tfrelight.relight`.
"""
