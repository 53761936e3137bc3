"""Speed of the exact engine on one core, as ratios to outside units measured in the same run.

S is one ``np.lexsort`` of the edges by (smaller, larger) degree; T is NetworKit's ``TriangleEdgeScore``, and Q its
``ChibaNishizekiQuadrangleEdgeScore``, the cycles of four at every edge, on one thread.
All times are CPU seconds of one thread, which other work on the machine disturbs least.

    python -m benchmarks.engine [--quick] [--only TEXT] [--data-root DIR] [--out DIR] [--against COMMIT]
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from wis.experiments.pages.tables import markdown

from benchmarks import graphs, ratchet, timing
from benchmarks.tables import to_console
from wis.files import replace_file
from wis.graphs.edge_list import EdgeList
from wis.machine import PeakMemory

DENSE = ("chameleon", "squirrel")
# The outside unit of each depth.
UNITS = {2: "S", 3: "T"}
TINY = EdgeList(3, np.array([[0, 0, 1], [1, 2, 2]]))
# A line that takes longer than this is not repeated further.
ENOUGH_SECONDS = 40.0


@dataclass(frozen=True)
class Row:
    """One measured line: an order on a graph, the unit that it is divided by, and what is to be reached."""

    name: str
    graph: str
    options: dict[str, Any]
    unit: str
    target: float


def ratio_rows() -> list[Row]:
    """The full orders, each against its outside unit."""
    rows = [Row("1-WIS", graph, {"depth": 2}, "S", 12) for graph in ("DBLP", "Computers", "squirrel", "R-MAT")]
    rows += [Row("2-WIS", graph, {"depth": 3}, "T", 25) for graph in ("DBLP", "Computers", "R-MAT")]
    rows += [Row("2-WIS", graph, {"depth": 3}, "T", 200) for graph in DENSE]
    # Without triangles there is no T.
    rows.append(Row("2-WIS, no triangles", "users and items", {"depth": 3}, "S", 12))
    return rows + [Row("3-WIS", graph, {"depth": 4}, "Q", 30) for graph in ("Cora", "DBLP", "Computers")]


def option_rows() -> list[Row]:
    """Options, each against the default of the same depth."""
    rows = []
    for depth in (2, 3):
        name = f"{depth - 1}-WIS"
        for label, options, target in (
            ("random ties", {"ties": "random", "seed": 0}, 1.5),
            ("half of the vertices as targets", {"targets": "half"}, 1.5),
            ("graph prediction", {"objective": "graph"}, 4 if depth == 2 else 12),
            ("chunk=100", {"chunk": 100}, 1.0),
            ("first tenth of the order", {"limit": "tenth"}, 1.0),
        ):
            rows.append(Row(f"{name}, {label}", "DBLP", {"depth": depth, **options}, "default", target))
    return rows


class Graphs:
    """Graphs by name, each loaded once."""

    def __init__(self, data_root: str | None) -> None:
        self._data_root = data_root
        self._loaded: dict[str, EdgeList | None] = {}

    def get(self, name: str) -> EdgeList | None:
        """The graph, or None if its files are not there."""
        if name not in self._loaded:
            made: dict[str, Callable[[], EdgeList]]
            made = {"R-MAT": graphs.rmat, "users and items": graphs.users_and_items}
            self._loaded[name] = made[name]() if name in made else graphs.real(name, self._data_root)
        return self._loaded[name]


def order_of(edges: EdgeList, options: dict[str, Any]) -> Callable[[], np.ndarray]:
    """A call that computes the order; options given by a word are made concrete."""
    from wis.engine.rank import rank

    concrete = dict(options)
    if concrete.get("targets") == "half":
        concrete["targets"] = np.random.default_rng(0).permutation(edges.num_nodes)[: edges.num_nodes // 2]
    if concrete.get("limit") == "tenth":
        concrete["limit"] = edges.num_pairs // 10
    return functools.partial(rank, edges, device="cpu", **concrete)


def unit_of(edges: EdgeList, row: Row) -> Callable[[], Any]:
    """The call that a row is divided by."""
    if row.unit == "default":
        return order_of(edges, {"depth": row.options["depth"]})
    if row.unit == "S":
        degree = np.bincount(edges.pairs.ravel(), minlength=edges.num_nodes)
        ends = degree[edges.pairs]
        return functools.partial(np.lexsort, (ends.max(axis=0), ends.min(axis=0)))
    import networkit

    networkit.setNumberOfThreads(1)
    graph = graphs.to_networkit(edges)
    scores = networkit.sparsification
    score = scores.TriangleEdgeScore if row.unit == "T" else scores.ChibaNishizekiQuadrangleEdgeScore
    return lambda: score(graph).run()


def measure_rows(rows: list[Row], available: Graphs, runs: int) -> Iterator[dict[str, Any]]:
    """Measure line by line; a graph that is not there gives a line that says so."""
    for row in rows:
        edges = available.get(row.graph)
        facts = {"name": row.name, "graph": row.graph, "unit": row.unit, "target": row.target}
        if edges is None:
            yield {**facts, "skipped": "no files under the data root"}
            continue
        # Compile, also what only dense graphs need.
        order_of(TINY, row.options)()
        order_of(edges, {**row.options, "limit": 1})()
        unit = unit_of(edges, row)
        unit()
        taken = timing.interleave(
            {"unit": unit, "order": order_of(edges, row.options)},
            runs,
            warm_up=False,
            enough=ENOUGH_SECONDS,
            clock=time.process_time,
        )
        ratio = taken["order"] / taken["unit"].median
        yield {
            **facts,
            "edges": edges.num_pairs,
            "unit_ms": 1e3 * taken["unit"].median,
            "order_ms": 1e3 * taken["order"].median,
            "ratio": [ratio.minimum, ratio.median, ratio.maximum],
            "reached": ratio.median <= row.target,
        }


def measure_growth(depth: int, sizes: list[int]) -> Iterator[dict[str, Any]]:
    """Time and peak memory of the full order of power-law graphs, each in a process of its own."""
    for size in sizes:
        edges = graphs.power_law(size)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "pairs.npy")
            np.save(path, edges.pairs)
            num_nodes = edges.num_nodes
            del edges
            child = timing.in_child(["benchmarks.engine", "--measure", str(path), str(num_nodes), str(depth)])
        yield {
            "depth": depth,
            "edges": size,
            "nodes": num_nodes,
            "seconds": child.result["seconds"],
            "unit": UNITS[depth],
            "ratio": child.result["seconds"] / child.result["unit_seconds"],
            "peak_gib": child.result["peak_bytes"] / 2**30,
            "bytes_an_edge": (child.result["peak_bytes"] - child.result["start_bytes"]) / size,
            "ns_an_edge_and_bit": 1e9 * child.result["seconds"] / (size * math.log2(size)),
        }


def measure_one(path: str, num_nodes: str, depth: str) -> None:
    """What the process of one growth point does: compile, load, rank, print JSON."""
    order_of(TINY, {"depth": int(depth)})()
    # Not getrusage: the peak that it tells includes that of the process which started this one.
    memory = PeakMemory()
    start_bytes = memory.bytes()
    edges = EdgeList(int(num_nodes), np.load(path))
    start = time.process_time()
    order_of(edges, {"depth": int(depth)})()
    seconds = time.process_time() - start
    facts = {"seconds": seconds, "start_bytes": start_bytes, "peak_bytes": memory.bytes()}
    unit = unit_of(edges, Row("", "", {"depth": int(depth)}, UNITS[int(depth)], 0))
    taken = timing.interleave({"unit": unit}, 3, warm_up=False, enough=ENOUGH_SECONDS, clock=time.process_time)
    print(json.dumps({**facts, "unit_seconds": taken["unit"].median}))


def ratio_table(lines: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Header and rows of the ratio table."""
    table: list[tuple[str, ...]] = [("order", "graph", "edges", "unit", "order, ms", "min / median / max", "to reach")]
    for line in lines:
        unit = line["unit"]
        if "skipped" in line:
            table.append((line["name"], line["graph"], "", unit, "", f"skipped: {line['skipped']}", ""))
            continue
        low, middle, high = (f"{value:.3g}" for value in line["ratio"])
        mark = "" if line["reached"] else " (missed)"
        table.append(
            (
                line["name"],
                line["graph"],
                f"{line['edges']:,}",
                f"{unit} = {line['unit_ms']:.3g} ms",
                f"{line['order_ms']:.4g}",
                f"{low} / {middle} / {high}",
                f"≤ {line['target']:g}{mark}",
            )
        )
    return table


