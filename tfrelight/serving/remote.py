"""A network on a server, in the place of one in this process."""

from __future__ import annotations

import numpy as np

from tfrelight.serving import client, defaults

__all__ = ["MOST", "RemoteModel"]

# Photos of one request: TensorFlow Serving refuses more than the `max_batch_size` of its
# batching.config, of which export/ has this one.
MOST = 4
_OUTPUTS = ("albedo", "normals", "light", "mask")


class RemoteModel:
    """What `tfrelight.relight` and `tfrelight.decompose` take for `model`, on a server.

    Faces are found and put back here; only the crops that a network sees travel, and its maps.

        with RemoteModel("localhost:8500", label="stable") as model:
            tfrelight.relight("photo.jpg", "left", model=model).save("left.jpg")

    Safe to use from several threads. Needs `pip install "tfrelight[serving]"`.

    Args:
      server: gRPC address, host:port.
      name: of the model there.
      size: height and width of the crops. The server resizes them to its network's own and the maps
        back; the network of every model that `tfrelight.train` makes by default is of this one.
      **options: of `client.Client`: `version`, `label`, `timeout`, `attempts`, `tls`.

    Raises:
      InputError: the extra is not installed.
    """

    def __init__(self, server, name=defaults.MODEL_NAME, size=128, **options):
        self.size = size
        self._client = client.Client(server, model=name, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes the connection."""
        self._client.close()

    def predict_on_batch(self, images):
        """The network's outputs, as `load_model(...).predict_on_batch` gives them.

        Args:
          images: `[N, H, W, 3]` sRGB in [0, 1].

        Raises:
          ServingError: the server did not answer; the subclass says why.
        """
        images = np.asarray(images, np.float32)
        parts = [
            self._client.predict(
                {"images": images[start : start + MOST]}, signature="decompose", outputs=_OUTPUTS
            )
            for start in range(0, len(images), MOST)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in _OUTPUTS}
