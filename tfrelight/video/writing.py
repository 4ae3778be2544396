"""Writing films atomically: MP4, MOV and MKV with PyAV, GIF and WebP with Pillow."""

from __future__ import annotations

import contextlib
import fractions
import io
import itertools
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from tfrelight import files
from tfrelight.errors import InputError
from tfrelight.photos import xmp
from tfrelight.video import pixel_aspect, reading

__all__ = ["PICTURES", "SUFFIXES", "check", "encode", "write"]

# Endings, with FFmpeg's name of the container or Pillow's of the format.
_VIDEOS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
PICTURES = {".gif": "GIF", ".webp": "WEBP"}
SUFFIXES = (*_VIDEOS, *PICTURES)

# Ticks a second of the time base; frame times of all common rates are exact to a tick.
_TICKS = 90_000
# Constant rate factor of libx264; 18 counts as visually lossless.
_QUALITY = "17"
# ITU-T H.273.
_BT709, _LIMITED = 1, 1
# The index comes first, so that a browser can play the file while it loads.
_OPTIONS = {kind: {"movflags": "+faststart"} for kind in ("mp4", "mov")}


def check(path: Path | str, overwrite: bool = False, sound_from: Path | str | None = None) -> None:
    """Checks that `write` can write a path, before the work that makes the film.

    Args:
      path, sound_from: see `write`.
      overwrite: whether to replace an existing file.

    Raises:
      InputError: another ending, PyAV is needed and not installed, this kind of file cannot hold
        the sound, or see `files.check_new`.
      OSError: the video with the sound cannot be read.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"Cannot write {path} as a film. Expected a name that ends in {', '.join(SUFFIXES)}; "
            "other kinds of video are read but not written."
        )
    files.check_new(path, overwrite)
    if path.suffix.lower() in _VIDEOS:
        reading.pyav()
        if sound_from is not None:
            with reading.open_video(sound_from) as source:
                _check_sound(path.suffix.lower(), source.streams.audio, sound_from)


def write(
    path: Path | str,
    frames: Iterable[reading.Frame],
    rate: fractions.Fraction,
    sound_from: Path | str | None = None,
    mark: bool = True,
) -> None:
    """Writes a film.

    Args:
      path: of the film; its ending, one of `SUFFIXES`, chooses the format. GIF and WebP loop.
      frames: one or more, all of the same size and `aspect`. GIF and WebP have square pixels, so
        frames with others are widened or heightened for them.
      rate: frames a second. GIF and WebP show all frames for the same time.
      sound_from: a video whose sound and description to copy; not into GIF and WebP.
      mark: whether to say that a trained model edited the pictures (`photos.xmp.EDITED`), which
        only WebP can hold.

    Raises:
      InputError: no frames, the container cannot hold the sound, or the pictures are too large.
    """
    path = Path(path)
    check(path, True, sound_from)
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise InputError(f"Cannot write {path}: the film has no frames.")
    with files.replacing(path) as temporary:
        suffix = path.suffix.lower()
        encode(temporary, suffix, itertools.chain([first], frames), rate, sound_from, mark)


def encode(
    path: Path | str,
    suffix: str,
    frames: Iterable[reading.Frame],
    rate: fractions.Fraction,
    sound_from: Path | str | None = None,
    mark: bool = True,
) -> None:
    """As `write`, but in place, and to a path with any ending.

    Args:
      path: of the file.
      suffix: one of `SUFFIXES`, which chooses the format.
      frames, rate, sound_from, mark: see `write`.
    """
    if suffix in PICTURES:
        _write_pictures(path, iter(frames), PICTURES[suffix], rate, mark)
    else:
        _write_video(path, iter(frames), _VIDEOS[suffix], rate, sound_from)


def _write_pictures(path, frames, kind, rate, mark):
    images = (Image.fromarray(pixel_aspect.square(frame)) for frame in frames)
    options = dict(quality=85, method=4)
    if mark:
        options["xmp"] = xmp.marked(None)
    if kind == "GIF":
        images, options = map(_dithered, images), {}
    next(images).save(
        path,
        format=kind,
        save_all=True,
        append_images=images,
        duration=round(1000 / rate),
        loop=0,
        **options,
    )


def _dithered(image):
    """The image in 256 colours of its own; Pillow's GIF writer takes 20 times as long for that."""
    palette = image.quantize(256, Image.Quantize.FASTOCTREE)
    return image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)


