"""The client for programs without an event loop."""

from __future__ import annotations

import time

from tfrelight.serving.client.calls import Calls

__all__ = ["Client"]


class Client(Calls):
    """A server's model, over one channel. Safe to use from several threads; close it at the end.

    Every method raises `ServingError`, of the subclass that says what went wrong. Arguments: see
    `Calls`.
    """

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes the channel."""
        self._channel.close()

    def predict(self, inputs, signature="serving_default", outputs=None):
        """Calls any signature.

        Args:
          inputs: dict of name to array; lists of bytes for strings.
          signature: its name.
          outputs: names of those wanted, so that the others are neither computed nor sent; None
            for all.

        Returns:
          dict of name to array; lists of bytes for strings.
        """
        return self._call(*self._predict(inputs, signature, outputs))

    def relight(self, photos, light):
        """Photos under another light.

        Args:
          photos: list of JPEG or PNG files' bytes.
          light: `[9, 3]`, as `tfrelight.lights` gives it, or `[N, 9, 3]`.

        Returns:
          list of PNG files' bytes, each of its photo's size.
        """
        return self._call(*self._relight(photos, light))

    def decompose(self, photos, outputs=None):
        """What photos are made of.

        Args:
          photos: list of JPEG or PNG files' bytes.
          outputs: those wanted of `albedo_png_bytes`, `normals_png_bytes`, `shading_png_bytes`
            (lists of PNG files' bytes) and `light` (`[N, 9, 3]`); None for all.

        Returns:
          dict of them.
        """
        return self._call(*self._decompose(photos, outputs))

    def status(self):
        """Versions of the model: dict of number to state, as `AVAILABLE`."""
        return self._call(*self._status())

    def metadata(self):
        """Signatures: dict of name to `inputs` and `outputs`: name to (dtype, shape)."""
        return self._call(*self._metadata())

    def _open(self, options, credentials):
        import grpc

        if credentials is None:
            return grpc.insecure_channel(self.server, options)
        return grpc.secure_channel(self.server, credentials, options)

    def _call(self, service, method, request, parse):
        import grpc

        call, attempts = self._method(service, method), self._new_attempts()
        while True:
            try:
                return parse(call(request, timeout=attempts.seconds_left()))
            except grpc.RpcError as error:
                wait = attempts.wait_after(error)
            time.sleep(wait)
