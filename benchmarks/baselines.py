"""Time and memory of every registered method, each next to the best other implementation in the same run.

    python -m benchmarks.baselines [--quick] [--only METHOD ...] [--graphs GRAPH ...] [--data-root DIR]

Each measurement is a process of its own, bound to one core. Calls on small graphs come first, so that compilation is
not counted; then calls on the graph are timed, one or as many as take half a second, and the memory is how far they
raised the peak of the process. Figures are CPU seconds a call, which other work on the machine disturbs least. Writes
``baselines.json`` and ``baselines.md``.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import resource
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from wis.experiments.pages.tables import markdown

from benchmarks import timing
from benchmarks.graphs import power_law, real
from benchmarks.rivals import OTHERS
from wis.calls import choose_pairs
from wis.graphs.edge_list import EdgeList
from wis.machine import PeakMemory
from wis.registry import find_method, methods

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("numpy", "scipy", "numba", "networkx", "networkit", "pyamg", "PyGSP")
GRAPHS: dict[str, Callable[[str | None], EdgeList | None]] = {
    "Cora": functools.partial(real, "Cora"),  # small enough for the dense methods
    "DBLP": functools.partial(real, "DBLP"),
    "Computers": functools.partial(real, "Computers"),
    "power law, 1e6 edges": lambda data_root: power_law(1_000_000),
    "power law, 1e7 edges": lambda data_root: power_law(10_000_000),
}
QUICK = ("DBLP",)
# Edges up to which other implementations are measured as well: some take gigabytes beyond.
_COMPARED = 1_000_000
_NEED_WEIGHTS = ("disparity", "threshold")  # drawn for them, since these graphs have none
# CPU seconds that a measurement takes at least: a system may count them in steps of some milliseconds.
_SHORTEST = 0.5
# Vertices and edges of two graphs that lead methods with several paths (spectral) into each of them.
_WARM_UP = ((200, 600), (4_000, 25_000))


def main() -> None:
    """Measure, print, and write the results."""
    options = _parse()
    if options.child:
        name, what, file = options.child
        print(json.dumps(_measure(name, what, file, options.limit)))
        return
    timing.one_core()
    names = options.only or [method.name for method in methods()]
    rows: list[dict[str, Any]] = []
    for graph in QUICK if options.quick else options.graphs:
        edges = GRAPHS[graph](options.data_root)
        if edges is None:
            print(f"{graph}: skipped, its files are not under the data root", flush=True)
            continue
        rows += _measure_graph(graph, edges, names, options.limit)
        if not options.quick:
            _write(rows, options.out)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.baselines", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"only {' and '.join(QUICK)}; writes no results")
    parser.add_argument("--only", nargs="+", metavar="METHOD", help="only these; the results of others stay")
    parser.add_argument("--graphs", nargs="+", choices=list(GRAPHS), default=list(GRAPHS), help="only on these")
    parser.add_argument("--data-root", default=os.environ.get("WIS_DATA_ROOT"), help="root of PyG's data sets")
    parser.add_argument("--limit", type=int, default=120, help="CPU seconds after which a call is given up (120)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--child", nargs=3, metavar=("METHOD", "WHAT", "FILE"), help=argparse.SUPPRESS)
    return parser.parse_args()


def _measure_graph(graph: str, edges: EdgeList, names: list[str], limit: int) -> list[dict[str, Any]]:
    """All methods and their rivals on one graph, which the children read from a file."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "graph.npz"
        np.savez(file, num_nodes=edges.num_nodes, pairs=edges.pairs)
        for name in names:
            others = OTHERS.get(name, ()) if edges.num_pairs <= _COMPARED else ()
            for what in ("ours", *(other.label for other in others)):
                row = {"graph": graph, "nodes": edges.num_nodes, "edges": edges.num_pairs, "method": name, "what": what}
                rows.append(row | _run(name, what, edges, file, limit))
                print(_line(rows[-1]), flush=True)
    return rows


def _run(name: str, what: str, edges: EdgeList, file: Path, limit: int) -> dict[str, Any]:
    """Seconds and bytes of one measurement, or why there are none."""
    if find_method(name).learns:
        return {"skipped": "learns: its time is that of training, which sweeps record"}
    for other in OTHERS.get(name, ()):
        if what == other.label and other.max_nodes is not None and edges.num_nodes > other.max_nodes:
            return {"skipped": f"dense: {8 * edges.num_nodes**2 / 2**30:.3g} GiB a matrix, several of them"}
    try:
        child = timing.in_child(["benchmarks.baselines", "--limit", str(limit), "--child", name, what, str(file)])
    except RuntimeError as error:
        if f"({-signal.SIGXCPU})" in str(error):
            return {"skipped": f"not done after {limit} CPU seconds"}
        return {"skipped": str(error).strip().splitlines()[-1]}
    return dict(child.result)


