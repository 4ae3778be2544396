"""Variants of `compact` for the benchmarks, by name."""

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
    """Adds the variants to `networks.NETWORKS`, in this process only."""
    from tfrelight.models import compact, networks

    for name, arguments in VARIANTS.items():
        networks.NETWORKS[name] = functools.partial(compact.compact, name=name, **arguments)
