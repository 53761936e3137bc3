"""Effective resistances: the exact solver, block conjugate gradients and multigrid, as ratios in one run.

    python -m benchmarks.resistance [--quick] [--data-root DIR]

On one core, in CPU seconds, which other work on the machine disturbs least. Writes ``resistance.json`` and
``resistance.md``.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from threadpoolctl import threadpool_limits
from wis.experiments.pages.tables import markdown

from benchmarks import timing
from benchmarks.graphs import real
from benchmarks.rivals import dense_inverse
from wis.graphs.edge_list import EdgeList

RESULTS = Path(__file__).parent / "results"
Row = dict[str, Any]


def main() -> None:
    """Measure, print, and write the results."""
    options = _parse()
    timing.one_core()
    rows: list[Row] = []
    sizes = (50_000,) if options.quick else (50_000, 1_000_000)
    parts = [lambda: _cora(options.data_root), _quality, lambda: _power_law(sizes[-1])]
    parts += [lambda size=size: _grid(size) for size in sizes]  # type: ignore[misc]
    for part in parts:
        fresh = part()
        rows += fresh
        for row in fresh:
            print(f"{row['what']:75} {_seconds(row):>8} {row['note']}", flush=True)
    if not options.quick:
        _write(rows)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.resistance", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="graphs of 50,000 edges; writes no results")
    parser.add_argument("--data-root", default=os.environ.get("WIS_DATA_ROOT"), help="root of PyG's data sets")
    return parser.parse_args()


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = call()
    return time.process_time() - start, result


def _cora(data_root: str | None) -> list[Row]:
    """The exact solver against the dense pseudo-inverse."""
    from wis.baselines.resistance import effective_resistances

    edges = real("Cora", data_root)
    if edges is None:
        return [{"what": "Cora", "seconds": None, "note": "skipped: its files are not under the data root"}]
    effective_resistances(edges, solver="exact")
    ours, exact = min((_timed(lambda: effective_resistances(edges, solver="exact")) for _ in range(3)), key=_first)
    # NumPy is loaded already, and threads that wait for one core would count as work.
    with threadpool_limits(1):
        dense, expected = _timed(dense_inverse(edges))
    error = float(np.abs(exact - expected).max())
    return [
        {"what": "Cora, exact", "seconds": ours, "note": f"largest difference to the pseudo-inverse {error:.1g}"},
        {
            "what": "Cora, NumPy pinv of the dense Laplacian",
            "seconds": dense,
            "note": f"{dense / ours:.0f} times as long",
        },
    ]


def _power_law(num_pairs: int) -> list[Row]:
    """All projections on a Barabási–Albert graph against as many matrix-vector products."""
    edges = _barabasi_albert(num_pairs // 10, 10)
    matrix = _adjacency(edges)
    vector = np.ones(edges.num_nodes)
    _estimate(edges, 32, 1e-2, "cg")
    products, _ = _timed(lambda: [matrix @ vector for _ in range(1024 * 7)])
    rows = [_row("Barabási–Albert", edges, "1024 x 7 SciPy sparse matrix-vector products", products, "")]
    ours, _ = _timed(lambda: _estimate(edges, 1024, 1e-2, "cg"))
    rows.append(
        _row("Barabási–Albert", edges, "cg, k = 1024, tol = 0.01", ours, f"{ours / products:.2f} times the products")
    )
    return rows


def _grid(num_pairs: int) -> list[Row]:
    """Multigrid against plain conjugate gradients where the latter are slow.

    The error of a solver alone is measured against the same projections solved to 1e-6. Multigrid, in few and large
    steps, overshoots a tolerance by more: a looser one makes the errors of both alike.
    """
    from wis.baselines.resistance import effective_resistances

    edges = _square_grid(round((num_pairs / 2) ** 0.5))
    small = _square_grid(30)
    for solver in ("amg", "cg"):
        _estimate(small, 64, 1e-2, solver)
        _estimate(small, 64, 1e-6, solver)
    effective_resistances(small, solver="exact")
    taken, exact = _timed(lambda: effective_resistances(edges, solver="exact"))
    rows = [_row("grid", edges, "exact", taken, "")]
    for k, tols in ((256, (3e-2, 1e-2)), (64, (3e-3, 1e-3))):
        finest = _estimate(edges, k, 1e-6, "amg")
        rows.append(_row("grid", edges, f"random error of k = {k}", None, _errors(finest, exact)))
        seconds = {}
        for tol in tols:
            seconds[tol], found = _timed(lambda tol=tol, k=k: _estimate(edges, k, tol, "amg"))  # type: ignore[misc]
            rows.append(_row("grid", edges, f"amg, k = {k}, tol = {tol:g}", seconds[tol], _errors(found, finest)))
        cg, found = _timed(lambda tol=tols[-1], k=k: _estimate(edges, k, tol, "cg"))  # type: ignore[misc]
        ratios = ", ".join(f"{cg / taken:.1f} times amg at {tol:g}" for tol, taken in seconds.items())
        note = f"{_errors(found, finest)}; {ratios}"
        rows.append(_row("grid", edges, f"cg, k = {k}, tol = {tols[-1]:g}", cg, note))
    return rows


def _errors(found: np.ndarray, expected: np.ndarray) -> str:
    error = np.abs(found - expected) / expected
    return f"relative error {np.median(error):.1e} (median), {error.max():.1e} (largest)"


def _quality() -> list[Row]:
    """How well projections rank edges, on the graphs of 3,000 vertices where the truth is known."""
    import networkx as nx
    from scipy.stats import spearmanr
    from wis.baselines.resistance import effective_resistances

    graphs = {
        "Barabási–Albert": _barabasi_albert(3_000, 5),
        "random": _edge_list(nx.gnm_random_graph(3_000, 15_000, seed=0)),
        "grid": _square_grid(55),
    }
    rows = []
    for name, edges in graphs.items():
        exact = effective_resistances(edges, solver="exact")
        for k in (32, 256, 1024):
            taken, found = _timed(lambda edges=edges, k=k: _estimate(edges, k, 1e-2, "cg"))  # type: ignore[misc]
            error = float(np.median(np.abs(found - exact) / exact))
            note = f"median relative error {error:.2%}, Spearman correlation {spearmanr(found, exact)[0]:.3f}"
            rows.append(_row(name, edges, f"cg, k = {k}, tol = 0.01", taken, note))
    return rows


def _estimate(edges: EdgeList, k: int, tol: float, solver: str) -> np.ndarray:
    from wis.baselines.resistance import effective_resistances

    return effective_resistances(edges, k=k, tol=tol, solver=solver, seed=0)


def _row(graph: str, edges: EdgeList, what: str, seconds: float | None, note: str) -> Row:
    return {"what": f"{graph}, {edges.num_pairs:,} edges: {what}", "seconds": seconds, "note": note}


def _seconds(row: Row) -> str:
    return "" if row["seconds"] is None else f"{row['seconds']:.3g}"


def _first(pair: tuple[float, Any]) -> float:
    return pair[0]


def _barabasi_albert(num_nodes: int, degree: int) -> EdgeList:
    import networkx as nx

    return _edge_list(nx.barabasi_albert_graph(num_nodes, degree, seed=0))


def _edge_list(graph: Any) -> EdgeList:
    return EdgeList.from_columns(np.array(graph.edges, dtype=np.int64).T, graph.number_of_nodes())


def _square_grid(side: int) -> EdgeList:
    names = np.arange(side * side).reshape(side, side)
    across = np.stack([names[:, :-1].ravel(), names[:, 1:].ravel()])
    down = np.stack([names[:-1].ravel(), names[1:].ravel()])
    return EdgeList.from_columns(np.concatenate([across, down], axis=1), side * side)


def _adjacency(edges: EdgeList) -> sp.csr_array:
    u, v = edges.pairs
    ones = np.ones(2 * edges.num_pairs)
    return sp.csr_array((ones, (np.r_[u, v], np.r_[v, u])), shape=(edges.num_nodes, edges.num_nodes))


def _write(rows: list[Row]) -> None:
    facts = timing.machine("numpy", "scipy", "numba", "networkx", "pyamg")
    lines = [
        "# Effective resistances",
        "",
        f"`python -m benchmarks.resistance`, one core, CPU seconds. {timing.describe(facts)}.",
        "",
        "Errors of a solver on the grids are against the same projections solved to 1e-6, those of k against the exact "
        "resistances. Set-up is included.",
        "",
        markdown([("what", "CPU s", ""), *((row["what"], _seconds(row), row["note"]) for row in rows)], left=(0, 2)),
    ]
    timing.write(RESULTS, "resistance", {"machine": facts, "rows": rows}, "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
