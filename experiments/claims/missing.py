"""Compute the results that claims are read from and that are not there: each by its own command, which resumes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from wis.experiments.claims.stored import SETS, Stored

from wis.progress import track

# What `--run small` leaves out, in minutes on two cores.
SMALL = 10.0


def to_run(stored: Stored, extent: str, *, has_data: bool) -> list[str]:
    """The sets of results that are not there and that ``extent`` asks for, the quickest first.

    Parameters
    ----------
    stored
        The results.
    extent
        ``"small"``: those that take ten minutes at most; ``"all"``.
    has_data
        Whether a folder with data sets was given; without one, only sets that need none.
    """
    most = SMALL if extent == "small" else float("inf")
    sets = {name: found for name, found in SETS.items() if found.minutes <= most and (has_data or not found.data)}
    return sorted((name for name in sets if not stored.has(name)), key=lambda name: SETS[name].minutes)


def run_missing(names: list[str], folder: Path, data_root: Path | None, *, progress: bool = True) -> list[str]:
    """Run the commands of some sets of results, one after the other; what one prints is shown.

    Each goes on where an earlier one stopped.

    Returns
    -------
    list of str
        The sets whose command failed.
    """
    failed = []
    with track(len(names), "results", unit="sets", enabled=progress) as advance:
        for name in names:
            found = SETS[name]
            where = ["--data-root", str(data_root)] if found.data and data_root else []
            out = folder / (found.folder or name)
            command = [sys.executable, "-m", "wis.experiments", *found.command, "--out", str(out), *where]
            if subprocess.run(command, check=False).returncode:
                failed.append(name)
            advance(1)
    return failed
