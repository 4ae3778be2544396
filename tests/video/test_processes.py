"""Films of a real face by the package's network: in several processes, and how steady they are."""

import fractions

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
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


def test_processes_that_share_a_film_write_what_one_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(relighting, "_MANY", 4)
    write_film(tmp_path / "in.mp4", 7, 2.5)
    for workers in (1, 2):
        out = tmp_path / f"{workers}.mp4"
        relighting.relight(tmp_path / "in.mp4", "left", out, pipeline.loaded(None), workers=workers)
    alone, shared = (pixels(tmp_path / f"{workers}.mp4") for workers in (1, 2))
    assert alone.shape == shared.shape == (7, 240, 240, 3)
    # Of how many threads share a network's sums, digits depend that no eye sees.
    assert np.abs(alone - shared).max() <= 4 and np.abs(alone - shared).mean() < 0.05


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