def growth_table(points: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Header and rows of the growth table."""
    head = ("order", "edges", "seconds", "ns / (m log2 m)", "to the unit", "peak memory, GiB", "bytes an edge")
    rows = [
        (
            f"{p['depth'] - 1}-WIS",
            f"{p['edges']:,}",
            f"{p['seconds']:.3g}",
            f"{p['ns_an_edge_and_bit']:.3g}",
            f"{p['ratio']:.3g} {p['unit']}",
            f"{p['peak_gib']:.2f}",
            f"{p['bytes_an_edge']:.0f}",
        )
        for p in points
    ]
    return [head, *rows]


def plot_growth(points: list[dict[str, Any]], path: Path) -> None:
    """Time and memory against the number of edges, beside m log m through the first point."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = path.stem  # the same file for the same points
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for depth in sorted({p["depth"] for p in points}):
        mine = [p for p in points if p["depth"] == depth]
        sizes = np.array([p["edges"] for p in mine], dtype=float)
        (line,) = left.loglog(sizes, [p["seconds"] for p in mine], "o-", label=f"{depth - 1}-WIS")
        scale = mine[0]["seconds"] / (sizes[0] * np.log(sizes[0]))
        left.loglog(sizes, scale * sizes * np.log(sizes), "--", color=line.get_color(), label="m log m", alpha=0.6)
        right.loglog(sizes, [p["peak_gib"] for p in mine], "o-", label=f"{depth - 1}-WIS")
    left.set(xlabel="edges m", ylabel="seconds, full order, one core")
    right.set(xlabel="edges m", ylabel="peak memory of the process, GiB")
    left.legend()
    right.legend()
    with replace_file(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Measure, print, and write JSON, Markdown and the plot."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer runs, and growth up to 1e6 edges only")
    parser.add_argument("--only", default="", help="only lines whose 'order graph' contains this text")
    parser.add_argument("--data-root", default=os.environ.get("WIS_DATA_ROOT"), help="root of PyG's data sets")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"), help="folder for the results")
    parser.add_argument("--against", metavar="COMMIT", help="compare with another commit, in turns, and stop")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.against:
        chosen = [text for row in ratio_rows() if arguments.only.lower() in (text := f"{row.name} {row.graph}").lower()]
        rounds = 3 if arguments.quick else 5
        sys.exit(
            not ratchet.against(
                arguments.against, chosen, rounds=rounds, data_root=arguments.data_root, out=arguments.out
            )
        )
    timing.one_core()
    if arguments.measure:
        measure_one(*arguments.measure)
        return
    facts = timing.machine("numpy", "numba", "networkit")
    rows = [row for row in ratio_rows() + option_rows() if arguments.only.lower() in f"{row.name} {row.graph}".lower()]
    lines = []
    for line in measure_rows(rows, Graphs(arguments.data_root), 3 if arguments.quick else 5):
        lines.append(line)
        print(json.dumps(line), flush=True)
    largest = 10**6 if arguments.quick else 5 * 10**7
    sizes = [size for size in (10**5, 10**6, 10**7, 5 * 10**7) if size <= largest]
    plan = {2: sizes, 3: [size for size in (10**5, 3 * 10**5, 10**6, 5 * 10**6) if size <= largest]}
    points = []
    for depth in (d for d in plan if arguments.only.lower() in f"{d - 1}-wis growth"):
        for point in measure_growth(depth, plan[depth]):
            points.append(point)
            print(json.dumps(point), flush=True)
    report(facts, lines, points, arguments.out)


def report(facts: dict[str, Any], lines: list[dict[str, Any]], points: list[dict[str, Any]], out: Path) -> None:
    """Print the tables and write them. Lines of an earlier run that were not measured again stay in the files."""
    places = {(row.name, row.graph): place for place, row in enumerate(ratio_rows() + option_rows())}
    file = out / "engine.json"
    # Rows that are no longer measured go to the end, and are dropped.
    lines = timing.merge(
        file, "ratios", facts, lines, lambda line: places.get((line["name"], line["graph"]), len(places))
    )
    lines = [line for line in lines if (line["name"], line["graph"]) in places]
    points = timing.merge(file, "growth", facts, points, lambda point: (point["depth"], point["edges"]))
    described, runs = timing.runs_of([*lines, *points])
    tables = [("Ratios", ratio_table(lines)), ("Growth on power-law graphs", growth_table(points))]
    text = f"{described}\n"
    for title, table in tables:
        own, runs = runs[: len(table) - 1], runs[len(table) - 1 :]
        if own:
            shown = [(*row, run) for row, run in zip(table, ("run", *own), strict=True)] if any(own) else table
            to_console(title, shown)
            text += f"\n{title}\n\n{markdown(shown, left=(0, 1))}\n"
    timing.write(out, "engine", {"ratios": lines, "growth": points}, text)
    if points:
        plot_growth(points, out / "engine.svg")


if __name__ == "__main__":
    main()
