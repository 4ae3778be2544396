"""Films in and out: pictures, times, sound, turned phones; and what is no film."""

import fractions
import struct

import numpy as np
import pytest
from PIL import Image

from tfrelight.errors import InputError
from tfrelight.films import reading, writing
from tfrelight.films.reading import Frame

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
    rate, count = reading.facts(path)
    assert rate == RATE and abs(count - 12) <= 1
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
    """BT.709 and BT.601 in their two names, limited and full range."""
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


def test_odd_sides_grow_to_even_ones(tmp_path):
    writing.write(tmp_path / "odd.mp4", film(3, 63, 95), RATE)
    assert next(reading.frames(tmp_path / "odd.mp4")).pixels.shape == (64, 96, 3)


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
    writing.write(path, reading.frames(source), reading.facts(source).rate, sound_from=source)

    def sound(of):
        with av.open(str(of)) as container:
            packets = [p for p in container.demux(audio=0) if p.dts is not None]
            return [(p.pts * p.time_base, bytes(p)) for p in packets]

    assert len(sound(source)) > 40
    assert sound(path) == sound(source)
    times = [[frame.time for frame in reading.frames(one)] for one in (source, path)]
    np.testing.assert_allclose(np.float64(times[0]), np.float64(times[1]), atol=1e-4)


def test_sound_that_does_not_fit(tmp_path):
    # Sound of a camera, as MOV holds it, also fits into MKV.
    source = with_sound(tmp_path / "source.mov", "pcm_s16le", kind="mov")
    writing.write(tmp_path / "film.mkv", reading.frames(source), RATE, sound_from=source)
    source = with_sound(tmp_path / "source.mkv", "libopus", kind="matroska")
    with pytest.raises(InputError, match="opus.*choose a name that ends in .mkv"):
        writing.write(tmp_path / "film.mov", reading.frames(source), RATE, sound_from=source)
    assert not (tmp_path / "film.mov").exists()


def test_a_phone_held_upright(tmp_path):
    """The file says that the stored picture is to be turned a quarter, clockwise."""
    path = tmp_path / "phone.mp4"
    writing.write(path, film(2), RATE)
    plain = next(reading.frames(path)).pixels
    data = path.read_bytes()
    # ISO/IEC 14496-12, track header: nine numbers, 16.16, the last column 2.30.
    straight = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    turned = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 64 << 16, 0, 1 << 30)
    start = data.index(straight, data.index(b"tkhd"))
    path.write_bytes(data[:start] + turned + data[start + 36 :])
    np.testing.assert_array_equal(next(reading.frames(path)).pixels, np.rot90(plain, -1))


def test_pictures_at_uneven_times(tmp_path):
    times = [fractions.Fraction(k * k, 100) for k in range(6)]
    frames = [Frame(picture(k), time) for k, time in enumerate(times)]
    writing.write(tmp_path / "film.mp4", frames, fractions.Fraction(10))
    read = [float(frame.time) for frame in reading.frames(tmp_path / "film.mp4")]
    np.testing.assert_allclose(read, np.float64(times), atol=1e-4)


def test_what_is_no_film(tmp_path):
    for name, data in {"empty.mp4": b"", "text.mp4": b"a letter" * 100}.items():
        (tmp_path / name).write_bytes(data)
        for read in (reading.facts, lambda path: list(reading.frames(path))):
            with pytest.raises(InputError, match=f"Cannot read .*{name}: ") as error:
                read(tmp_path / name)
            assert "\n" not in str(error.value)
    with pytest.raises(FileNotFoundError):
        reading.facts(tmp_path / "nowhere.mp4")
    with av.open(str(tmp_path / "sound.mp4"), "w") as out:
        audio = out.add_stream("aac", rate=48000)
        audio.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        out.mux(audio.encode(frame))
        out.mux(audio.encode())
    with pytest.raises(InputError, match="holds no pictures"):
        reading.facts(tmp_path / "sound.mp4")


def test_a_film_cut_short(tmp_path):
    writing.write(tmp_path / "film.mkv", film(40), RATE)
    data = (tmp_path / "film.mkv").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    # What is there is used; a container whose index is gone is refused.
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
        with pytest.raises(InputError, match="no pictures"):
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
        lambda: reading.facts(tmp_path / "film.mp4"),
    ):
        with pytest.raises(InputError, match=r'pip install "tfrelight\[video\]"'):
            call()
    writing.check(tmp_path / "film.gif")
