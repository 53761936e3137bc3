"""A sweep and its report, killed at every write: what has finished is there, once, and the rest can go on.

A child of this process runs a sweep and dies by SIGKILL at its n-th write: before a statement of SQLite, before a file
is opened to write, renamed or removed, and before a folder is made. Another child runs the same sweep to its end.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from wis.experiments.report.findings import read_findings
from wis.experiments.report.write import FILE_NAMES, write_report
from wis.experiments.sweep import database, lock
from wis.experiments.sweep.plan import Plan
from wis.experiments.sweep.results import read_results
from wis.experiments.sweep.store import finished_runs
from wis.experiments.sweep.sweep import run_sweep

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

PLAN = Plan("small", datasets=("digits",), methods=("random", "dspar"), removed=(0.0, 0.5), seeds=(0,), epochs=2)
# What a run measures but for its times; the names of columns grow with the store.
TIMES = ("seconds", "bytes", "finished_at", "environment", "position")


def measured(folder: Path) -> pd.DataFrame:
    cells = read_results(folder).cells
    return cells[[name for name in cells.columns if not any(part in name for part in TIMES)]]


def sweep_and_report(folder: Path) -> None:
    run_sweep(PLAN, folder, workers=1, progress=False)
    write_report(read_findings(folder), folder / "report")


class Writes:
    """Counts the writes of this process; kills it at one of them."""

    def __init__(self, folder: Path, die_at: int) -> None:
        self.count = 0
        self._folder, self._die_at = str(folder), die_at
        sys.addaudithook(self._audit)
        connect = database.sqlite3.connect

        def connect_and_trace(*arguments, **options):
            connection = connect(*arguments, **options)
            connection.set_trace_callback(self._statement)
            return connection

        database.sqlite3.connect = connect_and_trace

    def _statement(self, text: str) -> None:
        if text.split()[0] not in ("SELECT", "PRAGMA"):
            self._note()

    def _audit(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            writes = bool(int(arguments[2]) & (os.O_WRONLY | os.O_RDWR))
        else:
            writes = event in ("os.rename", "os.remove", "os.mkdir")
        if writes and self._is_below(arguments[0]):
            self._note()

    def _is_below(self, path: object) -> bool:
        return isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith(self._folder)

    def _note(self) -> None:
        if self.count == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.count += 1


def in_child(work: Callable[[], None]) -> int:
    """Do work in a child of this process; return how it ended: 0, an exit code, or minus a signal."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.fixture
def whole(tmp_path, small_dataset, monkeypatch):
    """The results of a sweep that nobody stops, and how many writes it makes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a child has none of its parent's threads
    run_sweep(PLAN, tmp_path / "warm", workers=1, progress=False)  # kernels compiled, libraries loaded

    def count() -> None:
        writes = Writes(tmp_path / "whole", die_at=-1)
        sweep_and_report(tmp_path / "whole")
        (tmp_path / "count").write_text(str(writes.count))

    assert in_child(count) == 0
    yield measured(tmp_path / "whole"), int((tmp_path / "count").read_text())
    torch.set_num_threads(threads)


def killed_at(folder: Path, die_at: int) -> None:
    def work() -> None:
        Writes(folder, die_at)
        sweep_and_report(folder)

    assert in_child(work) == -signal.SIGKILL


def check(folder: Path, die_at: int, expected: pd.DataFrame) -> None:
    """What a killed sweep leaves can be read; the same call then ends as if nothing had happened."""
    killed_at(folder, die_at)
    if finished_runs(folder, PLAN.to_dict()):
        left = measured(folder)
        fine = left["status"] == "ok"
        assert left[fine].astype(object).equals(expected[fine].astype(object))
    assert in_child(lambda: sweep_and_report(folder)) == 0
    assert measured(folder).equals(expected)
    # Killed after its last row a sweep leaves its lock, which holds nobody up.
    assert not lock._may_live(lock._read(folder / lock.LOCK_NAME))
    assert {path.name for path in (folder / "report").iterdir()} >= {"index.html", FILE_NAMES[1], "accuracy.csv"}


def test_killed_at_some_writes(tmp_path, whole):
    expected, count = whole
    assert count > 30
    for die_at in range(1, count, count // 3):
        check(tmp_path / str(die_at), die_at, expected)


@pytest.mark.slow
def test_killed_at_every_write(tmp_path, whole):
    expected, count = whole
    for die_at in range(count):
        check(tmp_path / str(die_at), die_at, expected)
