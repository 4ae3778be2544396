"""tensorflow-addons without its banner: the one place that imports it, for training only.

Nothing of it may be in a served graph.
"""

import warnings

with warnings.catch_warnings():
    # It announces its end of life at each import; BUILD_NOTES.md says what that means here.
    warnings.filterwarnings("ignore", message=r"\s*TensorFlow Addons \(TFA\)", category=UserWarning)
    import tensorflow_addons as tfa

__all__ = ["tfa"]
