"""Times and peak memory, measured the same way in every benchmark."""

from __future__ import annotations

import datetime
import gc
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wis.files import replace_file
from wis.machine import processor, total_memory, versions


@dataclass(frozen=True)
class Spread:
    """Minimum, median and maximum of several runs."""

    minimum: float
    median: float
    maximum: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """The spread of one or more numbers."""
        ordered = sorted(values)
        return cls(ordered[0], statistics.median(ordered), ordered[-1])

    def __truediv__(self, unit: float) -> Spread:
        return Spread(self.minimum / unit, self.median / unit, self.maximum / unit)

    def __str__(self) -> str:
        return f"{self.minimum:.3g} / {self.median:.3g} / {self.maximum:.3g}"


def seconds(function: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds of one call by a clock, with the garbage collector at rest."""
    gc.collect()
    gc.disable()
    try:
        start = clock()
        function()
        return clock() - start
    finally:
        gc.enable()


def repeat(function: Callable[[], Any], runs: int, *, warm_up: bool = True) -> Spread:
    """Call ``function`` several times, after one call that is not counted (compilation, caches)."""
    if warm_up:
        function()
    return Spread.of(seconds(function) for _ in range(runs))


def interleave(
    functions: dict[str, Callable[[], Any]],
    runs: int,
    *,
    warm_up: bool = True,
    enough: float = math.inf,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Spread]:
    """Time functions that will be compared in turns, so that a slow spell of the machine hits all of them.

    Parameters
    ----------
    functions
        The calls by name.
    runs
        How often each is timed.
    warm_up
        Whether each is called once before, not counted.
    enough
        Wall-clock seconds after which no further turn is begun.
    clock
        ``time.process_time`` counts CPU seconds, which other work on the machine disturbs least; only for functions
        that use one thread.

    Returns
    -------
    dict
        Seconds by name.
    """
    if warm_up:
        for function in functions.values():
            function()
    taken: dict[str, list[float]] = {name: [] for name in functions}
    start = time.perf_counter()
    for turn in range(runs):
        if turn and time.perf_counter() - start > enough:
            break
        for name, function in functions.items():
            taken[name].append(seconds(function, clock))
    return {name: Spread.of(values) for name, values in taken.items()}


@dataclass(frozen=True)
class Child:
    """What a measured child process said and used."""

    result: Any
    seconds: float
    peak_bytes: int


def in_child(arguments: list[str], *, environment: dict[str, str] | None = None) -> Child:
    """Run ``python -m ...`` in a process of its own and measure it as a whole.

    Parameters
    ----------
    arguments
        What follows ``python -m``. If the last line that the process prints is JSON, it becomes the result.
    environment
        Variables set on top of this process's own.

    Raises
    ------
    RuntimeError
        If the process fails; the message ends with what it wrote to its error stream.
    """
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        elapsed = time.perf_counter() - start
        if process.returncode != 0:
            complaints.seek(0)
            said = complaints.read()[-2000:]
            raise RuntimeError(f"python -m {' '.join(arguments)} failed ({process.returncode}): {said}")
    return Child(_last_json(printed), elapsed, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def _last_json(printed: str) -> Any:
    lines = printed.strip().splitlines()
    try:
        return json.loads(lines[-1]) if lines else None
    except json.JSONDecodeError:
        return None


def one_core() -> None:
    """Bind this process and its children to one core and tell thread pools that start later to use one thread."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"


def machine(*packages: str) -> dict[str, Any]:
    """The machine, the date, and the versions of Python and of the packages named, for the head of a result."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "cpu": processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(total_memory() / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions(packages),
    }


def describe(facts: dict[str, Any]) -> str:
    """The facts of :func:`machine` in one sentence."""
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items() if number)
    return (
        f"{facts['date']}, {facts['cpu']} ({facts['cores']} cores, {facts['memory_gib']} GiB), {facts['system']}, "
        f"Python {facts['python']}" + (f", {versions}" if versions else "")
    )


def merge(
    path: Path, table: str, facts: dict[str, Any], new: list[dict[str, Any]], key: Callable[[dict[str, Any]], Any]
) -> list[dict[str, Any]]:
    """New rows of a result and those of an earlier run that were not measured again.

    Parameters
    ----------
    path
        The JSON file of the earlier result, if there is one.
    table
        The name of its list of rows.
    facts
        Of the machine that measured the new rows, which keep them in the field ``measured``, in words.
    new
        The new rows.
    key
        Tells what a row measures. Rows of one key replace each other; all are sorted by it.
    """
    earlier = json.loads(path.read_text())[table] if path.is_file() else []
    rows = {key(row): row for row in [*earlier, *({**row, "measured": describe(facts)} for row in new)]}
    return [rows[place] for place in sorted(rows)]


def runs_of(rows: list[dict[str, Any]]) -> tuple[str, list[str]]:
    """Where and when rows were measured, in words; and the number of each row's run, empty where all are of one."""
    runs = list(dict.fromkeys(row["measured"] for row in rows))
    if len(runs) <= 1:
        return "".join(runs), [""] * len(rows)
    text = "Measured in several runs: " + "; ".join(f"({i}) {run}" for i, run in enumerate(runs, 1))
    return text, [str(1 + runs.index(row["measured"])) for row in rows]


def write(folder: Path, name: str, results: dict[str, Any], text: str) -> None:
    """Write results as ``NAME.json`` and what is to be read of them as ``NAME.md``, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    with replace_file(folder / f"{name}.json") as temporary:
        temporary.write_text(json.dumps(results, indent=1) + "\n")
    with replace_file(folder / f"{name}.md") as temporary:
        temporary.write_text(text)
