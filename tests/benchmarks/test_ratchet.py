from __future__ import annotations

from typing import Any

import pytest

from benchmarks import ratchet


class Stub:
    """A side with given seconds, one after the other."""

    def __init__(self, seconds: list[float], order: int = 1, log: list[str] | None = None, name: str = "") -> None:
        self._seconds, self._order, self._log, self._name = iter(seconds), order, log, name

    def measure(self, row: str) -> dict[str, Any] | None:
        if self._log is not None:
            self._log.append(self._name)
        return None if row.endswith("absent") else {"seconds": next(self._seconds), "order": self._order}


def test_sides_take_turns_and_medians_are_compared() -> None:
    log: list[str] = []
    here, there = Stub([3.0, 1.0, 2.0], log=log, name="here"), Stub([1.0, 9.0, 1.0], log=log, name="there")
    (line,) = ratchet.compare(here, there, ["1-WIS DBLP", "1-WIS absent"], 3)
    assert log[:6] == ["here", "there"] * 3
    assert (line["here_ms"], line["there_ms"], line["ratio"], line["same_order"]) == (2000.0, 1000.0, 2.0, True)


def test_another_order_is_told() -> None:
    (line,) = ratchet.compare(Stub([1.0]), Stub([1.0], order=2), ["1-WIS DBLP"], 1)
    assert not line["same_order"]


def test_what_is_no_commit_is_refused() -> None:
    with pytest.raises(ValueError, match="--against must be a commit of this repository, got 'no-such-thing'"):
        ratchet._commit("no-such-thing")
