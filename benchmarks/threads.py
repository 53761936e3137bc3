"""Speed-up of 1-WIS and 2-WIS by threads, in turns, by wall clock.

    python -m benchmarks.threads [--threads N ...] [--runs N] [--large] [--only TEXT] [--data-root DIR]

1-WIS: local maxima on one, two, ... cores beside degree levels. 2-WIS: lists of triangles on one, two, ... cores, the
whole order and the listing alone. Run it on idle cores: threads that must share a core with other work get in each
other's way. Results are compared.
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
from wis.engine.triangles import cpu as triangles
from wis.engine.triangles.apexes import make_arcs
from wis.engine.triangles.listing import list_triangles
from wis.graphs.edge_list import EdgeList
from wis.machine import usable_cores


def one_wis(edges: EdgeList, threads: list[int]) -> dict[str, Callable[[], np.ndarray]]:
    """Orders of 1-WIS by levels, and by every number of threads."""
    task = Task(edges, depth=2, limit=edges.num_pairs)
    ways: dict[str, Callable[[], np.ndarray]] = {"1-WIS, levels": functools.partial(cpu.by_levels, task)}
    for count in threads:
        ways[f"1-WIS, {count}"] = functools.partial(local_maxima.removal_order, task, count)
    return ways


def two_wis(edges: EdgeList, threads: list[int]) -> dict[str, Callable[[], np.ndarray]]:
    """Orders of 2-WIS by every number of threads."""
    task = Task(edges, depth=3, limit=edges.num_pairs)
    return {f"2-WIS, {count}": functools.partial(triangles.by_lists, task, count) for count in threads}


def listing(edges: EdgeList, threads: list[int]) -> dict[str, Callable[[], np.ndarray]]:
    """Lists of triangles by every number of threads."""
    return {f"triangles, {count}": functools.partial(_entries, edges, count) for count in threads}


def _entries(edges: EdgeList, threads: int) -> np.ndarray:
    return list_triangles(edges, make_arcs(edges), threads=threads).entries


def rows(name: str, edges: EdgeList, ways: dict[str, Callable[[], np.ndarray]], runs: int) -> list[tuple[str, ...]]:
    """One line for each way; the first is what others are compared with, and a result that differs is an error."""
    first = next(iter(ways))
    expected = ways[first]()
    for way, compute in ways.items():
        if not np.array_equal(compute(), expected):
            raise RuntimeError(f"{way} gives another result for {name} than {first}")
    taken = timing.interleave(ways, runs, warm_up=False)
    base = taken[first].median
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
    parser.add_argument("--only", default="", metavar="TEXT", help="only graphs and parts with this in their names")
    parser.add_argument("--data-root", default=os.environ.get("WIS_DATA_ROOT"), help="root of PyG's data sets")
    arguments = parser.parse_args()
    found = {name: graphs.real(name, arguments.data_root) for name in ("DBLP", "Computers", "squirrel")}
    found["R-MAT 17"] = graphs.rmat()
    found["power law, 1e6"] = graphs.power_law(10**6)
    if arguments.large:
        found["power law, 5e6"] = graphs.power_law(5 * 10**6)
    table: list[tuple[str, ...]] = [("graph", "edges", "what, threads", "seconds", "times as fast as the first")]
    for name, edges in found.items():
        for part, of in (("1-WIS", one_wis), ("triangles", listing), ("2-WIS", two_wis)):
            if edges is not None and arguments.only.lower() in f"{name}, {part}".lower():
                measured = rows(name, edges, of(edges, arguments.threads), arguments.runs)
                print(*(" ".join(row) for row in measured), sep="\n", flush=True)
                table += measured
    print(timing.describe(timing.machine("numpy", "numba")))
    print(markdown(table, left=(0, 2)))


if __name__ == "__main__":
    main()
