"""Progress of long jobs: a bar on a terminal, plain log lines elsewhere."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator

_LOG_EVERY_SECONDS = 10.0
_log = logging.getLogger("wis")


@contextlib.contextmanager
def track(total: int, what: str, *, unit: str = "edges", enabled: bool = True) -> Iterator[Callable[[int], None]]:
    """Show how far a job is, its rate and the time left.

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
    elif sys.stderr.isatty():
        yield from _bar(total, what, unit)
    else:
        yield from _lines(total, what, unit)


def _bar(total: int, what: str, unit: str) -> Iterator[Callable[[int], None]]:
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
        yield lambda done: bar.advance(task, done)


def _lines(total: int, what: str, unit: str) -> Iterator[Callable[[int], None]]:
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
        left = (total - count) / rate if rate > 0 else float("inf")
        _log.info("%s: %d of %d %s, %.3g %s/s, about %.0f s left", what, count, total, unit, rate, unit, left)

    yield advance
    if time.monotonic() - start >= _LOG_EVERY_SECONDS:
        _log.info("%s: done, %d %s in %.1f s", what, count, unit, time.monotonic() - start)
