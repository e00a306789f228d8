"""What long work shows of itself."""

from __future__ import annotations

import io

import pytest

from geo import progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_nothing_is_shown_unless_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.stage("counting") as report:
        report(0.5)
    assert capsys.readouterr() == ("", "")


def test_without_a_terminal_a_stage_is_two_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.shown(), progress.stage("counting") as report:
        for done in range(100):
            report(done / 100)
    first, last = capsys.readouterr().err.splitlines()
    assert first == "samehour: counting"
    assert last.startswith("samehour: counting, done in ")


def test_a_stage_that_takes_long_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PLAIN_EVERY_S", 0.0)
    stream = io.StringIO()
    with progress.shown(stream), progress.stage("counting") as report:
        report(0.25)
    assert "samehour: counting, 25%, about 0 s left" in stream.getvalue().splitlines()


def test_on_a_terminal_a_stage_is_a_bar_that_ends_full() -> None:
    stream = Terminal()
    with progress.shown(stream), progress.stage("counting") as report:
        report(0.5)
        report(7.0)
    assert "counting" in stream.getvalue()
    assert "100%" in stream.getvalue()


def test_a_stage_that_fails_shows_no_end() -> None:
    stream = io.StringIO()
    with pytest.raises(ZeroDivisionError), progress.shown(stream), progress.stage("dividing"):
        _ = 1 / 0
    assert stream.getvalue() == "samehour: dividing\n"