def _measure(name: str, what: str, file: str, limit: int) -> dict[str, Any]:
    """In the child: calls on small graphs, then the one that counts."""
    with np.load(file) as stored:
        pairs = stored["pairs"]
        pairs.flags.writeable = False  # as everywhere else: compiled code tells read-only arrays from others
        edges = EdgeList(int(stored["num_nodes"]), pairs)
    if what == "ours":
        for num_nodes, num_pairs in _WARM_UP:
            columns = np.random.default_rng(0).integers(0, num_nodes, (2, num_pairs))
            _call(name, what, EdgeList.from_columns(columns, num_nodes))()
    call = _call(name, what, edges)
    memory = PeakMemory()
    before = memory.bytes() or 0
    # Ends the process, in the middle of compiled code too.
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + limit, -1))
    calls = 0

    def repeat() -> None:
        nonlocal calls
        while calls == 0 or time.process_time() - start < _SHORTEST:
            call()
            calls += 1

    start = time.process_time()
    taken = timing.seconds(repeat, time.process_time)
    return {"seconds": taken / calls, "bytes": max((memory.bytes() or 0) - before, 0)}


def _call(name: str, what: str, edges: EdgeList) -> Callable[[], Any]:
    if what != "ours":
        return next(other.prepare(edges) for other in OTHERS[name] if other.label == what)
    if name in _NEED_WEIGHTS:
        weights = np.random.default_rng(0).exponential(size=edges.num_pairs)
        edges = EdgeList(edges.num_nodes, edges.pairs, edges.directed, weights)
    half = edges.num_pairs // 2
    return lambda: choose_pairs(find_method(name), edges, half, {}, seed=0, device="cpu")


def _line(row: dict[str, Any]) -> str:
    head = f"{row['graph']:22} {row['method']:24} {row['what']:48}"
    if "skipped" in row:
        return f"{head} skipped: {row['skipped']}"
    return f"{head} {row['seconds']:10.4g} s {row['bytes'] / 2**20:10.4g} MiB"


def _write(rows: list[dict[str, Any]], folder: Path) -> None:
    """Write the results. Rows of an earlier run that were not measured again stay in the files."""
    file, facts = folder / "baselines.json", timing.machine(*PACKAGES)
    rows = timing.merge(file, "rows", facts, rows, lambda row: (row["graph"], row["method"], row["what"]))
    timing.write(folder, "baselines", {"rows": rows}, _markdown(rows))


def _markdown(rows: list[dict[str, Any]]) -> str:
    """One table a graph; methods by name, other implementations below theirs."""
    described, runs = timing.runs_of(rows)
    run_of = {id(row): run for row, run in zip(rows, runs, strict=True)}
    lines = [
        "# Time and memory of the sparsifiers",
        "",
        f"`python -m benchmarks.baselines`, one core. {described}.",
        "",
        "CPU seconds of one call that keeps half of the pairs, the mean of several where it is short, after calls on "
        "small graphs. Memory: by how much the call raised the peak of its process. Times include the ranking of all "
        "pairs for methods that have an order; NetworKit's graph is built before the clock starts for the other "
        f"implementations, after it for ours. Other implementations are left out beyond {_COMPARED:,} edges. "
        f"Weights are exponential, drawn with a fixed seed, for {' and '.join(f'`{name}`' for name in _NEED_WEIGHTS)}.",
    ]
    head = ("method", "implementation", "CPU s", "MiB", *(["run"] if any(runs) else []))
    for graph in sorted({row["graph"] for row in rows}, key=list(GRAPHS).index):
        chosen = [row for row in rows if row["graph"] == graph]
        lines += [
            "",
            f"## {graph}: {chosen[0]['nodes']:,} vertices, {chosen[0]['edges']:,} edges",
            "",
            markdown([head, *((*_table_row(row), run_of[id(row)])[: len(head)] for row in chosen)], left=(0, 1)),
        ]
    return "\n".join(lines) + "\n"


def _table_row(row: dict[str, Any]) -> tuple[str, ...]:
    name = f"`{row['method']}`" if row["what"] == "ours" else ""
    if "skipped" in row:
        return name, row["what"], row["skipped"], ""
    return name, row["what"], f"{row['seconds']:.3g}", f"{row['bytes'] / 2**20:.3g}"


if __name__ == "__main__":
    main()
