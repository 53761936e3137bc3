"""Python lists and tuples: of pairs ``(u, v)``, or of graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wis.graphs.edge_list import EdgeList, LoadedGraph, refuse_weights
from wis.graphs.labels import number_vertices
from wis.graphs.parts import LoadedParts


def load_pairs(graph: Any, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    """Read pairs of vertices, numbers or names; the sparse graph is a list, or a tuple, of those that stay."""
    for position, pair in enumerate(graph):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError(
                f"graph is a {type(graph).__name__}, and must hold pairs (u, v) or graphs, got {pair!r:.60} at "
                f"position {position}; pass the rows of an edge_index [2, E] as an array"
            )
    if hasattr(graph, "_fields"):
        raise TypeError(f"graph is a {type(graph).__name__}, whose fields cannot be fewer; pass list(graph)")
    ends = [end for pair in graph for end in pair]
    are_numbers = all(isinstance(end, (int, np.integer)) for end in ends)
    try:
        columns = np.array(ends, dtype=np.int64 if are_numbers else object)
    except OverflowError as error:
        raise ValueError("graph has a vertex number of more than 63 bits; pass such numbers as strings") from error
    columns, size, labels = number_vertices(columns.reshape(-1, 2).T, num_nodes, f"graph (a {type(graph).__name__})")

    def rebuild(kept: np.ndarray, weights: np.ndarray | None) -> Any:
        refuse_weights(weights)
        return type(graph)([pair for pair, stays in zip(graph, kept.tolist(), strict=True) if stays])

    return LoadedGraph(columns, EdgeList.from_columns(columns, size, directed), None, rebuild, labels=labels)


def load_graphs(graphs: Sequence[Any], load: Callable[[Any], LoadedGraph | LoadedParts]) -> LoadedParts:
    """Read each graph by ``load``; the sparse graphs come back in a list, or a tuple.

    If they are PyG's, an attribute must follow the edges in all of them or in none.
    """
    parts = []
    check_alike = _check_alike(graphs)
    for position, graph in enumerate(graphs):
        try:
            check_alike(graph)
            parts.append(load(graph))
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"graph number {position} of the {type(graphs).__name__}: {error}") from error
    build = getattr(type(graphs), "_make", type(graphs))  # of a named tuple
    return LoadedParts(parts, build, f"a {type(graphs).__name__} of {len(graphs)} graphs")


def _check_alike(graphs: Sequence[Any]) -> Callable[[Any], None]:
    if not type(graphs[0]).__module__.startswith("torch_geometric."):
        return lambda graph: None
    from wis.graphs.pyg_alike import Alike

    return Alike().check
