"""Videos in: upright RGB frames with their times."""

from __future__ import annotations

import contextlib
import fractions
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tfrelight.errors import InputError

__all__ = ["SUFFIXES", "Facts", "Frame", "facts", "frames", "is_film", "opened", "pyav"]

SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi")

# Codes of ITU-T H.273, which every container uses. Transfer curves of high dynamic range: PQ, HLG.
_HDR = {16: "PQ", 18: "HLG"}
_BT709, _UNSPECIFIED, _BT470BG, _SMPTE170M = 1, 2, 5, 6
_LIMITED, _FULL = 1, 2
# From this height on, video that does not say so is BT.709, below it BT.601.
_HD = 720


class Frame(NamedTuple):
    """One picture of a film.

    pixels: `[H, W, 3]` uint8 sRGB, upright. time: seconds, as the file counts them.
    """

    pixels: np.ndarray
    time: fractions.Fraction


class Facts(NamedTuple):
    """What a film says of itself: frames a second, and how many frames (about; 0 if unknown)."""

    rate: fractions.Fraction
    count: int


def is_film(path) -> bool:
    """Whether a path's ending is that of a video."""
    return Path(path).suffix.lower() in SUFFIXES


@contextlib.contextmanager
def opened(path):
    """PyAV's container of a video, and clear words for what is wrong with it.

    Raises:
      InputError: PyAV is not installed, or the file is no video or broken.
      OSError: the file cannot be read.
    """
    av = pyav()
    with open(path, "rb"):
        pass  # the system's own words for a file that is not there
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError(f"{path} holds no pictures. Expected a video.")
            yield container
    except av.error.FFmpegError as error:
        raise InputError(
            f"Cannot read {path}: {error.strerror}. Expected a video, as an MP4 file."
        ) from error


def pyav():
    """The package `av`.

    Raises:
      InputError: it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise InputError('Video takes PyAV: pip install "tfrelight[video]".') from error
    return av


def facts(path) -> Facts:
    """What the container says; nothing is decoded.

    Raises:
      InputError, OSError: see `opened`.
    """
    with opened(path) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate or stream.guessed_rate or fractions.Fraction(25)
        count = stream.frames
        if not count and container.duration:
            count = round(container.duration * rate / 1_000_000)
        return Facts(fractions.Fraction(rate), int(count))


def frames(path):
    """Yields every `Frame` of a video.

    Raises:
      InputError, OSError: see `opened`; or the video is of high dynamic range.
    """
    with opened(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        if stream.codec_context.color_trc in _HDR:
            raise InputError(
                f"{path} is of high dynamic range ({_HDR[stream.codec_context.color_trc]}). "
                "Expected video in the standard range; players and editors can convert it."
            )
        step = 1 / fractions.Fraction(stream.average_rate or 25)
        last = None
        for frame in container.decode(stream):
            time = None if frame.pts is None else frame.pts * frame.time_base
            # Some files repeat times, or have none.
            if time is None or (last is not None and time <= last):
                time = fractions.Fraction(0) if last is None else last + step
            last = time
            yield Frame(_pixels(frame), time)


def _pixels(frame):
    matrix = frame.colorspace
    if matrix in (0, _UNSPECIFIED):
        matrix = _BT709 if frame.height >= _HD else _BT470BG
    matrix = _BT470BG if matrix == _SMPTE170M else matrix
    full = frame.color_range == _FULL or frame.format.name.startswith("yuvj")
    rgb = frame.reformat(
        format="rgb24",
        src_colorspace=matrix,
        # Means nothing in RGB; but PyAV 15 overlooks the matrix where it is the same on both sides.
        dst_colorspace=_BT470BG if matrix == _BT709 else _BT709,
        src_color_range=_FULL if full else _LIMITED,
        dst_color_range=_FULL,
    ).to_ndarray()
    if frame.rotation % 90 == 0 and frame.rotation % 360:
        rgb = np.rot90(rgb, frame.rotation // 90)
    return np.ascontiguousarray(rgb)
