"""Speed-up of 1-WIS by threads: local maxima on one, two, ... cores beside degree levels, in turns, by wall clock.

    python -m benchmarks.threads [--threads N ...] [--runs N] [--large] [--data-root DIR]

Run it on idle cores: threads that must share a core with other work get in each other's way. Orders are compared.
"""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Callable

import numpy as np
from wis.experiments.pages.tables import markdown

from benchmarks import graphs, timing
from wis.engine.degrees import cpu, local_maxima
from wis.engine.task import Task
from wis.graphs.edge_list import EdgeList
from wis.machine import usable_cores


def rows(name: str, edges: EdgeList, threads: list[int], runs: int) -> list[tuple[str, ...]]:
    """One line for levels and one for every number of threads; an order that differs is an error."""
    task = Task(edges, depth=2, limit=edges.num_pairs)
    ways: dict[str, Callable[[], np.ndarray]] = {"levels": functools.partial(cpu.by_levels, task)}
    for count in threads:
        ways[f"local maxima, {count}"] = functools.partial(local_maxima.removal_order, task, count)
    expected = ways["levels"]()
    for way, order in ways.items():
        if not np.array_equal(order(), expected):
            raise RuntimeError(f"{way} gives another order of {name} than levels")
    taken = timing.interleave(ways, runs, warm_up=False)
    base = taken["levels"].median
    return [
        (name, f"{edges.num_pairs:,}", way, f"{spread.median:.3g}", f"{base / spread.median:.2f}")
        for way, spread in taken.items()
    ]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.threads", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--threads", type=int, nargs="+", default=sorted({1, usable_cores()}), help="numbers of threads"
    )
    parser.add_argument("--runs", type=int, default=5, help="how often each is timed")
    parser.add_argument("--large", action="store_true", help="also a power law of 5,000,000 edges")
    parser.add_argument("--data-root", default=os.environ.get("WIS_DATA_ROOT"), help="root of PyG's data sets")
    arguments = parser.parse_args()
    found = {name: graphs.real(name, arguments.data_root) for name in ("DBLP", "Computers", "squirrel")}
    found["R-MAT 17"] = graphs.rmat()
    found["power law, 1e6"] = graphs.power_law(10**6)
    if arguments.large:
        found["power law, 5e6"] = graphs.power_law(5 * 10**6)
    table: list[tuple[str, ...]] = [("graph", "edges", "way, threads", "seconds", "times as fast as levels")]
    for name, edges in found.items():
        if edges is not None:
            table += rows(name, edges, arguments.threads, arguments.runs)
    print(timing.describe(timing.machine("numpy", "numba")))
    print(markdown(table, left=(0, 2)))


if __name__ == "__main__":
    main()
