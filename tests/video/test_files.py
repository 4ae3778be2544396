"""Reading and writing films: pictures, times, sound, orientation, broken files."""

import fractions
import struct

import numpy as np
import pytest
from PIL import Image

from tfrelight.errors import InputError
from tfrelight.video import reading, writing
from tfrelight.video.reading import Frame

av = pytest.importorskip("av")

RATE = fractions.Fraction(24)


def picture(number, height=64, width=96):
    """A blue square that moves over orange."""
    pixels = np.full((height, width, 3), (220, 140, 40), np.uint8)
    pixels[16:48, number : number + 32] = (30, 60, 200)
    return pixels


def film(count=12, height=64, width=96, rate=RATE):
    return [Frame(picture(k, height, width), k / rate) for k in range(count)]


def with_sound(path, codec="aac", seconds=1, kind="mp4"):
    """A film with a tone, written without this package."""
    with av.open(str(path), "w", format=kind) as out:
        video = out.add_stream("libx264", rate=24)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        audio = out.add_stream(codec, rate=48000)
        audio.layout = "mono"
        for number in range(24 * seconds):
            frame = av.VideoFrame.from_ndarray(picture(number % 60), "rgb24")
            out.mux(video.encode(frame))
        out.mux(video.encode())
        kind = {"aac": "fltp", "pcm_s16le": "s16", "libopus": "flt"}[codec]
        tone = np.sin(np.arange(48000 * seconds) * 440 * 2 * np.pi / 48000)[None]
        tone = tone.astype(np.float32) if kind != "s16" else (tone * 20000).astype(np.int16)
        for start in range(0, tone.shape[1], 960):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(tone[:, start : start + 960]), kind, "mono"
            )
            frame.sample_rate, frame.pts = 48000, start
            frame.time_base = fractions.Fraction(1, 48000)
            out.mux(audio.encode(frame))
        out.mux(audio.encode())
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov", ".mkv"])
def test_a_video_comes_back(tmp_path, suffix):
    path = tmp_path / f"film{suffix}"
    writing.write(path, film(), RATE)
    assert reading.is_film(path)
    info = reading.info(path)
    assert info.rate == RATE and abs(info.frame_count - 12) <= 1
    assert info.pixels == picture(0).shape[0] * picture(0).shape[1]
    frames = list(reading.frames(path))
    assert len(frames) == 12
    for number, frame in enumerate(frames):
        assert abs(frame.time - number / RATE) < 0.001
        # Away from edges, where colour has half the resolution.
        difference = np.abs(frame.pixels.astype(int) - picture(number))
        assert np.median(difference) <= 2 and difference[20:44, number + 4 : number + 28].max() < 8
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name]


