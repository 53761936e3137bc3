"""A sweep that is stopped, gently or not, and goes on with what is missing."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from wis.experiments.sweep.plan import load_plan
from wis.experiments.sweep.results import read_results
from wis.experiments.sweep.store import FILE_NAME
from wis.experiments.sweep.sweep import run_sweep

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")

PLAN = """
datasets: [digits]
methods: [random, k-neighbor]
removed: [0, 0.5, 0.9]
seeds: 3
epochs: 15
"""
NUM_RUNS = 3 * (1 + 2 * 2)
RESULTS = ["method", "removed", "seed", "status", "test_score", "best_epoch", "pairs", "components", "kept"]


def start(tmp_path: Path, *options: str) -> subprocess.Popen[str]:
    (tmp_path / "small.yaml").write_text(PLAN)
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "experiments",
            "sweep",
            str(tmp_path / "small.yaml"),
            "-o",
            str(tmp_path / "run"),
            *options,
        ],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def finished(folder: Path) -> int:
    if not (folder / FILE_NAME).exists():
        return 0
    try:
        with contextlib.closing(sqlite3.connect(folder / FILE_NAME, timeout=60, isolation_level=None)) as database:
            return database.execute("SELECT COUNT(*) FROM runs").fetchone()[0]
    except sqlite3.OperationalError:  # before the tables are made
        return 0


def wait_for_runs(process: subprocess.Popen[str], folder: Path, count: int) -> None:
    limit = time.monotonic() + 300
    while finished(folder) < count and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.02)
    assert process.poll() is None, process.communicate()[1]
    assert finished(folder) >= count


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The results of a sweep that nobody stops."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "small.yaml").write_text(PLAN)
    run_sweep(load_plan(folder / "small.yaml"), folder / "run", workers=1, progress=False)
    return read_results(folder / "run").cells


def go_on(folder: Path):
    """Run the same plan to its end; return how many runs were there before, and the results."""
    extents = []
    plan = load_plan(folder / "small.yaml")
    run_sweep(plan, folder / "run", workers=1, progress=False, announce=extents.append)
    return extents[0].finished, read_results(folder / "run").cells


def test_killed_in_the_middle(tmp_path, uninterrupted):
    """SIGKILL loses at most the runs in flight, leaves no process behind, and the table ends up the same."""
    process = start(tmp_path, "--workers", "2")
    wait_for_runs(process, tmp_path / "run", 3)
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []
    kept = finished(tmp_path / "run")
    assert 3 <= kept < NUM_RUNS
    before, cells = go_on(tmp_path)
    assert before == kept
    assert cells[RESULTS].equals(uninterrupted[RESULTS])
    assert not list((tmp_path / "run").rglob(".part-*"))


def test_ctrl_c(tmp_path, uninterrupted):
    """Ctrl-C ends with code 130, says how to go on, and shows no traceback."""
    process = start(tmp_path, "--workers", "1")
    wait_for_runs(process, tmp_path / "run", 2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert f"What has finished is kept in {tmp_path / 'run'}; the same command goes on from there." in errors
    assert "Traceback" not in errors
    kept = finished(tmp_path / "run")
    assert 2 <= kept < NUM_RUNS
    before, cells = go_on(tmp_path)
    assert before == kept
    assert cells[RESULTS].equals(uninterrupted[RESULTS])
