"""2-WIS where triangles may not take the memory that lists of them need: time and peak memory beside those of lists.

Every point runs in a process of its own, bound to one core; times are CPU seconds. Compilation is not counted. Points
of an earlier run that were not measured again stay in the results.

    python -m benchmarks.triangles [--only TEXT] [--sizes M,M,...] [--shares S,S,...] [--data-root DIR] [--out DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from wis.experiments.pages.tables import markdown

from benchmarks import graphs, timing
from benchmarks.tables import to_console
from wis.graphs.edge_list import EdgeList
from wis.machine import PeakMemory

TARGET = 3.0
BYTES_A_TRIANGLE = 12


def load(name: str, data_root: str | None) -> EdgeList | None:
    """A graph by name: R-MAT, ``clustered M`` with M pairs, or a real one; None if its files are not there."""
    if name == "R-MAT":
        return graphs.rmat()
    if name.startswith("clustered "):
        return graphs.clustered(int(name.removeprefix("clustered ")))
    return graphs.real(name, data_root)


def measure_one(name: str, share: float, data_root: str | None) -> dict[str, Any] | None:
    """What the process of one point does: compile, load, rank."""
    from wis.engine.rank import rank
    from wis.engine.triangles.listing import count_triangles
    from wis.warm import DENSE, SMALL

    path = np.array([[0, 1], [1, 2]])
    for pairs in (SMALL, DENSE, path):
        for memory in (0, None):
            rank(EdgeList.from_columns(pairs, int(pairs.max()) + 1), depth=3, memory=memory, device="cpu")
    edges = load(name, data_root)
    if edges is None:
        return None
    triangles = int(count_triangles(edges).sum(dtype=np.int64)) // 3
    memory = int(share * BYTES_A_TRIANGLE * triangles)
    peak = PeakMemory()
    before = peak.bytes()
    start = time.process_time()
    rank(edges, depth=3, memory=memory, device="cpu", progress=True)
    seconds = time.process_time() - start
    after = peak.bytes()
    return {
        "graph": name,
        "nodes": edges.num_nodes,
        "edges": edges.num_pairs,
        "triangles": triangles,
        "memory": memory,
        "share": share,
        "seconds": seconds,
        "peak_gib": None if after is None else after / 2**30,
        # The pairs themselves are there before.
        "bytes_an_edge": None if after is None or before is None else (after - before) / edges.num_pairs + 16,
    }


def measure(
    names: list[str], shares: list[float], data_root: str | None, largest_lists: int
) -> Iterator[dict[str, Any]]:
    """Point by point; lists of more than so many bytes are not tried."""
    for name in names:
        for share in sorted(shares):
            arguments = ["benchmarks.triangles", "--measure", name, str(share)]
            result = timing.in_child([*arguments, *(["--data-root", data_root] if data_root else [])]).result
            if result is None:
                break
            yield result
            if BYTES_A_TRIANGLE * result["triangles"] > largest_lists:
                break


def _place(point: dict[str, Any]) -> tuple[Any, ...]:
    """What a point measures: real graphs and R-MAT first, and then the clustered ones, which grow."""
    return "clustered" in point["graph"], point["edges"], point["graph"], point["share"]


def table(points: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Header and rows."""
    # Times of other hours are not compared.
    by_lists = {(p["graph"], p["measured"]): p["seconds"] for p in points if p["share"] == 1}
    _, runs = timing.runs_of(points)
    several = any(runs)
    rows: list[tuple[str, ...]] = [
        ("graph", "edges", "triangles", "memory=", "seconds", "to lists", "us an edge", "peak, GiB", "bytes an edge",
         *(["run"] if several else []))
    ]  # fmt: skip
    for p, run in zip(points, runs, strict=True):
        lists = by_lists.get((p["graph"], p["measured"]))
        ratio = None if lists is None else p["seconds"] / lists
        rows.append(
            (
                p["graph"],
                f"{p['edges']:,}",
                f"{p['triangles']:,}",
                f"{p['memory'] / 2**30:.2f} GiB",
                f"{p['seconds']:.3g}",
                "" if ratio is None else f"{ratio:.2f}" + ("" if ratio <= TARGET else " (missed)"),
                f"{1e6 * p['seconds'] / p['edges']:.3g}",
                "" if p["peak_gib"] is None else f"{p['peak_gib']:.2f}",
                "" if p["bytes_an_edge"] is None else f"{p['bytes_an_edge']:.0f}",
                *([run] if several else []),
            )
        )
    return rows


def main() -> None:
    """Measure, print, and write JSON and Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.triangles", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="only graphs whose name contains this text")
    parser.add_argument("--sizes", default="100000,1000000,5000000", help="pairs of the clustered graphs")
    parser.add_argument("--shares", default="0,0.1,1", help="memory= as parts of what the lists take; 1 is the lists")
    parser.add_argument("--data-root", default=os.environ.get("WIS_DATA_ROOT"), help="root of PyG's data sets")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"), help="folder for the results")
    parser.add_argument("--largest-lists", type=int, default=4 << 30, help="bytes of lists beyond which none are made")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    timing.one_core()
    if arguments.measure:
        print(json.dumps(measure_one(arguments.measure[0], float(arguments.measure[1]), arguments.data_root)))
        return
    names = ["Computers", "R-MAT", *(f"clustered {size}" for size in arguments.sizes.split(","))]
    names = [name for name in names if arguments.only.lower() in name.lower()]
    points = []
    shares = [float(share) for share in arguments.shares.split(",")]
    for point in measure(names, shares, arguments.data_root, arguments.largest_lists):
        points.append(point)
        print(json.dumps(point), flush=True)
    file, facts = arguments.out / "triangles.json", timing.machine("numpy", "numba")
    points = timing.merge(file, "points", facts, points, _place)
    rows = table(points)
    to_console("2-WIS within a limit of memory for triangles", rows)
    described, _ = timing.runs_of(points)
    text = f"{described}\n\n{markdown(rows, left=(0,))}\n"
    timing.write(arguments.out, "triangles", {"points": points}, text)


if __name__ == "__main__":
    main()
