"""Exact separation ranks of many small graphs, against the walk index and every bound: ``wis interactions rank``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from wis.experiments.interactions.partitions import MOST_VERTICES_WHOLE, orbits, sampled, small_graphs
from wis.experiments.running.rows import Rows

from wis.progress import track

if TYPE_CHECKING:
    import networkx as nx

Case = tuple["int | None", list[int]]


@dataclass(frozen=True)
class Extent:
    """What is computed; the defaults are the committed run.

    Attributes
    ----------
    most_vertices
        All connected graphs of up to so many vertices.
    depths, widths
        Depths L, and widths D of inputs and layers.
    max_samples
        Ranks below it are found exactly.
    degree_vertices, degree_depths, degree_widths, degree_samples
        The same for the degree of the rank as a polynomial in D, at widths 1 to ``degree_widths``.
    sampled
        Partitions of a graph of more than 7 vertices.
    seed
        Of weights, inputs and sampled partitions.
    """

    most_vertices: int = 6
    depths: tuple[int, ...] = (2, 3)
    widths: tuple[int, ...] = (2, 3)
    max_samples: int = 256
    degree_vertices: int = 4
    degree_depths: tuple[int, ...] = (1, 2, 3)
    degree_widths: int = 10
    degree_samples: int = 1024
    sampled: int = 200
    seed: int = 0


def run_rank(
    out: Path, graphs: Mapping[str, Any] | None = None, extent: Extent | None = None, *, progress: bool = True
) -> Rows:
    """Compute what ``out`` does not have yet, graph by graph.

    Parameters
    ----------
    out
        Folder of ``runs.jsonl``.
    graphs
        Graphs by name, of any type that :func:`wis.sparsify` takes, treated as undirected; None: the small connected
        ones.
    extent
        How much.
    progress
        Whether to show how far it is.

    Returns
    -------
    Rows
        A row a graph: ``cases``, a list of records; rows of kind ``degrees`` hold ranks at many widths.
    """
    import networkx as nx

    from wis.graphs.load import load_graph

    extent = extent or Extent()
    chosen = graphs or small_graphs(extent.most_vertices)
    edges = {name: load_graph(graph, directed=False).edges for name, graph in chosen.items()}
    names = {name: found.fingerprint() for name, found in edges.items()}
    rows = Rows(out / "runs.jsonl", asdict(extent) | {"graphs": names})
    simple: dict[str, nx.Graph] = {}
    for name, found in edges.items():
        simple[name] = nx.empty_graph(found.num_nodes)
        simple[name].add_edges_from(found.pairs.T.tolist())
    todo = [(name, kind) for kind in ("cases", "degrees") for name in simple if f"{kind} {name}" not in rows]
    with track(len(todo), "separation ranks", unit="graphs", enabled=progress) as advance:
        for name, kind in todo:
            graph = simple[name]
            record = {"kind": kind, "graph": name, "n": len(graph), "edges": edge_text(graph)}
            cases = cases_of(graph, extent) if kind == "cases" else degrees_of(graph, extent)
            rows.add(f"{kind} {name}", record | {"cases": cases})
            advance(1)
    return rows


def edge_text(graph: nx.Graph) -> str:
    """The edges as ``0-1 1-2``."""
    return " ".join(f"{min(edge)}-{max(edge)}" for edge in sorted(map(sorted, graph.edges)))


def choose(graph: nx.Graph, extent: Extent) -> Iterable[Case]:
    """The partitions and targets of a graph: all that differ, or a sample if it is large."""
    if len(graph) <= MOST_VERTICES_WHOLE:
        return orbits(graph)
    return sampled(len(graph), extent.sampled, extent.seed)


def cases_of(graph: nx.Graph, extent: Extent) -> list[dict[str, Any]]:
    """Rank and bounds of every partition, target, depth and width."""
    from wis.interactions.bounds import separation_rank_bounds
    from wis.interactions.rank import separation_rank

    cases = []
    pairs = np.array([*graph.edges], dtype=np.int64).reshape(-1, 2).T
    for (target, subset), depth, width in product([*choose(graph, extent)], extent.depths, extent.widths):
        where: dict[str, Any] = {"num_nodes": len(graph), "directed": False, "width": width}
        found = separation_rank(pairs, subset, depth, target, max_samples=extent.max_samples, seed=extent.seed, **where)
        bounds = separation_rank_bounds(pairs, subset, depth, target, **where)
        upper = [bound.integer for bound in (bounds.min_cut, bounds.polynomial) if bound.integer is not None]
        cases.append({
            "target": target, "subset": " ".join(map(str, subset)), "L": depth, "D": width,
            "walk_index": bounds.walk_index, "admissible": bounds.admissible_walks, "num_cut": bounds.num_cut,
            "paper_lower": bounds.paper_lower.nats, "binomial": bounds.binomial.integer, "rank": found.rank,
            "samples": found.samples, "resolved": found.resolved, "proved_upper": min(upper, default=None),
            "paper_upper": bounds.paper_upper.nats, "degree": graph.degree(subset[0]) if len(subset) == 1 else None,
            "contradicts": " ".join(bounds.contradicted_by(found.rank, found.resolved)),
        })  # fmt: skip
    return cases


def degrees_of(graph: nx.Graph, extent: Extent) -> list[dict[str, Any]]:
    """Ranks at widths 1, 2, … of every case, for as long as they are found exactly, and what degree they show."""
    import wis
    from wis.interactions.rank import separation_rank

    cases: list[dict[str, Any]] = []
    if len(graph) > extent.degree_vertices:
        return cases
    for (target, subset), depth in product([*choose(graph, extent)], extent.degree_depths):
        if depth == 1 and target is None:
            continue  # the rank is D, whatever the walk index
        ranks = []
        for width in range(1, extent.degree_widths + 1):
            found = separation_rank(
                graph, subset, depth, target, width=width, max_samples=extent.degree_samples, seed=extent.seed
            )
            if not found.resolved:
                break
            ranks.append(found.rank)
        cases.append({
            "target": target, "subset": " ".join(map(str, subset)), "L": depth,
            "walk_index": wis.walk_index(graph, subset, depth, target),
            "ranks": ranks, "degree": polynomial_degree(ranks),
        })  # fmt: skip
    return cases


def polynomial_degree(values: list[int]) -> int | None:
    """Degree of the polynomial that takes these values at 1, 2, …; None if they do not show one.

    They do if, from some order on, at least two differences are all that is left, and are 0.
    """
    differences, degree = np.array(values, dtype=object), -1
    while len(differences) >= 2:
        if not differences.any():
            return degree
        differences, degree = np.diff(differences), degree + 1
    return None
