"""What `compact` could be instead, by name, for the benchmarks."""

import functools

__all__ = ["VARIANTS", "register"]

VARIANTS = {
    "deeper": {"blocks": (1, 2, 4, 2)},
    "deepest": {"blocks": (1, 2, 2, 4)},
    "shallower": {"blocks": (1, 1, 1, 1)},
    "wider": {"filters": (64, 96, 128, 192)},
    "narrower": {"filters": (32, 64, 96, 128)},
    "attention": {"attention": True},
}


def register():
    """Makes them networks that `presets.build` knows, in this process."""
    from tfrelight.models import compact, presets

    for name, arguments in VARIANTS.items():
        presets.NETWORKS[name] = functools.partial(compact.compact, name=name, **arguments)
