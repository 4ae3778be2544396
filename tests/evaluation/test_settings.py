"""The settings of an evaluation agree with what evaluates them."""

from tfrelight.data.datasets import yale_b
from tfrelight.evaluation import datasets, run, settings


def test_every_protocol_has_its_splits():
    assert set(settings.SPLITS) == set(run.PROTOCOLS)
    assert set(settings.SPLITS["yale_b"]) == set(yale_b.SPLITS)
    for name, reader in datasets.READERS.items():
        # A reader may be a partial of its class.
        assert settings.SPLITS[name] == getattr(reader, "func", reader).splits
