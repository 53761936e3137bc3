"""Progress away from a terminal is log lines."""

from __future__ import annotations

import logging

import pytest

from wis.progress import track


def test_lines_tell_rate_and_time_left(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    clock = iter([0.0, 5.0, 20.0, 40.0, 40.0])
    monkeypatch.setattr("wis.progress.time.monotonic", lambda: next(clock))
    with caplog.at_level(logging.INFO, logger="wis"), track(100, "ranking") as advance:
        advance(10)
        advance(40)
    assert caplog.messages == [
        "ranking: 50 of 100 edges, 2.5 edges/s, about 20 s left",
        "ranking: done, 50 edges in 40.0 s",
    ]


def test_where_nothing_is_done_yet_no_time_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = iter([0.0, 20.0, 20.0, 20.0])
    monkeypatch.setattr("wis.progress.time.monotonic", lambda: next(clock))
    with caplog.at_level(logging.INFO, logger="wis"), track(100, "ranking") as advance:
        advance(0)
    assert caplog.messages[0] == "ranking: 0 of 100 edges, 0 edges/s, time left not known yet"


def test_disabled_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="wis"), track(1, "ranking", enabled=False) as advance:
        advance(1)
    assert caplog.messages == []


def test_compilation_is_announced_once_and_not_where_there_is_none(caplog: pytest.LogCaptureFixture) -> None:
    from numba import njit

    @njit
    def double(x: float) -> float:
        return 2 * x

    with caplog.at_level(logging.INFO, logger="wis"):
        with track(1, "ranking"):
            assert double(1) == 2
            assert double(1.5) == 3
        with track(1, "ranking"):
            assert double(2.5) == 5
        with track(1, "ranking", enabled=False):
            assert double(True) == 2
    assert caplog.messages == ["ranking: compiling, only this first time, a minute or more"]
