"""What the sparsifiers do to small graphs: ranks after every removal, and the two shapes that WIS can leave.

A separation rank compares partitions of one graph, not one graph with another: see ``docs/interactions.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import combinations
from math import comb, log
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from wis.experiments.running.rows import Rows

from wis.progress import track

if TYPE_CHECKING:
    import networkx as nx

METHODS: dict[str, dict[str, Any]] = {
    "WIS, graph": {"method": "wis", "objective": "graph"},
    "WIS, vertex": {"method": "wis"},
    "random": {"method": "random"},
    "spectral": {"method": "spectral"},
}
_DRAWN = ("random", "spectral")


@dataclass(frozen=True)
class Extent:
    """What is computed; the defaults are the committed run.

    Attributes
    ----------
    depth, width
        L and D of the GNN, and L of WIS.
    max_samples
        Ranks below it are found exactly.
    seeds
        Orders drawn of the methods that draw.
    """

    depth: int = 2
    width: int = 2
    max_samples: int = 1024
    seeds: int = 3


def graphs() -> dict[str, nx.Graph]:
    """The graphs of six vertices whose edges are removed one by one."""
    import networkx as nx

    cliques = nx.disjoint_union(nx.complete_graph(3), nx.complete_graph(3))
    cliques.add_edge(0, 3)
    return {"two triangles": cliques, "random": nx.gnm_random_graph(6, 9, seed=0)}


def run_removals(out: Path, extent: Extent, *, progress: bool = True) -> Rows:
    """Compute what ``out`` does not have yet.

    Returns
    -------
    Rows
        A row a graph, order and number of edges removed: logarithms of the ranks (the least and the mean) of single
        vertices, which follow from their walk index, and of balanced cuts, which are computed.
    """
    import wis

    rows = Rows(out / "removals.jsonl", asdict(extent) | {"graphs": {k: sorted(g.edges) for k, g in graphs().items()}})
    orders = [
        (name, label, seed)
        for name in graphs()
        for label in METHODS
        for seed in range(extent.seeds if label in _DRAWN else 1)
    ]
    todo = [order for order in orders if _key(*order) not in rows]
    with track(len(todo), "ranks after removals", unit="orders", enabled=progress) as advance:
        for name, label, seed in todo:
            graph = graphs()[name]
            options = METHODS[label] | ({} if label in _DRAWN else {"depth": extent.depth})
            order = wis.removal_order(graph, seed=seed, **options)
            steps = [measure(left, extent) for left in _after_each(graph, order.edges.T.tolist())]
            rows.add(_key(name, label, seed), {"graph": name, "method": label, "seed": seed, "steps": steps})
            advance(1)
    return rows


def _key(name: str, label: str, seed: int) -> str:
    return f"{name} | {label} | seed {seed}"


def _after_each(graph: nx.Graph, removed: list[list[int]]) -> Iterator[nx.Graph]:
    left = graph.copy()
    yield left
    for u, v in removed:
        left.remove_edge(u, v)
        yield left


def measure(graph: nx.Graph, extent: Extent) -> dict[str, Any]:
    """Logarithms of the ranks of single vertices and of balanced cuts of a graph, for graph prediction."""
    import wis
    from wis.interactions.rank import separation_rank

    n, depth, width = len(graph), extent.depth, extent.width
    index = [wis.walk_index(graph, [v], depth) for v in graph]
    # A vertex without a neighbour: D terms, one a feature.
    single = [log(comb(width + w - 1, w) if w else width) for w in index]
    cuts = [
        separation_rank(graph, [0, *rest], depth, width=width, max_samples=extent.max_samples)
        for rest in combinations(range(1, n), n // 2 - 1)
    ]
    logs = np.log([cut.rank for cut in cuts])
    return {
        "edges": graph.number_of_edges(), "single_least": min(single), "single_mean": float(np.mean(single)),
        "cut_least": float(logs.min()), "cut_mean": float(logs.mean()),
        "unresolved": sum(not cut.resolved for cut in cuts), "cuts": len(cuts),
    }  # fmt: skip


def crossed_cliques() -> nx.Graph:
    """Two cliques of 16 vertices with 32 random edges between them."""
    import networkx as nx

    graph = nx.disjoint_union(nx.complete_graph(16), nx.complete_graph(16))
    between = np.random.default_rng(0).choice(256, size=32, replace=False)
    graph.add_edges_from((int(i) // 16, 16 + int(i) % 16) for i in between)
    return graph


def shapes(share: float) -> dict[str, nx.Graph]:
    """What is left of two cliques with edges between, after a share of the edges was removed for graph prediction.

    By the walk index of one partition, the cliques, and by those of the single vertices.
    """
    import wis

    graph = crossed_cliques()
    options: dict[str, Any] = {"objective": "graph", "depth": 3}
    return {
        "one partition": wis.sparsify(graph, 1 - share, partitions=[list(range(16))], **options),
        "single vertices": wis.sparsify(graph, 1 - share, **options),
    }


def describe(graph: nx.Graph) -> dict[str, int]:
    """Vertices without an edge, components of more than one vertex, and edges between the two halves."""
    import networkx as nx

    half = len(graph) // 2
    return {
        "isolated": nx.number_of_isolates(graph),
        "components": sum(len(part) > 1 for part in nx.connected_components(graph)),
        "crossing": sum((u < half) != (v < half) for u, v in graph.edges),
    }
