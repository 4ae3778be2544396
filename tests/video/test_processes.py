"""Films of a real face by the package's network: in several processes, and how steady they are."""

import fractions

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tfrelight import processes
from tfrelight.relighting import pipeline
from tfrelight.video import reading, relighting, writing
from tfrelight.video.reading import Frame

pytest.importorskip("av")

RATE = fractions.Fraction(24)


def write_film(path, count, noise, size=240):
    """A face that keeps still, seen by a noisy sensor."""
    rng = np.random.default_rng(0)
    still = Image.open(ROOT / "docs" / "astronaut.jpg").crop((75, 0, 395, 320)).resize((size, size))
    frames = (
        np.asarray(still, float) + rng.normal(0, noise, (size, size, 3)) for _ in range(count)
    )
    writing.write(
        path,
        (
            Frame(
                np.clip(frame, 0, 255).round().astype(np.uint8),
                number / RATE,
                fractions.Fraction(1),
            )
            for number, frame in enumerate(frames)
        ),
        RATE,
    )


def pixels(path):
    return np.stack([frame.pixels for frame in reading.frames(path)]).astype(int)


@pytest.fixture
def counts(monkeypatch):
    """The numbers of processes of the pools that films make."""
    found = []

    class Pool(processes.Pool):
        def __init__(self, count):
            found.append(count)
            super().__init__(count)

    monkeypatch.setattr(relighting.processes, "Pool", Pool)
    return found


def test_processes_that_share_a_film_write_what_one_writes(tmp_path, monkeypatch, counts):
    monkeypatch.setattr(relighting, "_MANY", 4)
    write_film(tmp_path / "in.mp4", 7, 2.5)
    for workers in (1, 2):
        out = tmp_path / f"{workers}.mp4"
        relighting.relight(tmp_path / "in.mp4", "left", out, pipeline.loaded(None), workers=workers)
    assert counts == [1, 2]
    alone, shared = (pixels(tmp_path / f"{workers}.mp4") for workers in (1, 2))
    assert alone.shape == shared.shape == (7, 240, 240, 3)
    # The last digits of a network's sums depend on the number of threads.
    assert np.abs(alone - shared).max() <= 4 and np.abs(alone - shared).mean() < 0.05


@pytest.mark.parametrize("count,expected", [(7, 1), (0, 2), (1000, 2)])
def test_short_films_are_not_shared(tmp_path, monkeypatch, counts, count, expected):
    """Containers that do not say how long they are hold long films as often as short ones."""
    write_film(tmp_path / "in.mp4", 2, 2.5)
    info = reading.info(tmp_path / "in.mp4")._replace(frame_count=count)
    monkeypatch.setattr(reading, "info", lambda path: info)
    model = pipeline.loaded(None)
    relighting.relight(tmp_path / "in.mp4", "left", tmp_path / "out.mp4", model, workers=2)
    assert counts == [expected]


def test_what_gives_a_light_sees_whole_people(tmp_path):
    write_film(tmp_path / "in.mp4", 2, 2.5)
    seen = []

    def light(decomposed):
        seen.append(decomposed.faces[0].body is not None)
        return "left"

    relighting.relight(tmp_path / "in.mp4", light, tmp_path / "out.mp4", pipeline.loaded(None))
    assert seen and all(seen)


def test_a_still_face_stays_still(tmp_path):
    write_film(tmp_path / "in.mp4", 24, 2.5)
    relighting.relight(tmp_path / "in.mp4", "left", tmp_path / "out.mp4", pipeline.loaded(None))
    face = np.s_[:, 30:190, 60:180]
    before, after = (
        np.abs(np.diff(pixels(tmp_path / name)[face], axis=0)).mean()
        for name in ("in.mp4", "out.mp4")
    )
    assert before > 0.1
    assert after < 1.1 * before
