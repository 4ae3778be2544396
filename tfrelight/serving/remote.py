"""Uses a network on a server like one in this process."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfrelight.models import photo_arrays
from tfrelight.serving import client, defaults

__all__ = ["MAX_BATCH", "RemoteModel"]

# Photos per request. TensorFlow Serving refuses more than `max_batch_size` in batching.config, and
# this is its value in export/.
MAX_BATCH = 4


class RemoteModel:
    """A model on a server, for the argument `model` of `tfrelight.relight` and `decompose`.

    Faces are found and put back in this process. Only the network's inputs and outputs travel.

        with RemoteModel("localhost:8500", label="stable") as model:
            tfrelight.relight("photo.jpg", "left", model=model).save("left.jpg")

    Safe to use from several threads. Needs `pip install "tfrelight[serving]"`.

    Args:
      server: gRPC address, host:port.
      name: of the model on the server.
      size: height and width of the crops to send. The default is the size of the networks that
        `tfrelight.train` makes by default; the server resizes crops to its network's size, and the
        maps back.
      **options: of `client.Client`: `version`, `label`, `timeout`, `attempts`, `tls`.

    Raises:
      InputError: the extra is not installed.
    """

    def __init__(
        self, server: str, name: str = defaults.MODEL_NAME, size: int = 128, **options: Any
    ) -> None:
        self.size = size
        self._client = client.Client(server, model=name, **options)

    def __enter__(self) -> RemoteModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()

    def predict_on_batch(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Runs the network, like `load_model(...).predict_on_batch`.

        Args:
          images: `[N, H, W, 3]` sRGB-encoded in [0, 1].

        Returns:
          `albedo` `[N, H, W, 3]`, linear RGB; `normals` `[N, H, W, 3]`, unit vectors; `light`
          `[N, 9, 3]`, linear RGB; `mask` `[N, H, W, 1]`; and `parts` `[N, H, W, 7]`,
          probabilities, if the network has them.

        Raises:
          InputError: see `photo_arrays.check`.
          ServingError: the request failed; the subclass names the failure.
        """
        photo_arrays.check(images)
        images = np.asarray(images, np.float32)
        # All outputs, because a server refuses a request for one that its network lacks, and the
        # network may change under a label.
        answers = [
            self._client.predict({"images": images[start : start + MAX_BATCH]}, "decompose")
            for start in range(0, len(images), MAX_BATCH)
        ]
        names = [name for name in answers[0] if name != "shading"]
        return {name: np.concatenate([answer[name] for answer in answers]) for name in names}
