"""Reading videos: upright RGB frames with their times and the shape of their pixels."""

from __future__ import annotations

import contextlib
import fractions
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tfrelight.errors import InputError

__all__ = [
    "SUFFIXES",
    "Frame",
    "VideoInfo",
    "frames",
    "info",
    "is_film",
    "open_video",
    "pyav",
    "start_time",
]

# Endings by which a command tells a video from a photo. FFmpeg looks at the contents alone.
SUFFIXES = tuple(
    ".mp4 .m4v .mov .qt .mkv .webm .avi .3gp .3g2 .ts .mts .m2ts .mpg .mpeg .m2v .vob .wmv .asf "
    ".flv .f4v .ogv .mxf .dv".split()
)

# Codes of ITU-T H.273, which every container uses: transfer curves of high dynamic range, colour
# matrices and colour ranges.
_HDR = {16: "PQ", 18: "HLG"}
_BT709, _UNSPECIFIED, _BT470BG, _SMPTE170M = 1, 2, 5, 6
_LIMITED, _FULL = 1, 2
# Video without a colour matrix is BT.709 from this height on, else BT.601.
_HD = 720


class Frame(NamedTuple):
    """One frame of a film.

    Attributes:
      pixels: `[H, W, 3]` uint8 sRGB, upright.
      time: seconds, from the file's own start.
      aspect: width of a pixel over its height, as it is shown; 1 for square pixels.
    """

    pixels: np.ndarray
    time: fractions.Fraction
    aspect: fractions.Fraction = fractions.Fraction(1)


class VideoInfo(NamedTuple):
    """What a container says about its video.

    Attributes:
      rate: frames a second.
      frame_count: number of frames, approximately; 0 if unknown.
      pixels: of a frame.
    """

    rate: fractions.Fraction
    frame_count: int
    pixels: int


def is_film(path: Path | str) -> bool:
    """Whether a path has the ending of a video."""
    return Path(path).suffix.lower() in SUFFIXES


@contextlib.contextmanager
def open_video(path: Path | str) -> Iterator[Any]:
    """Opens a video as PyAV's `InputContainer`, with clear errors.

    Raises:
      InputError: PyAV is not installed, or the file is broken or not a video.
      OSError: the file cannot be read.
    """
    av = pyav()
    with open(path, "rb"):
        pass  # for the system's own error if the file is missing
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError(f"{path} holds no pictures. Expected a video.")
            yield container
    except av.error.FFmpegError as error:
        raise InputError(
            f"Cannot read {path}: {error.strerror}. Expected a whole video file, in a format that "
            "FFmpeg reads."
        ) from error


def pyav() -> Any:
    """The module `av`.

    Raises:
      InputError: PyAV is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise InputError('Video needs PyAV: pip install "tfrelight[video]".') from error
    return av


def info(path: Path | str) -> VideoInfo:
    """Frame rate, length and size of a video, without decoding it.

    Raises:
      InputError, OSError: see `open_video`.
    """
    with open_video(path) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate or stream.guessed_rate or fractions.Fraction(25)
        count = stream.frames
        if not count and container.duration:
            count = round(container.duration * rate / 1_000_000)
        return VideoInfo(fractions.Fraction(rate), int(count), stream.width * stream.height)


def frames(path: Path | str) -> Iterator[Frame]:
    """Yields the frames of a video, turned and mirrored as its display matrix says.

    Raises:
      InputError: see `open_video`; or the video has high dynamic range.
      OSError: see `open_video`.
    """
    with open_video(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        if stream.codec_context.color_trc in _HDR:
            raise InputError(
                f"{path} has high dynamic range ({_HDR[stream.codec_context.color_trc]}). "
                "Expected standard dynamic range: convert it with a video editor first."
            )
        step = 1 / fractions.Fraction(stream.average_rate or 25)
        aspect = fractions.Fraction(stream.sample_aspect_ratio or 1)
        start, last, size = start_time(container), None, None
        for frame in container.decode(stream):
            time = None if frame.pts is None else frame.pts * frame.time_base - start
            # Some files have repeated times or none.
            if time is None or (last is not None and time <= last):
                time = fractions.Fraction(0) if last is None else last + step
            last = time
            # A broadcast may change its size on the way; it is shown at one.
            size = size or (frame.width, frame.height)
            pixels, shown = _upright(_pixels(frame, size), aspect, _display_matrix(frame))
            yield Frame(pixels, time, shown)


def start_time(container: Any) -> fractions.Fraction:
    """Seconds at which a video's clock starts, at least 0: a broadcast's runs all day."""
    return fractions.Fraction(max(container.start_time or 0, 0), 1_000_000)


def _pixels(frame, size):
    matrix = frame.colorspace
    if matrix in (0, _UNSPECIFIED):
        matrix = _BT709 if frame.height >= _HD else _BT470BG
    matrix = _BT470BG if matrix == _SMPTE170M else matrix
    full = frame.color_range == _FULL or frame.format.name.startswith("yuvj")
    return frame.reformat(
        *size,
        format="rgb24",
        src_colorspace=matrix,
        # RGB has no matrix, but PyAV 15 ignores the source's if both are the same.
        dst_colorspace=_BT470BG if matrix == _BT709 else _BT709,
        src_color_range=_FULL if full else _LIMITED,
        dst_color_range=_FULL,
    ).to_ndarray()


def _display_matrix(frame):
    """`[2, 2]` part of the matrix that takes places in the stored picture, x and y, to the shown.

    ISO/IEC 14496-12 has row vectors: `[x', y'] = [x, y] @ matrix`, with y down.
    """
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return np.eye(2)
    return np.frombuffer(bytes(data), np.int32).reshape(3, 3)[:2, :2]


def _upright(pixels, aspect, matrix):
    """Pixels and their aspect as shown, after the nearest of the eight turns and mirrorings."""
    (xx, xy), (yx, yy) = matrix.astype(float)
    if abs(xx) + abs(yy) < abs(xy) + abs(yx):
        # The stored rows become columns.
        pixels, aspect, xx, yy = np.swapaxes(pixels, 0, 1), 1 / aspect, yx, xy
    pixels = pixels[:: -1 if yy < 0 else 1, :: -1 if xx < 0 else 1]
    return np.ascontiguousarray(pixels), aspect
