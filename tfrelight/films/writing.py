"""Films out: MP4 and its like through PyAV, GIF and WebP through Pillow; whole or not at all."""

from __future__ import annotations

import contextlib
import fractions
import itertools
from pathlib import Path

import numpy as np
from PIL import Image

from tfrelight import files
from tfrelight.errors import InputError
from tfrelight.films import reading

__all__ = ["PICTURES", "SUFFIXES", "check", "encode", "write"]

# What `write` makes with PyAV, by FFmpeg's name of the container; and with Pillow.
_VIDEOS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
PICTURES = {".gif": "GIF", ".webp": "WEBP"}
SUFFIXES = (*_VIDEOS, *PICTURES)

# Ticks a second: all usual frame rates and their 1001ths are exact to a tick.
_TICKS = 90_000
# libx264's constant quality: 18 is taken for lossless to the eye.
_QUALITY = "17"
# ITU-T H.273.
_BT709, _LIMITED = 1, 1
# The index comes first, so that a browser plays before it has the whole file.
_OPTIONS = {kind: {"movflags": "+faststart"} for kind in ("mp4", "mov")}


def check(path, overwrite=False):
    """Refuses a path that `write` could not write, before any work is done.

    Raises:
      InputError: another ending, PyAV is wanted and not installed, or see `files.check_new`.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"Cannot write {path}. Expected a name that ends in {', '.join(SUFFIXES)}."
        )
    files.check_new(path, overwrite)
    if path.suffix.lower() in _VIDEOS:
        reading.pyav()


def write(path, frames, rate, sound_from=None):
    """Writes a film.

    Args:
      path: its ending chooses the format: `SUFFIXES`. GIF and WebP repeat for ever.
      frames: iterable of `reading.Frame`, all of one size.
      rate: frames a second, a Fraction; GIF and WebP show every frame for as long.
      sound_from: path of a video whose sound and description are taken over as they are; not for
        GIF and WebP.

    Raises:
      InputError: no frames, or the container cannot hold that sound.
    """
    path = Path(path)
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise InputError(f"Cannot write {path}: there are no pictures in the film.")
    frames = itertools.chain([first], frames)
    with files.replacing(path) as aside:
        encode(aside, path.suffix.lower(), frames, rate, sound_from)


def encode(path, suffix, frames, rate, sound_from=None):
    """As `write`, but to a path that is there already, or has another ending.

    Args:
      path: of the file.
      suffix: one of `SUFFIXES`.
      frames, rate, sound_from: see `write`; one frame or more.
    """
    if suffix in PICTURES:
        _write_pictures(path, frames, PICTURES[suffix], rate)
    else:
        _write_video(path, frames, _VIDEOS[suffix], rate, sound_from)


def _write_pictures(path, frames, kind, rate):
    images = (Image.fromarray(frame.pixels) for frame in frames)
    options = dict(quality=85, method=4)
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
    """256 colours of its own; what Pillow's GIF writer does by itself takes 20 times as long."""
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
        # H.264 stores colour at half the size: sides are even.
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": _QUALITY}
        context = stream.codec_context
        context.time_base = fractions.Fraction(1, _TICKS)
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED
        packets = iter(())
        if sound_from is not None:
            source = stack.enter_context(reading.opened(sound_from))
            packets = _sound(source, out, sound_from)
        waiting = next(packets, None)
        for frame in itertools.chain([first], frames):
            pixels = np.pad(frame.pixels, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
            picture = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(
                format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED
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


def _sound(source, out, path):
    """Takes over a video's description and sound: yields times and packets for `out`."""
    av = reading.pyav()
    out.metadata.update(source.metadata)
    streams = {one.index: out.add_stream_from_template(one) for one in source.streams.audio}
    try:
        out.start_encoding()
    except av.error.FFmpegError as error:
        names = ", ".join(one.codec_context.name for one in source.streams.audio)
        raise InputError(
            f"The sound of {path} ({names}) does not fit into this kind of file: "
            "choose a name that ends in .mkv."
        ) from error
    if not streams:
        return
    for packet in source.demux(*source.streams.audio):
        if packet.dts is None:  # what demuxers end with
            continue
        time = packet.dts * packet.time_base
        packet.stream = streams[packet.stream.index]
        yield time, packet
