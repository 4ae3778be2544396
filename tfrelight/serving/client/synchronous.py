"""The blocking client."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfrelight.serving.client import errors, security
from tfrelight.serving.client import photos as files
from tfrelight.serving.client.calls import Calls

if TYPE_CHECKING:
    from tfrelight.lights import LightLike

__all__ = ["Client"]


class Client(Calls):
    """A model on a server, over one channel. Safe to use from several threads.

        with Client("localhost:8500", label="stable") as server:
            (png,) = server.relight([jpeg_bytes], "left")

    `Calls` lists the arguments. Every method raises the subclass of `ServingError` that names the
    failure.
    """

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()

    def predict(
        self,
        inputs: Mapping[str, np.ndarray | Sequence[bytes]],
        signature: str = "serving_default",
        outputs: Sequence[str] | None = None,
    ) -> dict[str, np.ndarray | list[bytes]]:
        """Calls any signature.

        Args:
          inputs: arrays by name; a list of bytes for a string input.
          signature: its name.
          outputs: names of the outputs to compute and send; None for all.

        Returns:
          arrays by name; a list of bytes for a string output.
        """
        return self._call(*self._predict(inputs, signature, outputs))

    def relight(self, photos: Sequence[bytes], light: LightLike, mark: bool = True) -> list[bytes]:
        """Relights photos.

        Lamps cast shadows and make highlights, their colours are relative to each photo's white,
        and the lit part of each face stays as bright as in its photo (`relight_lamps_bytes`). Of
        other lights, such as environment maps and coefficients, the second-order harmonics count,
        in absolute colours (`relight_bytes`).

        Args:
          photos: JPEG or PNG files, each a crop of one upright face.
          light: a `Light`, its name such as "left", or what else `lights.as_light` takes, for all
            photos; or coefficients `[N, 9, 3]`, linear RGB.
          mark: whether the pictures say in XMP that a trained model edited them.

        Returns:
          PNG files, each of its photo's size, with its colour profile and metadata.

        Raises:
          InputError: `photos` or `light` is something else.
        """
        return files.with_metadata(self._call(*self._relight(photos, light)), photos, mark)

    def decompose(
        self, photos: Sequence[bytes], outputs: Sequence[str] | None = None
    ) -> dict[str, np.ndarray | list[bytes]]:
        """Decomposes photos into albedo, normals, shading and light.

        Args:
          photos: JPEG or PNG files, each a crop of one upright face.
          outputs: names of the outputs to compute and send; None for all.

        Returns:
          `albedo_png_bytes`, `normals_png_bytes`, `shading_png_bytes`: lists of PNG files, each of
          its photo's size; `light`: `[N, 9, 3]`, linear RGB.

        Raises:
          InputError: `photos` is something else.
        """
        return self._call(*self._decompose(photos, outputs))

    def status(self) -> dict[int, str]:
        """The state of each version, such as `AVAILABLE`, by number."""
        return self._call(*self._status())

    def metadata(self) -> dict[str, dict[str, dict[str, tuple]]]:
        """The signatures: name to `inputs` and `outputs`, each a name to (dtype, shape)."""
        return self._call(*self._metadata())

    def _call(self, service, method, request, parse):
        import grpc

        until = time.monotonic() + self.timeout
        answer = self._method(service, method).future(request, timeout=self.timeout)
        try:
            if not self._reached:
                self._reach(answer, until)
            return parse(answer.result())
        except grpc.RpcError as error:
            raise errors.from_rpc(error, self.server) from error
        finally:
            # Ends the call if something was raised before its answer, such as KeyboardInterrupt.
            answer.cancel()

    def _reach(self, answer, until):
        """Waits for a first answer, and looks for the reason if there is none soon.

        Args:
          answer: the call.
          until: time (`time.monotonic`) at which it ends.
        """
        import grpc

        try:
            answer.result(security.PATIENCE)
        except grpc.FutureTimeoutError:
            security.check(self.server, self._tls, until - time.monotonic())
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNAVAILABLE:
                security.check(self.server, self._tls, until - time.monotonic())
                return
        self._reached = True
