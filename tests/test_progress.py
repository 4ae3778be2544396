"""Progress on a terminal and elsewhere."""

import io
import threading
import time

import pytest

from tfrelight import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(progress, "SECONDS", 0.05)


def wait_for_lines(capsys, number):
    """The first lines on stderr, once there are `number` of them."""
    text, deadline = "", time.monotonic() + 10
    while text.count("\n") < number and time.monotonic() < deadline:
        time.sleep(0.02)
        text += capsys.readouterr().err
    return text.splitlines()


def test_lines_count_while_a_step_takes_long(quick, capsys):
    with progress.Progress("Rendering", "people", total=9, done=2) as bar:
        assert wait_for_lines(capsys, 1)[0] == "Rendering: 2 of 9 people, 0 s"
        bar.update(3)
        assert wait_for_lines(capsys, 2)[-1] == "Rendering: 5 of 9 people, 0 s"


def test_lines_hold_no_control_characters_and_end_with_the_work(quick, capsys):
    before = threading.active_count()
    with progress.Progress("Exporting"):
        lines = wait_for_lines(capsys, 2)
    assert lines[:2] == ["Exporting: 0 s"] * 2
    assert all(line.isprintable() for line in lines)
    assert threading.active_count() == before
    capsys.readouterr()
    time.sleep(0.15)
    assert capsys.readouterr() == ("", "")


def test_short_work_prints_nothing(capsys):
    with progress.Progress("Rendering", "people") as bar:
        bar.update()
    assert list(progress.track(range(3), "Reading", "photos")) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


def test_failing_work_ends_the_lines(quick, capsys):
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), progress.Progress("Rendering"):
        raise ZeroDivisionError
    for _ in progress.track(range(3), "Reading", "photos"):
        break
    assert threading.active_count() == before


def test_a_terminal_shows_a_bar_and_no_lines(quick, monkeypatch):
    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    assert list(progress.track("abc", "Reading", "photos", 3)) == ["a", "b", "c"]
    assert "Reading: 100%" in shown.getvalue() and "3/3" in shown.getvalue()
    with progress.Progress("Exporting"):
        pass
    assert "Exporting" not in shown.getvalue()


@pytest.mark.parametrize(
    "arguments, seconds, line",
    [
        (("Exporting",), 9.6, "Exporting: 10 s"),
        (("Exporting",), 59.7, "Exporting: 1 min 0 s"),
        (("Measuring", "people"), 125, "Measuring: 0 people, 2 min 5 s"),
    ],
)
def test_a_line(arguments, seconds, line):
    assert progress.Progress(*arguments)._line(seconds) == line
