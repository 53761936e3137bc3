"""What a sweep costs beside training, and how long a figure takes: ``python -m benchmarks.sweep_overhead``.

Runs ``wis sweep`` with one worker and ``wis report`` in processes of their own and takes from their wall-clock time
what the runs store as training. Two sweeps that differ in their number of runs tell what is left with every run
(choosing edges, preparing the graph, measures, orders of one seed, the store) from what is left once (starting Python,
loading libraries and data, the report). From both follows the time of a figure with random, spectral, UGS, 1-WIS and
2-WIS, 21 shares and ten seeds on two cores; orders other than those of UGS are left out, as they take seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.timing import describe, in_child, machine, one_core

# Five methods at 19 shares strictly between 0 and 1, and both ends, which all methods share; ten seeds.
_FIGURE_RUNS = (5 * 19 + 2) * 10
# Ten seeds of UGS, a round of 100 epochs for every twentieth of the pairs; a masked epoch counts as one.
_UGS_EPOCHS = 10 * 20 * 100
_SHARES = "0,0.25,0.5,0.75,1"


@dataclass(frozen=True)
class Sweep:
    """Seconds of one sweep and its report, of all training in it, and how many runs and epochs that was."""

    seconds: float
    report: float
    training: float
    runs: int
    epochs: int


def sweep(dataset: str, model: str, data_root: str | None, epochs: int | None, seeds: int) -> Sweep:
    """Sweep and report once, from nothing."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "run")
        command = ["experiments", "sweep", "-d", dataset, "-m", "random", "-m", "wis", "--model", model]
        command += ["--removed", _SHARES, "--seeds", str(seeds), "--workers", "1", "--out", str(out)]
        command += ["--data-root", data_root] if data_root else []
        command += ["--epochs", str(epochs)] if epochs else []
        seconds = in_child(command).seconds
        report = in_child(["experiments", "report", str(out)]).seconds
        with contextlib.closing(sqlite3.connect(out / "results.sqlite")) as database:
            rows = database.execute("SELECT sum(train_seconds), count(*), sum(epochs) FROM runs").fetchone()
    return Sweep(seconds, report, *rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="Cora")
    parser.add_argument("--model", default="gcn")
    parser.add_argument("--data-root", help="folder of the raw files, see experiments/datasets/load.py")
    parser.add_argument("--epochs", type=int, help="instead of the protocol's, to see whether this runs")
    parser.add_argument("--seeds", type=int, default=5, help="seeds of the longer sweep; the shorter has one")
    arguments = parser.parse_args()
    one_core()
    print(describe(machine("torch", "torch-geometric")))
    settings = arguments.dataset, arguments.model, arguments.data_root, arguments.epochs
    sweep(*settings, seeds=1)  # compiles what has to be compiled
    short, long = (sweep(*settings, seeds=seeds) for seeds in (1, arguments.seeds))
    beside = [each.seconds - each.training for each in (short, long)]
    each_run = (beside[1] - beside[0]) / (long.runs - short.runs)
    once = beside[1] - each_run * long.runs + long.report
    training = long.training / long.runs
    figure = once + (_FIGURE_RUNS * (training + each_run) + _UGS_EPOCHS * long.training / long.epochs) / 2
    print(f"{arguments.dataset}, {arguments.model}, reduced protocol, {long.runs} runs, one core, wall-clock seconds")
    print(f"training a run        {training:8.3f}")
    print(f"beside it, every run  {each_run:8.3f}   {each_run / training:.1%} of training")
    print(f"once                  {once:8.3f}   {once / (_FIGURE_RUNS * training):.1%} of the training of a figure")
    print(f"figure of {_FIGURE_RUNS} runs and UGS on two cores: {figure / 60:.1f} minutes, computed")


if __name__ == "__main__":
    main()
