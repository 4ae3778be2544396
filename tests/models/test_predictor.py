"""A model as a function of photos, also for several threads at once."""

import concurrent.futures

import numpy as np
import pytest

from tests.video import ball
from tfrelight.errors import InputError
from tfrelight.models import predictor


def test_threads_that_call_first_at_once():
    """Keras builds its function in the first call, and two at once failed."""
    model = ball.model.__wrapped__()
    running, most = [0], [0]
    predict_once = model.predict

    def watched(*args, **kwargs):
        running[0] += 1
        most[0] = max(most[0], running[0])
        try:
            return predict_once(*args, **kwargs)
        finally:
            running[0] -= 1

    model.predict = watched
    predict = predictor.predictor(model)
    photos = np.random.default_rng(0).uniform(0, 1, (8, 2, 32, 32, 3)).astype(np.float32)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(predict, photos))
    assert most[0] == 1
    for one, outputs in zip(photos, found):
        np.testing.assert_array_equal(outputs["albedo"], predict(one)["albedo"])


def test_an_output_that_is_not_finite_is_an_error():
    class Broken:
        def predict(self, photos, **_):
            return {"albedo": np.full_like(photos, np.nan)}

    with pytest.raises(InputError, match="The model's output 'albedo' is not finite"):
        predictor.predictor(Broken())(np.zeros((1, 4, 4, 3)))