def _write_video(path, frames, kind, rate, sound_from):
    av = reading.pyav()
    first = next(frames)
    height, width = first.pixels.shape[:2]
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(
            av.open(str(path), "w", format=kind, options=_OPTIONS.get(kind, {}))
        )
        stream = out.add_stream("libx264", rate=fractions.Fraction(rate).limit_denominator(1001))
        stream.width, stream.height = width, height
        # H.264 with colour at half the resolution has even sides only. Full resolution keeps odd
        # ones, at the price that some phones and televisions do not play it.
        stream.pix_fmt = "yuv444p" if width % 2 or height % 2 else "yuv420p"
        stream.options = {"crf": _QUALITY}
        context = stream.codec_context
        context.time_base = fractions.Fraction(1, _TICKS)
        context.sample_aspect_ratio = first.aspect
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED
        packets = iter(())
        if sound_from is not None:
            source = stack.enter_context(reading.open_video(sound_from))
            out.metadata.update(source.metadata)
            packets = _sound(source, out)
        try:
            out.start_encoding()
        except av.error.FFmpegError as error:
            raise InputError(
                f"H.264 cannot hold pictures of {width} x {height} pixels. Expected at most 16384 "
                "on a side, and fewer the longer the other is."
            ) from error
        waiting = next(packets, None)
        for frame in itertools.chain([first], frames):
            picture = av.VideoFrame.from_ndarray(frame.pixels, "rgb24").reformat(
                format=stream.pix_fmt, dst_colorspace=_BT709, dst_color_range=_LIMITED
            )
            picture.pts, picture.time_base = round(frame.time * _TICKS), context.time_base
            out.mux(stream.encode(picture))
            while waiting is not None and waiting[0] <= frame.time:
                out.mux(waiting[1])
                waiting = next(packets, None)
        out.mux(stream.encode())
        if waiting is not None:
            for _, packet in itertools.chain([waiting], packets):
                out.mux(packet)


def _check_sound(suffix, sounds, path):
    if _holds(_VIDEOS[suffix], sounds):
        return
    names = ", ".join(sound.codec_context.name for sound in sounds)
    others = [ending for ending, kind in _VIDEOS.items() if _holds(kind, sounds)]
    advice = f"choose a name that ends in {' or '.join(others)}"
    if not others:
        advice = f"convert it to AAC first, or write {' or '.join(PICTURES)}, which are silent"
    raise InputError(f"A {suffix} file cannot hold the sound of {path} ({names}): {advice}.")


def _holds(kind, sounds):
    """Whether a container can hold sounds. Only trying tells: FFmpeg's tables are not complete."""
    av = reading.pyav()
    with av.open(io.BytesIO(), "w", format=kind) as out:
        try:
            for sound in sounds:
                out.add_stream_from_template(sound)
            if sounds:
                out.start_encoding()
        except (av.error.FFmpegError, ValueError):
            return False
    return True


def _sound(source, out):
    """Adds streams for a video's sound to `out`; an iterator of the times and packets for them."""
    sounds = source.streams.audio
    streams = {sound.index: out.add_stream_from_template(sound) for sound in sounds}
    return _packets(source, streams) if streams else iter(())


def _packets(source, streams):
    start = reading.start_time(source)
    for packet in source.demux(*source.streams.audio):
        if packet.dts is None:  # the last packet of a demuxer
            continue
        shift = round(start / packet.time_base)
        packet.dts -= shift
        if packet.pts is not None:
            packet.pts -= shift
        time = packet.dts * packet.time_base
        packet.stream = streams[packet.stream.index]
        yield time, packet
