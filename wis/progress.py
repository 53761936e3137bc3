"""Progress of long jobs: a bar on a terminal where rich is installed, plain log lines elsewhere."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from wis.interrupts import check_interrupt

_LOG_EVERY_SECONDS = 10.0
_log = logging.getLogger("wis")


@contextlib.contextmanager
def track(total: int, what: str, *, unit: str = "edges", enabled: bool = True) -> Iterator[Callable[[int], None]]:
    """Show how far a job is, its rate and the time left, and say so when it must first be compiled.

    Parameters
    ----------
    total
        How many units the whole job has.
    what
        The job in a few words, for the reader.
    unit
        What is counted, in the plural.
    enabled
        If False nothing is shown, and the block costs nothing.

    Yields
    ------
    Callable[[int], None]
        Call it with the number of units done since the last call.

    Examples
    --------
    >>> with track(3, "counting", enabled=False) as advance:
    ...     for _ in range(3):
    ...         advance(1)
    """
    if not enabled:
        yield lambda _: None
        return
    with (_bar if _can_draw() else _lines)(total, what, unit) as shown, _compilation_announced(what, shown.say):

        def advance(done: int) -> None:
            check_interrupt()
            shown.advance(done)

        yield advance


def _can_draw() -> bool:
    """Whether there is a terminal, and rich to draw on it."""
    return sys.stderr.isatty() and importlib.util.find_spec("rich") is not None


class _Shown(NamedTuple):
    """What a reader sees."""

    advance: Callable[[int], None]
    say: Callable[[str], None]


@contextlib.contextmanager
def _compilation_announced(what: str, say: Callable[[str], None]) -> Iterator[None]:
    """Say once that Numba compiles, if it has to: that takes a minute or more in which nothing moves."""
    if "numba" not in sys.modules:
        yield
        return
    from wis.kernels import watch_compilation

    said = False

    def begins() -> None:
        nonlocal said
        if not said:
            say(f"{what}: compiling, only this first time, a minute or more")
        said = True

    with watch_compilation(begins):
        yield


@contextlib.contextmanager
def _bar(total: int, what: str, unit: str) -> Iterator[_Shown]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(show_speed=True),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total)
        yield _Shown(lambda done: bar.advance(task, done), lambda text: bar.console.print(text, highlight=False))


@contextlib.contextmanager
def _lines(total: int, what: str, unit: str) -> Iterator[_Shown]:
    start = last = time.monotonic()
    count = 0

    def advance(done: int) -> None:
        nonlocal count, last
        count += done
        now = time.monotonic()
        if now - last < _LOG_EVERY_SECONDS:
            return
        last = now
        rate = count / (now - start)
        left = f"about {(total - count) / rate:.0f} s left" if count else "time left not known yet"
        _log.info("%s: %d of %d %s, %.3g %s/s, %s", what, count, total, unit, rate, unit, left)

    yield _Shown(advance, _log.info)
    if time.monotonic() - start >= _LOG_EVERY_SECONDS:
        _log.info("%s: done, %d %s in %.1f s", what, count, unit, time.monotonic() - start)