@pytest.mark.parametrize("range_", [1, 2])
@pytest.mark.parametrize("matrix", [1, 5, 6])
def test_colours_are_what_the_file_says_they_are(tmp_path, matrix, range_):
    """BT.709, and BT.601 under its two names, in limited and full range."""
    with av.open(str(tmp_path / "film.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=24, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.colorspace = matrix
        stream.codec_context.color_range = range_
        frame = av.VideoFrame.from_ndarray(picture(0), "rgb24").reformat(
            format="yuv420p", dst_colorspace=min(matrix, 5), dst_color_range=range_
        )
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    pixels = next(reading.frames(tmp_path / "film.mp4")).pixels
    assert np.median(np.abs(pixels.astype(int) - picture(0)).reshape(-1, 3), 0).max() <= 3


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("height,width", [(63, 95), (64, 95), (63, 96), (64, 96)])
def test_odd_sides_stay(tmp_path, height, width, suffix):
    path = tmp_path / f"odd{suffix}"
    writing.write(path, film(3, height, width), RATE)
    frames = list(reading.frames(path))
    assert [frame.pixels.shape for frame in frames] == [(height, width, 3)] * 3
    difference = np.abs(frames[2].pixels.astype(int) - picture(2, height, width))
    assert np.median(difference) <= 2
    with av.open(str(path)) as container:
        # What phones play, wherever it can be.
        even = height % 2 == width % 2 == 0
        assert container.streams.video[0].pix_fmt == ("yuv420p" if even else "yuv444p")


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_picture_that_moves(tmp_path, suffix):
    path = tmp_path / f"film{suffix}"
    writing.write(path, film(), fractions.Fraction(20))
    with Image.open(path) as image:
        assert (image.n_frames, image.size, image.info["loop"]) == (12, (96, 64), 0)
        image.seek(6)
        image.load()
        assert image.info["duration"] == 50
        shown = np.asarray(image.convert("RGB")).astype(int)
    assert np.median(np.abs(shown - picture(6))) <= 6


def test_sound_times_and_description_stay(tmp_path):
    source = with_sound(tmp_path / "source.mp4")
    path = tmp_path / "film.mp4"
    writing.write(path, reading.frames(source), reading.info(source).rate, sound_from=source)

    def sound(of):
        with av.open(str(of)) as container:
            packets = [p for p in container.demux(audio=0) if p.dts is not None]
            return [(p.pts * p.time_base, bytes(p)) for p in packets]

    assert len(sound(source)) > 40
    assert sound(path) == sound(source)
    times = [[frame.time for frame in reading.frames(one)] for one in (source, path)]
    np.testing.assert_allclose(np.float64(times[0]), np.float64(times[1]), atol=1e-4)


def test_sound_that_does_not_fit(tmp_path):
    # MKV can hold a camera's sound from MOV.
    source = with_sound(tmp_path / "source.mov", "pcm_s16le", kind="mov")
    writing.write(tmp_path / "film.mkv", reading.frames(source), RATE, sound_from=source)
    source = with_sound(tmp_path / "source.mkv", "libopus", kind="matroska")
    expected = "A .mov file .*opus.*: choose a name that ends in .mp4 or .m4v or .mkv"
    for call in (
        lambda path: writing.check(path, sound_from=source),
        lambda path: writing.write(path, reading.frames(source), RATE, sound_from=source),
    ):
        with pytest.raises(InputError, match=expected):
            call(tmp_path / "film.mov")
    assert not (tmp_path / "film.mov").exists()
    source = other(tmp_path / "source.wmv", **_OTHERS[".wmv"])
    with pytest.raises(InputError, match="wmav2.*: convert it to AAC first, or write .gif or"):
        writing.check(tmp_path / "other.mkv", sound_from=source)


def with_matrix(path, matrix):
    """Puts the numbers a, b, c, d of a display matrix into an MP4 file without one."""
    data = path.read_bytes()
    # ISO/IEC 14496-12, track header: nine numbers, 16.16, the last column 2.30.
    straight = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    a, b, c, d = (round(number * (1 << 16)) for number in matrix)
    start = data.index(straight, data.index(b"tkhd"))
    turned = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data[:start] + turned + data[start + 36 :])


# A place (x, y), y down, is shown at (a x + c y, b x + d y).
_MATRICES = {
    "straight": ((1, 0, 0, 1), lambda p: p),
    "mirrored": ((-1, 0, 0, 1), lambda p: p[:, ::-1]),
    "upside down, mirrored": ((1, 0, 0, -1), lambda p: p[::-1]),
    "upside down": ((-1, 0, 0, -1), lambda p: p[::-1, ::-1]),
    "a quarter clockwise": ((0, 1, -1, 0), lambda p: np.rot90(p, -1)),
    "a quarter against the clock": ((0, -1, 1, 0), lambda p: np.rot90(p)),
    "rows are columns": ((0, 1, 1, 0), lambda p: np.swapaxes(p, 0, 1)),
    "rows are columns, both mirrored": ((0, -1, -1, 0), lambda p: np.rot90(p[:, ::-1], -1)),
    "a quarter, by an encoder that scales": ((0, 1.5, -1.5, 0), lambda p: np.rot90(p, -1)),
    "two degrees off": ((0.999, 0.035, -0.035, 0.999), lambda p: p),
    "of zeros": ((0, 0, 0, 0), lambda p: p),
}


@pytest.mark.parametrize("name", _MATRICES)
def test_display_matrices(tmp_path, name):
    """Phones store pictures as the sensor lies, and front cameras mirror them."""
    matrix, shown = _MATRICES[name]
    path = tmp_path / "phone.mp4"
    writing.write(path, [Frame(picture(5), k / RATE) for k in range(2)], RATE)
    plain = next(reading.frames(path)).pixels
    if name != "straight":
        with_matrix(path, matrix)
    for frame in reading.frames(path):
        np.testing.assert_array_equal(frame.pixels, shown(plain))


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("aspect", ["4/3", "16/15", "8/9", "1"])
def test_pixels_that_are_not_square(tmp_path, suffix, aspect):
    path, aspect = tmp_path / f"film{suffix}", fractions.Fraction(aspect)
    writing.write(path, [Frame(picture(0), fractions.Fraction(0), aspect)], RATE)
    (frame,) = reading.frames(path)
    assert frame.aspect == aspect and frame.pixels.shape == (64, 96, 3)


def test_a_turned_film_with_wide_pixels_has_high_ones(tmp_path):
    path, wide = tmp_path / "film.mp4", fractions.Fraction(4, 3)
    writing.write(path, [Frame(picture(0), fractions.Fraction(0), wide)], RATE)
    with_matrix(path, (0, 1, -1, 0))
    assert next(reading.frames(path)).aspect == 1 / wide


def test_gif_has_square_pixels(tmp_path):
    frames = [Frame(picture(k), k / RATE, fractions.Fraction(4, 3)) for k in range(2)]
    writing.write(tmp_path / "film.gif", frames, RATE)
    with Image.open(tmp_path / "film.gif") as image:
        assert image.size == (128, 64)


def other(path, codec, pix_fmt, kind=None, sound=None, sound_rate=48000, size=(96, 64), start=0):
    """A film of another program's: 12 frames, perhaps with half a second of silence."""
    options = {"output_ts_offset": str(start)}
    with av.open(str(path), "w", format=kind, options=options) as out:
        video = out.add_stream(codec, rate=24)
        video.width, video.height = size
        video.pix_fmt, video.bit_rate = pix_fmt, 2_000_000
        if sound:
            audio = out.add_stream(sound, rate=sound_rate)
            audio.layout = "mono"
            audio.bit_rate = 12_200 if sound_rate == 8000 else 96_000
        for number in range(12):
            image = picture(number, *size[::-1])
            out.mux(video.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        out.mux(video.encode())
        if sound:
            step = audio.codec_context.frame_size or 960
            for place in range(0, sound_rate // 2, step):
                form = audio.codec_context.format.name
                kinds = {"s16": np.int16, "s16p": np.int16, "s32p": np.int32}
                silence = np.zeros((1, step), kinds.get(form, np.float32))
                frame = av.AudioFrame.from_ndarray(silence, form, "mono")
                frame.sample_rate, frame.pts = sound_rate, place
                frame.time_base = fractions.Fraction(1, sound_rate)
                out.mux(audio.encode(frame))
            out.mux(audio.encode())
    return path


_OTHERS = {
    ".3gp": dict(
        codec="h263",
        pix_fmt="yuv420p",
        size=(128, 96),
        sound="libopencore_amrnb",
        sound_rate=8000,
    ),
    ".3g2": dict(codec="mpeg4", pix_fmt="yuv420p", sound="aac"),
    ".ts": dict(codec="libx264", pix_fmt="yuv420p", kind="mpegts", sound="aac"),
    ".mts": dict(codec="libx264", pix_fmt="yuv420p", kind="mpegts", sound="ac3"),
    ".m2ts": dict(codec="mpeg2video", pix_fmt="yuv420p", kind="mpegts", sound="mp2"),
    ".mpg": dict(codec="mpeg2video", pix_fmt="yuv420p", kind="mpeg", sound="mp2"),
    ".avi": dict(codec="mpeg4", pix_fmt="yuv420p", sound="libmp3lame"),
    ".webm": dict(codec="libvpx-vp9", pix_fmt="yuv420p", sound="libopus"),
    ".mkv": dict(codec="libx265", pix_fmt="yuv420p", sound="ac3"),
    ".mov": dict(codec="mjpeg", pix_fmt="yuvj420p", sound="pcm_s16le"),
    ".wmv": dict(codec="wmv2", pix_fmt="yuv420p", sound="wmav2"),
    ".flv": dict(codec="flv", pix_fmt="yuv420p"),
}


@pytest.mark.parametrize("suffix", _OTHERS)
def test_films_of_other_programs(tmp_path, suffix):
    """Every ending is known, times begin at the beginning, and the sound is kept."""
    source = other(tmp_path / f"clip{suffix}", **_OTHERS[suffix])
    assert reading.is_film(source) and reading.is_film(str(source).upper())
    frames = list(reading.frames(source))
    assert len(frames) == 12 and frames[0].time < 0.2
    # Only MOV holds the sound of old phones, and nothing that of WMV.
    path = tmp_path / ("film.mov" if suffix == ".3gp" else "film.mkv")
    sound = None if suffix == ".wmv" else source
    writing.write(path, frames, reading.info(source).rate, sound_from=sound)
    again = list(reading.frames(path))
    # Matroska has no time before 0, where coders' first sound lies: it delays both a little.
    times = [[float(frame.time - one[0].time) for frame in one] for one in (again, frames)]
    np.testing.assert_allclose(*times, atol=0.002)
    height, width = frames[0].pixels.shape[:2]
    assert np.median(np.abs(again[6].pixels.astype(int) - picture(6, height, width))) <= 6
    with av.open(str(path)) as container:
        assert len(container.streams.audio) == ("sound" in _OTHERS[suffix] and sound is not None)


def test_a_broadcast_has_no_black_before_its_start(tmp_path):
    """MPEG-TS begins at any time; a player would show nothing until then."""
    source = other(tmp_path / "clip.ts", **_OTHERS[".ts"], start=5)
    with av.open(str(source)) as container:
        assert container.start_time > 1_000_000
    path = tmp_path / "film.mp4"
    writing.write(path, reading.frames(source), reading.info(source).rate, sound_from=source)
    with av.open(str(path)) as container:
        for stream in (container.streams.video[0], container.streams.audio[0]):
            assert abs(float(stream.start_time * stream.time_base)) < 0.2
        assert container.duration < 1_000_000


def test_pictures_too_large_for_h264(tmp_path):
    wide = Frame(np.zeros((16, 40000, 3), np.uint8), fractions.Fraction(0))
    with pytest.raises(InputError, match="H.264 cannot hold pictures of 40000 x 16"):
        writing.write(tmp_path / "film.mp4", [wide], RATE)
    assert list(tmp_path.iterdir()) == []


def test_pictures_at_uneven_times(tmp_path):
    times = [fractions.Fraction(k * k, 100) for k in range(6)]
    frames = [Frame(picture(k), time) for k, time in enumerate(times)]
    writing.write(tmp_path / "film.mp4", frames, fractions.Fraction(10))
    read = [float(frame.time) for frame in reading.frames(tmp_path / "film.mp4")]
    np.testing.assert_allclose(read, np.float64(times), atol=1e-4)


def test_what_is_no_film(tmp_path):
    for name, data in {"empty.mp4": b"", "text.mp4": b"a letter" * 100}.items():
        (tmp_path / name).write_bytes(data)
        for read in (reading.info, lambda path: list(reading.frames(path))):
            with pytest.raises(InputError, match=f"Cannot read .*{name}: ") as error:
                read(tmp_path / name)
            assert "\n" not in str(error.value)
    with pytest.raises(FileNotFoundError):
        reading.info(tmp_path / "nowhere.mp4")
    with av.open(str(tmp_path / "sound.mp4"), "w") as out:
        audio = out.add_stream("aac", rate=48000)
        audio.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        out.mux(audio.encode(frame))
        out.mux(audio.encode())
    with pytest.raises(InputError, match="holds no pictures"):
        reading.info(tmp_path / "sound.mp4")


def test_a_film_cut_short(tmp_path):
    writing.write(tmp_path / "film.mkv", film(40), RATE)
    data = (tmp_path / "film.mkv").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    # The frames that remain are read; a container without its index is refused.
    assert 0 < len(list(reading.frames(tmp_path / "cut.mp4"))) < 40
    writing.write(tmp_path / "film.mp4", film(40), RATE)
    data = (tmp_path / "film.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[:200])
    with pytest.raises(InputError, match="Cannot read|holds no pictures"):
        list(reading.frames(tmp_path / "cut.mp4"))


def test_high_dynamic_range_is_refused(tmp_path):
    with av.open(str(tmp_path / "hdr.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.color_trc = 16
        out.mux(stream.encode(av.VideoFrame.from_ndarray(picture(0), "rgb24")))
        out.mux(stream.encode())
    with pytest.raises(InputError, match="high dynamic range .PQ."):
        list(reading.frames(tmp_path / "hdr.mp4"))


def test_a_failure_leaves_nothing(tmp_path):
    def broken():
        yield from film(5)
        raise RuntimeError("on the way")

    for name in ("film.mp4", "film.gif"):
        with pytest.raises(RuntimeError, match="on the way"):
            writing.write(tmp_path / name, broken(), RATE)
        with pytest.raises(InputError, match="has no frames"):
            writing.write(tmp_path / name, [], RATE)
    assert list(tmp_path.iterdir()) == []


def test_names_are_checked_before_the_work(tmp_path):
    writing.check(tmp_path / "film.mp4")
    for path, expected in [
        (tmp_path / "film.jpg", "ends in .mp4"),
        (tmp_path / "no" / "film.mp4", "there is no folder"),
    ]:
        with pytest.raises(InputError, match=expected):
            writing.check(path)
    (tmp_path / "film.mp4").write_bytes(b"")
    with pytest.raises(InputError, match="exists"):
        writing.check(tmp_path / "film.mp4")
    writing.check(tmp_path / "film.mp4", overwrite=True)


def test_without_pyav(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    for call in (
        lambda: writing.check(tmp_path / "film.mp4"),
        lambda: reading.info(tmp_path / "film.mp4"),
    ):
        with pytest.raises(InputError, match=r'pip install "tfrelight\[video\]"'):
            call()
    writing.check(tmp_path / "film.gif")
