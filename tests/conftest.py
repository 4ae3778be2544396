"""Settings of the whole test suite: quiet TensorFlow, fair threads, seeds, and the real photos."""

import os
import pathlib
import random
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent

# TensorFlow reads these once, on its first import; test modules are imported after this file.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if _workers > 1:
    # Without a limit each worker starts a thread for every core, and they slow each other down.
    # NumPy reads the last one when it is imported, and threads decide the last digit of sums.
    _threads = str(max(1, len(os.sched_getaffinity(0)) // _workers))
    for _name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(_name, _threads)


def pytest_collection_modifyitems(items):
    """Marks what needs real photos, so that `-m real_data` selects it."""
    for item in items:
        if "real_data" in item.fixturenames:
            item.add_marker("real_data")


@pytest.fixture(autouse=True)
def seeds():
    """Seeds every generator that code could reach without one of its own."""
    import numpy as np

    # Looked up, not imported: the light tests do without TensorFlow.
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        random.seed(0)
        np.random.seed(0)
    else:
        tensorflow.keras.utils.set_random_seed(0)


@pytest.fixture(scope="session", autouse=True)
def user_cache(tmp_path_factory):
    """Keeps rendered portraits of the tests out of the user's own cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFRELIGHT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def real_data():
    """Finder of real data: `real_data("CroppedYale")` is that folder's path, or the test skips.

    The folder that holds the data sets is `TFRELIGHT_DATA`, or else `shared/data` beside the
    checkout. A `TFRELIGHT_DATA` that is set but is no folder is an error, not a skip.
    """
    named = os.environ.get("TFRELIGHT_DATA")
    folder = pathlib.Path(named) if named else ROOT.parent / "shared" / "data"
    if named and not folder.is_dir():
        raise NotADirectoryError(f"TFRELIGHT_DATA is not a folder: {named}")

    def find(name):
        path = folder / name
        if not path.exists():
            pytest.skip(f"no {name} in {folder}: set TFRELIGHT_DATA to the folder that holds it")
        return path

    return find
